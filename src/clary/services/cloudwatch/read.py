"""GetMetricStatistics and ListMetrics."""

import asyncio
from itertools import islice
from typing import Final

import orjson

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken
from clary.kernel.metrics import MetricMatch, MetricName, MetricStore, Statistic
from clary.kernel.resource import Doc
from clary.services.cloudwatch import spans
from clary.services.cloudwatch.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
    dimensions_of,
    metric_of,
    service,
)
from clary.services.cloudwatch.statistics import SIMPLE, statistic

MOST_DATAPOINTS: Final = 1440
PAGE: Final = 500
_LISTED_SECONDS: Final = 14 * 86_400
_RECENT_SECONDS: Final = 3 * 3_600


@service.operation("GetMetricStatistics")
async def get_metric_statistics(ctx: Context, req: Doc) -> Doc:
    """At most 1,440 data points by time, those of each unit apart.

    Errors: InvalidParameterValue, InvalidParameterCombination, MissingParameter."""
    period = req["Period"]
    if not spans.allowed(period):
        raise InvalidParameterValueException(
            f"The value {period} for parameter Period is invalid. Use 1, 5, 10, 20, 30 or a multiple of 60 seconds."
        )
    names = _statistics(req)
    if req["StartTime"] >= req["EndTime"]:
        raise InvalidParameterValueException("The parameter StartTime must be less than the parameter EndTime.")
    now = ctx.clock.now()
    start, end = spans.rounded(req["StartTime"], period, now), int(-(-req["EndTime"] // 1))
    wanted = -(-(end - start) // period)
    if wanted > MOST_DATAPOINTS:
        raise InvalidParameterCombinationException(
            f"You have requested up to {wanted:,} datapoints, which exceeds the limit of {MOST_DATAPOINTS:,}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    metric = metric_of(ctx, req["Namespace"], req["MetricName"], req.get("Dimensions", []))
    start = spans.clipped(start, period, now)
    unit = req.get("Unit")
    found = await asyncio.to_thread(_datapoints, ctx.port(MetricStore), metric, names, start, end, period, unit)
    return {"Label": metric.name, "Datapoints": found}


def _statistics(req: Doc) -> dict[str, Statistic]:
    """By the name that each was asked by."""
    simple, extended = req.get("Statistics", []), req.get("ExtendedStatistics", [])
    if simple and extended:
        raise InvalidParameterCombinationException(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
        )
    if not simple and not extended:
        raise MissingRequiredParameterException(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified."
        )
    found = {name: SIMPLE[name] for name in simple}
    for number, name in enumerate(extended, 1):
        where = f"The value {name} for parameter ExtendedStatistics.member.{number} is invalid."
        if name in SIMPLE:
            raise InvalidParameterValueException(f"{where} Ask for it in Statistics.")
        try:
            found[name] = statistic(name)
        except ValueError as error:
            raise InvalidParameterValueException(f"{where} {error}") from None
    return found


def _datapoints(
    store: MetricStore,
    metric: MetricName,
    names: dict[str, Statistic],
    start: int,
    end: int,
    period: int,
    unit: str | None,
) -> list[Doc]:
    if start >= end:
        return []
    found: list[Doc] = []
    for one in [unit] if unit is not None else store.units(metric):
        points = store.read(metric, tuple(names.values()), start, end, period, one)
        for i, at in enumerate(points.times):
            values = {name: column[i] for name, column in zip(names, points.values, strict=True)}
            known = {name: value for name, value in values.items() if value is not None}
            if known:
                found.append({"Timestamp": at, "Unit": one, **_members(known)})
    return sorted(found, key=lambda point: point["Timestamp"])


def _members(values: dict[str, float]) -> Doc:
    simple = {name: value for name, value in values.items() if name in SIMPLE}
    extended = {name: value for name, value in values.items() if name not in SIMPLE}
    return {**simple, "ExtendedStatistics": extended} if extended else simple


@service.operation("ListMetrics")
async def list_metrics(ctx: Context, req: Doc) -> Doc:
    """Metrics that were written to in the last two weeks (with RecentlyActive: three hours), 500 a page.

    Errors: InvalidParameterValue."""
    filters = page.digest("metrics", ctx.account, ctx.region, {**req, "NextToken": ""})
    try:
        place = page.decode(req["NextToken"], filters, str, str, str) if "NextToken" in req else None
        after = _metric(ctx, *place) if place else None
    except (BadToken, ValueError, TypeError):
        raise InvalidParameterValueException("The value for parameter NextToken is invalid.") from None
    if req.get("OwningAccount", ctx.account) != ctx.account:
        return {"Metrics": []}
    active = _RECENT_SECONDS if "RecentlyActive" in req else _LISTED_SECONDS
    match = MetricMatch(
        namespace=req.get("Namespace"),
        name=req.get("MetricName"),
        dimensions=tuple((one["Name"], one.get("Value")) for one in req.get("Dimensions", ())),
        active_since=ctx.clock.now() - active,
    )
    names = ctx.port(MetricStore).names(ctx.account, ctx.region, match, after)
    # One more than a page tells whether there is a next one.
    found = await asyncio.to_thread(lambda: list(islice(names, PAGE + 1)))
    shown = found[:PAGE]
    answer: Doc = {"Metrics": [_described(one) for one in shown]}
    if req.get("IncludeLinkedAccounts"):
        answer["OwningAccounts"] = [ctx.account] * len(shown)
    if len(found) > PAGE:
        last = shown[-1]
        text = orjson.dumps(last.dimensions).decode()
        answer["NextToken"] = page.encode([last.namespace, last.name, text], filters)
    return answer


def _metric(ctx: Context, namespace: str, name: str, text: str) -> MetricName:
    dimensions = tuple((str(key), str(value)) for key, value in orjson.loads(text))
    return MetricName(ctx.account, ctx.region, namespace, name, dimensions)


def _described(metric: MetricName) -> Doc:
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions_of(metric)}
