"""Lists of IAM: `Marker`, `MaxItems`, `PathPrefix`, `IsTruncated`."""

from collections.abc import Callable
from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.iam.api import REGION, ValidationError
from clary.services.iam.entities import Family, path_of

PAGE: Final = 100


def of_family(
    ctx: Context, req: Doc, family: Family, keep: Callable[[Resource], bool] = lambda one: True
) -> tuple[list[Resource], Doc]:
    """(those of the family whose path begins with `PathPrefix` and that `keep` lets through, by name; `IsTruncated` and
    perhaps `Marker`). Raises ValidationError."""
    prefix = req.get("PathPrefix", "/")
    limit = req.get("MaxItems", PAGE)
    told = {name: value for name, value in req.items() if name not in ("Marker", "MaxItems")}
    filters = page.digest(family.kind, ctx.account, sorted(told.items()))
    after = _place(req, filters, str, str, str, str)
    found: list[Resource] = []
    while len(found) <= limit:
        batch = ctx.store.page(family.kind, Where(account=ctx.account, region=REGION), after=after, limit=limit + 1)
        found += [one for one in batch if path_of(one).startswith(prefix) and keep(one)]
        if len(batch) <= limit:
            break
        after = page.position(batch[-1], "name")
    answer: Doc = {"IsTruncated": len(found) > limit}
    if len(found) > limit:
        answer["Marker"] = page.encode(page.position(found[limit - 1], "name"), filters)
    return found[:limit], answer


def of_names(req: Doc, names: list[str], filters: str) -> tuple[list[str], Doc]:
    """(the names of the page that `Marker` and `MaxItems` ask for, `IsTruncated` and perhaps `Marker`). `names` are in
    order; `filters` is the digest of what made them. Raises ValidationError."""
    after = _place(req, filters, str, str)
    limit = req.get("MaxItems", PAGE)
    left = [name for name in names if after is None or name > after[0]]
    answer: Doc = {"IsTruncated": len(left) > limit}
    if len(left) > limit:
        answer["Marker"] = page.encode([left[limit - 1], ""], filters)
    return left[:limit], answer


def _place(req: Doc, filters: str, *types: type) -> list[str] | None:
    try:
        return page.decode(req["Marker"], filters, *types) if "Marker" in req else None
    except BadToken:
        raise ValidationError("Invalid Marker: it was not returned by this list with these filters.") from None
