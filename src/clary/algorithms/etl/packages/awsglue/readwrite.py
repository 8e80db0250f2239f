"""`create_dynamic_frame` and `write_dynamic_frame`, and their twins for DataFrames."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark import RDD
    from pyspark.sql import DataFrame

    from .collection import DynamicFrameCollection
    from .context import GlueContext
    from .dynamicframe import DynamicFrame

Options = Mapping[str, Any]


class DynamicFrameReader:
    """`glueContext.create_dynamic_frame`."""

    def __init__(self, glue_context: "GlueContext") -> None:
        self._glue_context = glue_context

    def from_rdd(
        self, data: "RDD[Any]", name: str, schema: Any = None, sampleRatio: float | None = None
    ) -> "DynamicFrame":
        return self._glue_context.create_dynamic_frame_from_rdd(data, name, schema, sampleRatio)

    def from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **kwargs: Any,
    ) -> "DynamicFrame":
        return self._glue_context.create_dynamic_frame_from_options(
            connection_type,
            connection_options,
            format,
            format_options,
            transformation_ctx,
            push_down_predicate,
            **kwargs,
        )

    def from_catalog(
        self,
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> "DynamicFrame":
        return self._glue_context.create_dynamic_frame_from_catalog(
            kwargs.pop("name_space", None) or database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            push_down_predicate,
            additional_options,
            catalog_id,
            **kwargs,
        )


class DynamicFrameWriter:
    """`glueContext.write_dynamic_frame`."""

    def __init__(self, glue_context: "GlueContext") -> None:
        self._glue_context = glue_context

    def from_options(
        self,
        frame: "DynamicFrame | DynamicFrameCollection",
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        transformation_ctx: str = "",
    ) -> Any:
        return self._glue_context.write_dynamic_frame_from_options(
            frame, connection_type, connection_options, format, format_options, transformation_ctx
        )

    def from_catalog(
        self,
        frame: "DynamicFrame",
        database: str | None = None,
        table_name: str | None = None,
        redshift_tmp_dir: str = "",
        transformation_ctx: str = "",
        additional_options: Options | None = None,
        catalog_id: str | None = None,
        **kwargs: Any,
    ) -> "DynamicFrame":
        return self._glue_context.write_dynamic_frame_from_catalog(
            frame,
            kwargs.pop("name_space", None) or database,
            table_name,
            redshift_tmp_dir,
            transformation_ctx,
            additional_options,
            catalog_id,
        )

    def from_jdbc_conf(self, *args: Any, **kwargs: Any) -> "DynamicFrame":
        raise NotImplementedError("connections to databases are not offered here: write with toDF().write.jdbc(...)")


class DataFrameReader:
    """`glueContext.create_data_frame`."""

    def __init__(self, glue_context: "GlueContext") -> None:
        self._glue_context = glue_context

    def from_catalog(
        self,
        database: str,
        table_name: str,
        transformation_ctx: str = "",
        additional_options: Options | None = None,
        **kwargs: Any,
    ) -> "DataFrame":
        return self._glue_context.create_data_frame_from_catalog(
            database, table_name, transformation_ctx=transformation_ctx, additional_options=additional_options, **kwargs
        )

    def from_options(
        self,
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        transformation_ctx: str = "",
        **kwargs: Any,
    ) -> "DataFrame":
        return self._glue_context.create_data_frame_from_options(
            connection_type, connection_options, format, format_options, transformation_ctx, **kwargs
        )


class DataFrameWriter:
    """`glueContext.write_data_frame`."""

    def __init__(self, glue_context: "GlueContext") -> None:
        self._glue_context = glue_context

    def from_catalog(
        self,
        frame: "DataFrame",
        database: str,
        table_name: str,
        additional_options: Options | None = None,
        **kwargs: Any,
    ) -> Any:
        return self._glue_context.write_data_frame_from_catalog(
            frame, database, table_name, additional_options=additional_options
        )

    def from_options(
        self,
        frame: "DataFrame",
        connection_type: str,
        connection_options: Options | None = None,
        format: str | None = None,
        format_options: Options | None = None,
        **kwargs: Any,
    ) -> Any:
        from .dynamicframe import DynamicFrame

        made = DynamicFrame.fromDF(frame, self._glue_context, "")
        return self._glue_context.write_dynamic_frame_from_options(
            made, connection_type, connection_options, format, format_options
        )


def frames_of(given: Any) -> "Sequence[DynamicFrame]":
    """The frames of one frame or a collection."""
    from .collection import DynamicFrameCollection

    return list(given.values()) if isinstance(given, DynamicFrameCollection) else [given]
