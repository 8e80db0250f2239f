"""What asynchronous endpoints do, as SageMaker's own metrics."""

from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.resource import Resource
from clary.services.sagemaker.asynchronous.machine import key_of

NAMESPACE: Final = "AWS/SageMaker"


class Measures:
    """Tells the sink."""

    def __init__(self, sink: MetricSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock

    def count(self, invocation: Resource, name: str) -> None:
        """It has happened once more."""
        self._tell(invocation, name, 1.0, "Count")

    def took(self, invocation: Resource, name: str, seconds: float) -> None:
        """A latency, in microseconds."""
        self._tell(invocation, name, max(0.0, seconds) * 1e6, "Microseconds")

    def waited(self, invocation: Resource, name: str, seconds: float) -> None:
        """A time in the backlog or altogether, in milliseconds."""
        self._tell(invocation, name, max(0.0, seconds) * 1e3, "Milliseconds")

    def backlog(self, key: tuple[str, str, str], waiting: int, oldest: float, instances: int) -> None:
        """How much is to be done for an endpoint: `waiting` requests, the oldest made `oldest` seconds ago, on so many
        instances."""
        account, region, endpoint = key
        now = self._clock.now()
        values = {
            "ApproximateBacklogSize": (float(waiting), "Count"),
            # Without an instance all of it counts as one instance's, so that a policy on it can begin from zero.
            "ApproximateBacklogSizePerInstance": (waiting / max(1, instances), "Count"),
            "ApproximateAgeOfOldestRequest": (oldest, "Seconds"),
            "HasBacklogWithoutCapacity": (float(waiting > 0 and instances == 0), "Count"),
        }
        where = dimensions(EndpointName=endpoint)
        self._sink.add(
            [
                # By the second: scaling may run on a faster clock, and looks at shorter periods then.
                Sample(MetricName(account, region, NAMESPACE, name, where), now, [value], (), unit, 1)
                for name, (value, unit) in values.items()
            ]
        )

    def _tell(self, invocation: Resource, name: str, value: float, unit: str) -> None:
        account, region, endpoint = key_of(invocation)
        where = dimensions(EndpointName=endpoint, VariantName=invocation.spec["_variant"])
        metric = MetricName(account, region, NAMESPACE, name, where)
        self._sink.add([Sample(metric, self._clock.now(), [value], (), unit)])
