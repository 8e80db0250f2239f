"""The reconciler of alarms: of both types, and watching for a clock that was put back."""

import asyncio
from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricStore
from clary.kernel.reconcile import Step
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.cloudwatch.alarm_evaluate import MetricAlarms, interval
from clary.services.cloudwatch.alarm_rows import COMPOSITE, KIND, METRIC
from clary.services.cloudwatch.composite_follow import CompositeAlarms

_WATCH_SECONDS: Final = 120.0
"""An alarm that is evaluated every minute is noticed so long after the clock was put back."""


class Alarms:
    """Desired: every alarm is in the state that follows from what it watches. Belongs to one event loop."""

    def __init__(self, store: Store, metrics: MetricStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._metric = MetricAlarms(metrics, clock)
        self._composite = CompositeAlarms(store, clock)
        self._timer: asyncio.TimerHandle | None = None
        self._last = clock.now()

    async def __call__(self, row: Resource) -> Step:
        self._watch()
        return await (self._composite(row) if row.parent == COMPOSITE else self._metric(row))

    def give_up(self, row: Resource, error: Exception) -> Step:
        return self._composite.give_up(row, error) if row.parent == COMPOSITE else self._metric.give_up(row, error)

    def _watch(self) -> None:
        """One timer of the loop, which a clock that is put back does not hold up; none while there are no alarms."""
        self._last = max(self._last, self._clock.now())
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._passed)

    def _passed(self) -> None:
        self._timer = None
        if self._clock.now() < self._last:
            self.put_back()
        elif self._store.count(KIND, Where(parent=METRIC)):
            self._watch()

    def put_back(self) -> None:
        """Alarms that wait for a time that was near before the clock was put back look now."""
        self._last = now = self._clock.now()
        for row in self._store.page(KIND, Where(), limit=1_000_000):
            every = interval(row.spec) if row.parent == METRIC else 3600
            if row.due is not None and row.due > now + 2 * every:
                self._store.hasten(row.uid)
