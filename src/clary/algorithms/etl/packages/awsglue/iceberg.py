"""Iceberg tables in Spark: a data source in Python over PyIceberg and the catalog's API. No Iceberg jar is needed."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceReader,
    InputPartition,
    WriterCommitMessage,
)
from pyspark.sql.types import StructType

from .filters import expression

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "iceberg"

CHUNK = 128 << 20
"""Bytes of rows that a task gathers before it writes a file."""

TRIES = 5
"""Commits that are tried when others commit to the same table at the same time."""

_NEVER = {"merge-schema", "write-format", "distribution-mode", "fanout-enabled", "check-nullability", "check-ordering"}
_KNOWN = {"path", "table", "snapshot-id", "as-of-timestamp", "branch", "tag", "mode", "connectionname", *_NEVER}


class IcebergError(ValueError):
    """An Iceberg table that cannot be read or written as asked; the message says why."""


def identifier(name: str) -> tuple[str, str]:
    """Database and table of `db.table`, a catalog's name before it or not."""
    parts = [one.strip("`") for one in name.split(".")]
    if len(parts) < 2 or not all(parts):
        raise IcebergError(f"{name!r} names no table: write database.table")
    return parts[-2], parts[-1]


def properties() -> dict[str, str]:
    """What PyIceberg needs to reach the catalog and S3 as the run's role. Read where it is used: keys are nowhere
    kept."""
    import boto3

    session = boto3.Session()
    keys = session.get_credentials()
    found = {"client.region": session.region_name or "us-east-1"}
    for name, setting in (("glue.endpoint", "AWS_ENDPOINT_URL_GLUE"), ("s3.endpoint", "AWS_ENDPOINT_URL_S3")):
        endpoint = os.environ.get(setting) or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            found[name] = endpoint
    if keys is not None:
        frozen = keys.get_frozen_credentials()
        found |= {"client.access-key-id": frozen.access_key, "client.secret-access-key": frozen.secret_key}
        if frozen.token:
            found["client.session-token"] = frozen.token
    return found


def catalog(extra: Mapping[str, str] | None = None) -> Any:
    """PyIceberg's client of the catalog."""
    from pyiceberg.catalog.glue import GlueCatalog

    return GlueCatalog("glue_catalog", **{**properties(), **(extra or {})})


def table(name: str) -> Any:
    """The table. Raises IcebergError, in Glue's words, if it is not there or is none."""
    from pyiceberg.exceptions import NoSuchIcebergTableError, NoSuchTableError

    database, short = identifier(name)
    try:
        return catalog().load_table((database, short))
    except NoSuchIcebergTableError as error:
        raise IcebergError(f"{database}.{short} is no Iceberg table") from error
    except NoSuchTableError as error:
        raise IcebergError(
            f"EntityNotFoundException: there is no table {short!r} in the database {database!r} of the catalog"
        ) from error


def snapshot_of(found: Any, options: Mapping[str, str]) -> int | None:
    """The snapshot that the options ask for, None for the newest. Raises IcebergError if there is no such one."""
    if "snapshot-id" in options:
        number = int(options["snapshot-id"])
        if found.snapshot_by_id(number) is None:
            raise IcebergError(f"there is no snapshot {number}")
        return number
    if "as-of-timestamp" in options:
        before = found.snapshot_as_of_timestamp(int(options["as-of-timestamp"]))
        if before is None:
            raise IcebergError(f"there was no snapshot at {options['as-of-timestamp']} (milliseconds since 1970)")
        return int(before.snapshot_id)
    name = options.get("branch") or options.get("tag")
    if name:
        named = found.snapshot_by_name(name)
        if named is None:
            raise IcebergError(f"there is no branch or tag {name!r}")
        return int(named.snapshot_id)
    return None


class IcebergSource(DataSource):
    """`spark.read.format("iceberg").load("db.table")`, and writes of the modes append and overwrite."""

    bound = ""
    """The one table of a source that is made for it."""

    @classmethod
    def name(cls) -> str:
        return NAME

    def _name(self) -> str:
        if self.bound:
            return self.bound
        name = self.options.get("path") or self.options.get("table")
        if not name:
            raise IcebergError("name the table: load('database.table')")
        strange = sorted({one.lower() for one in self.options} - _KNOWN)
        if strange:
            raise IcebergError(
                f"iceberg has no option {strange[0]!r} here; it has {', '.join(sorted(_KNOWN - _NEVER))}"
            )
        return str(name)

    def schema(self) -> StructType:
        from pyiceberg.io.pyarrow import schema_to_pyarrow
        from pyspark.sql.pandas.types import from_arrow_schema

        found = table(self._name())
        projection = found.scan(snapshot_id=snapshot_of(found, self.options)).projection()
        return from_arrow_schema(schema_to_pyarrow(projection, include_field_ids=False))

    def reader(self, schema: StructType) -> "IcebergReader":
        found = table(self._name())
        return IcebergReader(found.metadata_location, snapshot_of(found, self.options), schema)

    def writer(self, schema: StructType, overwrite: bool) -> "IcebergWriter":
        for name in ("snapshot-id", "as-of-timestamp", "branch", "tag"):
            if name in self.options:
                raise IcebergError(f"the option {name!r} is for reading: what is written goes to the main branch")
        found = table(self._name())
        return IcebergWriter(self._name(), found.metadata_location, overwrite)


def source_of(table_name: str) -> type[IcebergSource]:
    """A source of this table alone: of a table of the session, Spark tells the writer no options."""

    class Bound(IcebergSource):
        bound = table_name

        @classmethod
        def name(cls) -> str:
            return "iceberg_" + table_name.encode().hex()

    return Bound


