"""GetResources: what has tags, by type, by tag, or by name."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.aws.tagging import Taggable, Taggables, Tagged, wire
from clary.kernel import page
from clary.kernel.resource import Doc
from clary.services.resourcegroupstaggingapi.api import InvalidParameterException, every, position, service

_LOOKS: Final = 5000
"""As many resources one request looks at; a page may hold fewer than asked, and still go on."""
_PAGE: Final = 50


@service.operation("GetResources")
async def get_resources(ctx: Context, req: Doc) -> Doc:
    """Resources of this region that have tags and pass every filter, by type and name. A page with a token is not the
    last one, even if it is empty. Errors: InvalidParameterException."""
    _check(req)
    if "ResourceARNList" in req:
        return _named(ctx, req)
    filters = page.digest(ctx.account, ctx.region, req.get("TagFilters"), req.get("ResourceTypeFilters"))
    token = req.get("PaginationToken", "")
    kind, place = position(token, filters, str, str) if token else ("", "")
    kinds = [one for one in ctx.port(Taggables).kinds if _of_type(one, req.get("ResourceTypeFilters", ()))]
    found: list[Doc] = []
    tags_left: int | None = req.get("TagsPerPage")
    left = req.get("ResourcesPerPage", _PAGE if tags_left is None else tags_left)
    looks, last = 0, ("", "")
    async with aclosing(every(ctx, kinds, kind, place)) as walk:
        async for taggable, one in walk:
            fits = passes(one.tags, req.get("TagFilters", ()))
            # A page ends before what would be too much for it: so what it leaves out is told by the next one.
            full = left == 0 or (fits and found and tags_left is not None and len(one.tags) > tags_left)
            if full or looks == _LOOKS:
                return {"ResourceTagMappingList": found, "PaginationToken": page.encode([*last], filters)}
            looks, last = looks + 1, (taggable.kind, one.place)
            if fits:
                found.append(_mapping(one))
                left -= 1
                tags_left = None if tags_left is None else tags_left - len(one.tags)
    return {"ResourceTagMappingList": found, "PaginationToken": ""}


def passes(tags: Mapping[str, str], filters: Sequence[Doc]) -> bool:
    """There are tags, and every filter's key is among them, with one of the filter's values if it names some."""
    return bool(tags) and all(
        one.get("Key") in tags and (not one.get("Values") or tags[one["Key"]] in one["Values"]) for one in filters
    )


def _named(ctx: Context, req: Doc) -> Doc:
    """Of the resources named those that are there, with whatever tags they have."""
    taggables, found = ctx.port(Taggables), []
    for arn in dict.fromkeys(req["ResourceARNList"]):
        one = taggables.find(ctx, arn)
        if one is None or not _of_type(one[0], req.get("ResourceTypeFilters", ())):
            continue
        if passes(one[1].tags, req.get("TagFilters", ())):
            found.append(_mapping(one[1]))
    return {"ResourceTagMappingList": found, "PaginationToken": ""}


def _of_type(kind: Taggable, types: Sequence[str]) -> bool:
    return not types or kind.kind in types or kind.kind.partition(":")[0] in types


def _mapping(one: Tagged) -> Doc:
    return {"ResourceARN": one.arn, "Tags": wire(dict(sorted(one.tags.items())))}


def _check(req: Doc) -> None:
    """Raises InvalidParameterException, and NotImplementedHere for tag policies."""
    for member in ("IncludeComplianceDetails", "ExcludeCompliantResources"):
        if req.get(member):
            raise NotImplementedHere(f"{member} is not implemented: there are no tag policies here to comply with.")
    together = [one for one in ("PaginationToken", "ResourcesPerPage", "TagsPerPage") if req.get(one)]
    if "ResourceARNList" in req and together:
        raise InvalidParameterException(f"ResourceARNList cannot be given together with {together[0]}.")
    if not 1 <= req.get("ResourcesPerPage", _PAGE) <= 100:
        raise InvalidParameterException("ResourcesPerPage must be between 1 and 100.")
    tags = req.get("TagsPerPage", 100)
    if not 100 <= tags <= 500 or tags % 100:
        raise InvalidParameterException("TagsPerPage must be 100, 200, 300, 400 or 500.")
    if "ResourcesPerPage" in req and "TagsPerPage" in req:
        raise InvalidParameterException("Give either ResourcesPerPage or TagsPerPage, and not both.")
    for one in req.get("TagFilters", ()):
        if "Key" not in one:
            raise InvalidParameterException("Every filter in TagFilters must name a Key.")
    for kind in req.get("ResourceTypeFilters", ()):
        if not kind.partition(":")[0]:
            raise InvalidParameterException(f"{kind!r} is no resource type: write service or service:type.")
