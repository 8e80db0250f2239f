"""Rows of one state of an Iceberg table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from .filters import expression
from .tables import state

if TYPE_CHECKING:
    import pyarrow as pa


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

        return state(self.metadata).scan(row_filter=self.rule or AlwaysTrue(), snapshot_id=self.snapshot)

    def partitions(self) -> Sequence[InputPartition]:
        return [_Files([one]) for one in self._scan().plan_files()]

    def read(self, partition: Any) -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan
        from pyspark.sql.pandas.types import to_arrow_schema

        found = state(self.metadata)
        projection = found.scan(snapshot_id=self.snapshot).projection()
        scan = ArrowScan(found.metadata, found.io, projection, self.rule or AlwaysTrue())
        schema = to_arrow_schema(self.wanted, timezone="UTC")
        for batch in scan.to_record_batches(partition.tasks):
            yield from pa.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()
