"""The information_schema: the catalog as tables."""

from collections.abc import Iterator
from typing import Any, Final

from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena.tables import pages, view_of

_NAMED: Final = (("table_catalog", "string"), ("table_schema", "string"), ("table_name", "string"))
_INFORMATION: Final = {
    "schemata": (("catalog_name", "string"), ("schema_name", "string")),
    "tables": (*_NAMED, ("table_type", "string")),
    "views": (*_NAMED, ("view_definition", "string")),
    "columns": (
        *_NAMED,
        ("column_name", "string"),
        ("ordinal_position", "bigint"),
        ("column_default", "string"),
        ("is_nullable", "string"),
        ("data_type", "string"),
        ("comment", "string"),
        ("extra_info", "string"),
    ),
}


async def information(ctx: Context, name: str) -> Doc:
    """A table of the information_schema. Raises QueryError."""
    columns = _INFORMATION.get(name)
    if columns is None:
        raise QueryError(
            f"line 1:1: Table 'awsdatacatalog.information_schema.{name}' does not exist", code="TABLE_NOT_FOUND"
        )
    rows: list[list[Any]] = []
    async for database in pages(ctx, "glue", "GetDatabases", {}, "DatabaseList"):
        schema = database["Name"]
        if name == "schemata":
            rows.append(["awsdatacatalog", schema])
            continue
        async for table in pages(ctx, "glue", "GetTables", {"DatabaseName": schema}, "TableList"):
            rows.extend(_information_rows(name, schema, table))
    return {
        "database": "information_schema",
        "table": name,
        "columns": [{"Name": one, "Type": type_} for one, type_ in columns],
        "rows": rows,
    }


def _information_rows(name: str, schema: str, table: Doc) -> Iterator[list[Any]]:
    is_view = table.get("TableType") == "VIRTUAL_VIEW"
    if name == "tables":
        yield ["awsdatacatalog", schema, table["Name"], "VIEW" if is_view else "BASE TABLE"]
    elif name == "views" and is_view:
        view = view_of(table)
        yield ["awsdatacatalog", schema, table["Name"], view["originalSql"] if view else None]
    elif name == "columns":
        keys = table.get("PartitionKeys", [])
        every = [*table.get("StorageDescriptor", {}).get("Columns", []), *keys]
        for at, one in enumerate(every, 1):
            extra = "partition key" if one in keys else None
            type_ = _trino(one.get("Type", "string"))
            yield [
                "awsdatacatalog",
                schema,
                table["Name"],
                one["Name"],
                at,
                None,
                "YES",
                type_,
                one.get("Comment"),
                extra,
            ]


def _trino(hive: str) -> str:
    return {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary"}.get(hive, hive)
