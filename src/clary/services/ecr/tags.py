"""Tags of repositories."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import wire
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc
from clary.services.ecr.api import repository_at, service
from clary.services.ecr.errors import InvalidTagParameterException, TooManyTagsException

_MOST: Final = 50


def checked(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """By key. Raises InvalidTagParameterException, TooManyTagsException."""
    found: dict[str, str] = {}
    for one in tags:
        if one["Key"] in found:
            raise InvalidTagParameterException(f"The tag key {one['Key']} is given twice")
        if one["Key"].lower().startswith("aws:"):
            raise InvalidTagParameterException("Tag keys that start with aws: are reserved")
        found[one["Key"]] = one["Value"]
    if len(found) > _MOST:
        raise TooManyTagsException(f"A repository can have no more than {_MOST} tags")
    return found


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The repository has these tags beside its others. Errors: RepositoryNotFound, TooManyTags."""
    added = checked(req["tags"])
    while True:
        repository = repository_at(ctx, req["resourceArn"])
        try:
            ctx.store.update(repository, Tags=checked(wire({**repository.status["Tags"], **added})))
        except Stale:
            continue
        return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The repository has none of these tags. Errors: RepositoryNotFound."""
    while True:
        repository = repository_at(ctx, req["resourceArn"])
        left = {key: value for key, value in repository.status["Tags"].items() if key not in req["tagKeys"]}
        try:
            ctx.store.update(repository, Tags=left)
        except Stale:
            continue
        return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    """Errors: RepositoryNotFound."""
    return {"tags": wire(repository_at(ctx, req["resourceArn"]).status["Tags"])}
