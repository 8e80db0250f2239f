"""Tables and views of the catalog, in Athena's words."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc

_PRESTO: Final = "/* Presto View: "


async def table_of(ctx: Context, database: str, name: str, where: str = "1:1") -> Doc:
    """The table of the catalog. Raises QueryError in Athena's words, ServiceError when it may not be seen."""
    try:
        found: Doc = await ctx.call("glue", "GetTable", {"DatabaseName": database, "Name": name})
    except ServiceError as error:
        if error.error_code != "EntityNotFoundException":
            raise
        if not await database_exists(ctx, database):
            raise QueryError(f"line {where}: Schema '{database}' does not exist", code="SCHEMA_NOT_FOUND") from None
        told = f"line {where}: Table 'awsdatacatalog.{database}.{name}' does not exist"
        raise QueryError(told, code="TABLE_NOT_FOUND") from None
    table: Doc = found["Table"]
    return table


async def database_exists(ctx: Context, name: str) -> bool:
    try:
        await ctx.call("glue", "GetDatabase", {"Name": name})
    except ServiceError as error:
        if error.error_code != "EntityNotFoundException":
            raise
        return False
    return True


async def pages(ctx: Context, service: str, operation: str, params: Doc, member: str) -> AsyncIterator[Any]:
    """Every item of a list of another service."""
    more: Doc = {}
    while True:
        answer = await ctx.call(service, operation, {**params, **more})
        for one in answer.get(member, []):
            yield one
        token = answer.get("NextToken")
        if not token:
            return
        more = {"NextToken": token}


def view_of(table: Doc) -> Doc | None:
    """The Presto view that a table of the catalog is; None: it is none. Raises QueryError."""
    if table.get("TableType") != "VIRTUAL_VIEW":
        return None
    text = table.get("ViewOriginalText", "")
    if not text.startswith(_PRESTO):
        told = f"line 1:1: the view {table['Name']} was not made by Athena: only its own views are read"
        raise QueryError(told, code="NOT_SUPPORTED")
    try:
        found: Doc = json.loads(base64.b64decode(text.removeprefix(_PRESTO).removesuffix(" */")))
        found["originalSql"]
    except (ValueError, KeyError):
        raise QueryError(f"line 1:1: the text of the view {table['Name']} is broken", code="INVALID_VIEW") from None
    return found


def presto(sql: str, database: str, columns: list[Doc]) -> str:
    """How Athena stores a view in the catalog."""
    doc = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": database, "columns": columns}
    return f"{_PRESTO}{base64.b64encode(json.dumps(doc, separators=(',', ':')).encode()).decode()} */"
