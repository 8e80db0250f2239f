"""Tags of buses and rules: kept in the status of the resource itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from clary.aws import kept_tags
from clary.aws.kept_tags import of as of
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.events.api import (
    BUS,
    DEFAULT,
    RULE,
    LimitExceededException,
    ResourceNotFoundException,
    ValidationException,
    find_bus,
    service,
)

_MOST: Final = 50


def checked(tags: Sequence[Doc]) -> dict[str, str]:
    """By key. Raises ValidationException, LimitExceededException."""
    found: dict[str, str] = {}
    for one in tags:
        key = one["Key"]
        if key in found:
            raise ValidationException(f"The tag key {key!r} is given twice.")
        if key.lower().startswith("aws:"):
            raise ValidationException(f"Tag keys that start with 'aws:' are reserved: {key!r}.")
        found[key] = one["Value"]
    _check_count(found)
    return found


def of_arn(ctx: Context, arn: str) -> Mapping[str, str]:
    """{} where nothing is called so."""
    try:
        return of(_find(ctx, arn))
    except ResourceNotFoundException:
        return {}


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The bus or rule has these tags beside its others. Errors: ResourceNotFoundException, ValidationException."""
    added = checked(req["Tags"])
    _change(ctx, req["ResourceARN"], lambda tags: {**tags, **added})
    return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The bus or rule has none of these tags. Errors: ResourceNotFoundException."""
    gone = set(req["TagKeys"])
    _change(ctx, req["ResourceARN"], lambda tags: {key: tags[key] for key in tags if key not in gone})
    return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    """All tags of a bus or rule. Errors: ResourceNotFoundException."""
    tags = of(_find(ctx, req["ResourceARN"]))
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}


def _find(ctx: Context, arn: str) -> Resource:
    if arn == ctx.arn("events", f"event-bus/{DEFAULT}"):
        return find_bus(ctx, DEFAULT)
    try:
        found = ctx.store.by_arn(arn)
    except Missing:
        found = None
    if found is None or found.kind not in (BUS, RULE) or (found.account, found.region) != (ctx.account, ctx.region):
        kind = "Rule" if ":rule/" in arn else "Event bus"
        raise ResourceNotFoundException(f"{kind} {arn.rpartition('/')[2]} does not exist.")
    return found


def _change(ctx: Context, arn: str, change: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
    def changed(tags: Mapping[str, str]) -> dict[str, str]:
        made = change(tags)
        _check_count(made)
        return made

    kept_tags.change(ctx.store, lambda: _find(ctx, arn), changed)


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > _MOST:
        raise LimitExceededException(f"A resource has at most {_MOST} tags; this request would make {len(tags)}.")
