"""Iceberg tables: which files a snapshot is made of, read by PyIceberg over files that the server hands out."""

from collections.abc import Callable
from typing import Any

import duckdb
from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.table import StaticTable
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from clary.engines.queries.base import Doc, QueryError
from clary.engines.queries.kinds import quoted

_TYPES: dict[type[IcebergType], tuple[str, str]] = {
    BooleanType: ("BOOLEAN", "boolean"),
    IntegerType: ("INTEGER", "int"),
    LongType: ("BIGINT", "bigint"),
    FloatType: ("FLOAT", "float"),
    DoubleType: ("DOUBLE", "double"),
    DateType: ("DATE", "date"),
    TimestampType: ("TIMESTAMP", "timestamp"),
    TimestamptzType: ("TIMESTAMPTZ", "timestamp with time zone"),
    TimeType: ("TIME", "string"),
    StringType: ("VARCHAR", "string"),
    UUIDType: ("UUID", "string"),
    BinaryType: ("BLOB", "binary"),
    FixedType: ("BLOB", "binary"),
}


class _Handed(FileIO):
    """Files that the server finds, and lets the caller read, one by one."""

    def __init__(self, need: Callable[[Doc], Doc]) -> None:
        super().__init__()
        self._need = need
        self._local = PyArrowFileIO()

    def file(self, location: str) -> Doc:
        found: Doc = self._need({"files": [location]})["files"][0]
        return found

    def new_input(self, location: str) -> InputFile:
        path = self.file(location)["path"]
        return PyArrowFile(location=location, path=path, fs=self._local.fs_by_scheme("file", None))

    def new_output(self, location: str) -> OutputFile:
        raise NotImplementedError("a query writes nothing into an Iceberg table")

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise NotImplementedError("a query deletes nothing")


def plan(table: Doc, con: duckdb.DuckDBPyConnection, need: Callable[[Doc], Doc]) -> None:
    """`columns`, `files` and `deletes` of the table as they were at its version or timestamp. Raises QueryError."""
    io = _Handed(need)
    with io.new_input(table["metadata"]).open() as stream:
        from pyiceberg.serializers import FromByteStream

        metadata = FromByteStream.table_metadata(stream)
    static = StaticTable(
        identifier=("static-table", table["metadata"]),
        metadata=metadata,
        metadata_location=table["metadata"],
        io=io,
        catalog=_none(),
    )
    snapshot = _snapshot(static, table, con)
    schema = static.schema()
    travels = table.get("version") is not None or table.get("timestamp") is not None
    if travels and snapshot is not None and snapshot.schema_id is not None:
        schema = static.schemas()[snapshot.schema_id]
    table["columns"] = [_column(field) for field in schema.fields]
    table["files"], table["deletes"], table["partitions"] = [], [], [[]]
    if snapshot is None:
        return
    gone: dict[str, Doc] = {}
    for task in static.scan(snapshot_id=snapshot.snapshot_id).plan_files():
        if task.file.file_format != FileFormat.PARQUET:
            told = (
                f"{task.file.file_path} is {task.file.file_format.value}: Iceberg tables of Parquet files are read here"
            )
            raise QueryError(told, code="NOT_SUPPORTED")
        table["files"].append({**io.file(task.file.file_path), "partition": 0})
        for delete in task.delete_files:
            if delete.content != DataFileContent.POSITION_DELETES or delete.file_format != FileFormat.PARQUET:
                told = f"{delete.file_path}: only position deletes in Parquet are read here"
                raise QueryError(told, code="NOT_SUPPORTED")
            if delete.file_path not in gone:
                gone[delete.file_path] = io.file(delete.file_path)
    table["deletes"] = list(gone.values())


def _none() -> Any:
    from pyiceberg.catalog.noop import NoopCatalog

    return NoopCatalog("static-table")


def _snapshot(static: StaticTable, table: Doc, con: duckdb.DuckDBPyConnection) -> Any:
    if table.get("version") is not None:
        version = str(table["version"])
        found = static.snapshot_by_id(int(version)) if version.isdecimal() else static.snapshot_by_name(version)
        if found is None:
            told = f"Iceberg snapshot ID does not exists: {version}"
            raise QueryError(told, code="INVALID_ARGUMENTS")
        return found
    if table.get("timestamp") is not None:
        row = con.execute(f"SELECT epoch_ms(CAST({table['timestamp']} AS TIMESTAMPTZ))").fetchone()
        found = static.snapshot_as_of_timestamp(int(row[0])) if row is not None else None
        if found is None:
            told = f"No version history table {table['table']} at or before {table['timestamp']}"
            raise QueryError(told, code="INVALID_ARGUMENTS")
        return found
    return static.current_snapshot()


def _column(field: NestedField) -> Doc:
    duck, hive = _type(field.field_type)
    return {"Name": field.name.lower(), "Id": field.field_id, "Type": hive, "Duck": duck}


def _type(kind: IcebergType) -> tuple[str, str]:
    """What DuckDB and the catalog call it."""
    if isinstance(kind, DecimalType):
        return f"DECIMAL({kind.precision}, {kind.scale})", f"decimal({kind.precision},{kind.scale})"
    if isinstance(kind, ListType):
        duck, hive = _type(kind.element_type)
        return f"{duck}[]", f"array<{hive}>"
    if isinstance(kind, MapType):
        key, value = _type(kind.key_type), _type(kind.value_type)
        return f"MAP({key[0]}, {value[0]})", f"map<{key[1]},{value[1]}>"
    if isinstance(kind, StructType):
        fields = [(one.name, *_type(one.field_type)) for one in kind.fields]
        ducks = ", ".join(f"{quoted(name)} {duck}" for name, duck, _ in fields)
        return f"STRUCT({ducks})", f"struct<{','.join(f'{name}:{hive}' for name, _, hive in fields)}>"
    found = _TYPES.get(type(kind))
    if found is None:
        raise QueryError(f"the Iceberg type {kind} is not read here", code="NOT_SUPPORTED")
    return found
