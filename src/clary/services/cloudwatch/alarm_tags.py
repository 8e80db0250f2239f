"""Tags of alarms: kept in the status of the alarm itself."""

from collections.abc import Callable, Mapping

from clary.aws import kept_tags
from clary.aws.kept_tags import of as of
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.cloudwatch.alarm_rows import KIND, MOST_TAGS, checked_tags
from clary.services.cloudwatch.api import (
    InvalidParameterValueException,
    ResourceNotFoundException,
    ValidationError,
    service,
)


def of_arn(ctx: Context, arn: str) -> Mapping[str, str]:
    """{} where no alarm is called so."""
    try:
        return of(_find(ctx, arn))
    except ResourceNotFoundException:
        return {}


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The alarm has these tags beside its others. Errors: ResourceNotFoundException, InvalidParameterValue."""
    try:
        added = checked_tags(req["Tags"])
    except ValidationError as error:
        raise InvalidParameterValueException(error.message) from None
    _change(ctx, req["ResourceARN"], lambda tags: {**tags, **added})
    return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The alarm has no tags of these keys. Errors: ResourceNotFoundException."""
    gone = set(req["TagKeys"])
    _change(ctx, req["ResourceARN"], lambda tags: {key: tags[key] for key in tags if key not in gone})
    return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    """All tags of the alarm, by key. Errors: ResourceNotFoundException."""
    tags = of(_find(ctx, req["ResourceARN"]))
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}


def _find(ctx: Context, arn: str) -> Resource:
    try:
        found = ctx.store.by_arn(arn)
    except Missing:
        found = None
    if found is None or (found.kind, found.account, found.region) != (KIND, ctx.account, ctx.region):
        raise ResourceNotFoundException(f"There is no alarm {arn}.")
    return found


def _change(ctx: Context, arn: str, change: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
    def changed(tags: Mapping[str, str]) -> dict[str, str]:
        made = change(tags)
        if len(made) > MOST_TAGS:
            raise InvalidParameterValueException(
                f"An alarm has at most {MOST_TAGS} tags; this request would make {len(made)}."
            )
        return made

    kept_tags.change(ctx.store, lambda: _find(ctx, arn), changed)
