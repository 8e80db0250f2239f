"""The data source `iceberg` that Spark knows, and the doors of the GlueContext to it."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.datasource import DataSource
from pyspark.sql.types import StructType

from .reading import IcebergReader
from .tables import IcebergError, snapshot_of, table
from .writing import IcebergWriter

NAME = "iceberg"

_NEVER = {"merge-schema", "write-format", "distribution-mode", "fanout-enabled", "check-nullability", "check-ordering"}
_KNOWN = {"path", "table", "snapshot-id", "as-of-timestamp", "branch", "tag", "mode", "connectionname", *_NEVER}


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

    def reader(self, schema: StructType) -> IcebergReader:
        found = table(self._name())
        return IcebergReader(found.metadata_location, snapshot_of(found, self.options), schema)

    def writer(self, schema: StructType, overwrite: bool) -> IcebergWriter:
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
