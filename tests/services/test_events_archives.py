"""Archives and replays: what is kept, what is told again, to whom, and what a restart leaves of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.events_house import EventsHouse, arn, events_house
from tests.queues_house import refused

ALL = {"source": ["app"]}
BUS = arn("events", "event-bus/default")
DAY = 86_400.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EventsHouse]:
    with events_house(tmp_path) as made:
        yield made


def archive(house: EventsHouse, name: str = "a", **more: Any) -> str:
    made: str = house.events.create_archive(**{"ArchiveName": name, "EventSourceArn": BUS, **more})["ArchiveArn"]
    return made


def replay(house: EventsHouse, name: str = "again", **more: Any) -> dict[str, Any]:
    said = {"ReplayName": name, "EventSourceArn": arn("events", "archive/a"), "EventStartTime": 0,
            "EventEndTime": house.clock.now() + 1, "Destination": {"Arn": BUS}}  # fmt: skip
    found: dict[str, Any] = house.call("events", "StartReplay", **(said | more))
    return found


def numbers(house: EventsHouse, name: str = "q") -> list[int]:
    return [body["detail"]["n"] for body in house.bodies(name)]


def test_an_archive_comes_changes_and_goes(house: EventsHouse) -> None:
    events, made = house.events, archive(house, Description="d", EventPattern='{"detail": {"n": [2, 3]}}')
    assert made == arn("events", "archive/a")
    with refused("ResourceAlreadyExistsException"):
        archive(house)
    with refused("InvalidEventPatternException", "line: 1"):
        archive(house, "b", EventPattern='{"a": 1}')
    with refused("ResourceNotFoundException"):
        archive(house, "b", EventSourceArn=arn("events", "event-bus/nobody"))
    for n in range(5):
        house.put({"n": n})
    found = events.describe_archive(ArchiveName="a")
    assert (found["EventCount"], found["State"], found["Description"], found["RetentionDays"]) == (2, "ENABLED", "d", 0)
    assert found["SizeBytes"] > 0
    events.update_archive(ArchiveName="a", EventPattern='{"detail": {"n": [9]}}', RetentionDays=3)
    house.put({"n": 9})
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 3
    assert [one["ArchiveName"] for one in events.list_archives(EventSourceArn=BUS)["Archives"]] == ["a"]
    assert events.list_archives(NamePrefix="x")["Archives"] == []
    with refused("ValidationException", "one filter"):
        events.list_archives(NamePrefix="x", State="ENABLED")
    events.delete_archive(ArchiveName="a")
    with refused("ResourceNotFoundException", "Archive a"):
        events.describe_archive(ArchiveName="a")
    assert house.call("logs", "DescribeLogGroups")["logGroups"] == []


def test_a_replay_tells_again_what_was_kept(house: EventsHouse) -> None:
    archive(house)
    queue, other = house.queue(), house.queue("other")
    first = house.rule(ALL, {"Arn": queue})
    house.rule(ALL, {"Arn": other}, name="second")
    now = float(int(house.clock.now()))  # events have whole seconds
    ids = [house.put({"n": n}, Time=now + n, settle=False) for n in range(250)]
    house.settle()
    assert len(numbers(house)) == len(numbers(house, "other")) == 250
    made = replay(house, EventStartTime=now + 10, EventEndTime=now + 240,
                  Destination={"Arn": BUS, "FilterArns": [first]})  # fmt: skip
    assert made["State"] == "STARTING"
    house.settle()
    got = house.bodies()
    assert [body["detail"]["n"] for body in got] == list(range(10, 240))
    assert [body["id"] for body in got] == ids[10:240]
    assert {body["replay-name"] for body in got} == {"again"}
    assert house.messages("other") == []
    found = house.events.describe_replay(ReplayName="again")
    assert (found["State"], found["EventLastReplayedTime"].timestamp()) == ("COMPLETED", now + 239)
    assert house.events.describe_archive(ArchiveName="a")["EventCount"] == 250  # nothing is archived again
    assert [one["ReplayName"] for one in house.events.list_replays(State="COMPLETED")["Replays"]] == ["again"]
    assert house.events.list_replays(EventSourceArn=arn("events", "archive/b"))["Replays"] == []


def test_what_is_heard_again_is_kept_once(house: EventsHouse) -> None:
    archive(house)
    for n in range(3):
        house.put({"n": n}, settle=False)
    house.settle()
    # A crash before the cursor was written: a new bus hears the same lines, and one more.
    house.put({"n": 3}, settle=False)
    house.wire.thread.call(house.wire.raw_store._run, "DELETE FROM cursor")
    house.wire.thread.call(house.start)
    house.settle()
    assert house.events.describe_archive(ArchiveName="a")["EventCount"] == 4


def test_a_replay_is_cancelled(house: EventsHouse) -> None:
    archive(house)
    house.put({"n": 1})
    replay(house)
    assert house.events.cancel_replay(ReplayName="again")["State"] == "CANCELLING"
    house.settle()
    assert house.events.describe_replay(ReplayName="again")["State"] == "CANCELLED"
    with refused("IllegalStatusException"):
        house.events.cancel_replay(ReplayName="again")


def test_a_replay_of_an_archive_that_goes_fails(house: EventsHouse) -> None:
    archive(house)
    house.put({"n": 1})
    replay(house)
    house.events.delete_archive(ArchiveName="a")
    house.settle()
    found = house.events.describe_replay(ReplayName="again")
    assert (found["State"], found["StateReason"]) == ("FAILED", "The archive was deleted.")


def test_old_events_are_not_replayed(house: EventsHouse) -> None:
    archive(house, RetentionDays=1)
    house.rule(ALL, {"Arn": house.queue()})
    now = house.clock.now()
    house.put({"n": 1}, Time=now - 2 * DAY)
    house.put({"n": 2}, Time=now - DAY / 2)
    numbers(house)
    replay(house)
    house.settle()
    assert numbers(house) == [2]


def test_replays_that_are_none(house: EventsHouse) -> None:
    archive(house)
    now = house.clock.now()
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"EventStartTime": now, "EventEndTime": now}, "ValidationException", "before"),
        ({"Destination": {"Arn": arn("events", "event-bus/x")}}, "ValidationException", "Destination.Arn"),
        ({"Destination": {"Arn": BUS, "FilterArns": [arn("sqs", "q")]}}, "ValidationException", "FilterArns"),
        ({"EventSourceArn": arn("events", "archive/b")}, "ResourceNotFoundException", "Archive b"),
        ({"EventSourceArn": arn("events", "event-bus/x")}, "ValidationException", "no archive"),
    ]
    said = {"ReplayName": "r", "EventSourceArn": arn("events", "archive/a"), "EventStartTime": 0, "EventEndTime": now,
            "Destination": {"Arn": BUS}}  # fmt: skip
    for more, code, words in wrong:
        with refused(code, words):
            house.events.start_replay(**(said | more))
    house.events.start_replay(**said)
    with refused("ResourceAlreadyExistsException"):
        house.events.start_replay(**said)
    with refused("ResourceNotFoundException", "Replay x"):
        house.events.describe_replay(ReplayName="x")
