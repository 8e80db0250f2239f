"""StartLiveTail through boto3: new events each second, by stream and pattern, until three hours are over."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogStore, LogStreamName
from clary.services.logs import LiveTails, service
from clary.services.logs.live import SESSION_SECONDS, SessionStreamingException
from tests.inprocess import ACCOUNT, InProcess
from tests.kernel.waiting import settle

GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/app"


class Place:
    def __init__(self, root: Path) -> None:
        self.clock = ManualClock(time.time())
        self.store = SegmentLogs(root / "logs", self.clock)
        self.tails = LiveTails(self.store, self.clock)
        self.wire = InProcess(root, [service], clock=self.clock, ports={LogStore: self.store, LiveTails: self.tails})
        self.client: Any = self.wire.client("logs", inject_host_prefix=False)
        for name in ("/app", "/other"):
            self.client.create_log_group(logGroupName=name)

    def put(self, *messages: str, stream: str = "web/1", group: str = "/app") -> None:
        name = LogStreamName(ACCOUNT, "us-east-1", group, stream)
        self.store.append(name, [LogEvent(5, one) for one in messages])

    def tail(self, **asked: Any) -> "Session":
        ctx = self.wire.context()
        doc = {"logGroupIdentifiers": [GROUP], **asked}
        answer = self.wire.run(ctx.call("logs", "StartLiveTail", doc))
        return Session(self, answer["responseStream"])


class Session:
    """A session whose seconds the test lets pass."""

    def __init__(self, place: Place, events: AsyncIterator[Doc]) -> None:
        self.place, self.events = place, events
        self.start: Doc = self.next(0.0)["sessionStart"]

    def next(self, seconds: float = 1.0) -> Doc:
        async def waited() -> Doc:
            task = asyncio.ensure_future(anext(self.events))
            await settle()
            self.place.clock.advance(seconds)
            return await task

        return self.place.wire.run(waited())

    def update(self) -> tuple[list[str], bool]:
        found = self.next()["sessionUpdate"]
        return [one["message"] for one in found["sessionResults"]], found["sessionMetadata"]["sampled"]

    def close(self) -> None:
        self.place.wire.run(self.events.aclose())  # type: ignore[attr-defined]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.wire.close()


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_new_events_come_each_second(place: Place) -> None:
    place.put("before")
    session = place.tail(logEventFilterPattern="-noise")
    assert session.start["logGroupIdentifiers"] == [GROUP]
    assert session.start["logEventFilterPattern"] == "-noise"
    assert session.update() == ([], False)
    place.put("a", "noise", "b")
    place.put("c", stream="web/2")
    place.put("d", group="/other")
    now = int(place.clock.now() * 1000)
    update = session.next()["sessionUpdate"]
    assert update["sessionMetadata"] == {"sampled": False}
    assert [one["message"] for one in update["sessionResults"]] == ["a", "b", "c"]
    assert update["sessionResults"][0] == {
        **{"logGroupIdentifier": GROUP, "logStreamName": "web/1", "message": "a"},
        **{"timestamp": 5, "ingestionTime": now},
    }
    assert session.update() == ([], False)
    session.close()
    place.put("nobody listens")
    assert place.tails._open == 0


def test_streams_are_chosen_by_name_or_prefix(place: Place) -> None:
    named, prefixed = place.tail(logStreamNames=["web/1"]), place.tail(logStreamNamePrefixes=["web/", "db"])
    both = place.tail(logGroupIdentifiers=[GROUP, GROUP.replace("/app", "/other")])
    for stream in ("web/1", "web/2", "db", "cron"):
        place.put(stream, stream=stream)
    place.put("other", group="/other")
    assert named.update()[0] == ["web/1"]
    assert prefixed.update()[0] == ["web/1", "web/2", "db"]
    assert both.update()[0] == ["web/1", "web/2", "db", "cron", "other"]
    for one in (named, prefixed, both):
        one.close()


def test_more_than_an_update_holds_is_sampled(place: Place) -> None:
    session = place.tail()
    place.put(*map(str, range(500)))
    assert session.update() == (list(map(str, range(500))), False)
    place.put(*map(str, range(2_000)))
    found, sampled = session.update()
    assert (len(found), sampled, found[:2], found[-1]) == (500, True, ["0", "4"], "1996")
    for i in range(30):
        place.put(*(f"{i}" for _ in range(10_000)))
    found, sampled = session.update()
    assert (len(found), sampled, found[0], found[-1]) == (500, True, "20", "29")
    session.close()


def test_a_session_ends_after_three_hours_and_with_the_server(place: Place) -> None:
    session = place.tail()
    session.next(SESSION_SECONDS)
    with pytest.raises(StopAsyncIteration):
        place.wire.run(_drained(session.events))
    again = place.tail()

    async def ends() -> None:
        task = asyncio.ensure_future(anext(again.events))
        await settle()
        place.tails.let_go()
        await task

    with pytest.raises(SessionStreamingException):
        place.wire.run(ends())
    assert place.tails._open == 0


async def _drained(events: AsyncIterator[Doc]) -> None:
    with pytest.raises(Exception, match="three hours") as caught:
        await anext(events)
    assert type(caught.value).__name__ == "SessionTimeoutException"
    await anext(events)


def test_the_end_of_a_session_reaches_the_client(place: Place) -> None:
    place.tails.let_go()
    events = iter(place.client.start_live_tail(logGroupIdentifiers=[GROUP])["responseStream"])
    assert next(events)["sessionStart"]["logGroupIdentifiers"] == [GROUP]
    with pytest.raises(EventStreamError, match="The server ends"):
        next(events)


@pytest.mark.parametrize(
    ("asked", "code", "why"),
    [
        ({"logGroupIdentifiers": ["/app"]}, "InvalidParameterException", "not the ARN"),
        (
            {"logGroupIdentifiers": [GROUP + ":*"]},
            "InvalidParameterException",
            "Member must satisfy regular expression pattern",
        ),
        ({"logGroupIdentifiers": [GROUP + "x"]}, "ResourceNotFoundException", "log group does not exist"),
        ({"logStreamNames": ["a"], "logStreamNamePrefixes": ["b"]}, "InvalidParameterException", "not both"),
        ({"logGroupIdentifiers": [GROUP] * 2, "logStreamNames": ["a"]}, "InvalidParameterException", "one log group"),
        ({"logEventFilterPattern": "{ $.a }"}, "InvalidParameterException", "at position 6"),
    ],
)
def test_what_is_no_session_is_refused(place: Place, asked: dict[str, Any], code: str, why: str) -> None:
    found, message = refused(place.client.start_live_tail, **{"logGroupIdentifiers": [GROUP], **asked})
    assert (found, why in message) == (code, True), message


def test_sessions_are_limited(place: Place) -> None:
    sessions = [place.tail() for _ in range(15)]
    assert refused(place.client.start_live_tail, logGroupIdentifiers=[GROUP])[0] == "LimitExceededException"
    for one in sessions:
        one.close()
    place.tail().close()
