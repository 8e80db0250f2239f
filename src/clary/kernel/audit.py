"""The port of the audit: who did what, kept in order and found again, newest first."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol


class AuditPlace(NamedTuple):
    """Where a line stands."""

    file: str
    offset: int


class AuditLog(Protocol):
    def append(self, line: bytes, *, now: bool) -> None:
        """`line` (no line break in it) is kept behind all others. With `now` it survives a kill of this process from
        here on; without, from half a second later."""
        ...

    def flush(self) -> None:
        """Everything appended so far is found by `newest`."""
        ...

    def newest(
        self, needles: Sequence[bytes], before: AuditPlace | None = None, *, since: float = 0.0
    ) -> Iterator[tuple[AuditPlace, bytes]]:
        """Lines in which every needle occurs, the newest first, that stand ahead of `before`. Files that were last
        written before `since` (epoch seconds) are passed over. May run in a thread."""
        ...

    def trim(self) -> int:
        """Files past their time, or past what the whole may take, are gone; returns how many."""
        ...
