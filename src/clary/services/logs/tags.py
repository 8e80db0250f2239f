"""Tags of log groups, by ARN and by the older calls that name the group."""

from dataclasses import replace
from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogGroup, LogStore
from clary.services.logs.api import TooManyTagsException, group_arn, group_named, name_in, service

_MOST: Final = 50


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The group has these tags beside its others. Errors: ResourceNotFoundException, TooManyTagsException."""
    return _tag(ctx, group_named(ctx, name_in(ctx, req["resourceArn"])), req["tags"])


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The group has none of these tags. Errors: ResourceNotFoundException."""
    return _untag(ctx, group_named(ctx, name_in(ctx, req["resourceArn"])), req["tagKeys"])


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    return {"tags": _tags(group_named(ctx, name_in(ctx, req["resourceArn"])))}


@service.operation("TagLogGroup")
async def tag_log_group(ctx: Context, req: Doc) -> Doc:
    return _tag(ctx, group_named(ctx, req["logGroupName"]), req["tags"])


@service.operation("UntagLogGroup")
async def untag_log_group(ctx: Context, req: Doc) -> Doc:
    return _untag(ctx, group_named(ctx, req["logGroupName"]), req["tags"])


@service.operation("ListTagsLogGroup")
async def list_tags_log_group(ctx: Context, req: Doc) -> Doc:
    return {"tags": _tags(group_named(ctx, req["logGroupName"]))}


def _tags(group: LogGroup) -> dict[str, str]:
    return dict(group.settings.get("tags", {}))


def _tag(ctx: Context, group: LogGroup, tags: dict[str, str]) -> Doc:
    merged = _tags(group) | tags
    if len(merged) > _MOST:
        raise TooManyTagsException(
            f"A log group can have no more than {_MOST} tags.", resourceName=group_arn(ctx, group.name)
        )
    ctx.port(LogStore).change_group(replace(group, settings={**group.settings, "tags": merged}))
    return {}


def _untag(ctx: Context, group: LogGroup, keys: list[str]) -> Doc:
    left = {key: value for key, value in _tags(group).items() if key not in keys}
    ctx.port(LogStore).change_group(replace(group, settings={**group.settings, "tags": left}))
    return {}
