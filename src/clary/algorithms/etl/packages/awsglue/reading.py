"""Objects of one format as a DataFrame. Those that cannot be read are counted and named; those of different columns
are put together, with choices where types differ."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import choices, columns, formats, jsontext
from .errors import Fault, Faults
from .formats import truth
from .gluetypes import member
from .jsontext import PATH, file_path
from .objects import Found
from .probing import Probe, probed


class UnreadableError(ValueError):
    """None of the objects can be read."""


def frame(
    session: SparkSession,
    found: Sequence[Found],
    format: str,
    options: Mapping[str, Any],
    faults: Faults,
    names: Sequence[str] = (),
) -> DataFrame:
    """All rows of the objects, with their path in the column PATH. `names` are the columns of CSV without a header.
    With no objects there are no columns but PATH."""
    good = _readable(found, format, str(options.get("encoding") or "utf-8"), faults)
    if not good:
        return session.createDataFrame([], f"{PATH} string")
    paths = [one.found.path for one in good]
    if format == "json":
        return jsontext.frame(session, paths, options, faults)
    if format == "csv":
        return _csv(session, good, options, names)
    if format == "xml":
        return _xml(session, paths, options)
    return _typed(session, paths, format)


def finished(rows: DataFrame, options: Mapping[str, Any]) -> DataFrame:
    """Without the column PATH, or with it under the name that `attachFilename` gives."""
    name = options.get("attachFilename")
    kept = [columns.plain(one) for one in rows.schema.fields if one.name != PATH]
    return rows.select(*kept, F.col(PATH).alias(str(name))) if name else rows.select(*kept)


def _readable(found: Sequence[Found], format: str, charset: str, faults: Faults) -> list[Probe]:
    looked = probed(found, format, charset)
    bad = [one for one in looked if one.why is not None]
    if bad and len(bad) == len(looked):
        raise UnreadableError(
            f"none of the {len(bad)} objects can be read as {format}; the first: {bad[0].found.path}: {bad[0].why}"
        )
    for one in bad:
        faults.add(Fault(one.found.path, f"could not be read and is left out: {one.why}"))
    return [one for one in looked if one.why is None]


def _csv(session: SparkSession, good: Sequence[Probe], options: Mapping[str, Any], names: Sequence[str]) -> DataFrame:
    settings = formats.csv_read(options)
    if not truth(options.get("withHeader")):
        made = _one_csv(session, [one.found.path for one in good], settings, names)
        return made if names else _numbered(made)
    # Spark takes the names from one file for all: files of different headers are read apart.
    groups: dict[bytes | None, list[str]] = {}
    for one in good:
        groups.setdefault(one.line, []).append(one.found.path)
    return reduce(choices.united, [_one_csv(session, paths, settings, names) for paths in groups.values()])


def _one_csv(session: SparkSession, paths: list[str], settings: Mapping[str, str], names: Sequence[str]) -> DataFrame:
    reader = session.read.options(**settings)
    if names:
        reader = reader.schema(spark.StructType([spark.StructField(one, spark.StringType()) for one in names]))
    read = reader.csv(paths)
    return read.select(*[columns.plain(one) for one in read.schema.fields], file_path().alias(PATH))


def _numbered(read: DataFrame) -> DataFrame:
    names = [f"col{n}" for n in range(len(read.columns) - 1)]
    return read.toDF(*names, PATH)


def _xml(session: SparkSession, paths: list[str], options: Mapping[str, Any]) -> DataFrame:
    if not options.get("rowTag"):
        raise formats.FormatError("format 'xml' needs the option rowTag: the element that is one record")
    renamed = {"treatEmptyValuesAsNulls": "treatEmptyValuesAsNulls", "withSchema": None}
    settings = {renamed.get(key, key): str(value) for key, value in options.items() if not key.startswith("attach")}
    settings.pop(None, None)
    read = session.read.format("xml").options(**settings).load(paths)  # type: ignore[arg-type]
    return read.select(*[columns.plain(one) for one in read.schema.fields], file_path().alias(PATH))


def _typed(session: SparkSession, paths: list[str], format: str) -> DataFrame:
    """Parquet or ORC: the columns of all files together."""
    try:
        read = _merged(session, paths, format)
        return read.select(*[columns.plain(one) for one in read.schema.fields], file_path().alias(PATH))
    except (PySparkException, Py4JJavaError) as error:
        if len(paths) == 1 or "merg" not in str(error).lower():
            raise
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(_merged(session, [path], format).schema.json(), []).append(path)
    parts = []
    for ones in groups.values():
        read = _merged(session, ones, format)
        parts.append(read.select(*[columns.plain(one) for one in read.schema.fields], file_path().alias(PATH)))
    return reduce(choices.united, parts)


def _merged(session: SparkSession, paths: list[str], format: str) -> DataFrame:
    return session.read.option("mergeSchema", str(len(paths) > 1).lower()).format(format).load(paths)


def cast(rows: DataFrame, wanted: Mapping[str, spark.DataType]) -> DataFrame:
    """Text columns in the types of the catalog. A column in which some values are none of its type is a choice of that
    type and string, as with Glue; one pass over the data tells."""
    typed = {
        one.name: wanted[one.name.lower()]
        for one in rows.schema.fields
        if one.name != PATH
        and isinstance(one.dataType, spark.StringType)
        and not isinstance(wanted.get(one.name.lower(), spark.StringType()), spark.StringType)
    }
    if not typed:
        return rows

    def value(name: str) -> Any:
        text = F.col(columns.quoted(name))
        filled = F.when(F.trim(text) != "", text)
        return choices.cast(filled, spark.StructField(name, spark.StringType()), typed[name])

    def strange(name: str) -> Any:
        text = F.col(columns.quoted(name))
        return (F.trim(text) != "") & value(name).isNull()

    found = rows.agg(*[F.count_if(strange(name)).alias(f"c{n}") for n, name in enumerate(typed)]).first()
    mixed = {name for n, name in enumerate(typed) if found is not None and found[n]}
    made = []
    for field in rows.schema.fields:
        if field.name in mixed:
            text = F.col(columns.quoted(field.name))
            both = F.struct(
                value(field.name).alias(member(typed[field.name])), F.when(strange(field.name), text).alias("string")
            )
            made.append(columns.marked(F.when(F.trim(text) != "", both), field.name))
        elif field.name in typed:
            made.append(value(field.name).alias(field.name))
        else:
            made.append(columns.plain(field))
    return rows.select(made)
