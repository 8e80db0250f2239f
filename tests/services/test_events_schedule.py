"""Rules with a schedule: on time, in UTC, once for what was missed, whatever the clock does."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.events_house import EventsHouse, arn, events_house

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EventsHouse]:
    with events_house(tmp_path) as made:
        yield made


def times(house: EventsHouse) -> list[float]:
    """When the events in the queue say they are, in epoch seconds."""
    return [datetime.fromisoformat(body["time"]).timestamp() for body in house.bodies()]


def scheduled(house: EventsHouse, expression: str, **more: str) -> float:
    """Such a rule sends to the queue; the whole second in which it was made."""
    house.rule(None, {"Arn": house.queue()}, ScheduleExpression=expression, **more)
    house.settle()
    return float(int(house.clock.now()))


def test_a_rate_counts_from_when_the_rule_was_made(house: EventsHouse) -> None:
    made = scheduled(house, "rate(5 minutes)")
    house.advance(5 * MINUTE - 2)
    assert times(house) == []
    house.advance(2)
    (body,) = house.bodies()
    body.pop("id")
    assert body == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": datetime.fromtimestamp(made + 300, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [arn("events", "rule/r")],
        "detail": {},
    }
    for _ in range(3):
        house.advance(5 * MINUTE)
    assert times(house) == [made + 600, made + 900, made + 1200]
    assert house.metrics.of("TriggeredRules", RuleName="r") == 4


def test_cron_fires_on_time_in_utc(house: EventsHouse) -> None:
    scheduled(house, "cron(30 2 * * ? *)")
    for _ in range(3 * 24):
        house.advance(HOUR)
    found = times(house)
    assert len(found) == 3
    assert {(at % DAY) for at in found} == {2 * HOUR + 30 * MINUTE}
    assert [later - earlier for earlier, later in itertools.pairwise(found)] == [DAY, DAY]


def test_only_the_rule_itself_hears_its_moments(house: EventsHouse) -> None:
    scheduled(house, "rate(1 minute)")
    house.rule({"source": ["aws.events"]}, {"Arn": house.queue("other")}, name="other")
    house.advance(MINUTE)
    assert len(house.messages()) == 1
    assert house.messages("other") == []


def test_a_rule_may_have_both(house: EventsHouse) -> None:
    house.rule({"source": ["app"]}, {"Arn": house.queue()}, ScheduleExpression="rate(1 minute)")
    house.put({"n": 1})
    house.advance(MINUTE)
    assert [body["detail-type"] for body in house.bodies()] == ["t", "Scheduled Event"]


def test_what_was_missed_while_stopped_fires_once(house: EventsHouse) -> None:
    made = scheduled(house, "rate(1 minute)")
    house.wire.thread.call(house.clock.advance, 10 * HOUR + 7)  # type: ignore[attr-defined]
    house.wire.thread.call(house.start)
    house.settle()
    assert times(house) == [made + MINUTE]
    house.advance(MINUTE)
    assert len(times(house)) == 1


def test_a_rule_that_is_off_fires_nothing_and_counts_anew_when_on(house: EventsHouse) -> None:
    made = scheduled(house, "rate(2 minutes)")
    house.advance(MINUTE)
    house.events.disable_rule(Name="r")
    house.advance(3 * MINUTE)
    house.events.enable_rule(Name="r")
    house.advance(MINUTE)
    assert times(house) == []
    house.advance(MINUTE)
    assert times(house) == [made + 6 * MINUTE]


def test_another_schedule_counts_from_its_own_beginning(house: EventsHouse) -> None:
    made = scheduled(house, "rate(1 hour)")
    house.advance(MINUTE)
    house.events.put_rule(Name="r", ScheduleExpression="rate(1 minute)")
    house.advance(MINUTE)
    assert times(house) == [made + 2 * MINUTE]
    # The same again changes nothing.
    house.advance(MINUTE / 2)
    house.events.put_rule(Name="r", ScheduleExpression="rate(1 minute)")
    house.advance(MINUTE / 2)
    assert times(house) == [made + 3 * MINUTE]
    house.events.put_rule(Name="r", EventPattern='{"source": ["x"]}')
    house.advance(HOUR)
    assert times(house) == []


def test_a_clock_that_is_put_back_does_not_silence_a_rule(house: EventsHouse) -> None:
    scheduled(house, "cron(0 * * * ? *)")
    house.advance(HOUR)
    assert len(times(house)) == 1
    house.wire.thread.call(house.clock.advance, -30 * DAY)  # type: ignore[attr-defined]
    house.settle()
    house.advance(HOUR)
    assert len(times(house)) == 1


def test_a_schedule_that_never_fires_again_rests(house: EventsHouse) -> None:
    scheduled(house, "cron(0 0 1 1 ? 2020)")
    assert house.wire.store.by_arn(arn("events", "rule/r")).due is None
    house.advance(DAY)
    assert times(house) == []
