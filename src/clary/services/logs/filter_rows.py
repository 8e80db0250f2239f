"""What metric filters and subscription filters have in common."""

from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.kernel.store import Where
from clary.services.logs.api import LimitExceededException
from clary.services.logs.patterns import Pattern, parse

_KINDS: Final = ("log-metric-filter", "log-subscription-filter")
_MOST_WITH_REGEXES: Final = 5


def row_name(group: str, name: str) -> str:
    """What the row of a filter is called: rows sort by the filter's name. Neither part can hold a colon."""
    return f"{name}:{group}"


def refuse_unserved(req: Doc, *members: str) -> None:
    """Raises NotImplementedHere for members that would change what the filter sees."""
    if req.get("applyOnTransformedLogs"):
        raise NotImplementedHere("Log transformers are not served here: leave applyOnTransformedLogs out.")
    for member in ("fieldSelectionCriteria", *members):
        if req.get(member):
            raise NotImplementedHere(
                f"{member} is for logs that are gathered from several accounts, which is not served: leave it out."
            )


def check_regexes(ctx: Context, group: str, replaced: str, pattern: Pattern) -> None:
    """Raises LimitExceededException when the group has its share of filters with regular expressions already, the one
    named `replaced` aside."""
    if not pattern.regexes:
        return
    where = Where(ctx.account, ctx.region, parent=group)
    others = (one for kind in _KINDS for one in ctx.store.page(kind, where) if one.name != replaced)
    if sum(parse(one.spec["filterPattern"]).regexes > 0 for one in others) >= _MOST_WITH_REGEXES:
        raise LimitExceededException(
            f"A log group can have {_MOST_WITH_REGEXES} filters whose patterns hold regular expressions."
        )
