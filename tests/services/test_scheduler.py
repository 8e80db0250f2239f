"""EventBridge Scheduler through boto3: groups, schedules, what is refused and in which words."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.events_house import EventsHouse, arn, events_house
from tests.iam_house import document, keys_of, refused

OFF = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventsHouse]:
    with events_house(tmp_path_factory.mktemp("scheduler")) as made:
        made.role("caller", "sqs:*", service="scheduler.amazonaws.com")
        yield made


@pytest.fixture
def scheduler(house: EventsHouse) -> Any:
    """A client whose signatures are of the house's time, however long the tests before took."""
    house.advance(max(0.0, time.time() - house.clock.now()))
    return house.wire.client("scheduler")


ROLE = "arn:aws:iam::123456789012:role/caller"
TARGET = {"Arn": arn("sqs", "q"), "RoleArn": ROLE, "Input": "hello"}
SCHEDULE = {"ScheduleExpression": "rate(5 minutes)", "FlexibleTimeWindow": OFF, "Target": TARGET}


def test_a_schedule_is_shown_as_it_was_asked(house: EventsHouse, scheduler: Any) -> None:
    made = scheduler.create_schedule(Name="a", Description="d", **SCHEDULE)
    assert made["ScheduleArn"] == arn("scheduler", "schedule/default/a")
    shown = scheduler.get_schedule(Name="a")
    assert shown["Arn"] == made["ScheduleArn"]
    assert (shown["GroupName"], shown["State"], shown["Description"]) == ("default", "ENABLED", "d")
    assert (shown["ScheduleExpressionTimezone"], shown["ActionAfterCompletion"]) == ("UTC", "NONE")
    assert shown["Target"] == {
        **TARGET,
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
    }
    assert shown["FlexibleTimeWindow"] == OFF
    assert "StartDate" not in shown
    assert shown["CreationDate"].timestamp() == pytest.approx(house.clock.now(), abs=1)


def test_an_update_says_everything(scheduler: Any) -> None:
    scheduler.create_schedule(Name="u", Description="d", State="DISABLED", **SCHEDULE)
    scheduler.update_schedule(Name="u", **{**SCHEDULE, "ScheduleExpression": "cron(0 8 * * ? *)"})
    shown = scheduler.get_schedule(Name="u")
    assert "Description" not in shown
    assert (shown["State"], shown["ScheduleExpression"]) == ("ENABLED", "cron(0 8 * * ? *)")
    assert refused(scheduler.update_schedule, Name="none", **SCHEDULE) == (
        "ResourceNotFoundException",
        "Schedule none does not exist.",
    )


def test_what_is_gone_is_gone(scheduler: Any) -> None:
    scheduler.create_schedule(Name="g", **SCHEDULE)
    scheduler.delete_schedule(Name="g")
    for call in (scheduler.get_schedule, scheduler.delete_schedule):
        assert refused(call, Name="g") == ("ResourceNotFoundException", "Schedule g does not exist.")


def test_a_token_makes_a_repetition_the_same(scheduler: Any) -> None:
    first = scheduler.create_schedule(Name="t", ClientToken="one", **SCHEDULE)
    assert scheduler.create_schedule(Name="t", ClientToken="one", **SCHEDULE)["ScheduleArn"] == first["ScheduleArn"]
    said = refused(scheduler.create_schedule, Name="t", ClientToken="two", **SCHEDULE)
    assert said == ("ConflictException", "Schedule t already exists.")


