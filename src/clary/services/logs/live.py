"""StartLiveTail: new events as they are stored, once a second, for up to three hours."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogStore, LogStreamName
from clary.services.logs.api import (
    InvalidParameterException,
    LimitExceededException,
    group_named,
    name_in,
    service,
)
from clary.services.logs.patterns import Pattern, parse

UPDATE_EVENTS: Final = 500
SESSION_SECONDS: Final = 3 * 3600.0
_UPDATE_SECONDS: Final = 1.0
_MOST_SESSIONS: Final = 15
_MOST_WAITING: Final = 100_000
"""Events that were not looked at yet, at most, however slowly the client reads: then the oldest go."""


class SessionTimeoutException(ServiceError):
    """The session was open for three hours."""


class SessionStreamingException(ServiceError):
    """The server cannot go on with the session."""


class _Batch(NamedTuple):
    stream: LogStreamName
    events: Sequence[LogEvent]
    ingested: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session shows."""

    groups: Mapping[tuple[str, str, str], str]
    """How the request names each group, by (account, region, name)."""
    streams: frozenset[str]
    """() both here and below: all."""
    prefixes: tuple[str, ...]
    pattern: Pattern

    def meets(self, stream: LogStreamName) -> bool:
        if (stream.account, stream.region, stream.group) not in self.groups:
            return False
        if self.streams:
            return stream.stream in self.streams
        return not self.prefixes or stream.stream.startswith(self.prefixes)


class LiveTails:
    """The sessions that are open."""

    def __init__(self, logs: LogStore, clock: Clock) -> None:
        self._logs = logs
        self._clock = clock
        self._open = 0
        self._closing = asyncio.Event()

    def check(self) -> None:
        """Raises LimitExceededException when no more can be opened."""
        if self._open >= _MOST_SESSIONS:
            raise LimitExceededException(f"{_MOST_SESSIONS} Live Tail sessions are open, and more cannot be.")

    def let_go(self) -> None:
        """The sessions end: the server does."""
        self._closing.set()

    async def session(self, wanted: Wanted, start: Doc) -> AsyncIterator[Doc]:
        """The events of one session. Raises SessionTimeoutException, SessionStreamingException."""
        heard = _Heard(wanted)
        remove = self._logs.listen(heard.take)  # before the client is told that it has begun
        self._open += 1
        try:
            end = self._clock.now() + SESSION_SECONDS
            yield {"sessionStart": start}
            while self._clock.now() < end:
                await self._pause()
                events, sampled = await asyncio.to_thread(heard.looked_at)
                yield {"sessionUpdate": {"sessionMetadata": {"sampled": sampled}, "sessionResults": events}}
            raise SessionTimeoutException("The Live Tail session was open for three hours: start another one.")
        finally:
            self._open -= 1
            remove()

    async def _pause(self) -> None:
        waits = {asyncio.create_task(self._clock.sleep(_UPDATE_SECONDS)), asyncio.create_task(self._closing.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        if self._closing.is_set():
            raise SessionStreamingException("The server ends: start another session when it is there again.")


class _Heard:
    """What was stored since the last look. Taken in any thread."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._lock = Lock()
        self._batches: deque[_Batch] = deque()
        self._waiting = 0
        self._dropped = False

    def take(self, stream: LogStreamName, events: Sequence[LogEvent], ingested: int) -> None:
        if not self._wanted.meets(stream):
            return
        with self._lock:
            self._batches.append(_Batch(stream, events, ingested))
            self._waiting += len(events)
            while self._waiting > _MOST_WAITING and len(self._batches) > 1:
                self._waiting -= len(self._batches.popleft().events)
                self._dropped = True

    def looked_at(self) -> tuple[list[Doc], bool]:
        """(what matches of it, no more than an update holds; whether that is not all)."""
        with self._lock:
            batches, self._batches, self._waiting = self._batches, deque(), 0
            sampled, self._dropped = self._dropped, False
        matching = [
            (one.stream, event, one.ingested)
            for one in batches
            for event in one.events
            if self._wanted.pattern(event.message)
        ]
        if len(matching) > UPDATE_EVENTS:
            sampled = True
            step = len(matching) / UPDATE_EVENTS
            matching = [matching[int(i * step)] for i in range(UPDATE_EVENTS)]
        return [self._described(*one) for one in matching], sampled

    def _described(self, stream: LogStreamName, event: LogEvent, ingested: int) -> Doc:
        return {
            "logGroupIdentifier": self._wanted.groups[stream.account, stream.region, stream.group],
            "logStreamName": stream.stream,
            "message": event.message,
            "timestamp": event.timestamp,
            "ingestionTime": ingested,
        }


@service.operation("StartLiveTail")
async def start_live_tail(ctx: Context, req: Doc) -> Doc:
    """A stream: what it shows, and then once a second what has been stored meanwhile.

    Errors: ResourceNotFoundException, InvalidParameterException, LimitExceededException."""
    tails = ctx.port(LiveTails)
    tails.check()
    identifiers = req["logGroupIdentifiers"]
    if "logStreamNames" in req and "logStreamNamePrefixes" in req:
        raise InvalidParameterException("Give either logStreamNames or logStreamNamePrefixes, and not both.")
    if len(identifiers) > 1 and ("logStreamNames" in req or "logStreamNamePrefixes" in req):
        raise InvalidParameterException("Streams can be chosen in a session of one log group only.")
    groups = {}
    for one in identifiers:
        if not one.startswith("arn:"):
            raise InvalidParameterException(f"{one!r} is not the ARN of a log group.")
        group = group_named(ctx, name_in(ctx, one))
        groups[group.account, group.region, group.name] = one
    wanted = Wanted(
        groups,
        frozenset(req.get("logStreamNames", ())),
        tuple(req.get("logStreamNamePrefixes", ())),
        parse(req.get("logEventFilterPattern", "")),
    )
    start = {"requestId": ctx.request_id, "sessionId": ids.request_id(), **req}
    return {"responseStream": tails.session(wanted, start)}
