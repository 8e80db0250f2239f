"""CREATE, DROP and ALTER of databases, tables and views."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena import publishing
from clary.services.athena.files import place_of
from clary.services.athena.statements.base import Do, Gone, Said, answered, columns_of, glue, tables_in
from clary.services.athena.statements.partitions import moved
from clary.services.athena.tables import database_exists, presto, table_of

_READ_ONLY: Final = (
    *("CreateTime", "UpdateTime", "DatabaseName", "CreatedBy", "IsRegisteredWithLakeFormation", "CatalogId"),
    *("VersionId", "FederatedTable", "IsMultiDialectView", "Status", "IsMaterializedView"),
)


async def _creates_database(ctx: Context, doc: Doc, again: bool) -> Said:
    try:
        await ctx.call("glue", "CreateDatabase", {"DatabaseInput": doc["DatabaseInput"]})
    except ServiceError as error:
        if error.error_code != "AlreadyExistsException":
            raise
        if not (doc["exists_ok"] or again):
            told = f"Database {doc['DatabaseInput']['Name']} already exists"
            raise QueryError(told, code="SCHEMA_ALREADY_EXISTS") from None
    return answered()


async def _drops_database(ctx: Context, doc: Doc, again: bool) -> Said:
    if not await database_exists(ctx, doc["database"]):
        if doc["missing_ok"] or again:
            return answered()
        raise QueryError(f"Schema '{doc['database']}' does not exist", code="SCHEMA_NOT_FOUND")
    if not doc["cascade"] and await tables_in(ctx, doc["database"]):
        told = f"Database {doc['database']} is not empty: drop its tables first, or write CASCADE"
        raise QueryError(told, code="SCHEMA_NOT_EMPTY")
    await ctx.call("glue", "DeleteDatabase", {"Name": doc["database"]})
    return answered()


async def _creates_table(ctx: Context, doc: Doc, again: bool) -> Said:
    await publishing.made(ctx, doc["database"], doc["TableInput"], doc["exists_ok"] or again)
    return answered()


def _drops(view: bool) -> Do:
    async def drops(ctx: Context, doc: Doc, again: bool) -> Said:
        try:
            table = await table_of(ctx, doc["database"], doc["table"])
        except QueryError as error:
            if error.code in ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND") and (doc["missing_ok"] or again):
                return answered()
            raise
        if (table.get("TableType") == "VIRTUAL_VIEW") != view:
            kind, other = ("view", "TABLE") if view else ("table", "VIEW")
            told = f"line 1:1: {doc['database']}.{doc['table']} is no {kind}: use DROP {other}"
            raise QueryError(told, code="NOT_SUPPORTED")
        with suppress(Gone):
            await glue(ctx, "DeleteTable", {"DatabaseName": doc["database"], "Name": doc["table"]})
        return answered()

    return drops


async def _changed(ctx: Context, doc: Doc, change: Callable[[Doc], Doc]) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    kept = {key: value for key, value in table.items() if key not in _READ_ONLY}
    await ctx.call("glue", "UpdateTable", {"DatabaseName": doc["database"], "TableInput": change(kept)})
    return answered()


async def _adds_columns(ctx: Context, doc: Doc, again: bool) -> Said:
    def change(table: Doc) -> Doc:
        storage = table["StorageDescriptor"]
        known = {one["Name"] for one in columns_of(table)}
        for one in doc["columns"]:
            if one["Name"] in known and not again:
                raise QueryError(f"Duplicate column name: {one['Name']}", code="COLUMN_ALREADY_EXISTS")
        new = [one for one in doc["columns"] if one["Name"] not in known]
        return {**table, "StorageDescriptor": {**storage, "Columns": [*storage.get("Columns", []), *new]}}

    return await _changed(ctx, doc, change)


async def _replaces_columns(ctx: Context, doc: Doc, again: bool) -> Said:
    return await _changed(
        ctx, doc, lambda one: {**one, "StorageDescriptor": {**one["StorageDescriptor"], "Columns": doc["columns"]}}
    )


async def _sets_location(ctx: Context, doc: Doc, again: bool) -> Said:
    place_of(doc["location"])
    if "partition" in doc:
        return await moved(ctx, doc)
    location = {"Location": doc["location"]}
    return await _changed(ctx, doc, lambda one: {**one, "StorageDescriptor": {**one["StorageDescriptor"], **location}})


async def _sets_properties(ctx: Context, doc: Doc, again: bool) -> Said:
    if "partition" in doc:
        raise QueryError("properties of partitions are not set here", code="NOT_SUPPORTED")
    told = {key: str(value) for key, value in doc["properties"].items()}
    return await _changed(ctx, doc, lambda one: {**one, "Parameters": {**one.get("Parameters", {}), **told}})


async def creates_view(ctx: Context, doc: Doc, answer: Doc, again: bool) -> None:
    """The view is in the catalog, as Athena writes it; `answer` tells its columns. Raises QueryError."""
    columns = [{"name": one["Name"], "type": kind} for one, kind in zip(answer["hive"], answer["trino"], strict=True)]
    table: Doc = {
        "Name": doc["table"],
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": presto(doc["sql"], doc["of"], columns),
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {"Columns": answer["hive"], "Location": ""},
    }
    if await publishing.made(ctx, doc["database"], table, exists_ok=doc["replace"] or again):
        return
    before = await table_of(ctx, doc["database"], doc["table"])
    if before.get("TableType") != "VIRTUAL_VIEW":
        told = f"line 1:1: {doc['database']}.{doc['table']} is a table, which no view replaces"
        raise QueryError(told, code="TABLE_ALREADY_EXISTS")
    await ctx.call("glue", "UpdateTable", {"DatabaseName": doc["database"], "TableInput": table})


DO: Final[dict[str, Do]] = {
    "create-database": _creates_database,
    "drop-database": _drops_database,
    "create-table": _creates_table,
    "drop-table": _drops(view=False),
    "drop-view": _drops(view=True),
    "add-columns": _adds_columns,
    "replace-columns": _replaces_columns,
    "set-location": _sets_location,
    "set-properties": _sets_properties,
}