def test_lists_are_by_group_prefix_and_state(scheduler: Any) -> None:
    scheduler.create_schedule_group(Name="lists")
    for name in ("l-a", "l-b", "m-c"):
        scheduler.create_schedule(Name=name, GroupName="lists", **SCHEDULE)
    scheduler.create_schedule(Name="l-d", GroupName="lists", State="DISABLED", **SCHEDULE)

    def names(**asked: Any) -> list[str]:
        pages = scheduler.get_paginator("list_schedules").paginate(**asked)
        return [one["Name"] for page in pages for one in page["Schedules"]]

    assert names(GroupName="lists") == ["l-a", "l-b", "l-d", "m-c"]
    assert names(GroupName="lists", NamePrefix="l-", State="ENABLED") == ["l-a", "l-b"]
    assert names(NamePrefix="m-") == ["m-c"]
    assert names(GroupName="lists", PaginationConfig={"PageSize": 1}) == ["l-a", "l-b", "l-d", "m-c"]
    (one,) = scheduler.list_schedules(NamePrefix="m-")["Schedules"]
    assert one["Target"] == {"Arn": TARGET["Arn"]}
    assert refused(scheduler.list_schedules, GroupName="none")[0] == "ResourceNotFoundException"
    assert refused(scheduler.list_schedules, NextToken="x")[0] == "ValidationException"


def test_groups_and_their_tags(house: EventsHouse, scheduler: Any) -> None:
    made = scheduler.create_schedule_group(Name="tagged", Tags=[{"Key": "team", "Value": "a"}])["ScheduleGroupArn"]
    assert made == arn("scheduler", "schedule-group/tagged")
    scheduler.tag_resource(ResourceArn=made, Tags=[{"Key": "more", "Value": "b"}])
    scheduler.untag_resource(ResourceArn=made, TagKeys=["team"])
    assert scheduler.list_tags_for_resource(ResourceArn=made)["Tags"] == [{"Key": "more", "Value": "b"}]
    assert "default" in [one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]]
    assert scheduler.get_schedule_group(Name="tagged")["State"] == "ACTIVE"
    assert refused(scheduler.create_schedule_group, Name="tagged")[0] == "ConflictException"
    assert refused(scheduler.delete_schedule_group, Name="default")[0] == "ValidationException"
    assert refused(scheduler.create_schedule, Name="x", GroupName="none", **SCHEDULE) == (
        "ResourceNotFoundException",
        "Schedule group none does not exist.",
    )


