"""SHOW and DESCRIBE: what the catalog has, line by line."""

import re
from typing import Final

from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena.statements.base import Do, Said, answered, columns_of, tables_in
from clary.services.athena.statements.creation import shows_create
from clary.services.athena.tables import pages, table_of


async def _lists_databases(ctx: Context, doc: Doc, again: bool) -> Said:
    names = [one["Name"] async for one in pages(ctx, "glue", "GetDatabases", {}, "DatabaseList")]
    return answered(_liked(names, doc["like"]), "database_name")


async def _lists_tables(ctx: Context, doc: Doc, again: bool) -> Said:
    found = await tables_in(ctx, doc["database"])
    return answered(_liked([one["Name"] for one in found], doc["like"]), "tab_name")


async def _lists_views(ctx: Context, doc: Doc, again: bool) -> Said:
    found = [one["Name"] for one in await tables_in(ctx, doc["database"]) if one.get("TableType") == "VIRTUAL_VIEW"]
    return answered(_liked(found, doc["like"]), "views")


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
    return answered(sorted(lines), "partition")


async def _lists_columns(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    return answered([f"{one['Name']:<20}" for one in columns_of(table)], "field")


async def _describes(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    lines = [_line(one["Name"], one.get("Type", ""), one.get("Comment", "")) for one in columns_of(table)]
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
    return answered(lines, "col_name", "data_type", "comment")


def _line(*cells: str) -> str:
    return "\t".join(f"{cell:<20}" for cell in cells)


async def _shows_properties(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    told = table.get("Parameters", {})
    if doc["key"] is not None:
        return answered([str(told.get(doc["key"], f"Table does not have property: {doc['key']}"))], "prpt_name")
    return answered([f"{key}\t{value}" for key, value in sorted(told.items())], "prpt_name", "prpt_value")


DO: Final[dict[str, Do]] = {
    "show-databases": _lists_databases,
    "show-tables": _lists_tables,
    "show-views": _lists_views,
    "show-partitions": _lists_partitions,
    "show-columns": _lists_columns,
    "show-create-table": shows_create,
    "show-tblproperties": _shows_properties,
    "describe": _describes,
}
