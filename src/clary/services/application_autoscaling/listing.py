"""Pages of the lists, by name; a token belongs to its list."""

from collections.abc import Callable
from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import page as pages
from clary.kernel.errors import BadToken
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.application_autoscaling.api import InvalidNextTokenException, check_scope

_PAGE: Final = 50


def page(
    ctx: Context, kind: str, req: Doc, wanted: Callable[[Resource], bool], *, descending: bool = False
) -> tuple[list[Resource], Doc]:
    """Those of the kind that are `wanted`, and the answer's NextToken where there is more. Raises
    InvalidNextTokenException, ValidationException."""
    check_scope(req)
    limit = _limit(req)
    dimension, resource = req.get("ScalableDimension"), req.get("ResourceId")
    if dimension is not None and resource is None and "ResourceIds" not in req:
        raise ValidationException("If you specify a scalable dimension, you must also specify a resource ID")
    filters = pages.digest(kind, ctx.account, ctx.region, {**req, "NextToken": "", "MaxResults": 0})
    try:
        token = pages.decode(req["NextToken"], filters, str, str) if "NextToken" in req else None
    except BadToken as error:
        raise InvalidNextTokenException(f"Invalid NextToken: {error}.") from None
    where = Where(ctx.account, ctx.region, parent=resource)
    found: list[Resource] = []
    after = None if token is None else [token[0], token[0]]
    while len(found) <= limit:
        rows = ctx.store.page(kind, where, descending=descending, after=after, limit=_PAGE + 1)
        found += [one for one in rows if dimension in (None, one.spec["ScalableDimension"]) and wanted(one)]
        if len(rows) <= _PAGE:
            break
        after = [rows[-1].name, rows[-1].name]
    more = {"NextToken": pages.encode([found[limit - 1].name, ""], filters)} if len(found) > limit else {}
    return found[:limit], more


def _limit(req: Doc) -> int:
    limit: int = req.get("MaxResults", _PAGE)
    if not 1 <= limit <= _PAGE:
        raise ValidationException(f"MaxResults must be between 1 and {_PAGE}, not {limit}")
    return limit
