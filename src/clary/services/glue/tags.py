"""Tags of whatever Glue has: they stand in `status["_tags"]` of the resource's own row (aws.kept_tags).

A family says at import which of its kinds have tags: `holds("glue-job", "glue:job")`; its Create puts
`_tags=checked(req.get("Tags"))` into the status.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException

_MOST: Final = 50
_KEY: Final = 128
_VALUE: Final = 256

Find = Callable[[Context, str], Resource | None]


@dataclass(frozen=True, slots=True)
class Holder:
    """One kind of resource that has tags."""

    kind: str
    type: str
    """As the tagging API calls it."""
    find: Find
    """The resource of an ARN; None: there is none."""


HOLDERS: Final[dict[str, Holder]] = {}
"""By kind."""


def holds(kind: str, type_: str, find: Find | None = None) -> None:
    """Resources of that kind have tags; `type_` is what ResourceTypeFilters calls them."""
    if kind in HOLDERS:
        raise ValueError(f"{kind} has its tags twice")
    HOLDERS[kind] = Holder(kind, type_, find or _by_arn(kind))


def _by_arn(kind: str) -> Find:
    def find(ctx: Context, arn: str) -> Resource | None:
        try:
            one = ctx.store.by_arn(arn)
        except Missing:
            return None
        return one if (one.kind, one.account, one.region) == (kind, ctx.account, ctx.region) else None

    return find


def checked(tags: Mapping[str, str] | None) -> dict[str, str]:
    """What a Create request says of tags, ready for `status["_tags"]`. Raises InvalidInputException."""
    found = dict(tags or {})
    if len(found) > _MOST:
        raise InvalidInputException(f"A resource can have no more than {_MOST} tags")
    for key, value in found.items():
        if key.lower().startswith("aws:"):
            raise InvalidInputException("Tag keys that start with aws: are reserved")
        if not 0 < len(key) <= _KEY or len(value) > _VALUE:
            raise InvalidInputException(
                f"The tag {key[:_KEY]!r}: a key has 1 to {_KEY} characters, a value no more than {_VALUE}"
            )
    return found


def of_arn(ctx: Context, arn: str) -> dict[str, str]:
    """The tags of what has that ARN; {} where there is nothing. For `resource_tags` of an Ask."""
    found = _found(ctx, arn)
    return {} if found is None else dict(kept_tags.of(found))


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The resource has these tags beside its others. Errors: EntityNotFoundException, InvalidInputException."""
    kept_tags.change(
        ctx.store, lambda: _wanted(ctx, req["ResourceArn"]), lambda old: checked({**old, **req["TagsToAdd"]})
    )
    return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The resource has no tags of these keys. Errors: EntityNotFoundException, InvalidInputException."""
    gone = set(req["TagsToRemove"])
    kept_tags.change(
        ctx.store,
        lambda: _wanted(ctx, req["ResourceArn"]),
        lambda old: {key: value for key, value in old.items() if key not in gone},
    )
    return {}


@service.operation("GetTags")
async def get_tags(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException, InvalidInputException."""
    return {"Tags": dict(kept_tags.of(_wanted(ctx, req["ResourceArn"])))}


def _wanted(ctx: Context, arn: str) -> Resource:
    if not arn.startswith(f"arn:aws:glue:{ctx.region}:{ctx.account}:"):
        raise InvalidInputException(f"{arn} is not the ARN of a Glue resource of this account and region")
    found = _found(ctx, arn)
    if found is None:
        raise EntityNotFoundException(f"Entity Not Found: nothing that has tags is called {arn}")
    return found


def _found(ctx: Context, arn: str) -> Resource | None:
    for holder in HOLDERS.values():
        found = holder.find(ctx, arn)
        if found is not None:
            return found
    return None
