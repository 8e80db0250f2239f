"""DDL and SHOW: what is asked of the catalog, and the lines that are answered."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena import prepared, publishing
from clary.services.athena.files import objects, place_of
from clary.services.athena.tables import database_exists, pages, presto, table_of, view_of

_READ_ONLY: Final = (
    *("CreateTime", "UpdateTime", "DatabaseName", "CreatedBy", "IsRegisteredWithLakeFormation", "CatalogId"),
    *("VersionId", "FederatedTable", "IsMultiDialectView", "Status", "IsMaterializedView"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to a statement of DDL."""

    lines: list[str]
    columns: list[Doc]


Do = Callable[[Context, Doc, bool], Awaitable[Said]]
"""With whether it may have been done already, by a server that was killed then."""


def column(name: str) -> Doc:
    return {
        **{"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": "string"},
        **{"Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": False},
    }


def _said(lines: list[str] | None = None, *names: str) -> Said:
    return Said(lines or [], [column(name) for name in names])


async def _lists_databases(ctx: Context, doc: Doc, again: bool) -> Said:
    names = [one["Name"] async for one in pages(ctx, "glue", "GetDatabases", {}, "DatabaseList")]
    return _said(_liked(names, doc["like"]), "database_name")


async def _lists_tables(ctx: Context, doc: Doc, again: bool) -> Said:
    found = await _tables(ctx, doc["database"])
    return _said(_liked([one["Name"] for one in found], doc["like"]), "tab_name")


async def _lists_views(ctx: Context, doc: Doc, again: bool) -> Said:
    found = [one["Name"] for one in await _tables(ctx, doc["database"]) if one.get("TableType") == "VIRTUAL_VIEW"]
    return _said(_liked(found, doc["like"]), "views")


async def _tables(ctx: Context, database: str) -> list[Doc]:
    try:
        return [one async for one in pages(ctx, "glue", "GetTables", {"DatabaseName": database}, "TableList")]
    except ServiceError as error:
        if error.error_code != "EntityNotFoundException":
            raise
        raise QueryError(f"Database does not exist: {database}", code="SCHEMA_NOT_FOUND") from None


def _liked(names: list[str], like: str | None) -> list[str]:
    """Hive's patterns: regular expressions in which * stands for anything."""
    if like is None:
        return sorted(names)
    try:
        wanted = re.compile(re.sub(r"(?<!\.)\*", ".*", like.lower()))
    except re.error as error:
        raise QueryError(f"the pattern {like!r} is not a regular expression: {error}", code="SYNTAX_ERROR") from None
    return sorted(name for name in names if wanted.fullmatch(name.lower()))


async def _lists_partitions(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    if not keys:
        told = f"Table {doc['table']} is not a partitioned table"
        raise QueryError(told, code="HIVE_METASTORE_ERROR")
    asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "ExcludeColumnSchema": True}
    lines = [
        "/".join(f"{key}={value}" for key, value in zip(keys, one["Values"], strict=False))
        async for one in pages(ctx, "glue", "GetPartitions", asked, "Partitions")
    ]
    return _said(sorted(lines), "partition")


