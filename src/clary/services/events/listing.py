"""Pages of EventBridge's lists: by name, with a token that belongs to its list."""

from typing import Final

from clary.aws.service import Context
from clary.kernel.errors import BadToken
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.events.api import ValidationException

_PAGE: Final = 100


def page(
    ctx: Context, kind: str, req: Doc, prefix: str = "", parent: str | None = None, phase: str | None = None
) -> tuple[list[Resource], Doc]:
    """One page of that kind by name, and the answer's NextToken where there is more. Raises ValidationException for
    the token of another list."""
    where = Where(ctx.account, ctx.region, phase=phase, parent=parent, name_prefix=prefix or None)
    try:
        found, token = paginate(ctx.store, kind, where, limit=req.get("Limit", _PAGE), token=req.get("NextToken"))
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}.") from None
    return found, {} if token is None else {"NextToken": token}
