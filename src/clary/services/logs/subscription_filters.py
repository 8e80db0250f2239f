"""Subscription filters: PutSubscriptionFilter, DescribeSubscriptionFilters, DeleteSubscriptionFilter."""

import re
from typing import Final

from clary.aws.access import Ask
from clary.aws.errors import NotImplementedHere, ServiceError
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
from clary.services.logs.filter_rows import check_regexes, refuse_unserved, row_name
from clary.services.logs.patterns import parse
from clary.services.logs.subscriptions import KIND, PRINCIPAL, Subscriptions

_MOST: Final = 2
_PAGE: Final = 50
_ARN: Final = re.compile(r"arn:aws[\w-]*:(?P<service>[a-z0-9-]+):(?P<region>[\w-]*):(?P<account>\d*):(?P<rest>.+)")
_BUS: Final = re.compile(r"event-bus/(?P<name>[/.\-_A-Za-z0-9]+)")
_UNSERVED: Final = {
    "firehose": "delivery streams of Amazon Data Firehose",
    "kinesis": "Kinesis data streams",
    "lambda": "Lambda functions",
    "logs": "logical destinations of other accounts",
}


@service.operation("PutSubscriptionFilter", ignores=("distribution", "applyOnTransformedLogs"))
async def put_subscription_filter(ctx: Context, req: Doc) -> Doc:
    """Matching events that are stored from now on are delivered; one of that name is replaced and goes on where it was.

    Errors: InvalidParameterException, ResourceNotFoundException, LimitExceededException."""
    refuse_unserved(req, "emitSystemFields")
    group = group_named(ctx, req["logGroupName"])
    pattern = parse(req["filterPattern"])
    if "roleArn" in req:
        ctx.require(Ask("iam:PassRole", req["roleArn"], {"iam:PassedToService": PRINCIPAL}))
    await _check_destination(ctx, req["destinationArn"])
    name = row_name(group.name, req["filterName"])
    check_regexes(ctx, group.name, name, pattern)
    now = ctx.clock.now()
    try:
        old = ctx.store.get(ctx.account, ctx.region, KIND, name)
        ctx.store.update(old, spec=req, due=now)
    except Missing:
        if ctx.store.count(KIND, Where(ctx.account, ctx.region, parent=group.name)) >= _MOST:
            raise LimitExceededException(f"A log group can have {_MOST} subscription filters.") from None
        row = Resource(KIND, name, ctx.account, ctx.region, ids.new(), parent=group.name, spec=req, due=now)
        ctx.store.create(row)
    _refresh(ctx, group.name)
    return {}


async def _check_destination(ctx: Context, arn: str) -> None:
    """Raises NotImplementedHere, InvalidParameterException."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise InvalidParameterException(f"destinationArn {arn!r} is not an ARN.")
    if match["service"] in _UNSERVED:
        raise NotImplementedHere(
            f"Subscription filters cannot deliver to {_UNSERVED[match['service']]} here: give the ARN of an event bus "
            "(arn:aws:events:<region>:<account>:event-bus/<name>)."
        )
    bus = _BUS.fullmatch(match["rest"])
    if match["service"] != "events" or bus is None:
        raise InvalidParameterException(f"destinationArn {arn!r} is no destination of subscription filters.")
    if (match["region"], match["account"]) != (ctx.region, ctx.account):
        raise InvalidParameterException("The destination must be in the account and region of the log group.")
    try:
        await ctx.call("events", "DescribeEventBus", {"Name": bus["name"]})
    except ServiceError as error:
        if error.error_code == "ResourceNotFoundException":
            raise InvalidParameterException(
                f"Could not deliver to the specified destination: there is no event bus {bus['name']!r}."
            ) from None
        if error.error_code != "AccessDeniedException":  # who may subscribe need not be allowed to look at the bus
            raise


@service.operation("DeleteSubscriptionFilter")
async def delete_subscription_filter(ctx: Context, req: Doc) -> Doc:
    """It delivers no more. Errors: ResourceNotFoundException."""
    group = group_named(ctx, req["logGroupName"])
    try:
        ctx.store.delete(ctx.store.get(ctx.account, ctx.region, KIND, row_name(group.name, req["filterName"])))
    except Missing:
        raise ResourceNotFoundException("The specified subscription filter does not exist.") from None
    _refresh(ctx, group.name)
    return {}


@service.operation("DescribeSubscriptionFilters")
async def describe_subscription_filters(ctx: Context, req: Doc) -> Doc:
    """By name of the filter. Errors: ResourceNotFoundException, InvalidParameterException."""
    group = group_named(ctx, req["logGroupName"])
    where = Where(ctx.account, ctx.region, parent=group.name, name_prefix=req.get("filterNamePrefix"))
    try:
        rows, token = page.paginate(ctx.store, KIND, where, limit=req.get("limit", _PAGE), token=req.get("nextToken"))
    except BadToken:
        raise InvalidParameterException(BAD_TOKEN) from None
    return {"subscriptionFilters": [_described(one) for one in rows]} | ({"nextToken": token} if token else {})


def drop_subscription_filters(ctx: Context, group: str) -> None:
    """The group has none any more."""
    for one in ctx.store.page(KIND, Where(ctx.account, ctx.region, parent=group), limit=_MOST):
        ctx.store.delete(one)
    _refresh(ctx, group)


def _refresh(ctx: Context, group: str) -> None:
    subscriptions: Subscriptions | None = ctx.ports.get(Subscriptions)
    if subscriptions is not None:
        subscriptions.refresh(ctx.account, ctx.region, group)


def _described(row: Resource) -> Doc:
    return {"distribution": "ByLogStream", **row.public(), "creationTime": int(row.created * 1000)}