async def _lists_columns(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    return _said([f"{one['Name']:<20}" for one in _columns(table)], "field")


def _columns(table: Doc) -> list[Doc]:
    return [*table.get("StorageDescriptor", {}).get("Columns", []), *table.get("PartitionKeys", [])]


async def _describes(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    lines = [_line(one["Name"], one.get("Type", ""), one.get("Comment", "")) for one in _columns(table)]
    if table.get("PartitionKeys"):
        lines += [
            _line("", "", ""),
            _line("# Partition Information", "", ""),
            _line("# col_name", "data_type", "comment"),
        ]
        lines += [_line("", "", "")]
        lines += [_line(one["Name"], one.get("Type", ""), one.get("Comment", "")) for one in table["PartitionKeys"]]
    if doc["formatted"]:
        storage = table.get("StorageDescriptor", {})
        lines += [
            _line("", "", ""),
            _line("# Detailed Table Information", "", ""),
            _line("Database:", doc["database"], ""),
            _line("Table Type:", table.get("TableType", ""), ""),
            _line("Location:", storage.get("Location", ""), ""),
            _line("SerDe Library:", storage.get("SerdeInfo", {}).get("SerializationLibrary", ""), ""),
            _line("InputFormat:", storage.get("InputFormat", ""), ""),
            _line("OutputFormat:", storage.get("OutputFormat", ""), ""),
            *(_line("", key, str(value)) for key, value in sorted(table.get("Parameters", {}).items())),
        ]
    return _said(lines, "col_name", "data_type", "comment")


def _line(*cells: str) -> str:
    return "\t".join(f"{cell:<20}" for cell in cells)


async def _shows_create(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    view = view_of(table)
    if view is not None or doc["view"]:
        if view is None:
            raise QueryError(f"{doc['database']}.{doc['table']} is a table, not a view", code="NOT_SUPPORTED")
        lines = f"CREATE VIEW {doc['database']}.{doc['table']} AS\n{view['originalSql']}".splitlines()
        return _said(lines, "Create View")
    return _said(_create_lines(doc["database"], table), "createtab_stmt")


def _create_lines(database: str, table: Doc) -> list[str]:
    storage = table.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})

    def listed(columns: list[Doc]) -> list[str]:
        ends = [", "] * (len(columns) - 1) + [")"]
        return [
            f"  `{one['Name']}` {one.get('Type', '')}{_comment(one)}{end}"
            for one, end in zip(columns, ends, strict=True)
        ]

    lines = [f"CREATE EXTERNAL TABLE `{database}.{table['Name']}`(", *listed(storage.get("Columns", []))]
    if table.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *listed(table["PartitionKeys"])]
    if serde.get("SerializationLibrary"):
        lines += ["ROW FORMAT SERDE ", f"  {_text(serde['SerializationLibrary'])} "]
    if serde.get("Parameters"):
        lines += ["WITH SERDEPROPERTIES ( ", *_pairs(serde["Parameters"])]
    if storage.get("InputFormat"):
        lines += ["STORED AS INPUTFORMAT ", f"  {_text(storage['InputFormat'])} "]
        lines += ["OUTPUTFORMAT ", f"  {_text(storage.get('OutputFormat', ''))}"]
    if storage.get("Location"):
        lines += ["LOCATION", f"  {_text(storage['Location'])}"]
    told = {key: value for key, value in table.get("Parameters", {}).items() if key != "EXTERNAL"}
    return [*lines, "TBLPROPERTIES (", *_pairs(told)] if told else lines


def _pairs(told: dict[str, Any]) -> list[str]:
    said = [f"  {_text(key)}={_text(str(value))}" for key, value in sorted(told.items())]
    return [f"{one}, " for one in said[:-1]] + [f"{said[-1]})"]


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t").replace("\n", "\\n")
    return f"'{escaped}'"


def _comment(one: Doc) -> str:
    return f" COMMENT {_text(one['Comment'])}" if one.get("Comment") else ""


