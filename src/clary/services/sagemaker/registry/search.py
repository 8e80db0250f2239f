"""Search over the registry's resources: a record holds what Describe would answer, and the tags."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import listing, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.registry import groups, packages
from clary.services.sagemaker.registry.matching import found_at, passes
from clary.services.sagemaker.registry.names import GROUP, PACKAGE

_STEP: Final = 500
_UNSEARCHED: Final = ("ManagedConfiguration", "ManagedStorageType")
"""Members of a Describe that a record of Search has not."""
_KINDS: Final[Mapping[str, tuple[str, Callable[[Resource], Doc]]]] = {
    "ModelPackage": (PACKAGE, packages.described),
    "ModelPackageGroup": (GROUP, groups.described),
}


@service.operation("Search", ignores=("CrossAccountFilterOption", "VisibilityConditions"))
async def search(ctx: Context, req: Doc) -> Doc:
    """A page of the records that match, the last changed first unless asked otherwise. Errors: ValidationException for
    an expression or a token that cannot be; 501 for resources that are not searched."""
    resource = req["Resource"]
    if resource not in _KINDS:
        raise NotImplementedHere(f"Search for Resource {resource} is not served yet; searched are {', '.join(_KINDS)}.")
    expression = req.get("SearchExpression") or {}
    records = [one for one in _records(ctx, resource) if passes(one, expression)]
    by = req.get("SortBy", "LastModifiedTime")
    descending = req.get("SortOrder", "Descending") == "Descending"
    keyed = sorted(((_key(one, by), one) for one in records), key=lambda pair: pair[0], reverse=descending)
    filters = page.digest(resource, expression, by, descending)
    if req.get("NextToken"):
        keyed = _behind(keyed, req["NextToken"], filters, descending)
    limit = req.get("MaxResults", listing.DEFAULT_PAGE)
    more = {}
    if len(keyed) > limit:
        more = {"NextToken": page.encode(keyed[limit - 1][0], filters)}
    return {"Results": [{resource: one} for _, one in keyed[:limit]], **more}


def _records(ctx: Context, resource: str) -> list[Doc]:
    kind, described = _KINDS[resource]
    found: list[Doc] = []
    after: list[Any] | None = None
    while True:
        rows = ctx.store.page(kind, Where(account=ctx.account, region=ctx.region), after=after, limit=_STEP)
        for one in rows:
            held = [{"Key": key, "Value": value} for key, value in sorted(tags.of(ctx.store, one).items())]
            said = {name: value for name, value in described(one).items() if name not in _UNSEARCHED}
            found.append({**said, **({"Tags": held} if held else {})})
        if len(rows) < _STEP:
            return found
        after = page.position(rows[-1], "name")


def _key(record: Doc, by: str) -> tuple[int, Any, str]:
    """Where the record stands in the order: what has no such property first, then numbers, then texts."""
    arn = record.get("ModelPackageArn") or record["ModelPackageGroupArn"]
    values = found_at(record, by) or found_at(record, "CreationTime" if by == "LastModifiedTime" else by)
    value = values[0] if values else None
    if isinstance(value, int | float):
        return 1, float(value), arn
    return (2, value, arn) if isinstance(value, str) else (0, 0.0, arn)


def _behind(keyed: list[Any], token: str, filters: str, descending: bool) -> list[Any]:
    try:
        rank, value, arn = page.decode(token, filters, *_types(token, filters))
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}") from None
    place = (rank, value, arn)
    return [pair for pair in keyed if (pair[0] < place if descending else pair[0] > place)]


def _types(token: str, filters: str) -> tuple[type, type, type]:
    """Of the parts of a place: a text stands where the rank says so."""
    rank = page.decode(token, filters)[0]
    return int, str if rank == 2 else float, str
