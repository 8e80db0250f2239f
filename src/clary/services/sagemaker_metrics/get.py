"""BatchGetMetrics: a metric by time or by step, one statistic of each period."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker_metrics.api import Series, Value, service

MOST_VALUES: Final = 5_000
"""Values of one answered query."""
_PERIODS: Final = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}


@service.operation("BatchGetMetrics")
@heard.everything
async def batch_get_metrics(ctx: Context, req: Doc) -> Doc:
    """For each query, in the order of the request, what was found, or why nothing could be."""
    return {"MetricQueryResults": [_answer(ctx, one) for one in req["MetricQueries"]]}


def _answer(ctx: Context, query: Doc) -> Doc:
    period, axis = query["Period"], query["XAxisType"]
    if (period == "IterationNumber") != (axis == "IterationNumber"):
        return _refusal(f"The Period {period} and the XAxisType {axis} do not go together")
    start, end = query.get("Start"), query.get("End")
    if start is not None and end is not None and start > end:
        return _refusal("Start must not be behind End")
    values = ctx.port(Series).read(ctx, query["ResourceArn"], query["MetricName"])
    if values is None:
        return _refusal(f"There is no trial component or job {query['ResourceArn']}")
    grouped: dict[int, list[Value]] = {}
    for one in values:
        _, at, step, _ = one
        place = step if axis == "IterationNumber" else int(at // _PERIODS[period]) * _PERIODS[period]
        if place is not None and (start is None or place >= start) and (end is None or place <= end):
            grouped.setdefault(place, []).append(one)
    places = sorted(grouped)
    shown = places[:MOST_VALUES]
    count = _STATISTICS[query["MetricStat"]]
    found: Doc = {
        "Status": "Complete" if len(shown) == len(places) else "Truncated",
        "XAxisValues": shown,
        "MetricValues": [count(grouped[place]) for place in shown],
    }
    if len(shown) < len(places):
        found["Message"] = f"The first {MOST_VALUES} of {len(places)} values: ask on with Start {places[len(shown)]}"
    return found


def _refusal(message: str) -> Doc:
    return {"Status": "ValidationError", "Message": message, "XAxisValues": [], "MetricValues": []}


def _mean(values: Sequence[Value]) -> float:
    return math.fsum(value for *_, value in values) / len(values)


def _deviation(values: Sequence[Value]) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for *_, value in values) / len(values))


def _last(values: Sequence[Value]) -> float:
    """That of the latest time, and of those the one that came last."""
    newest = max(at for _, at, _, _ in values)
    return next(value for _, at, _, value in reversed(values) if at == newest)


_STATISTICS: Final[Mapping[str, Callable[[Sequence[Value]], float]]] = {
    "Min": lambda values: min(value for *_, value in values),
    "Max": lambda values: max(value for *_, value in values),
    "Avg": _mean,
    "Count": lambda values: float(len(values)),
    "StdDev": _deviation,
    "Last": _last,
}
