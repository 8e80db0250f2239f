"""The ports of metrics: what services and engines may emit, and read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MetricName:
    """One metric of one account and region. Dimensions are part of its name: no roll-up over them."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    """(name, value), sorted by name; make it with `dimensions`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one metric that were observed at one time."""

    metric: MetricName
    at: float
    """Epoch seconds."""
    values: Sequence[float]
    """Finite numbers."""
    counts: Sequence[float] = field(default=())
    """How often each value was seen; (): once each."""
    unit: str = "None"
    resolution: int = 60
    """Seconds: 1 for a metric of high resolution, else 60."""


class MetricSink(Protocol):
    """Where services and engines count."""

    def add(self, samples: Sequence[Sample]) -> None:
        """Kept, together or not at all. Durable across a kill of this process within a second, so that counting
        costs microseconds: what is counted on a hot path may lose its last second, never more."""
        ...


def dimensions(**named: str) -> tuple[tuple[str, str], ...]:
    return of_mapping(named)


def of_mapping(named: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Dimensions in the order in which a MetricName has them."""
    return tuple(sorted(named.items()))
