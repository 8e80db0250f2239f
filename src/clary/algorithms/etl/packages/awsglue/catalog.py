"""The Data Catalog as the job sees it: tables, partitions, and how their files are to be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import formats, objects


class MissingTableError(LookupError):
    """The catalog has no such table or database."""


class TableError(ValueError):
    """A table that cannot be read or written here; the message says why."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as GetTable answers it."""

    database: str
    name: str
    row: Mapping[str, Any]

    @property
    def storage(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.row.get("StorageDescriptor") or {}
        return found

    @property
    def parameters(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.row.get("Parameters") or {}
        return found

    @property
    def location(self) -> str:
        found = str(self.storage.get("Location") or "")
        if not found:
            raise TableError(f"the table {self.database}.{self.name} has no location")
        return found

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(one["Name"], one.get("Type") or "string") for one in self.storage.get("Columns") or []]

    @property
    def keys(self) -> list[tuple[str, str]]:
        return [(one["Name"], one.get("Type") or "string") for one in self.row.get("PartitionKeys") or []]

    @property
    def iceberg(self) -> bool:
        return self.parameters.get("table_type", "").upper() == "ICEBERG"

    def types(self) -> dict[str, str]:
        """Type by the column's name in small letters, partition keys included."""
        return {name.lower(): kind for name, kind in [*self.columns, *self.keys]}

    def format(self) -> tuple[str, dict[str, Any]]:
        """The format and its options in Glue's words. Raises TableError for a table that is no table of files."""
        if self.row.get("TableType") == "VIRTUAL_VIEW":
            raise TableError(f"{self.database}.{self.name} is a view: query it with Athena")
        serde = self.storage.get("SerdeInfo") or {}
        library = str(serde.get("SerializationLibrary") or "").lower()
        values: dict[str, Any] = {**self.parameters, **(serde.get("Parameters") or {})}
        kind = str(self.parameters.get("classification") or "").lower()
        for word, name in (
            ("parquet", "parquet"),
            ("orc", "orc"),
            ("json", "json"),
            ("csv", "csv"),
            ("lazysimple", "csv"),
            ("xml", "xml"),
        ):
            if word in library:
                kind = name
                break
        if kind == "xml":
            return "xml", {"rowTag": str(values.get("rowTag") or "")}
        if kind == "csv":
            return "csv", _csv(values, "opencsv" in library)
        if kind in {"json", "parquet", "orc"}:
            return kind, {"jsonPath": values["jsonPath"]} if kind == "json" and values.get("jsonPath") else {}
        raise TableError(
            f"{self.database}.{self.name}: files of {library or kind or 'an unnamed format'} are not read here; "
            "csv, json, parquet, orc, xml and iceberg are"
        )


def _csv(values: Mapping[str, Any], open_csv: bool) -> dict[str, Any]:
    skip = int(values.get("skip.header.line.count") or 0)
    if skip > 1:
        raise formats.FormatError(f"skip.header.line.count is {skip}: one line of a file can be passed over, not more")
    options: dict[str, Any] = {
        "separator": values.get("separatorChar")
        or values.get("field.delim")
        or values.get("delimiter")
        or values.get("serialization.format"),
        "quoteChar": values.get("quoteChar"),
        "escaper": values.get("escapeChar") or values.get("escape.delim"),
        "skipFirst": bool(skip),
    }
    if str(options["separator"] or ",").isdigit():
        # Hive's default: the character of that number.
        options["separator"] = (
            chr(int(options["separator"])) if options["separator"] != "1" or "field.delim" in values else "\x01"
        )
    if not open_csv:
        options["nullValue"] = values.get("serialization.null.format", "\\N")
    return {key: value for key, value in options.items() if value is not None}


class Catalog:
    """The catalog of the run's account, through its API."""

    @property
    def client(self) -> Any:
        return objects.client("glue")

    def table(self, database: str, name: str, catalog_id: str | None = None) -> Table:
        """The table. Raises MissingTableError, in Glue's words, if it is not there."""
        found = self.found(database, name, catalog_id)
        if found is None:
            raise MissingTableError(
                f"EntityNotFoundException: there is no table {name!r} in the database {database!r} of the catalog"
            )
        return found

    def found(self, database: str, name: str, catalog_id: str | None = None) -> Table | None:
        """The table, or None."""
        client = self.client
        try:
            answer = client.get_table(DatabaseName=database, Name=name, **_of(catalog_id))
        except client.exceptions.EntityNotFoundException:
            return None
        return Table(database, name, answer["Table"])

    def partitions(
        self, table: Table, expression: str | None = None, catalog_id: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The table's partitions for which `expression` (the catalog's own) holds."""
        options = {"Expression": expression} if expression else {}
        pages = self.client.get_paginator("get_partitions")
        for page in pages.paginate(
            DatabaseName=table.database, TableName=table.name, ExcludeColumnSchema=True, **options, **_of(catalog_id)
        ):
            yield from page["Partitions"]

    def add(self, table: Table, values: Sequence[tuple[list[str], str]]) -> int:
        """The table has the partitions (values, location); those it has already stay. Answers how many are new."""
        made = 0
        for start in range(0, len(values), 100):
            rows = [
                {"Values": one, "StorageDescriptor": {**_storable(table.storage), "Location": place}}
                for one, place in values[start : start + 100]
            ]
            answer = self.client.batch_create_partition(
                DatabaseName=table.database, TableName=table.name, PartitionInputList=rows
            )
            failed = [
                one for one in answer.get("Errors", []) if one["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"
            ]
            if failed:
                detail = failed[0]["ErrorDetail"]
                raise TableError(
                    f"partition {failed[0]['PartitionValues']}: {detail['ErrorCode']}: {detail.get('ErrorMessage', '')}"
                )
            made += len(rows) - len(answer.get("Errors", []))
        return made

    def update(self, table: Table, columns: Sequence[tuple[str, str]]) -> Table:
        """The table has `columns`; all else of it stays."""
        kept = (
            "Name",
            "Description",
            "Owner",
            "Retention",
            "PartitionKeys",
            "ViewOriginalText",
            "ViewExpandedText",
            "TableType",
            "Parameters",
        )
        given = {key: table.row[key] for key in kept if key in table.row}
        given["StorageDescriptor"] = {
            **_storable(table.storage),
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
        }
        self.client.update_table(DatabaseName=table.database, TableInput=given)
        return self.table(table.database, table.name)

    def create(self, database: str, given: Mapping[str, Any]) -> Table:
        self.client.create_table(DatabaseName=database, TableInput=dict(given))
        return self.table(database, given["Name"])


def _of(catalog_id: str | None) -> dict[str, str]:
    return {"CatalogId": catalog_id} if catalog_id else {}


def _storable(storage: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in storage.items() if value is not None}


SERDES: Mapping[str, tuple[str, str, str, Mapping[str, str]]] = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        {"serialization.format": "1"},
    ),
    "orc": (
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
        {},
    ),
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
        {},
    ),
    "csv": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\\"},
    ),
}
"""What a new table says of its files: input and output format, serde and its parameters, by the format."""
