"""Pages of experiments, trials and components: newest first unless asked otherwise."""

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import BadToken
from clary.kernel.page import decode, digest, encode, paginate, position
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Where
from clary.services.sagemaker import listing

_ORDERS: dict[str, Order] = {"Name": "name", "CreationTime": "created"}


def order_of(req: Doc) -> tuple[Order, bool]:
    """(order, descending) that the request asks for."""
    return _ORDERS[req.get("SortBy", "CreationTime")], req.get("SortOrder", "Descending") == "Descending"


def limit_of(req: Doc) -> int:
    return int(req.get("MaxResults") or listing.DEFAULT_PAGE)


def page(ctx: Context, kind: str, req: Doc, parent: str | None = None) -> tuple[list[Resource], Doc]:
    """One page of that kind, below `parent` where that is given, and the answer's NextToken where there is more. Raises
    ValidationException for a token of another list."""
    order, descending = order_of(req)
    where = Where(
        account=ctx.account,
        region=ctx.region,
        parent=parent,
        created_after=req.get("CreatedAfter"),
        created_before=req.get("CreatedBefore"),
    )
    try:
        found, token = paginate(ctx.store, kind, where, order, descending, limit_of(req), req.get("NextToken"))
    except BadToken as error:
        raise invalid(error) from None
    return found, {} if token is None else {"NextToken": token}


def page_of(found: list[Resource], req: Doc, *list_of: str) -> tuple[list[Resource], Doc]:
    """One page of the few that are at hand, as `page`; `list_of` tells this list from others."""
    order, descending = order_of(req)
    filters = digest(*list_of, order, descending, req.get("CreatedAfter"), req.get("CreatedBefore"))
    shown = [one for one in found if in_time(one, req)]
    shown.sort(key=lambda one: position(one, order), reverse=descending)
    if req.get("NextToken"):
        try:
            after = decode(req["NextToken"], filters, str if order == "name" else float, str, str, str)
        except BadToken as error:
            raise invalid(error) from None
        shown = [one for one in shown if (position(one, order) < after) == descending and position(one, order) != after]
    limit = limit_of(req)
    more = {"NextToken": encode(position(shown[limit - 1], order), filters)} if len(shown) > limit else {}
    return shown[:limit], more


def in_time(one: Resource, req: Doc) -> bool:
    """It was made within the bounds of the request, which are exclusive."""
    after, before = req.get("CreatedAfter"), req.get("CreatedBefore")
    return (after is None or one.created > after) and (before is None or one.created < before)


def invalid(error: BadToken) -> ValidationException:
    return ValidationException(f"Invalid NextToken: {error}")
