"""Nested data made flat: unnest, relationalize, unbox."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import columns, variants
from .gluetypes import is_choice


def unnested(frame: DataFrame) -> DataFrame:
    """Every member of a struct as a column of its own, named `outer.inner`; arrays and maps stay."""
    made: list[Column] = []
    for field in frame.schema.fields:
        made += _flat(F.col(columns.quoted(field.name)), field.name, field)
    return frame.select(made)


def _flat(value: Column, name: str, field: spark.StructField) -> list[Column]:
    if is_choice(field) or not isinstance(field.dataType, spark.StructType):
        return [value.alias(name, metadata=field.metadata or {})]
    found: list[Column] = []
    for inner in field.dataType.fields:
        found += _flat(value.getField(inner.name), f"{name}.{inner.name}", inner)
    return found


def relationalized(frame: DataFrame, root: str) -> dict[str, DataFrame]:
    """`root` with structs made flat, and one frame for each array (`root_path`): there the columns `id` (which stands
    in the array's column of the outer frame), `index`, and the elements as `path.val` (`path.val.inner` for structs).
    Maps become arrays of their entries."""
    found: dict[str, DataFrame] = {}
    _relate(frame, root, root, found)
    return found


def _relate(frame: DataFrame, name: str, root: str, found: dict[str, DataFrame]) -> None:
    flat = unnested(_entries(frame))
    arrays = [one for one in flat.schema.fields if isinstance(one.dataType, spark.ArrayType)]
    if not arrays:
        found[name] = flat
        return
    # The ids are made once: both frames take them from the same rows, which are kept until the run ends.
    key = "__clary_row"
    numbered = flat.withColumn(key, F.monotonically_increasing_id()).persist()
    rest: list[Column] = []
    for field in flat.schema.fields:
        if field not in arrays:
            rest.append(columns.plain(field))
            continue
        value = F.col(columns.quoted(field.name))
        rest.append(F.when(value.isNotNull(), F.col(key)).alias(field.name))
    found[name] = numbered.select(rest)
    for field in arrays:
        pivot = numbered.select(
            F.col(key).alias("id"),
            F.posexplode(columns.quoted(field.name)).alias("index", f"{field.name}.val"),
        )
        _relate(pivot, f"{root}_{field.name}", root, found)


def _entries(frame: DataFrame) -> DataFrame:
    return frame.select(
        [
            F.map_entries(columns.quoted(one.name)).alias(one.name)
            if isinstance(one.dataType, spark.MapType)
            else columns.plain(one)
            for one in frame.schema.fields
        ]
    )


def unboxed(frame: DataFrame, path: str, format: str, options: Mapping[str, str]) -> DataFrame:
    """The text at `path` read as JSON, in its place. Raises NotImplementedError for other formats."""
    if format.lower() != "json":
        raise NotImplementedError(
            f"unbox reads json here, not {format}: read the column with Spark's from_csv or from_xml"
        )
    parts = columns.segments(path, frame.schema)
    field = columns.find(frame.schema, parts)
    if field is None:
        return frame
    if not isinstance(field.dataType, spark.StringType):
        raise ValueError(f"unbox: {path!r} is {field.dataType.simpleString()}, not a string")
    if len(parts) > 1:
        raise NotImplementedError("unbox goes on columns of the outermost level here: unnest or rename it first")
    if "schema" in options:
        made = F.from_json(columns.quoted(path), options["schema"]).alias(path)
    else:
        parsed = frame.select(F.try_parse_json(columns.at(parts)).alias("v"))
        made = variants.column(F.try_parse_json(columns.at(parts)), variants.shape(parsed, "v"), path)
    return frame.select([made if one.name == parts[0] else columns.plain(one) for one in frame.schema.fields])
