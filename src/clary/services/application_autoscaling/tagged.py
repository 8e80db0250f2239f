"""Tags of scalable targets: kept in the status of the target itself. Policies and scheduled actions have none."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws import kept_tags
from clary.aws.errors import ValidationException
from clary.aws.kept_tags import of as of
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.application_autoscaling.api import (
    TARGET,
    ResourceNotFoundException,
    TooManyTagsException,
    service,
)

_MOST: Final = 50


def checked(tags: Mapping[str, str], arn: str = "") -> dict[str, str]:
    """Raises ValidationException, TooManyTagsException."""
    for key in tags:
        if key.lower().startswith("aws:"):
            raise ValidationException(f"Tag keys that start with 'aws:' are reserved: {key!r}.")
    if len(tags) > _MOST:
        raise TooManyTagsException(
            f"A scalable target has at most {_MOST} tags; this request would make {len(tags)}.", ResourceName=arn
        )
    return dict(tags)


def of_arn(ctx: Context, arn: str) -> Mapping[str, str]:
    """{} where nothing is called so."""
    try:
        return of(_find(ctx, arn))
    except ResourceNotFoundException:
        return {}


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The target has these tags beside its others. Errors: ResourceNotFoundException, TooManyTagsException."""
    _change(ctx, req["ResourceARN"], {**req["Tags"]}, ())
    return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The target has none of these tags. Errors: ResourceNotFoundException."""
    _change(ctx, req["ResourceARN"], {}, req["TagKeys"])
    return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    """All tags of a target. Errors: ResourceNotFoundException."""
    return {"Tags": dict(of(_find(ctx, req["ResourceARN"])))}


def _find(ctx: Context, arn: str) -> Resource:
    try:
        found = ctx.store.by_arn(arn)
    except Missing:
        found = None
    if found is None or (found.kind, found.account, found.region) != (TARGET, ctx.account, ctx.region):
        raise ResourceNotFoundException(f"The specified resource does not exist: {arn}", ResourceName=arn)
    return found


def _change(ctx: Context, arn: str, added: Mapping[str, str], gone: Sequence[str]) -> None:
    def changed(tags: Mapping[str, str]) -> dict[str, str]:
        return checked({key: value for key, value in {**tags, **added}.items() if key not in gone}, arn)

    kept_tags.change(ctx.store, lambda: _find(ctx, arn), changed)
