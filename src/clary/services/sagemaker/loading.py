"""What the doors of multi-model instances have counted, as SageMaker's own metrics."""

import asyncio
from pathlib import Path
from typing import Final

from clary.engines.models import base
from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.resource import Doc
from clary.services.sagemaker.metering import NAMESPACE, every

_NUMBERS: Final = ("ModelCacheHit", "LoadedModelCount")
"""Metrics that are no times; those are microseconds."""


class Loading:
    """`run` takes what was left below `scratch` every `seconds`, and tells the sink."""

    def __init__(self, scratch: Path, sink: MetricSink, clock: Clock, seconds: float) -> None:
        self._scratch = scratch
        self._sink = sink
        self._clock = clock
        self._seconds = seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and then once more."""
        await every(self._clock, self._seconds, stop, self.flush)

    async def flush(self) -> None:
        """The sink has what was left until now."""
        left = await asyncio.to_thread(base.taken, self._scratch)
        samples = [sample for one in left for sample in _samples(one)]
        if samples:
            self._sink.add(samples)


def _samples(one: Doc) -> list[Sample]:
    where = dimensions(EndpointName=one["endpoint"], VariantName=one["variant"])
    return [
        Sample(
            MetricName(one["account"], one["region"], NAMESPACE, metric, where),
            one["at"],
            values,
            unit="None" if metric in _NUMBERS else "Microseconds",
        )
        for metric, values in one["metrics"].items()
    ]
