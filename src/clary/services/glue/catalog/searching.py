"""Tables that are looked for: in a database by pattern, in the whole catalog by what is said of them."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.api import service
from clary.services.glue.catalog import versions
from clary.services.glue.catalog.names import DATABASE, TABLE, check_catalog, find_database, refuse
from clary.services.glue.catalog.tables import chosen
from clary.services.glue.errors import InvalidInputException

_PAGE: Final = 100
_BITE: Final = 200
_LONGEST_MATCH: Final = 0.05
"""Seconds that a pattern may take for one name: names are short, and patterns come from outside."""
_LONE_STAR: Final = re.compile(r"(^|[^\\.\])}*+?])\*")
_TIMES: Final = {"CreateTime": "CreateTime", "UpdateTime": "UpdateTime", "LastAccessTime": "LastAccessTime"}
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "EQUALS": lambda one, other: one == other,
    "GREATER_THAN": lambda one, other: one > other,
    "LESS_THAN": lambda one, other: one < other,
    "GREATER_THAN_EQUALS": lambda one, other: one >= other,
    "LESS_THAN_EQUALS": lambda one, other: one <= other,
}
_MOST_SORTED: Final = 10_000


@service.operation("GetTables", ignores=("AuditContext", "IncludeStatusDetails", "ResourceShareType"))
async def get_tables(ctx: Context, req: Doc) -> Doc:
    """The tables of a database whose whole name matches Expression, by name. Errors: EntityNotFoundException (no
    database), InvalidInputException (no pattern, a foreign token)."""
    check_catalog(ctx, req)
    refuse(req, "TransactionId", why="governed tables and their transactions are no more. Leave it out.")
    refuse(req, "QueryAsOfTime", why="GetTableVersions has what a table was.")
    database = find_database(ctx, req["DatabaseName"])
    expression = req.get("Expression", "")
    filters = page.digest("tables", database.uid, expression)
    matches = pattern(expression) if expression else None
    most = min(req.get("MaxResults", _PAGE), _PAGE)
    after: list[Any] | None = _after(req, filters)
    where = Where(account=ctx.account, region=ctx.region, parent=database.uid)
    found: list[Resource] = []
    while len(found) <= most:
        rows = ctx.store.page(TABLE, where, after=after, limit=_BITE if matches else most + 1)
        found += [one for one in rows if matches is None or matches(one.spec["Name"])]
        if not rows:
            break
        after = [rows[-1].name, rows[-1].name]
    more: Doc = {}
    if len(found) > most:
        found = found[:most]
        more = {"NextToken": page.encode([found[-1].name, found[-1].name], filters)}
    return {"TableList": [chosen(versions.described(one), req) for one in found], **more}


@service.operation("SearchTables", ignores=("ResourceShareType", "IncludeStatusDetails"))
async def search_tables(ctx: Context, req: Doc) -> Doc:
    """The tables of the catalog that all filters hold for and in which SearchText stands (in a name, a description, a
    column, a comment or a parameter; in "double quotes": as a whole one). Errors: InvalidInputException."""
    check_catalog(ctx, req)
    wanted = [_filter(one) for one in req.get("Filters", ())]
    text = req.get("SearchText", "")
    if text:
        wanted.append(_texts(text))
    criteria = req.get("SortCriteria") or [{"FieldName": "Name", "Sort": "ASC"}]
    field, descending = criteria[0].get("FieldName", "Name"), criteria[0].get("Sort") == "DESC"
    if field not in (*_TIMES, "Name", "DatabaseName"):
        raise InvalidInputException(f"Tables are not sorted by {field}: use Name, DatabaseName, {', '.join(_TIMES)}")
    filters = page.digest("search", req.get("Filters"), text, criteria, ctx.account, ctx.region)
    start = max(int(_after(req, filters, int)[0]), 0) if "NextToken" in req else 0
    found = [one for one in _all(ctx) if all(holds(one) for holds in wanted)]
    found.sort(key=lambda one: (one.get(field, 0), one["DatabaseName"], one["Name"]), reverse=descending)
    end = start + req.get("MaxResults", _PAGE)
    more: Doc = {"NextToken": page.encode([end, 0], filters)} if end < len(found) else {}
    return {"TableList": found[start:end], **more}


def _all(ctx: Context) -> Iterable[Doc]:
    """Every table that can be reached."""
    stands: dict[str, bool] = {}
    after: list[str] | None = None
    where = Where(account=ctx.account, region=ctx.region)
    seen = 0
    while rows := ctx.store.page(TABLE, where, after=after, limit=_BITE):
        after = [rows[-1].name, rows[-1].name]
        for one in rows:
            if one.parent not in stands:
                stands[one.parent] = _stands(ctx, one.parent)
            if stands[one.parent]:
                seen += 1
                yield versions.described(one)
        if seen > _MOST_SORTED:
            raise InvalidInputException(
                f"More than {_MOST_SORTED} tables are too many to search at once: use GetTables, database by database"
            )


def _stands(ctx: Context, uid: str) -> bool:
    try:
        ctx.store.find(DATABASE, uid)
    except Missing:
        return False
    return True


def pattern(expression: str) -> Callable[[str], bool]:
    """A regular expression for whole names; a star that repeats nothing stands for any text, as Hive has it."""
    import regex  # only here: a start need not pay for it

    try:
        compiled = regex.compile(_LONE_STAR.sub(r"\1.*", expression), regex.IGNORECASE)
    except regex.error as error:
        raise InvalidInputException(f"The expression {expression!r} is not a regular expression: {error}") from None

    def matches(name: str) -> bool:
        try:
            return compiled.fullmatch(name, timeout=_LONGEST_MATCH) is not None
        except TimeoutError:
            raise InvalidInputException(f"The expression {expression!r} takes too long: make it simpler") from None

    return matches


def _filter(one: Doc) -> Callable[[Doc], bool]:
    key, value, comparator = one.get("Key", ""), one.get("Value", ""), one.get("Comparator", "EQUALS")
    compare = _COMPARED[comparator]
    if key in _TIMES:
        try:
            bound = float(value)
        except ValueError:
            raise InvalidInputException(f"{key} is compared with epoch seconds, not with {value!r}") from None
        return lambda table: key in table and compare(table[key], bound)
    return lambda table: (said := _said(table, key)) is not None and compare(said.lower(), value.lower())


def _said(table: Doc, key: str) -> str | None:
    """A member, or a parameter, of that name."""
    found = table.get(key, table.get("StorageDescriptor", {}).get(key))
    if found is None:
        found = table.get("Parameters", {}).get(key)
    return found if isinstance(found, str) else None


def _texts(text: str) -> Callable[[Doc], bool]:
    """Every word stands somewhere; what is in double quotes is one whole text."""
    exact = re.findall(r'"([^"]*)"', text)
    words = re.sub(r'"[^"]*"', " ", text).lower().split()

    def holds(table: Doc) -> bool:
        told = list(_told(table))
        lower = [one.lower() for one in told]
        return all(any(word in one for one in lower) for word in words) and all(one in told for one in exact)

    return holds


def _told(table: Doc) -> Iterable[str]:
    yield table["Name"]
    yield table["DatabaseName"]
    yield table.get("Description", "")
    yield table.get("Owner", "")
    for column in (*table.get("StorageDescriptor", {}).get("Columns", ()), *table["PartitionKeys"]):
        yield column["Name"]
        yield column.get("Comment", "")
    for name, value in table.get("Parameters", {}).items():
        yield name
        yield value


def _after(req: Doc, filters: str, *types: type) -> Any:
    if "NextToken" not in req:
        return None
    try:
        return page.decode(req["NextToken"], filters, *(types * 2 or (str, str)))
    except BadToken as error:
        raise InvalidInputException(str(error)) from None