async def _shows_properties(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    told = table.get("Parameters", {})
    if doc["key"] is not None:
        return _said([str(told.get(doc["key"], f"Table does not have property: {doc['key']}"))], "prpt_name")
    return _said([f"{key}\t{value}" for key, value in sorted(told.items())], "prpt_name", "prpt_value")


async def _creates_database(ctx: Context, doc: Doc, again: bool) -> Said:
    try:
        await ctx.call("glue", "CreateDatabase", {"DatabaseInput": doc["DatabaseInput"]})
    except ServiceError as error:
        if error.error_code != "AlreadyExistsException":
            raise
        if not (doc["exists_ok"] or again):
            told = f"Database {doc['DatabaseInput']['Name']} already exists"
            raise QueryError(told, code="SCHEMA_ALREADY_EXISTS") from None
    return _said()


async def _drops_database(ctx: Context, doc: Doc, again: bool) -> Said:
    if not await database_exists(ctx, doc["database"]):
        if doc["missing_ok"] or again:
            return _said()
        raise QueryError(f"Schema '{doc['database']}' does not exist", code="SCHEMA_NOT_FOUND")
    if not doc["cascade"] and await _tables(ctx, doc["database"]):
        told = f"Database {doc['database']} is not empty: drop its tables first, or write CASCADE"
        raise QueryError(told, code="SCHEMA_NOT_EMPTY")
    await ctx.call("glue", "DeleteDatabase", {"Name": doc["database"]})
    return _said()


async def _creates_table(ctx: Context, doc: Doc, again: bool) -> Said:
    await publishing.made(ctx, doc["database"], doc["TableInput"], doc["exists_ok"] or again)
    return _said()


def _drops(view: bool) -> Do:
    async def drops(ctx: Context, doc: Doc, again: bool) -> Said:
        try:
            table = await table_of(ctx, doc["database"], doc["table"])
        except QueryError as error:
            if error.code in ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND") and (doc["missing_ok"] or again):
                return _said()
            raise
        if (table.get("TableType") == "VIRTUAL_VIEW") != view:
            kind, other = ("view", "TABLE") if view else ("table", "VIEW")
            told = f"line 1:1: {doc['database']}.{doc['table']} is no {kind}: use DROP {other}"
            raise QueryError(told, code="NOT_SUPPORTED")
        with suppress(_Gone):
            await _call(ctx, "DeleteTable", {"DatabaseName": doc["database"], "Name": doc["table"]})
        return _said()

    return drops


class _Gone(Exception):
    """Somebody else deleted it just now."""


async def _call(ctx: Context, operation: str, params: Doc) -> Doc:
    try:
        return await ctx.call("glue", operation, params)
    except ServiceError as error:
        if error.error_code == "EntityNotFoundException":
            raise _Gone from None
        raise


async def _adds_partitions(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    top = table["StorageDescriptor"].get("Location", "").rstrip("/")
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    places = []
    for one in doc["partitions"]:
        values = _values(table, keys, one["values"])
        folders = "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
        places.append((values, one.get("location", f"{top}/{folders}")))
    if not (doc["exists_ok"] or again):
        for values, _ in places:
            with suppress(_Gone):
                asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "PartitionValues": values}
                await _call(ctx, "GetPartition", asked)
                raise QueryError(f"Partition already exists: {values}", code="HIVE_PARTITION_ALREADY_EXISTS")
    await publishing.add_partitions(ctx, doc["database"], table, places)
    return _said()


def _values(table: Doc, keys: list[str], given: dict[str, str]) -> list[str]:
    if sorted(keys) != sorted(given):
        told = f"the partition keys of {table['Name']} are {', '.join(keys) or 'none'}, not {', '.join(given)}"
        raise QueryError(told, code="HIVE_METASTORE_ERROR")
    return [given[key] for key in keys]


async def _drops_partitions(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    for one in doc["partitions"]:
        values = _values(table, keys, one)
        asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "PartitionValues": values}
        try:
            await _call(ctx, "DeletePartition", asked)
        except _Gone:
            if not (doc["missing_ok"] or again):
                raise QueryError(f"Partition not found: {values}", code="HIVE_PARTITION_NOT_FOUND") from None
    return _said()


async def _changed(ctx: Context, doc: Doc, change: Callable[[Doc], Doc]) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    kept = {key: value for key, value in table.items() if key not in _READ_ONLY}
    await ctx.call("glue", "UpdateTable", {"DatabaseName": doc["database"], "TableInput": change(kept)})
    return _said()


async def _adds_columns(ctx: Context, doc: Doc, again: bool) -> Said:
    def change(table: Doc) -> Doc:
        storage = table["StorageDescriptor"]
        known = {one["Name"] for one in _columns(table)}
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
    if "partition" not in doc:
        location = {"Location": doc["location"]}
        return await _changed(
            ctx, doc, lambda one: {**one, "StorageDescriptor": {**one["StorageDescriptor"], **location}}
        )
    table = await table_of(ctx, doc["database"], doc["table"])
    values = _values(table, [one["Name"] for one in table.get("PartitionKeys", [])], doc["partition"])
    asked = {"DatabaseName": doc["database"], "TableName": doc["table"]}
    storage = {**table["StorageDescriptor"], "Location": doc["location"]}
    try:
        told = {"Values": values, "StorageDescriptor": storage}
        await _call(ctx, "UpdatePartition", {**asked, "PartitionValueList": values, "PartitionInput": told})
    except _Gone:
        raise QueryError(f"Partition not found: {values}", code="HIVE_PARTITION_NOT_FOUND") from None
    return _said()


async def _sets_properties(ctx: Context, doc: Doc, again: bool) -> Said:
    if "partition" in doc:
        raise QueryError("properties of partitions are not set here", code="NOT_SUPPORTED")
    told = {key: str(value) for key, value in doc["properties"].items()}
    return await _changed(ctx, doc, lambda one: {**one, "Parameters": {**one.get("Parameters", {}), **told}})


async def _repairs(ctx: Context, doc: Doc, again: bool) -> Said:
    """Partitions are added whose folders k=v hold data and that the catalog does not know."""
    table = await table_of(ctx, doc["database"], doc["table"])
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    if not keys:
        return _said()
    top = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    asked = {"DatabaseName": doc["database"], "TableName": doc["table"], "ExcludeColumnSchema": True}
    known = {tuple(one["Values"]) async for one in pages(ctx, "glue", "GetPartitions", asked, "Partitions")}
    found: dict[tuple[str, ...], str] = {}
    async for file in objects(ctx, top):
        folders = file["uri"].removeprefix(top).split("/")[: len(keys)]
        pairs = [folder.partition("=") for folder in folders]
        if [pair[0].lower() for pair in pairs] == [key.lower() for key in keys]:
            found.setdefault(tuple(_decoded(pair[2]) for pair in pairs), f"{top}{'/'.join(folders)}")
    new = [(list(values), place) for values, place in sorted(found.items()) if values not in known]
    await publishing.add_partitions(ctx, doc["database"], table, new)
    name = doc["table"]

    def path(values: list[str]) -> str:
        return "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))

    lines = [f"Partitions not in metastore:\t{name}:" + f"\t{name}:".join(path(one) for one, _ in new)] if new else []
    return _said(lines + [f"Repair: Added partition to metastore {name}:{path(one)}" for one, _ in new], "result")


def _decoded(said: str) -> str:
    return re.sub(r"%([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), said)


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


async def _prepares(ctx: Context, doc: Doc, again: bool) -> Said:
    with suppress(ServiceError):
        prepared.drop(ctx, doc["group"], doc["name"])
    prepared.keep(ctx, doc["group"], doc["name"], doc["sql"])
    return _said()


async def _deallocates(ctx: Context, doc: Doc, again: bool) -> Said:
    prepared.drop(ctx, doc["group"], doc["name"])
    return _said()


DO: Final[dict[str, Do]] = {
    "show-databases": _lists_databases,
    "show-tables": _lists_tables,
    "show-views": _lists_views,
    "show-partitions": _lists_partitions,
    "show-columns": _lists_columns,
    "show-create-table": _shows_create,
    "show-tblproperties": _shows_properties,
    "describe": _describes,
    "create-database": _creates_database,
    "drop-database": _drops_database,
    "create-table": _creates_table,
    "drop-table": _drops(view=False),
    "drop-view": _drops(view=True),
    "add-partitions": _adds_partitions,
    "drop-partitions": _drops_partitions,
    "add-columns": _adds_columns,
    "replace-columns": _replaces_columns,
    "set-location": _sets_location,
    "set-properties": _sets_properties,
    "repair": _repairs,
    "prepare": _prepares,
    "deallocate": _deallocates,
}
