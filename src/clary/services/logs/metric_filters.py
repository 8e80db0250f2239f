"""Metric filters: PutMetricFilter, DescribeMetricFilters, DeleteMetricFilter, TestMetricFilter."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.logs.api import (
    BAD_TOKEN,
    InvalidParameterException,
    LimitExceededException,
    ResourceNotFoundException,
    group_named,
    service,
)
from clary.services.logs.counting import KIND, Counting
from clary.services.logs.filter_rows import check_regexes, refuse_unserved, row_name
from clary.services.logs.patterns import parse
from clary.services.logs.transform import compile_filter

_MOST: Final = 100
_PAGE: Final = 50
NO_FILTER: Final = "The specified metric filter does not exist."


@service.operation("PutMetricFilter", ignores=("applyOnTransformedLogs",))
async def put_metric_filter(ctx: Context, req: Doc) -> Doc:
    """Events that are stored from now on are counted by it; one of that name is replaced.

    Errors: InvalidParameterException, ResourceNotFoundException, LimitExceededException."""
    refuse_unserved(req, "emitSystemFieldDimensions")
    group = group_named(ctx, req["logGroupName"])
    uid = ids.new()
    compiled = compile_filter(uid, req)
    name = row_name(group.name, req["filterName"])
    check_regexes(ctx, group.name, name, compiled.pattern)
    try:
        old = ctx.store.get(ctx.account, ctx.region, KIND, name)
        ctx.store.update(old, spec=req)
    except Missing:
        if ctx.store.count(KIND, Where(ctx.account, ctx.region, parent=group.name)) >= _MOST:
            raise LimitExceededException(f"A log group can have {_MOST} metric filters.") from None
        row = Resource(KIND, name, ctx.account, ctx.region, uid, parent=group.name, spec=req)
        ctx.store.create(row)
    _refresh(ctx, group.name)
    return {}


@service.operation("DeleteMetricFilter")
async def delete_metric_filter(ctx: Context, req: Doc) -> Doc:
    """It counts no more. Errors: ResourceNotFoundException."""
    group = group_named(ctx, req["logGroupName"])
    try:
        ctx.store.delete(ctx.store.get(ctx.account, ctx.region, KIND, row_name(group.name, req["filterName"])))
    except Missing:
        raise ResourceNotFoundException(NO_FILTER) from None
    _refresh(ctx, group.name)
    return {}


@service.operation("DescribeMetricFilters")
async def describe_metric_filters(ctx: Context, req: Doc) -> Doc:
    """By name of the filter. Errors: ResourceNotFoundException, InvalidParameterException."""
    if ("metricName" in req) != ("metricNamespace" in req):
        raise InvalidParameterException("metricName and metricNamespace are given together, or neither is.")
    parent, prefix = None, None
    if "logGroupName" in req:
        parent, prefix = group_named(ctx, req["logGroupName"]).name, req.get("filterNamePrefix")
    where = Where(ctx.account, ctx.region, parent=parent, name_prefix=prefix)
    limit, token = req.get("limit", _PAGE), req.get("nextToken")
    found: list[Doc] = []
    while True:
        try:
            rows, token = page.paginate(ctx.store, KIND, where, limit=limit - len(found), token=token)
        except BadToken:
            raise InvalidParameterException(BAD_TOKEN) from None
        found += [_described(one) for one in rows if _counts_for(one, req)]
        if len(found) == limit or token is None:
            return {"metricFilters": found} | ({"nextToken": token} if token else {})


@service.operation("TestMetricFilter")
async def test_metric_filter(ctx: Context, req: Doc) -> Doc:
    """Which of the messages match (counted from 1), and what the pattern takes out of them. Errors:
    InvalidParameterException."""
    pattern = parse(req["filterPattern"])
    matches = []
    for number, message in enumerate(req["logEventMessages"], 1):
        taken = pattern.match(message)
        if taken is not None:
            matches.append({"eventNumber": number, "eventMessage": message, "extractedValues": dict(taken)})
    return {"matches": matches}


def drop_metric_filters(ctx: Context, group: str) -> None:
    """The group has none any more."""
    for one in ctx.store.page(KIND, Where(ctx.account, ctx.region, parent=group), limit=_MOST):
        ctx.store.delete(one)
    _refresh(ctx, group)


def metric_filter_count(ctx: Context, group: str) -> int:
    return ctx.store.count(KIND, Where(ctx.account, ctx.region, parent=group))


def _refresh(ctx: Context, group: str) -> None:
    counting: Counting | None = ctx.ports.get(Counting)
    if counting is not None:
        counting.refresh(ctx.store, ctx.account, ctx.region, group)


def _counts_for(row: Resource, req: Doc) -> bool:
    (said,) = row.spec["metricTransformations"]
    wanted = (req.get("metricNamespace"), req.get("metricName"))
    return wanted == (None, None) or wanted == (said["metricNamespace"], said["metricName"])


def _described(row: Resource) -> Doc:
    return {**row.public(), "creationTime": int(row.created * 1000)}
