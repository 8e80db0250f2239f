"""GetMetricData: metrics and metric math, by time, in pages."""

import asyncio
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import timezone
from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken
from clary.kernel.metrics import MetricStore
from clary.kernel.resource import Doc
from clary.services.cloudwatch.api import InvalidNextToken, ValidationError, service
from clary.services.cloudwatch.expressions.values import Series
from clary.services.cloudwatch.labels import defaults, filled, zone
from clary.services.cloudwatch.queries import MOST_FOUND, Evaluation, Query, read

MOST_POINTS: Final = 100_800


@dataclass(frozen=True, slots=True)
class _Line:
    """One time series of the answer."""

    query: Query
    series: Series
    label: str


@service.operation("GetMetricData")
async def get_metric_data(ctx: Context, req: Doc) -> Doc:
    """The time series of every query whose ReturnData is true. A page holds MaxDatapoints of them all together; what
    does not fit is PartialData and goes on with NextToken.

    Errors: ValidationError (with the position in an expression), InvalidNextToken."""
    queries = read(ctx.account, ctx.region, req["MetricDataQueries"])
    if req["StartTime"] >= req["EndTime"]:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
    most = req.get("MaxDatapoints", MOST_POINTS)
    if not 0 < most <= MOST_POINTS:
        raise ValidationError(f"The parameter MaxDatapoints must be from 1 to {MOST_POINTS}.")
    where = zone(req.get("LabelOptions", {}).get("Timezone", "+0000"))
    filters = page.digest("metric-data", ctx.account, ctx.region, {**req, "NextToken": "", "MaxDatapoints": 0})
    try:
        place = page.decode(req["NextToken"], filters, int, int) if "NextToken" in req else None
    except BadToken as error:
        raise InvalidNextToken(f"{error}.") from None
    return await asyncio.to_thread(_answer, ctx, req, queries, where, filters, place, most)


def _answer(
    ctx: Context, req: Doc, queries: list[Query], where: timezone, filters: str, place: list[int] | None, most: int
) -> Doc:
    now = ctx.clock.now()
    found = Evaluation(ctx.port(MetricStore), ctx.account, ctx.region, queries, req["StartTime"], req["EndTime"], now)
    results = [(query, found.result(query)) for query in queries if query.returned]
    lines = _lines(results, ctx.region, now, where)
    answer = _paged(lines, req.get("ScanBy") == "TimestampAscending", filters, place, most)
    messages = [
        {
            "Code": "MaxMetricsExceeded",
            "Value": f"The search of {name} found more than {MOST_FOUND} metrics; the first {MOST_FOUND} are answered.",
        }
        for name in sorted(found.crowded)
    ]
    return {**answer, "Messages": messages}


def _lines(results: list[tuple[Query, list[Series]]], region: str, now: float, where: timezone) -> list[_Line]:
    singles = [series[0] for query, series in results if query.metric is not None]
    named = iter(defaults(singles))
    lines: list[_Line] = []
    for query, series in results:
        own = [] if query.metric is not None else defaults(series)
        for number, one in enumerate(series):
            default = next(named) if query.metric is not None else one.label or own[number] or query.id
            label = default if query.label is None else query.label
            if "${" in label:
                label = filled(label, one, default, region, now, where)
            elif query.label and len(series) > 1:
                label = f"{label} {default}"
            lines.append(_Line(query, one, label))
    return lines


def _paged(lines: list[_Line], ascending: bool, filters: str, place: list[int] | None, most: int) -> Doc:
    results, left, token = [], most, None
    for number, line in enumerate(lines):
        times, values = _rest(line.series, number, ascending, place)
        taken = 0 if token is not None else min(left, len(times))
        if taken < len(times) and token is None:
            at = times[taken - 1] if taken else _before(ascending)
            token = page.encode([number, at] if taken or place is None or place[0] != number else place, filters)
        left -= taken
        results.append(_result(line, times[:taken], values[:taken], taken < len(times)))
    answer: Doc = {"MetricDataResults": results}
    if token is not None:
        answer["NextToken"] = token
    return answer


def _rest(series: Series, number: int, ascending: bool, place: list[int] | None) -> tuple[list[int], list[float]]:
    """The points behind the place [number of the series, time] where the last page ended, in the order of the scan."""
    times, values = series.times, series.values
    low, high = 0, len(times)
    if place is not None and number <= place[0]:
        if number < place[0]:
            low = high
        elif ascending:
            low = bisect_right(times, place[1])
        else:
            high = bisect_left(times, place[1])
    part = slice(low, high)
    if ascending:
        return times[part], values[part]
    return times[part][::-1], values[part][::-1]


def _before(ascending: bool) -> int:
    """A time that every point is behind, in the order of the scan."""
    return -(2**53) if ascending else 2**53


def _result(line: _Line, times: list[int], values: list[float], partial: bool) -> Doc:
    result: Doc = {"Id": line.query.id, "Label": line.label, "Timestamps": times, "Values": values}
    if line.query.foreign:
        message = {"Code": "Forbidden", "Value": "The metrics of other accounts cannot be read here."}
        return {**result, "StatusCode": "Forbidden", "Messages": [message]}
    return {**result, "StatusCode": "PartialData" if partial else "Complete"}