@dataclass
class _Files(InputPartition):
    """The data files that one task reads."""

    tasks: list[Any]

    def __init__(self, tasks: list[Any]) -> None:
        self.tasks = tasks


class IcebergReader(DataSourceReader):
    """Reads one state of the table: what is committed meanwhile is not seen."""

    def __init__(self, metadata: str, snapshot: int | None, schema: StructType) -> None:
        self.metadata, self.snapshot, self.wanted = metadata, snapshot, schema
        self.rule: Any = None

    def pushFilters(self, filters: list[Any]) -> Iterable[Any]:
        """Files that the filters rule out are not opened. Spark applies all of them itself as well."""
        self.rule = expression(filters)
        return filters

    def _scan(self) -> Any:
        from pyiceberg.expressions import AlwaysTrue

        return _static(self.metadata).scan(row_filter=self.rule or AlwaysTrue(), snapshot_id=self.snapshot)

    def partitions(self) -> Sequence[InputPartition]:
        return [_Files([one]) for one in self._scan().plan_files()]

    def read(self, partition: Any) -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan
        from pyspark.sql.pandas.types import to_arrow_schema

        found = _static(self.metadata)
        projection = found.scan(snapshot_id=self.snapshot).projection()
        scan = ArrowScan(found.metadata, found.io, projection, self.rule or AlwaysTrue())
        schema = to_arrow_schema(self.wanted, timezone="UTC")
        for batch in scan.to_record_batches(partition.tasks):
            yield from pa.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()


def _static(metadata: str) -> Any:
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(metadata, properties())


@dataclass
class _Written(WriterCommitMessage):
    files: list[Any] = field(default_factory=list)


class IcebergWriter(DataSourceArrowWriter):
    """Every task writes data files; the commit makes them one snapshot of the table, or none of them."""

    def __init__(self, name: str, metadata: str, overwrite: bool) -> None:
        self.table, self.metadata, self.overwrite = name, metadata, overwrite

    def write(self, iterator: "Iterator[pa.RecordBatch]") -> _Written:
        import pyarrow as pa
        from pyiceberg.io.pyarrow import _dataframe_to_data_files

        found = _static(self.metadata)
        written = _Written([])

        def stored(batches: "list[pa.RecordBatch]") -> None:
            rows = conformed(pa.Table.from_batches(batches), found)
            written.files += _dataframe_to_data_files(table_metadata=found.metadata, df=rows, io=found.io)

        waiting: list[pa.RecordBatch] = []
        size = 0
        for batch in iterator:
            if not batch.num_rows:
                continue
            waiting.append(batch)
            size += batch.nbytes
            if size >= CHUNK:
                stored(waiting)
                waiting, size = [], 0
        if waiting:
            stored(waiting)
        return written

    def commit(self, messages: "list[WriterCommitMessage | None]") -> None:
        from pyiceberg.exceptions import CommitFailedException
        from pyiceberg.expressions import AlwaysTrue

        files = [one for message in messages if isinstance(message, _Written) for one in message.files]
        if not files and not self.overwrite:
            return
        for left in reversed(range(TRIES)):
            found = table(self.table)
            try:
                with found.transaction() as change:
                    if self.overwrite and found.current_snapshot() is not None:
                        change.delete(AlwaysTrue())
                    with change.update_snapshot().fast_append() as append:
                        for one in files:
                            append.append_data_file(one)
                return
            except CommitFailedException:
                # Another writer was first. What is appended or replaces all goes on top of its state as well.
                if not left:
                    raise

    def abort(self, messages: "list[WriterCommitMessage | None]") -> None:
        """The files of tasks that did write are deleted: no snapshot names them."""
        io = _static(self.metadata).io
        for message in messages:
            for one in message.files if isinstance(message, _Written) else []:
                io.delete(one.file_path)


def conformed(rows: "pa.Table", found: Any) -> "pa.Table":
    """The rows with the columns of the table, by name. Raises IcebergError for one that is too many, that is required
    and missing, or whose values do not fit its type."""
    import pyarrow as pa
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    schema = schema_to_pyarrow(found.schema(), include_field_ids=False)
    extra = [one for one in rows.column_names if one not in schema.names]
    if extra:
        raise IcebergError(f"schema conflict: the table has no column {extra[0]!r}; it has {', '.join(schema.names)}")
    made = []
    for one in schema:
        if one.name not in rows.column_names:
            if not one.nullable:
                raise IcebergError(f"schema conflict: the column {one.name!r} is required, and the rows lack it")
            made.append(pa.nulls(rows.num_rows, one.type))
            continue
        try:
            made.append(rows.column(one.name).cast(one.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise IcebergError(
                f"schema conflict: the column {one.name!r} is {one.type} in the table and "
                f"{rows.schema.field(one.name).type} in the rows ({error})"
            ) from error
    return pa.Table.from_arrays(made, schema=schema)


def loaded(session: SparkSession, options: Mapping[str, Any]) -> DataFrame:
    """The table that the options name as a DataFrame."""
    return session.read.format(NAME).options(**_options(options)).load(_path(options))


def appended(frame: DataFrame, options: Mapping[str, Any]) -> None:
    """The rows stand in the table, in one snapshot; with `mode` overwrite nothing else does."""
    given = _options(options)
    frame.write.format(NAME).mode(given.pop("mode", "append")).options(**given).save(_path(options))


def _path(options: Mapping[str, Any]) -> str:
    return str(options.get("path") or options.get("table") or options.get("paths") or "")


def _options(options: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in options.items() if key not in {"path", "table", "paths"}}
