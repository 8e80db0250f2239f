"""How the catalog's rows are called, and how a request names them.

What is in a database or a table is kept under its uid, not its name: a database that is made again under an old name
is empty at once, whatever the removal of the old one still has to do.
"""

from collections.abc import Sequence
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException

DATABASE: Final = "glue-database"
TABLE: Final = "glue-table"
VERSION: Final = "glue-table-version"
PARTITION: Final = "glue-partition"
STATISTICS: Final = "glue-column-statistics"
FUNCTION: Final = "glue-function"

_END: Final = "\x01"
"""Stands behind each value of a partition's name. What is below it or like it is written as two characters, so names
sort as the lists of their values do, character by character."""
_ESCAPE: Final = "\x02"
_ESCAPED: Final = {chr(code): _ESCAPE + chr(0x10 + code) for code in range(3)}
_PLAIN: Final = {there: here for here, there in _ESCAPED.items()}


def folded(name: str) -> str:
    """As the catalog keeps it: Glue folds names to lower case."""
    return name.lower()


def check_catalog(ctx: Context, req: Doc) -> None:
    """Raises EntityNotFoundException unless the request means this account's own catalog."""
    asked = req.get("CatalogId", ctx.account)
    if asked != ctx.account:
        raise EntityNotFoundException(
            f"Catalog {asked} not found: there is one catalog an account, and its id is the account's: {ctx.account}"
        )


def refuse(req: Doc, *members: str, why: str) -> None:
    """Raises NotImplementedHere where the request has one of these members."""
    for member in members:
        if member in req:
            raise NotImplementedHere(f"{member} is not served by Clary: {why}")


def catalog_arn(ctx: Context) -> str:
    return ctx.arn("glue", "catalog")


def database_arn(ctx: Context, database: str) -> str:
    return ctx.arn("glue", f"database/{folded(database)}")


def table_arn(ctx: Context, database: str, table: str) -> str:
    return ctx.arn("glue", f"table/{folded(database)}/{folded(table)}")


def function_arn(ctx: Context, database: str, function: str) -> str:
    return ctx.arn("glue", f"userDefinedFunction/{folded(database)}/{folded(function)}")


def find_database(ctx: Context, name: str) -> Resource:
    """Raises EntityNotFoundException in AWS's words."""
    try:
        return ctx.store.get(ctx.account, ctx.region, DATABASE, folded(name))
    except Missing:
        raise EntityNotFoundException(f"Database {folded(name)} not found.") from None


def row_name(parent: Resource, name: str) -> str:
    """What is called `name` within its parent."""
    return f"{parent.uid}/{folded(name)}"


def find_table(ctx: Context, database: str, name: str) -> Resource:
    """Raises EntityNotFoundException in AWS's words."""
    return table_in(ctx, find_database(ctx, database), name)


def table_in(ctx: Context, database: Resource, name: str) -> Resource:
    try:
        return ctx.store.get(ctx.account, ctx.region, TABLE, row_name(database, name))
    except Missing:
        raise EntityNotFoundException(f"Entity Not Found: table {folded(name)} in database {database.name}.") from None


def table_of(ctx: Context, req: Doc) -> Resource:
    """The table that the request's DatabaseName and TableName say. Raises EntityNotFoundException."""
    check_catalog(ctx, req)
    return find_table(ctx, req["DatabaseName"], req["TableName"])


def table_at(ctx: Context, arn: str) -> Resource | None:
    """The table of an ARN; None: there is none."""
    prefix = ctx.arn("glue", "table/")
    database, slash, table = arn.removeprefix(prefix).partition("/")
    if not arn.startswith(prefix) or not slash:
        return None
    try:
        return find_table(ctx, database, table)
    except EntityNotFoundException:
        return None


def partition_name(table: Resource, values: Sequence[str]) -> str:
    """Where the partition of these values stands; of the first few: what the names of all such begin with."""
    return f"{table.uid}/" + "".join(_written(value) + _END for value in values)


def values_in(table: Resource, name: str) -> list[str]:
    """The values of a partition, from its name."""
    kept = name[len(table.uid) + 1 : -1].split(_END)
    return [_read(one) for one in kept] if name.endswith(_END) else []


def from_value(table: Resource, before: Sequence[str], value: str) -> str:
    """A name in front of all whose value behind `before` is `value` or greater."""
    return partition_name(table, before) + _written(value)


def behind(prefix: str) -> str:
    """A name behind all that begin with that prefix (which ends with a whole value), and before all others after it."""
    return prefix[: -len(_END)] + _ESCAPE


def _written(value: str) -> str:
    if value.isprintable():
        return value
    return "".join(_ESCAPED.get(char, char) for char in value)


def _read(kept: str) -> str:
    if _ESCAPE in kept:
        for there, here in _PLAIN.items():
            kept = kept.replace(there, here)
    return kept


def listed(ctx: Context, kind: str, req: Doc, most: int, **where: Any) -> tuple[list[Resource], Doc]:
    """A page of rows by name, and NextToken where there are more. Raises InvalidInputException for a foreign token."""
    space = Where(account=ctx.account, region=ctx.region, **where)
    try:
        found, token = page.paginate(
            ctx.store, kind, space, limit=req.get("MaxResults", most), token=req.get("NextToken")
        )
    except BadToken as error:
        raise InvalidInputException(str(error)) from None
    return found, {"NextToken": token} if token else {}
