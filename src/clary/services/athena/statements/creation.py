"""SHOW CREATE: the statement that makes a table or a view as the catalog has it."""

from typing import Any

from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc
from clary.services.athena.statements.base import Said, answered
from clary.services.athena.tables import table_of, view_of


async def shows_create(ctx: Context, doc: Doc, again: bool) -> Said:
    table = await table_of(ctx, doc["database"], doc["table"])
    view = view_of(table)
    if view is not None or doc["view"]:
        if view is None:
            raise QueryError(f"{doc['database']}.{doc['table']} is a table, not a view", code="NOT_SUPPORTED")
        lines = f"CREATE VIEW {doc['database']}.{doc['table']} AS\n{view['originalSql']}".splitlines()
        return answered(lines, "Create View")
    return answered(_create_lines(doc["database"], table), "createtab_stmt")


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
