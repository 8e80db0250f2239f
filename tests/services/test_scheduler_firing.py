"""Schedules fire: when, how often, what the target gets, and what becomes of what it refuses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clary.services.scheduler import when
from tests.events_house import EventsHouse, arn, events_house
from tests.inprocess import ACCOUNT, REGION

MINUTE, HOUR = 60.0, 3600.0
OFF = {"Mode": "OFF"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EventsHouse]:
    with events_house(tmp_path) as made:
        made.queue()
        made.role("caller", "sqs:SendMessage", "events:PutEvents", service="scheduler.amazonaws.com")
        yield made


def put(house: EventsHouse, expression: str = "rate(5 minutes)", *, name: str = "s", **more: Any) -> str:
    """A schedule that sends to the queue unless `more` says otherwise."""
    target = {"Arn": arn("sqs", "q"), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/caller", **more.pop("target", {})}
    asked = {"FlexibleTimeWindow": OFF, **more, "Name": name, "ScheduleExpression": expression, "Target": target}
    made: str = house.call("scheduler", "CreateSchedule", **asked)["ScheduleArn"]
    house.settle()
    return made


def sent(house: EventsHouse) -> list[str]:
    return [one["Body"] for one in house.messages()]


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_rate_begins_at_once_and_does_not_creep(house: EventsHouse) -> None:
    begun = house.clock.now()
    put(house, target={"Input": "<aws.scheduler.scheduled-time>"})
    assert sent(house) == [stamp(begun)]
    house.advance(4 * MINUTE + 59)
    assert sent(house) == []
    house.advance(7)  # six seconds late
    house.advance(5 * MINUTE - 6)
    assert sent(house) == [stamp(begun + 300), stamp(begun + 600)]


def test_without_an_input_the_target_gets_a_notification(house: EventsHouse) -> None:
    made = put(house)
    (body,) = (json.loads(one) for one in sent(house))
    assert body.pop("id")
    assert body == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": stamp(house.clock.now()),
        "region": REGION,
        "resources": [made],
        "detail": "{}",
    }


def test_keywords_of_the_input_are_filled_in(house: EventsHouse) -> None:
    words = "<aws.scheduler.schedule-arn> <aws.scheduler.execution-id> <aws.scheduler.attempt-number>"
    made = put(house, target={"Input": words})
    (body,) = sent(house)
    said, execution, attempt = body.split(" ")
    assert (said, attempt) == (made, "1")
    assert execution and "<" not in execution


def test_from_start_to_end(house: EventsHouse) -> None:
    now = float(int(house.clock.now()))
    put(house, "rate(10 minutes)", StartDate=now + HOUR, EndDate=now + HOUR + 15 * MINUTE)
    house.advance(HOUR - 2)
    assert sent(house) == []
    house.advance(3)
    assert len(sent(house)) == 1
    house.advance(10 * MINUTE)
    assert len(sent(house)) == 1
    house.advance(HOUR)
    assert sent(house) == []


def test_one_moment_in_a_zone_and_then_gone(house: EventsHouse) -> None:
    at = house.clock.now() + 3 * HOUR
    there = datetime.fromtimestamp(int(at), UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    text = there.strftime("at(%Y-%m-%dT%H:%M:%S)")
    put(house, text, ScheduleExpressionTimezone="Asia/Tokyo", ActionAfterCompletion="DELETE")
    put(house, text, name="stays", ScheduleExpressionTimezone="Asia/Tokyo")
    house.advance(3 * HOUR - 2)
    assert sent(house) == []
    house.advance(3)
    assert len(sent(house)) == 2
    listed = house.call("scheduler", "ListSchedules")["Schedules"]
    assert [one["Name"] for one in listed] == ["stays"]


def test_a_window_is_somewhere_behind_the_moment_always_at_the_same_place(house: EventsHouse) -> None:
    begun = house.clock.now()
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}
    put(house, "rate(1 day)", FlexibleTimeWindow=window, target={"Input": "<aws.scheduler.scheduled-time>"})
    row = house.wire.store.get(ACCOUNT, REGION, "schedule", "default/s")
    at = begun
    late = when.late(row.spec, row.uid, row.status["_next"])
    assert 0 < late < HOUR
    house.advance(late - 1)
    assert sent(house) == []
    house.wire.thread.call(house.start)  # another process goes on with it
    house.advance(2)
    assert sent(house) == [stamp(at)]


def test_what_was_missed_fires_once(house: EventsHouse) -> None:
    put(house)
    assert len(sent(house)) == 1
    house.advance(HOUR + 3)
    assert len(sent(house)) == 1
    house.advance(5 * MINUTE)
    assert len(sent(house)) == 1


def test_disabled_and_deleted_schedules_are_silent(house: EventsHouse) -> None:
    put(house, State="DISABLED")
    put(house, name="gone")
    sent(house)
    house.call("scheduler", "DeleteSchedule", Name="gone")
    house.advance(HOUR)
    assert sent(house) == []


def test_an_event_bus_gets_an_event(house: EventsHouse) -> None:
    house.rule({"source": ["nightly"]}, {"Arn": arn("sqs", "q")})
    about = {"Source": "nightly", "DetailType": "Retrain"}
    target = {"Arn": arn("events", "event-bus/default"), "EventBridgeParameters": about, "Input": '{"rows": 3}'}
    put(house, target=target)
    house.settle()
    (event,) = house.bodies()
    assert (event["source"], event["detail-type"], event["detail"]) == ("nightly", "Retrain", {"rows": 3})


def test_any_served_operation_is_a_target(house: EventsHouse) -> None:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/q"
    given = {"QueueUrl": url, "MessageBody": "at <aws.scheduler.scheduled-time>"}
    put(house, target={"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": json.dumps(given)})
    assert sent(house) == [f"at {stamp(house.clock.now())}"]


def test_what_the_role_may_not_do_goes_to_the_dead_letters_with_the_role(house: EventsHouse) -> None:
    house.queue("dead", opened=False)
    target = {
        "Arn": arn("sns", "t"),
        "Input": "x",
        "DeadLetterConfig": {"Arn": arn("sqs", "dead")},
        "RetryPolicy": {"MaximumRetryAttempts": 0},
    }
    with pytest.raises(Exception, match="not served"):
        put(house, target=target)  # no topics in this house
    given = {"logGroupName": "g", "logStreamName": "s"}
    universal = "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogStream"
    made = put(house, target={**target, "Arn": universal, "Input": json.dumps(given)})
    (letter,) = house.messages("dead")
    assert json.loads(letter["Body"]) == given
    said = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert said.pop("EXECUTION_ID")
    assert "logs:CreateLogStream" in said.pop("ERROR_MESSAGE")
    assert said == {
        "ERROR_CODE": "AccessDeniedException",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": stamp(house.clock.now()),
        "SCHEDULE_ARN": made,
        "TARGET_ARN": universal,
    }
    assert house.metrics.of("InvocationDroppedCount", ScheduleGroup="default") == 1
    assert house.metrics.of("InvocationsSentToDeadLetterCount", ScheduleGroup="default") == 1


def test_a_role_that_is_gone_fails_the_moment_and_not_the_schedule(house: EventsHouse) -> None:
    put(house)
    sent(house)
    iam = house.wire.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}})
    iam.update_assume_role_policy(RoleName="caller", PolicyDocument=trust)
    house.advance(5 * MINUTE)
    assert sent(house) == []
    assert house.metrics.of("InvocationDroppedCount", ScheduleGroup="default") == 1
