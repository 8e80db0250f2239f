"""Metric filters at work: every batch of events is counted once, as it is stored, whoever stores it.

The count follows the storing, in the same thread: of a process that is killed in between, that batch is stored and not
counted, and the sink may lose its last second. What a default says of a minute is known when the minute is over, so a
kill loses the defaults of the minute under way."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from threading import Lock

from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricSink
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.logs.transform import MINUTE_MS, MetricFilter, compile_filter

KIND = "log-metric-filter"
_LATE_SECONDS = 2.0
"""After the end of a minute its last events may still be on their way."""

log = logging.getLogger(__name__)

_Group = tuple[str, str, str]


class Counting:
    """The metric filters of all groups, compiled. Changed on the loop, asked from any thread."""

    def __init__(self, sink: MetricSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._filters: dict[_Group, tuple[MetricFilter, ...]] = {}
        self._lock = Lock()
        self._minutes: dict[tuple[_Group, str], dict[int, bool]] = {}
        """Of filters with a default, by group and uid: minutes in which events came, and whether one matched."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending = asyncio.Event()

    def load(self, store: Store) -> None:
        """All filters that are stored are at work."""
        groups = {_group_of(one) for one in store.page(KIND, Where(), limit=1_000_000)}
        for account, region, group in groups:
            self.refresh(store, account, region, group)

    def refresh(self, store: Store, account: str, region: str, group: str) -> None:
        """The filters of that group are those that are stored now."""
        rows = store.page(KIND, Where(account, region, parent=group), limit=1_000)
        self._filters[account, region, group] = tuple(compile_filter(one.uid, one.spec) for one in rows)
        if not rows:
            del self._filters[account, region, group]

    def heard(self, stream: LogStreamName, events: Sequence[LogEvent], ingested: int) -> None:
        """These events have been stored: they are counted."""
        group = (stream.account, stream.region, stream.group)
        for one in self._filters.get(group, ()):
            samples, matched, other = one.count(stream.account, stream.region, events)
            if samples:
                self._sink.add(samples)
            if one.default is not None:
                self._note(group, one.uid, matched, other - matched)

    def _note(self, group: _Group, uid: str, matched: Iterable[int], other: Iterable[int]) -> None:
        with self._lock:
            minutes = self._minutes.setdefault((group, uid), {})
            minutes.update(dict.fromkeys(matched, True))
            for minute in other:
                minutes.setdefault(minute, False)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._pending.set)

    def settle(self, before: int) -> None:
        """Minutes that ended before that time (milliseconds) are counted with their default where nothing matched."""
        with self._lock:
            over = []
            for (group, uid), minutes in self._minutes.items():
                ended = [minute for minute in minutes if minute + MINUTE_MS <= before]
                over += [(group, uid, minute, minutes.pop(minute)) for minute in ended]
            self._minutes = {key: minutes for key, minutes in self._minutes.items() if minutes}
        for group, uid, minute, matched in over:
            one = next((one for one in self._filters.get(group, ()) if one.uid == uid), None)
            if matched or one is None or one.default is None:
                continue
            try:
                self._sink.add([one.defaults(group[0], group[1], minute)])
            except OSError:  # a full disk must not end the server
                log.exception("a default of a metric filter could not be counted", extra={"group": group[2]})

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: minutes are settled as they end. Nothing happens while no filter with a default hears of
        anything."""
        self._loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await _first(stopping, self._pending.wait())
                self._pending.clear()
                now = self._clock.now()
                await _first(stopping, self._clock.sleep(60 - now % 60 + _LATE_SECONDS))
                self.settle(int((self._clock.now() - _LATE_SECONDS) * 1000))
                if self._minutes:
                    self._pending.set()
        finally:
            stopping.cancel()
            # A minute that is cut short by the end of the server is counted for what it was.
            self.settle(int(self._clock.now() * 1000) + MINUTE_MS)


async def _first(stopping: "asyncio.Task[bool]", other: Awaitable[object]) -> None:
    """One of the two is over."""
    task = asyncio.ensure_future(other)
    try:
        await asyncio.wait({stopping, task}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()


def _group_of(row: Resource) -> _Group:
    return row.account, row.region, row.parent
