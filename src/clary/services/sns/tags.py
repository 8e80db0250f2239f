"""Tags of topics."""

from collections.abc import Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import wire
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sns.api import service, topic_at
from clary.services.sns.errors import (
    InvalidParameterException,
    NotFoundException,
    ResourceNotFoundException,
    TagLimitExceededException,
)

_MOST: Final = 50


def checked(tags: Sequence[Doc]) -> dict[str, str]:
    """By key. Raises InvalidParameterException, TagLimitExceededException."""
    found: dict[str, str] = {}
    for one in tags:
        if one["Key"] in found:
            raise InvalidParameterException("Duplicated keys are not allowed.")
        if one["Key"].lower().startswith("aws:"):
            raise InvalidParameterException("Tags Reason: keys that start with 'aws:' are reserved")
        found[one["Key"]] = one["Value"]
    if len(found) > _MOST:
        raise TagLimitExceededException(f"Could not complete request: tag quota of {_MOST} per resource exceeded")
    return found


def _topic(ctx: Context, req: Doc) -> Resource:
    try:
        return topic_at(ctx, req["ResourceArn"])
    except NotFoundException:
        raise ResourceNotFoundException("Resource does not exist") from None


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The topic has these tags beside its others. Errors: ResourceNotFound, InvalidParameter, TagLimitExceeded."""
    added = checked(req["Tags"])
    while True:
        topic = _topic(ctx, req)
        try:
            ctx.store.update(topic, Tags=checked(wire({**topic.status["Tags"], **added})))
        except Stale:
            continue
        return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The topic has none of these tags. Errors: ResourceNotFound."""
    while True:
        topic = _topic(ctx, req)
        left = {key: value for key, value in topic.status["Tags"].items() if key not in req["TagKeys"]}
        try:
            ctx.store.update(topic, Tags=left)
        except Stale:
            continue
        return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    return {"Tags": wire(_topic(ctx, req).status["Tags"])}
