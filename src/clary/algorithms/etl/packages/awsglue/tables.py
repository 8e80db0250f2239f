"""Tables of the catalog as frames: their partitions chosen, their files read, their types applied."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import columns, reading
from .catalog import Catalog, Table
from .errors import Faults
from .gluetypes import is_choice
from .jsontext import PATH
from .sources import RefusedError, unread, without_path
from .typenames import spark_type

if TYPE_CHECKING:
    from .objects import Found

_OPTIONS = {
    "catalogPartitionPredicate",
    "exclusions",
    "groupFiles",
    "groupSize",
    "boundedFiles",
    "boundedSize",
    "attachFilename",
    "useCatalogSchema",
    "mergeSchema",
    "withHeader",
    "recurse",
    "excludeStorageClasses",
    "jobBookmarkKeys",
    "isFailFast",
    "useS3ListImplementation",
}

_DIRECTORY = "__clary_directory"


def frame(
    session: SparkSession, catalog: Catalog, table: Table, predicate: str, options: Mapping[str, Any], context: str
) -> tuple[DataFrame, Faults]:
    """The rows of the table's files that this source has not read before, of the partitions for which `predicate`
    (Spark's SQL) and the option catalogPartitionPredicate (the catalog's) hold."""
    strange = sorted(set(options) - _OPTIONS)
    if strange:
        raise RefusedError(
            f"option {strange[0]!r} is not known to tables of the catalog; it has {', '.join(sorted(_OPTIONS))}"
        )
    faults = Faults()
    format, settings = table.format()
    if table.keys:
        parts = chosen(session, catalog, table, predicate, options.get("catalogPartitionPredicate"))
        found = unread(list(parts), options, context, recurse=True) if parts else []
    else:
        parts = {}
        found = unread([table.location], options, context, recurse=True)
    if not found:
        return session.createDataFrame([], _schema(table)), faults
    names = [name for name, _ in table.columns] if format == "csv" else []
    rows = reading.frame(session, found, format, settings, faults, names)
    rows = _conformed(rows, table, format)
    if parts:
        rows = _with_values(session, rows, table, found, parts)
    if options.get("attachFilename"):
        return reading.finished(rows, options), faults
    return without_path(rows), faults


def _schema(table: Table) -> spark.StructType:
    return spark.StructType([spark.StructField(name, _type(kind)) for name, kind in [*table.columns, *table.keys]])


def _type(kind: str) -> spark.DataType:
    try:
        return spark_type(kind) or spark.StringType()
    except ValueError:
        return spark.StringType()


def _conformed(rows: DataFrame, table: Table, format: str) -> DataFrame:
    """The columns by the catalog's names and types. What the values are counts more than what the catalog says: a type
    that does not hold them makes a choice (text), or is left as it was read."""
    wanted = {name.lower(): _type(kind) for name, kind in table.columns}
    if format in {"csv", "xml"}:
        return reading.cast(rows, wanted)
    names = {name.lower(): name for name, _ in table.columns}
    made = []
    for field in rows.schema.fields:
        value = F.col(columns.quoted(field.name))
        target = wanted.get(field.name.lower())
        name = names.get(field.name.lower(), field.name)
        if target is None or is_choice(field) or field.dataType == target or not _near(field.dataType, target):
            made.append(value.alias(name, metadata=field.metadata or {}))
        else:
            made.append(value.cast(target).alias(name))
    return rows.select(made)


def _near(found: spark.DataType, wanted: spark.DataType) -> bool:
    """Whether every value of the one is one of the other, or nothing is known of it."""
    if isinstance(found, spark.NullType):
        return True
    order: list[type[spark.DataType]] = [
        spark.ByteType,
        spark.ShortType,
        spark.IntegerType,
        spark.LongType,
        spark.FloatType,
        spark.DoubleType,
    ]
    if type(found) in order and type(wanted) in order:
        return order.index(type(found)) < order.index(type(wanted))
    return isinstance(found, spark.TimestampNTZType) and isinstance(wanted, spark.TimestampType)


def chosen(
    session: SparkSession, catalog: Catalog, table: Table, predicate: str, expression: str | None
) -> dict[str, list[str]]:
    """Location and values of the partitions."""
    parts = {
        str(one["StorageDescriptor"]["Location"]).rstrip("/"): [str(value) for value in one["Values"]]
        for one in catalog.partitions(table, expression)
    }
    if not predicate or not parts:
        return parts
    rows = [(place, *values) for place, values in parts.items()]
    frame = session.createDataFrame(rows, [_DIRECTORY, *(name for name, _ in table.keys)])
    kept = frame.select(_DIRECTORY, *_values(table)).where(predicate).select(_DIRECTORY).collect()
    return {row[0]: parts[row[0]] for row in kept}


def _values(table: Table) -> list[Any]:
    """The columns of the partition keys in their types."""
    return [
        F.when(F.col(columns.quoted(name)) != "__HIVE_DEFAULT_PARTITION__", F.col(columns.quoted(name)))
        .try_cast(_type(kind))
        .alias(name)
        for name, kind in table.keys
    ]


def _with_values(
    session: SparkSession, rows: DataFrame, table: Table, found: "list[Found]", parts: Mapping[str, list[str]]
) -> DataFrame:
    """Each row with the values of the partition in whose folder its file lies."""
    places: dict[str, list[str]] = {}
    for one in found:
        directory = one.path.rpartition("/")[0]
        place = directory
        while place not in parts and "/" in place:
            place = place.rpartition("/")[0]
        places[directory] = parts[place]
    names = [name for name, _ in table.keys]
    known = session.createDataFrame([(place, *values) for place, values in places.items()], [_DIRECTORY, *names])
    known = known.select(_DIRECTORY, *_values(table))
    kept = [columns.plain(one) for one in rows.schema.fields if one.name not in names]
    stripped = rows.select(*kept, F.regexp_replace(PATH, "/[^/]*$", "").alias(_DIRECTORY))
    return stripped.join(F.broadcast(known), _DIRECTORY, "inner").drop(_DIRECTORY)
