"""The reconciler of alarms, of both types."""

from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricStore
from clary.kernel.reconcile import Step
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.cloudwatch.alarm_evaluate import MetricAlarms
from clary.services.cloudwatch.alarm_rows import COMPOSITE
from clary.services.cloudwatch.composite_follow import CompositeAlarms


class Alarms:
    """Desired: every alarm is in the state that follows from what it watches."""

    def __init__(self, store: Store, metrics: MetricStore, clock: Clock) -> None:
        self._metric = MetricAlarms(metrics, clock)
        self._composite = CompositeAlarms(store, clock)

    async def __call__(self, row: Resource) -> Step:
        return await (self._composite(row) if row.parent == COMPOSITE else self._metric(row))

    def give_up(self, row: Resource, error: Exception) -> Step:
        return self._composite.give_up(row, error) if row.parent == COMPOSITE else self._metric.give_up(row, error)
