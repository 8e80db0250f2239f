"""What the parts of the control process tell of themselves, for the page /metrics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.clock import Clock
from clary.kernel.events import Bus
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.cloudwatch.exposition import Family
from clary.services.sagemaker.capturing import Shipper


class LogTraffic:
    """Listens to the log store and counts."""

    def __init__(self) -> None:
        self.batches = 0
        self.events = 0

    def heard(self, stream: LogStreamName, events: Sequence[LogEvent], ingested: int) -> None:
        self.batches += 1
        self.events += len(events)


@dataclass(frozen=True, slots=True)
class Vitals:
    clock: Clock
    store: SqliteStore
    controller: Controller
    bus: Bus
    logs: LogTraffic
    metrics: SqliteMetrics
    shipper: Shipper

    def __call__(self) -> Iterator[Family]:
        now = self.clock.now()
        yield _one("clary_store_writes_total", "Rows that this process has written or deleted.", self.store.writes)
        yield _one("clary_log_events_total", "Log events stored.", self.logs.events)
        yield _one("clary_log_batches_total", "Batches of log events stored.", self.logs.batches)
        yield _one("clary_metric_samples_total", "Samples that the metric store has taken.", self.metrics.taken)
        stored, dropped = self.shipper.stored, self.shipper.dropped
        yield _one("clary_capture_objects_total", "Objects of captured inferences that were stored in S3.", stored)
        yield _one("clary_capture_unstored_total", "Captured inferences that S3 refused for too long.", dropped)
        looks = Family("clary_controller_looks", "gauge", "Resources that the controller is looking at now.")
        looks.add(self.controller.looking)
        yield looks
        due = self.store.next_due()
        overdue = Family("clary_controller_overdue_seconds", "gauge", "For how long the most overdue resource waits.")
        overdue.add(0.0 if due is None else max(0.0, now - due))
        yield overdue
        lag = Family("clary_bus_lag_seconds", "gauge", "The age of the next event that each subscriber has to pass.")
        for name, seconds in sorted(self.bus.lags().items()):
            lag.add(seconds, {"subscriber": name})
        yield lag


def _one(name: str, help_: str, value: float) -> Family:
    family = Family(name, "counter", help_)
    family.add(value)
    return family
