"""Log groups: CreateLogGroup, DescribeLogGroups, DeleteLogGroup, retention.

A group is kept by the log store itself, beside its streams, because job logs make groups without asking anybody: what
is listed here is what is there."""

import asyncio
from bisect import bisect_right
from dataclasses import replace
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Exists, Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogGroup, LogStore
from clary.services.logs.api import (
    BAD_TOKEN,
    NO_GROUP,
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    group_arn,
    group_named,
    name_in,
    now_ms,
    service,
)
from clary.services.logs.metric_filters import drop_metric_filters, metric_filter_count
from clary.services.logs.subscription_filters import drop_subscription_filters

RETENTION_DAYS: Final = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
_PAGE: Final = 50


@service.operation("CreateLogGroup", ignores=("kmsKeyId",))
async def create_log_group(ctx: Context, req: Doc) -> Doc:
    """The group is there and empty. Errors: ResourceAlreadyExistsException, InvalidParameterException."""
    name = req["logGroupName"]
    if name.startswith("aws/"):
        raise InvalidParameterException('Log group names cannot start with "aws/".')
    if req.get("deletionProtectionEnabled"):
        raise NotImplementedHere(
            "Log groups cannot be protected from deletion here: leave deletionProtectionEnabled out."
        )
    settings: Doc = {key: req[key] for key in ("tags", "kmsKeyId", "logGroupClass") if key in req}
    try:
        group = LogGroup(ctx.account, ctx.region, name, now_ms(ctx), settings=settings)
        await asyncio.to_thread(ctx.port(LogStore).create_group, group)
    except Exists:
        raise ResourceAlreadyExistsException("The specified log group already exists") from None
    return {}


@service.operation("DeleteLogGroup")
async def delete_log_group(ctx: Context, req: Doc) -> Doc:
    """The group and all its streams are gone. Errors: ResourceNotFoundException."""
    group_named(ctx, req["logGroupName"])
    # Before the group: one that is made again under the name must not inherit what a kill in between left behind.
    drop_metric_filters(ctx, req["logGroupName"])
    drop_subscription_filters(ctx, req["logGroupName"])
    try:
        await asyncio.to_thread(ctx.port(LogStore).delete_group, ctx.account, ctx.region, req["logGroupName"])
    except Missing:
        raise ResourceNotFoundException(NO_GROUP) from None
    return {}


@service.operation("DescribeLogGroups", ignores=("includeLinkedAccounts",))
async def describe_log_groups(ctx: Context, req: Doc) -> Doc:
    """Groups by name, those of job logs among them. Errors: InvalidParameterException."""
    if "logGroupNamePrefix" in req and "logGroupNamePattern" in req:
        raise InvalidParameterException("Give either logGroupNamePrefix or logGroupNamePattern, and not both.")
    filters = page.digest("log-groups", ctx.account, ctx.region, *_filters(req))
    try:
        after = str(page.decode(req["nextToken"], filters, str, str)[0]) if "nextToken" in req else ""
    except BadToken:
        raise InvalidParameterException(BAD_TOKEN) from None
    limit = req.get("limit", _PAGE)
    found, more = await asyncio.to_thread(_listed, ctx, req, after, limit)
    for one in found:
        one["metricFilterCount"] = metric_filter_count(ctx, one["logGroupName"])
    answer: Doc = {"logGroups": found}
    if more:
        answer["nextToken"] = page.encode([found[-1]["logGroupName"], ""], filters)
    return answer


def _filters(req: Doc) -> list[Any]:
    named = ("logGroupNamePrefix", "logGroupNamePattern", "logGroupClass", "logGroupIdentifiers", "accountIdentifiers")
    return [req.get(name) for name in named]


def _listed(ctx: Context, req: Doc, after: str, limit: int) -> tuple[list[Doc], bool]:
    logs = ctx.port(LogStore)
    if "accountIdentifiers" in req and ctx.account not in req["accountIdentifiers"]:
        return [], False
    names = logs.groups(ctx.account, ctx.region, req.get("logGroupNamePrefix", ""))
    if "logGroupIdentifiers" in req:
        wanted = {name_in(ctx, one) for one in req["logGroupIdentifiers"]}
        names = [name for name in names if name in wanted]
    pattern = req.get("logGroupNamePattern", "")
    found: list[Doc] = []
    for name in names[bisect_right(names, after) if after else 0 :]:
        if pattern not in name:
            continue
        try:
            group = logs.group(ctx.account, ctx.region, name)
        except Missing:  # deleted since it was listed
            continue
        if req.get("logGroupClass") not in (None, _class(group)):
            continue
        if len(found) == limit:
            return found, True
        found.append(_described(ctx, group))
    return found, False


def _described(ctx: Context, group: LogGroup) -> Doc:
    arn = group_arn(ctx, group.name)
    described: Doc = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": ctx.port(LogStore).group_bytes(group.account, group.region, group.name),
        "logGroupClass": _class(group),
    }
    if group.retention_days is not None:
        described["retentionInDays"] = group.retention_days
    if "kmsKeyId" in group.settings:
        described["kmsKeyId"] = group.settings["kmsKeyId"]
    return described


def _class(group: LogGroup) -> str:
    return str(group.settings.get("logGroupClass", "STANDARD"))


@service.operation("PutRetentionPolicy")
async def put_retention_policy(ctx: Context, req: Doc) -> Doc:
    """Older events are out of every answer at once; their segments go with them. Errors: InvalidParameterException."""
    days = req["retentionInDays"]
    if days not in RETENTION_DAYS:
        raise InvalidParameterException(
            f"retentionInDays cannot be {days}: choose one of {', '.join(map(str, sorted(RETENTION_DAYS)))}."
        )
    logs = ctx.port(LogStore)
    logs.change_group(replace(group_named(ctx, req["logGroupName"]), retention_days=days))
    await asyncio.to_thread(logs.trim)
    return {}


@service.operation("DeleteRetentionPolicy")
async def delete_retention_policy(ctx: Context, req: Doc) -> Doc:
    """What is still there is kept for ever. Errors: ResourceNotFoundException."""
    ctx.port(LogStore).change_group(replace(group_named(ctx, req["logGroupName"]), retention_days=None))
    return {}
