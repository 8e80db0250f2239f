"""What metric math computes with: numbers, time series, arrays of time series."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clary.kernel.metrics import MetricName


@dataclass(frozen=True, slots=True)
class Series:
    """A time series: values by rising time, at most one a time. Values are finite."""

    times: list[int]
    values: list[float]
    period: int
    """Seconds."""
    label: str = ""
    metric: MetricName | None = None
    """The metric that it shows; None: it was computed."""
    stat: str = ""

    def mapped(self, function: Callable[[float], float]) -> "Series":
        """`function` of every value; where it is not defined, the point is dropped."""
        times, values = [], []
        for time, value in zip(self.times, self.values, strict=True):
            made = attempt(function, value)
            if made is not None:
                times.append(time)
                values.append(made)
        return self.of(times, values)

    def of(self, times: list[int], values: list[float]) -> "Series":
        """Other points, computed from these."""
        return replace(self, times=times, values=values)

    def points(self) -> dict[int, float]:
        return dict(zip(self.times, self.values, strict=True))


Value = float | Series | list[Series] | str
"""A scalar, a time series, an array of them, or a word. A scalar may be NaN: it is not defined."""


def attempt(function: Callable[..., float], *values: float) -> float | None:
    """None: not defined, or not finite."""
    try:
        made = function(*values)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return float(made) if isinstance(made, int | float) and math.isfinite(made) else None


def joined(function: Callable[[float, float], float], left: Series, right: Series) -> Series:
    """Point by point; where only one has a value, the other's counts as 0."""
    if left.times == right.times:
        pairs = zip(left.times, left.values, right.values, strict=True)
    else:
        one, other = left.points(), right.points()
        at = sorted(one.keys() | other.keys())
        pairs = zip(at, (one.get(time, 0.0) for time in at), (other.get(time, 0.0) for time in at), strict=True)
    times, values = [], []
    for time, a, b in pairs:
        made = attempt(function, a, b)
        if made is not None:
            times.append(time)
            values.append(made)
    return Series(times, values, max(left.period, right.period), left.label)


def across(function: Callable[[Sequence[float]], float], series: Sequence[Series]) -> Series:
    """At every time that any of the series knows, `function` of the values that are there."""
    columns: dict[int, list[float]] = {}
    for one in series:
        for time, value in zip(one.times, one.values, strict=True):
            columns.setdefault(time, []).append(value)
    times, values = [], []
    for time in sorted(columns):
        made = attempt(function, columns[time])  # type: ignore[arg-type]
        if made is not None:
            times.append(time)
            values.append(made)
    return Series(times, values, max((one.period for one in series), default=60))
