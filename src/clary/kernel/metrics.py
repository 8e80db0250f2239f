"""The ports of metrics: what services and engines may emit, and read back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol


class MetricName(NamedTuple):
    """One metric of one account and region. Dimensions are part of its name: no roll-up over them."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    """(name, value), sorted by name; make it with `dimensions`."""


class Sample(NamedTuple):
    """Values of one metric that were observed at one time."""

    metric: MetricName
    at: float
    """Epoch seconds."""
    values: Sequence[float]
    """Finite numbers."""
    counts: Sequence[float] = ()
    """How often each value was seen; (): once each."""
    unit: str = "None"
    resolution: int = 60
    """Seconds: 1 for a metric of high resolution, else 60."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Values that their observer has summed up already. What a percentile needs is lost, unless all were the same."""

    metric: MetricName
    at: float
    """Epoch seconds."""
    count: float
    sum: float
    minimum: float
    maximum: float
    unit: str = "None"
    resolution: int = 60


class MetricSink(Protocol):
    """Where services and engines count."""

    def add(self, samples: Sequence[Sample]) -> None:
        """Kept, together or not at all. Durable across a kill of this process within a second, so that counting
        costs microseconds: what is counted on a hot path may lose its last second, never more."""
        ...


@dataclass(frozen=True, slots=True)
class Statistic:
    """What is asked of the values of a period. Of `percentile`, `low` is the rank in percent. The others that have
    bounds look at values between `low` and `high` only: TM their mean, WM the mean with what lies outside set to the
    bound, TC their count, TS their sum, PR their share in percent. Percentiles and these are not known of values below
    zero, nor of a Summary of differing values."""

    kind: Literal["SampleCount", "Sum", "Average", "Minimum", "Maximum", "percentile", "TM", "WM", "TC", "TS", "PR"]
    low: float | None = None
    high: float | None = None
    absolute: bool = False
    """True: the bounds are values; else ranks in percent."""


@dataclass(frozen=True, slots=True)
class Points:
    """Periods that hold data, by rising time."""

    times: list[int]
    """When each period begins: epoch seconds."""
    values: list[list[float | None]]
    """A list for each statistic that was asked, as long as `times`; None: not known of that period."""


@dataclass(frozen=True, slots=True)
class MetricMatch:
    """Which metrics a listing shows; all that are set must hold."""

    namespace: str | None = None
    name: str | None = None
    dimensions: tuple[tuple[str, str | None], ...] = ()
    """Dimensions that it must have, among others; None: with any value."""
    exactly: tuple[str, ...] | None = None
    """The names of all dimensions that it has, sorted."""
    active_since: float | None = None
    """It was written to since then (epoch seconds)."""


class MetricStore(MetricSink, Protocol):
    """The whole of the metric store: what the `cloudwatch` service needs beside the sink. Values are kept by the
    second for 3 hours where they came with resolution 1, by the minute for 15 days, by 5 minutes for 63 days and by the
    hour for 455 days: a read finer than that finds the beginning of each coarser period. Safe from threads."""

    def put(self, samples: Sequence[Sample | Summary]) -> None:
        """Kept, together or not at all, durably across a kill of this process. Raises OSError; ValueError for what is
        no finite number."""
        ...

    def names(
        self, account: str, region: str, match: MetricMatch, after: MetricName | None = None
    ) -> Iterator[MetricName]:
        """Lazily, in order of (namespace, name, dimensions), those behind `after`."""
        ...

    def units(self, metric: MetricName) -> list[str]:
        """The units that its values came in, sorted; [] for a metric without data."""
        ...

    def read(
        self,
        metric: MetricName,
        statistics: Sequence[Statistic],
        start: int,
        end: int,
        period: int,
        unit: str | None = None,
    ) -> Points:
        """Statistics of the periods [start + n * period, start + (n + 1) * period) that begin before `end`; times are
        epoch seconds. What was added or put before the call is seen. Without `unit`, the values of all units."""
        ...


def dimensions(**named: str) -> tuple[tuple[str, str], ...]:
    return of_mapping(named)


def of_mapping(named: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Dimensions in the order in which a MetricName has them."""
    return tuple(sorted(named.items()))
