"""What is known of a metric as a whole: least, greatest, last, mean, spread. Kept as it comes, a value at a time.

A component's status holds one measure a metric, by who told it: `_put` (BatchPutMetrics) and `_job` (the lines of the
job that the component stands for).
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from clary.kernel.resource import Doc, Resource

PUT = "_put"
JOB = "_job"


class Point(NamedTuple):
    """One value of one metric, as it is kept: a list of these four."""

    name: str
    at: float
    """Epoch seconds."""
    step: int | None
    value: float


def folded(measures: Doc, points: Iterable[Point]) -> Doc:
    """The measures with these points in them; what was given stays as it is."""
    found = dict(measures)
    for point in points:
        found[point.name] = _with(found.get(point.name), point)
    return found


def summaries(component: Resource) -> list[Doc]:
    """TrialComponentMetricSummaries: what jobs' lines told, then what was put, each by name."""
    source = (component.status.get("Source") or {}).get("SourceArn")
    told = [
        _summary(name, one, {"SourceArn": arn} if arn else {})
        for kind, arn in ((JOB, source), (PUT, component.arn))
        for name, one in sorted((component.status.get(kind) or {}).items())
    ]
    return told


def deviation(count: int, squares: float) -> float:
    """The standard deviation of all that was seen, which is no sample of anything."""
    return math.sqrt(max(0.0, squares) / count)


def _with(one: Doc | None, point: Point) -> Doc:
    value = point.value
    if one is None:
        return {"n": 1, "mean": value, "m2": 0.0, "min": value, "max": value, "last": value, "at": point.at}
    count = one["n"] + 1
    # Welford's way: sums of squares would lose the spread of large values that differ little.
    off = value - one["mean"]
    mean = one["mean"] + off / count
    newest = point.at >= one["at"]
    return {
        "n": count,
        "mean": mean,
        "m2": one["m2"] + off * (value - mean),
        "min": min(one["min"], value),
        "max": max(one["max"], value),
        "last": value if newest else one["last"],
        "at": point.at if newest else one["at"],
    }


def _summary(name: str, one: Doc, source: Doc) -> Doc:
    return {
        "MetricName": name,
        **source,
        "TimeStamp": one["at"],
        "Max": one["max"],
        "Min": one["min"],
        "Last": one["last"],
        "Count": one["n"],
        "Avg": one["mean"],
        "StdDev": deviation(one["n"], one["m2"]),
    }
