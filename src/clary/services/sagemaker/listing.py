"""What all List operations share: filters, sorting, pages."""

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import BadToken
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Where

DEFAULT_PAGE = 10

_ORDERS: dict[str, Order] = {
    "Name": "name",
    "CreationTime": "created",
    "LastModifiedTime": "modified",
    "Status": "phase",
}


def page(ctx: Context, kind: str, req: Doc, *, descending: bool) -> tuple[list[Resource], Doc]:
    """One page of the caller's resources of that kind, and the answer's NextToken member where there is more.

    `descending` is the operation's default order. Raises ValidationException for a token of another list."""
    order: Order = _ORDERS[req.get("SortBy", "CreationTime")]
    backwards = req["SortOrder"] == "Descending" if "SortOrder" in req else descending
    try:
        found, token = paginate(
            ctx.store,
            kind,
            where(ctx, req),
            order=order,
            descending=backwards,
            limit=req.get("MaxResults", DEFAULT_PAGE),
            token=req.get("NextToken"),
        )
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}") from None
    return found, {} if token is None else {"NextToken": token}


def where(ctx: Context, req: Doc) -> Where:
    return Where(
        account=ctx.account,
        region=ctx.region,
        phase=req.get("StatusEquals"),
        name_contains=req.get("NameContains"),
        created_after=req.get("CreationTimeAfter"),
        created_before=req.get("CreationTimeBefore"),
        modified_after=req.get("LastModifiedTimeAfter"),
        modified_before=req.get("LastModifiedTimeBefore"),
    )


def pick(document: Doc, *members: str) -> Doc:
    """The members that are there: absent stays absent."""
    return {name: document[name] for name in members if document.get(name) is not None}
