"""The ports of logs: what services and engines may emit, and read back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from clary.kernel.resource import Doc


@dataclass(frozen=True, slots=True)
class LogEvent:
    timestamp: int
    """Milliseconds since the epoch."""
    message: str
    ingested: int = 0
    """Milliseconds since the epoch; set by the store."""
    number: int = 0
    """The event's place in its stream, by arrival; set by the store and never given twice."""


@dataclass(frozen=True, slots=True)
class LogStreamName:
    """Where lines go: one stream of one group of one account and region."""

    account: str
    region: str
    group: str
    stream: str


Heard = Callable[[LogStreamName, Sequence[LogEvent], int], None]
"""Told of events that have just been stored, in order, and when (milliseconds); they carry no number."""


class LogPlace(NamedTuple):
    """How far somebody has got in a stream by order of arrival."""

    uid: str
    """Of the stream: one that was deleted and made again has another."""
    number: int
    """Of the next event."""


class LogSink(Protocol):
    """Where job and server lines go. Groups and streams are made when first written to."""

    def append(
        self, stream: LogStreamName, events: Sequence[LogEvent], *, producer: str = "", position: int | None = None
    ) -> None:
        """Durable on return, across a kill of this process. With `producer` and `position` (for example a byte offset
        after the last event), the same frame is written once: a repeat at or before the stored position is dropped."""
        ...

    def position(self, stream: LogStreamName, producer: str) -> int:
        """How far `producer` has got in this stream; 0 at first. Survives crashes together with the events."""
        ...

    def last(self, stream: LogStreamName, count: int) -> list[LogEvent]:
        """The newest `count` events, oldest first; fewer or none when there are not so many."""
        ...


@dataclass(frozen=True, slots=True)
class LogGroup:
    account: str
    region: str
    name: str
    created: int
    """Milliseconds since the epoch."""
    retention_days: int | None = None
    """Events older than this may be dropped; None: kept for ever."""
    settings: Doc = field(default_factory=dict)
    """What its maker asked beside, in wire form; the store does not look into it."""


@dataclass(frozen=True, slots=True)
class LogStream:
    """What is true of a stream now. Times are milliseconds since the epoch, None while it is empty."""

    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None
    stored_bytes: int
    """On disk."""


class LogMark(NamedTuple):
    """A place between events. Events are ordered by (timestamp, stream, number)."""

    timestamp: int
    stream: str
    number: int


@dataclass(frozen=True, slots=True)
class LogWindow:
    """Which events a read sees; all bounds must hold."""

    start: int | None = None
    """The first timestamp seen."""
    end: int | None = None
    """The first timestamp not seen."""
    after: LogMark | None = None
    """Only events behind this one."""
    before: LogMark | None = None
    """Only events ahead of this one."""
    needs: tuple[tuple[bytes, ...], ...] = ()
    """A coarse sieve on the message in UTF-8: of every group at least one occurs. It saves reading what cannot match;
    an event that passes need not match."""


class LogStore(LogSink, Protocol):
    """The whole of the log store: what the `logs` service needs beside the sink. Names are wire names, unescaped."""

    def create_group(self, group: LogGroup) -> None:
        """There, durably. Raises Exists."""
        ...

    def group(self, account: str, region: str, name: str) -> LogGroup:
        """Raises Missing."""
        ...

    def groups(self, account: str, region: str, prefix: str = "") -> list[str]:
        """Names that start with `prefix`, sorted; those that the sink made among them."""
        ...

    def change_group(self, group: LogGroup) -> None:
        """`retention_days` and `settings` are now these. Raises Missing."""
        ...

    def delete_group(self, account: str, region: str, name: str) -> None:
        """Gone with all its streams. Raises Missing."""
        ...

    def group_bytes(self, account: str, region: str, name: str) -> int:
        """What the group takes on disk."""
        ...

    def create_stream(self, stream: LogStreamName) -> None:
        """There and empty. Raises Exists; Missing when there is no such group."""
        ...

    def stream(self, stream: LogStreamName) -> LogStream:
        """Raises Missing."""
        ...

    def streams(self, account: str, region: str, group: str, prefix: str = "") -> list[str]:
        """Names that start with `prefix`, sorted. Raises Missing when there is no such group."""
        ...

    def delete_stream(self, stream: LogStreamName) -> None:
        """Gone with its events. Raises Missing."""
        ...

    def read(
        self,
        account: str,
        region: str,
        group: str,
        streams: Sequence[str],
        window: LogWindow,
        *,
        descending: bool = False,
    ) -> Iterator[tuple[str, LogEvent]]:
        """Events of the streams that exist, with their stream's name, lazily, in order of (timestamp, stream, number).
        Sees what was there when it was called, and perhaps what came since."""
        ...

    def arrived(
        self, stream: LogStreamName, place: LogPlace | None, limit: int, since: int = 0
    ) -> tuple[list[LogEvent], LogPlace]:
        """About `limit` events from `place` on (None, or a place in another stream of that name: the beginning), in the
        order of their arrival, and the place behind them; none when there are no more. Those that were stored before
        `since` (milliseconds) are passed over. Raises Missing."""
        ...

    def listen(self, heard: Heard) -> Callable[[], None]:
        """`heard` is told of all that this process stores, in the thread that stores it, until what is returned is
        called. It must be quick. What other processes store is not heard."""
        ...

    def trim(self) -> int:
        """Whole segments older than their group's retention are gone; returns how many. To be called now and then."""
        ...
