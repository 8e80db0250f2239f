"""Subscription filters at work: what matches is delivered at least once, from where each filter has got to.

How far a filter has got stands in its row, a place for each stream, written after what came before it was delivered: a
kill in between delivers that again, with the same ids in it. The store of the logs is the queue: whoever writes logs
never waits, however slow a destination is, and what is not delivered yet is kept as long as the logs are."""

import asyncio
import logging
from collections.abc import Sequence
from threading import Lock
from typing import Final

from clary.aws.delivery import Acting, Counted, Deliverer, Delivery
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.reconcile import Step, again
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.kernel.telemetry import LogEvent, LogPlace, LogStore, LogStreamName
from clary.services.logs.parcels import entry, parcels
from clary.services.logs.patterns import Pattern, parse

KIND: Final = "log-subscription-filter"
PRINCIPAL: Final = "logs.amazonaws.com"
_STEP_EVENTS: Final = 10_000
_MOST_PENDING: Final = 1_000
"""Deliveries that wait for their destinations, at most: then the filters wait, too."""
_PENDING_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 3600.0

_Group = tuple[str, str, str]
log = logging.getLogger(__name__)


class Subscriptions:
    """The reconciler of subscription filters, and the listener that tells it when to look. Its memory only saves work:
    without it, every stream of the group is looked at."""

    def __init__(self, store: Store, logs: LogStore, deliverer: Deliverer, clock: Clock) -> None:
        self._store = store
        self._logs = logs
        self._deliverer = deliverer
        self._clock = clock
        self._lock = Lock()
        self._filters: dict[_Group, tuple[str, ...]] = {}
        """Uids."""
        self._fresh: dict[str, set[str]] = {}
        """Streams with events that the filter has not looked at, by its uid. A filter that is not in it must look at
        all streams: it is new here, or its last step came to nothing."""
        self._steps: dict[str, int] = {}
        self._patterns: dict[str, tuple[str, Pattern]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def load(self) -> None:
        """All filters that are stored look once: events may have come that nobody told of. On the loop."""
        self._loop = asyncio.get_running_loop()
        for one in self._store.page(KIND, Where(), limit=1_000_000):
            self.refresh(one.account, one.region, one.parent)
            self._store.hasten(one.uid)

    def refresh(self, account: str, region: str, group: str) -> None:
        """The filters of that group are those that are stored now."""
        rows = self._store.page(KIND, Where(account, region, parent=group), limit=10)
        with self._lock:
            before = self._filters.pop((account, region, group), ())
            if rows:
                self._filters[account, region, group] = tuple(one.uid for one in rows)
            for uid in {*before}.difference(one.uid for one in rows):
                for memory in (self._fresh, self._steps, self._patterns):
                    memory.pop(uid, None)

    def heard(self, stream: LogStreamName, events: Sequence[LogEvent], ingested: int) -> None:
        """These events have been stored: the filters of the group look soon. From any thread."""
        group = (stream.account, stream.region, stream.group)
        if group not in self._filters:
            return
        with self._lock:
            uids = self._filters.get(group, ())
            hinted = []
            for uid in uids:
                fresh = self._fresh.get(uid)
                if not fresh:  # the first since its last look: later ones are seen by the look that this one asks for
                    hinted.append(uid)
                if fresh is not None:
                    fresh.add(stream.stream)
        if self._loop is not None and hinted:
            self._loop.call_soon_threadsafe(self._hasten, hinted)

    def _hasten(self, uids: Sequence[str]) -> None:
        for uid in uids:
            self._store.hasten(uid)

    async def __call__(self, row: Resource) -> Step:
        self._loop = asyncio.get_running_loop()
        if self._deliverer.pending() >= _MOST_PENDING:
            return again(_PENDING_SECONDS)
        streams = await self._unseen(row)
        places: dict[str, list[object]] = dict(row.status.get("_places", {}))
        left = _STEP_EVENTS
        try:
            while streams and left > 0:
                name = streams[-1]
                known = places.get(name)
                place = None if known is None else LogPlace(str(known[0]), int(str(known[1])))
                seen, place, more = await self._advance(row, name, place, left)
                if seen and place is not None:
                    places[name] = [*place]
                left -= max(seen, 1)
                if not more:
                    streams.pop()
        except BaseException:
            self._forget(row.uid)
            raise
        with self._lock:
            self._fresh.setdefault(row.uid, set()).update(streams)
        step = int(row.status.get("_step", 0)) + 1
        self._steps[row.uid] = step
        return again(0.0 if streams else _IDLE_SECONDS, _places=places, _step=step)

    def give_up(self, row: Resource, error: Exception) -> Step:
        """Never: what is stored is there to be delivered."""
        return again(60.0)

    async def _unseen(self, row: Resource) -> list[str]:
        """The streams to look at."""
        with self._lock:
            fresh = self._fresh.pop(row.uid, None)
            self._fresh[row.uid] = set()
        # What the last step wrote must be what this one reads: else it was dropped, and what it had seen is unseen.
        if fresh is not None and self._steps.get(row.uid) == row.status.get("_step", 0):
            return sorted(fresh)
        try:
            return await asyncio.to_thread(self._logs.streams, row.account, row.region, row.parent)
        except Missing:
            return []

    def _forget(self, uid: str) -> None:
        with self._lock:
            self._fresh.pop(uid, None)

    async def _advance(
        self, row: Resource, name: str, place: LogPlace | None, limit: int
    ) -> tuple[int, LogPlace | None, bool]:
        """What came in one stream is delivered: (how many events that were, the place behind them, there is more)."""
        stream = LogStreamName(row.account, row.region, row.parent, name)
        since = int(row.created * 1000)
        try:
            events, behind = await asyncio.to_thread(self._logs.arrived, stream, place, limit, since)
        except Missing:
            return 0, place, False
        matching = await asyncio.to_thread(_matching, self._pattern(row), events)
        for numbers, data in await asyncio.to_thread(lambda: list(parcels(stream, row.spec["filterName"], matching))):
            await self._deliverer.deliver(_delivery(row, f"{row.uid}:{behind.uid}:{numbers}", data))
        return len(events), behind, bool(events)

    def _pattern(self, row: Resource) -> Pattern:
        text = row.spec["filterPattern"]
        known = self._patterns.get(row.uid)
        if known is None or known[0] != text:
            known = self._patterns[row.uid] = (text, parse(text))
        return known[1]


def _matching(pattern: Pattern, events: Sequence[LogEvent]) -> list[LogEvent]:
    return [one for one in events if pattern(one.message)]


def _delivery(row: Resource, id_: str, data: str) -> Delivery:
    group = f"arn:aws:logs:{row.region}:{row.account}:log-group:{row.parent}"
    dimensions = {
        "LogGroupName": row.parent,
        "DestinationType": "EventBus",
        "FilterName": row.spec["filterName"],
    }
    params: Doc = {"Entries": [entry(row.spec["destinationArn"], group, data)]}
    return Delivery(
        id=id_,
        region=row.region,
        acting=Acting(PRINCIPAL, f"{group}:*", row.spec.get("roleArn", ""), "CloudWatchLogs"),
        service="events",
        operation="PutEvents",
        params=params,
        counted=Counted("AWS/Logs", dimensions, failed="DeliveryErrors"),
    )
