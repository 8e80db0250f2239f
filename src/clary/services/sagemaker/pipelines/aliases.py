"""Versions of a pipeline by their aliases: an alias names one version, a version has up to ten of them."""

from collections.abc import Sequence
from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker.errors import ResourceNotFound, require
from clary.services.sagemaker.pipelines.machine import (
    VERSION,
    ConflictException,
    find_version,
    latest,
    one_of,
)

MOST: Final = 10
MEMBER: Final = "PipelineVersionAliases"


def held(pipeline: Resource, aliases: Sequence[str]) -> Doc:
    """Status members of a version that has these aliases; None removes one that it had."""
    names = [_reference(pipeline, one) for one in aliases]
    return {MEMBER: list(aliases) or None, "_refers": names or None} if aliases else {}


def moved(pipeline: Resource, aliases: Sequence[str]) -> Doc:
    """The same, for a version that may have had others."""
    return held(pipeline, aliases) or {MEMBER: None, "_refers": None}


def of(version: Resource) -> list[str]:
    return list(version.status.get(MEMBER) or ())


def check_names(aliases: Sequence[str]) -> None:
    """Raises ValidationException for aliases that no version can have."""
    require(len(set(aliases)) == len(aliases), f"{MEMBER} holds an alias twice.")
    require(len(aliases) <= MOST, f"A pipeline version has at most {MOST} aliases.")
    for one in aliases:
        require(not one.isdecimal(), f"The alias {one!r} consists of digits only, as the ID of a version does.")


def check(store: Store, pipeline: Resource, aliases: Sequence[str], *, mine: Resource | None = None) -> None:
    """Raises ConflictException for an alias that another version than `mine` has."""
    for one in aliases:
        holder = find(store, pipeline, one)
        if holder is not None and (mine is None or holder.uid != mine.uid):
            raise ConflictException(
                f"Version {holder.spec['PipelineVersionId']} of pipeline '{pipeline.arn}' has the alias {one!r}. "
                "Remove it there first."
            )


def find(store: Store, pipeline: Resource, alias: str) -> Resource | None:
    """The version that has the alias; None: none has."""
    found = store.referring(pipeline.account, pipeline.region, VERSION, _reference(pipeline, alias))
    return found[0] if found else None


def named(store: Store, pipeline: Resource, alias: str) -> Resource:
    """The version that has the alias. Raises ResourceNotFound."""
    found = find(store, pipeline, alias)
    if found is None:
        raise ResourceNotFound(f"Pipeline '{pipeline.arn}' has no version with the alias {alias!r}.")
    return found


def chosen(store: Store, pipeline: Resource, req: Doc) -> Resource:
    """The version that the request names by its ID or alias, or the latest. Raises ResourceNotFound,
    ValidationException where it names two."""
    one_of(req, "PipelineVersionId", "PipelineVersionAlias")
    if "PipelineVersionAlias" in req:
        return named(store, pipeline, req["PipelineVersionAlias"])
    number = req.get("PipelineVersionId", latest(pipeline))
    if number > latest(pipeline):  # one that a crash has left is no version
        raise ResourceNotFound(f"Pipeline '{pipeline.arn}' has no version {number}.")
    return find_version(store, pipeline, number)


def current(ctx: Context, version_uid: str | None) -> Doc:
    """The member that tells the aliases that the version of that uid has now."""
    if version_uid is None:
        return {}
    found = of(ctx.store.find(VERSION, version_uid))
    return {MEMBER: found} if found else {}


def _reference(pipeline: Resource, alias: str) -> str:
    return f"alias/{pipeline.uid}/{alias}"
