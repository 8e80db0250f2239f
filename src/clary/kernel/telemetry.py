"""The ports of logs: what services and engines may emit, and read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LogEvent:
    timestamp: int
    """Milliseconds since the epoch."""
    message: str
    ingested: int = 0
    """Milliseconds since the epoch; set by the store."""


@dataclass(frozen=True, slots=True)
class LogStreamName:
    """Where lines go: one stream of one group of one account and region."""

    account: str
    region: str
    group: str
    stream: str


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