def test_a_group_ends_with_its_schedules(house: EventsHouse, scheduler: Any) -> None:
    scheduler.create_schedule_group(Name="ends")
    scheduler.create_schedule(Name="s", GroupName="ends", **SCHEDULE)
    scheduler.delete_schedule_group(Name="ends")
    assert scheduler.get_schedule_group(Name="ends")["State"] == "DELETING"
    assert refused(scheduler.create_schedule, Name="n", GroupName="ends", **SCHEDULE)[0] == "ConflictException"
    house.settle()
    assert refused(scheduler.get_schedule_group, Name="ends")[0] == "ResourceNotFoundException"
    assert refused(scheduler.get_schedule, Name="s", GroupName="ends")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ScheduleExpression": "every day"}, "Invalid Schedule Expression every day."),
        ({"ScheduleExpression": "cron(0 8 * * * *)"}, "Invalid Schedule Expression cron(0 8 * * * *)."),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "'Mars/Olympus' is not known"),
        ({"StartDate": 1000}, "The StartDate you specify cannot be earlier than 5 minutes ago."),
        ({"EndDate": 1000}, "The EndDate you specify must be in the future."),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes must be provided"),
        ({"FlexibleTimeWindow": {**OFF, "MaximumWindowInMinutes": 5}}, "must not be provided"),
        ({"Target": {**TARGET, "Arn": "nonsense"}}, "Provided Arn is not in correct format"),
        ({"Target": {**TARGET, "RoleArn": "arn:aws:iam::123456789012:role/nobody"}}, "must allow AWS EventBridge Sch"),
        ({"Target": {**TARGET, "Arn": arn("events", "event-bus/default")}}, "EventBridgeParameters must be provided"),
        ({"Target": {**TARGET, "SageMakerPipelineParameters": {}}}, "does not go with the target"),
        ({"Target": {**TARGET, "SqsParameters": {"MessageGroupId": "g"}}}, "is for FIFO queues"),
        ({"Target": {**TARGET, "Arn": "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage"}}, "only reads"),
        ({"Target": {**TARGET, "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}}, "must be a JSON object"),
        ({"Target": {**TARGET, "DeadLetterConfig": {"Arn": arn("sqs", "d") + ".fifo"}}}, "dead"),
    ],
)
def test_what_is_refused_is_named(scheduler: Any, change: dict[str, Any], said: str) -> None:
    code, message = refused(scheduler.create_schedule, Name="bad", **{**SCHEDULE, **change})
    assert code == "ValidationException"
    assert said in message


@pytest.mark.parametrize(
    "target",
    [arn("lambda", "function:f"), "arn:aws:scheduler:::aws-sdk:ec2:startInstances", arn("kinesis", "stream/s")],
)
def test_what_is_not_served_is_said(scheduler: Any, target: str) -> None:
    wanted = {**SCHEDULE, "Target": {**TARGET, "Arn": target, "Input": "{}"}}
    code, message = refused(scheduler.create_schedule, Name="bad", **wanted)
    assert code == "NotImplemented"
    assert "is not served by Clary" in message


@pytest.mark.parametrize(
    ("member", "given"),
    [
        ("EcsParameters", {"TaskDefinitionArn": "t"}),
        ("KinesisParameters", {"PartitionKey": "k"}),
        ("EventBridgePutEventsV2Parameters", {"DetailType": "d", "Source": "s"}),
        ("EventBridgePutRawEventsParameters", {"Metadata": {"a": "b"}}),
    ],
)
def test_targets_that_are_not_served_are_named(scheduler: Any, member: str, given: dict[str, Any]) -> None:
    wanted = {**SCHEDULE, "Target": {**TARGET, member: given}}
    code, message = refused(scheduler.create_schedule, Name="bad", **wanted)
    assert code == "NotImplemented"
    assert message.startswith(f"{member} is not served by Clary")


def test_the_role_must_trust_the_scheduler_for_the_group(house: EventsHouse, scheduler: Any) -> None:
    iam = house.wire.client("iam")
    condition = {"StringEquals": {"aws:SourceArn": arn("scheduler", "schedule-group/mine")}}
    statement = {
        **{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"},
        "Condition": condition,
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    role = iam.create_role(RoleName="bound", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    scheduler.create_schedule_group(Name="mine")
    wanted = {**SCHEDULE, "Target": {**TARGET, "RoleArn": role}}
    assert refused(scheduler.create_schedule, Name="b", **wanted) == (
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    )
    scheduler.create_schedule(Name="b", GroupName="mine", **wanted)


def test_users_need_the_action_and_the_right_to_pass_the_role(house: EventsHouse) -> None:
    iam = house.wire.client("iam")
    iam.create_user(UserName="ann")
    mine = house.wire.client("scheduler", keys=keys_of(house.wire, "ann"))
    code, message = refused(mine.create_schedule, Name="ann", **SCHEDULE)
    assert code == "AccessDeniedException"
    assert "scheduler:CreateSchedule on resource: " + arn("scheduler", "schedule/default/ann") in message
    allowed = document("scheduler:CreateSchedule", resource=arn("scheduler", "schedule/default/*"))
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=allowed)
    assert "iam:PassRole on resource: " + ROLE in refused(mine.create_schedule, Name="ann", **SCHEDULE)[1]
    iam.put_user_policy(UserName="ann", PolicyName="q", PolicyDocument=document("iam:PassRole", resource=ROLE))
    mine.create_schedule(Name="ann", **SCHEDULE)


def test_expressions_that_rules_do_not_know(scheduler: Any) -> None:
    for number, text in enumerate(("rate(1 minutes)", "rate(2 hour)", "at(2050-01-01T00:00:00)")):
        scheduler.create_schedule(Name=f"e{number}", **{**SCHEDULE, "ScheduleExpression": text})
