"""`GlueContext`: the session, and the doors to read and write."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Never

from pyspark.sql import DataFrame, SparkSession

from . import objects, records, sessions, sinks, sources, tables
from .catalog import Catalog
from .dynamicframe import DynamicFrame
from .iceberg import source as iceberg
from .job import Job
from .readwrite import DataFrameReader, DataFrameWriter, DynamicFrameReader, DynamicFrameWriter, frames_of
from .sinks import S3Sink
from .sources import RefusedError

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

Options = Mapping[str, Any]


class GlueContext:
    """Glue's context over the run's one session. Attributes of a SQLContext come from the session."""

    Job = Job

    def __init__(self, sparkContext: "SparkContext | SparkSession | None" = None, **_: Any) -> None:
        self.spark_session = SparkSession.builder.getOrCreate()
        sessions.prepare(self.spark_session)
        self.catalog = Catalog()
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_data_frame = DataFrameWriter(self)

    @property
    def sparkSession(self) -> SparkSession:
        return self.spark_session

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "spark_session" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.spark_session, name)

    # Reading

    def create_dynamic_frame_from_rdd(
        self,
        data: "RDD[Any]",
        name: str,
        schema: Any = None,
        sample_ratio: float | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """The records (dicts or rows) as a frame; without `schema` with choices where types differ."""
        if schema is not None:
            return DynamicFrame.fromDF(self.spark_session.createDataFrame(data, schema), self, name)
        plain = data.map(lambda one: one.asDict(True) if hasattr(one, "asDict") else one)
        return DynamicFrame.fromDF(records.frame_of(self.spark_session, plain), self, name)

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> DynamicFrame:
        options = dict(connection_options or {})
        if "iceberg" in (connection_type.lower(), str(format).lower()):
            return DynamicFrame.fromDF(iceberg.loaded(self.spark_session, options), self, transformation_ctx)
        sources.refuse_connection(connection_type)
        frame, faults = sources.from_s3(self.spark_session, options, format, format_options or {}, transformation_ctx)
        if push_down_predicate:
            frame = frame.where(push_down_predicate)
        return DynamicFrame(frame, self, transformation_ctx, faults)

    def create_dynamic_frame_from_catalog(
        self,
        database: str | None,
        table_name: str | None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DynamicFrame:
        if not (database and table_name):
            raise ValueError("from_catalog needs database and table_name")
        table = self.catalog.table(database, table_name, catalog_id)
        options = dict(additional_options or {})
        if table.iceberg:
            frame = iceberg.loaded(self.spark_session, {**options, "path": f"{database}.{table_name}"})
            return DynamicFrame(
                frame.where(push_down_predicate) if push_down_predicate else frame, self, transformation_ctx
            )
        frame, faults = tables.frame(
            self.spark_session, self.catalog, table, push_down_predicate, options, transformation_ctx
        )
        return DynamicFrame(frame, self, transformation_ctx or table_name, faults)

    def create_data_frame_from_catalog(
        self,
        database: str,
        table_name: str,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DataFrame:
        return self.create_dynamic_frame_from_catalog(
            database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
            catalog_id,
        ).toDF()

    def create_data_frame_from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        transformation_ctx: str = "",
        **kwargs: Any,
    ) -> DataFrame:
        return self.create_dynamic_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx
        ).toDF()

    # Writing

    def write_dynamic_frame_from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        transformation_ctx: str = "",
    ) -> Any:
        options = dict(connection_options or {})
        for one in frames_of(frame):
            if "iceberg" in (connection_type.lower(), str(format).lower()):
                iceberg.appended(one.toDF(), options)
                continue
            sources.refuse_connection(connection_type)
            sinks.written(one.toDF(), options, format, format_options or {})
        return frame

    def write_dynamic_frame_from_catalog(
        self,
        frame: DynamicFrame,
        database: str | None,
        table_name: str | None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        if not (database and table_name):
            raise ValueError("from_catalog needs database and table_name")
        self.write_data_frame_from_catalog(
            frame.toDF(), database, table_name, additional_options=additional_options, catalog_id=catalog_id
        )
        return frame

    def write_data_frame_from_catalog(
        self,
        frame: DataFrame,
        database: str,
        table_name: str,
        additional_options: Options | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> DataFrame:
        table = self.catalog.table(database, table_name, catalog_id)
        options = dict(additional_options or {})
        if table.iceberg:
            iceberg.appended(frame, {**options, "path": f"{database}.{table_name}"})
        else:
            sinks.to_table(self.catalog, frame, table, options)
        return frame

    def getSink(
        self, connection_type: str, format: str | None = None, transformation_ctx: str = "", **options: Any
    ) -> S3Sink:
        sink = S3Sink(self.catalog, connection_type, options)
        if format:
            sink.setFormat(format)
        return sink

    # Keeping house

    def purge_s3_path(self, s3_path: str, options: Options | None = None, transformation_ctx: str = "") -> None:
        """The objects below the path that are older than `retentionPeriod` hours (168 unless set) are deleted."""
        import time

        known = {"retentionPeriod", "excludeStorageClasses", "manifestFilePath"}
        given = dict(options or {})
        if given.get("manifestFilePath"):
            raise RefusedError("manifestFilePath is not offered: no lists of deleted objects are written")
        strange = sorted(set(given) - known)
        if strange:
            raise RefusedError(f"purge has no option {strange[0]!r}")
        before = time.time() - 3600 * float(given.get("retentionPeriod", 168))
        found = objects.listing([s3_path], recurse=True)
        objects.removed([one.path for one in found if one.modified <= before])

    def purge_table(
        self,
        database: str,
        table_name: str,
        options: Options | None = None,
        transformation_ctx: str = "",
        catalog_id: str | None = None,
    ) -> None:
        """The same for the files of a table; `partitionPredicate` chooses partitions. The catalog's rows stay."""
        given = dict(options or {})
        predicate = str(given.pop("partitionPredicate", "") or "")
        table = self.catalog.table(database, table_name, catalog_id)
        if not table.keys:
            self.purge_s3_path(table.location, given, transformation_ctx)
            return
        for place in tables.chosen(self.spark_session, self.catalog, table, predicate, None):
            self.purge_s3_path(place, given, transformation_ctx)

    def get_logger(self) -> logging.Logger:
        """A logger whose lines stand in the run's error log, as Glue's do."""
        logger = logging.getLogger("GlueLogger")
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s GlueLogger: %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    def getLogger(self) -> logging.Logger:
        return self.get_logger()

    # What there is not

    def extract_jdbc_conf(self, connection_name: str, catalog_id: str | None = None) -> Never:
        raise RefusedError("the catalog holds no connections here: give Spark's jdbc reader its url, user and password")

    def forEachBatch(self, *_: Any, **__: Any) -> Never:
        raise RefusedError("streaming jobs are not offered here")

    def begin_transaction(self, read_only: bool) -> Never:
        raise RefusedError("governed tables and their transactions are not offered: Iceberg tables commit whole")

    def start_transaction(self, read_only: bool) -> Never:
        self.begin_transaction(read_only)

    def commit_transaction(self, *_: Any, **__: Any) -> Never:
        self.begin_transaction(False)

    def cancel_transaction(self, *_: Any, **__: Any) -> Never:
        self.begin_transaction(False)

    def transition_s3_path(self, *_: Any, **__: Any) -> Never:
        raise RefusedError("there is one storage class here: nothing is to be moved to another")

    transition_table = transition_s3_path

    def __repr__(self) -> str:
        return f"GlueContext({json.dumps(Job.name)})"
