"""Rows that become one snapshot of an Iceberg table."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSourceArrowWriter, WriterCommitMessage

from .tables import IcebergError, state, table

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 128 << 20
"""Bytes of rows that a task gathers before it writes a file."""

TRIES = 5
"""Commits that are tried when others commit to the same table at the same time."""


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

        found = state(self.metadata)
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
        io = state(self.metadata).io
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
