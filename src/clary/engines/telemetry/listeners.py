"""Who wants to hear of events as they are stored."""

import logging
from collections.abc import Callable, Sequence
from threading import Lock

from clary.kernel.telemetry import Heard, LogEvent, LogStreamName

log = logging.getLogger(__name__)


class Listeners:
    """Told in the thread that appended, after the events were stored. Safe from threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._all: tuple[Heard, ...] = ()

    def add(self, heard: Heard) -> Callable[[], None]:
        """`heard` is told from now on, until what is returned is called."""
        with self._lock:
            self._all = (*self._all, heard)

        def remove() -> None:
            with self._lock:
                self._all = tuple(one for one in self._all if one is not heard)

        return remove

    def tell(self, stream: LogStreamName, events: Sequence[LogEvent], ingested: int) -> None:
        for heard in self._all:
            try:
                heard(stream, events, ingested)
            except Exception:
                # The events are stored and must be answered so, whatever a listener makes of them.
                log.exception("a listener of the log store raised", extra={"group": stream.group})
