"""Python functions over records: map, flat map and filter. A record is a dict; where the function raises, the record is
dropped and counted."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pyspark import RDD, StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from .errors import Fault
from .gluetypes import is_choice
from .inference import Kind, kind_of, merged, row_of, schema_of

_SAID = 300
"""Characters of a function's error in the log."""


def filtered(frame: DataFrame, keep: Callable[[Any], Any], where: str) -> tuple[DataFrame, Callable[[], list[Fault]]]:
    """The rows for which `keep(record)` is true, and a count of those at which it raised (a pass over the data)."""
    plain = _plain(frame.schema)

    def verdict(row: Row) -> str:
        try:
            return "1" if keep(plain(row)) else "0"
        except Exception as error:
            return _told(error)

    # Seen as not deterministic it is called once a row: Spark would push it below other stages and call it again.
    said = F.udf(verdict, "string", useArrow=False).asNondeterministic()(
        F.struct(*[F.col(f"`{one}`") for one in frame.columns])
    )
    judged = frame.withColumn("__clary_kept", said)

    def count() -> list[Fault]:
        failed = judged.where(~F.col("__clary_kept").isin("0", "1")).groupBy("__clary_kept").count().collect()
        return [Fault(where, str(one[0]), int(one[1])) for one in failed]

    return judged.where(F.col("__clary_kept") == "1").drop("__clary_kept"), count


def mapped(
    frame: DataFrame, change: Callable[[Any], Any], where: str, *, flat: bool = False
) -> tuple[DataFrame, list[Fault]]:
    """What `change` makes of each record (with `flat`, of each a list), with types as they are found: one pass. Called
    once a record: what it answers is kept until the run ends."""
    plain = _plain(frame.schema)

    def made(row: Row) -> Iterator[tuple[str | None, Any]]:
        try:
            answer = change(plain(row))
            for one in answer if flat else [answer]:
                if not isinstance(one, dict):
                    raise TypeError(f"the function answered {type(one).__name__}, not a record (a dict)")
                yield None, one
        except Exception as error:
            yield _told(error), None

    answers: RDD[tuple[str | None, Any]] = frame.rdd.flatMap(made).persist(StorageLevel.MEMORY_AND_DISK)
    nothing: tuple[Kind | None, dict[str, int]] = (None, {})
    kind, failed = answers.aggregate(nothing, _seen, _both)
    faults = [Fault(where, why, count) for why, count in failed.items()]
    good = answers.filter(lambda one: one[0] is None).map(lambda one: one[1])
    return frame_of(frame.sparkSession, good, kind), faults


def frame_of(session: SparkSession, records: "RDD[Any]", kind: Kind | None = None) -> DataFrame:
    """A DataFrame of dicts, with choices where types differ."""
    if kind is None:
        kind = records.aggregate(None, lambda found, one: merged(found, kind_of(one)), merged)
    if kind is None or not kind.members:
        return session.createDataFrame([], spark.StructType([]))
    schema = schema_of(kind)
    return session.createDataFrame(records.map(lambda one: row_of(one, kind)), schema, verifySchema=False)


def _seen(so_far: Any, answer: tuple[str | None, Any]) -> Any:
    kind, failed = so_far
    why, record = answer
    if why is not None:
        failed[why] = failed.get(why, 0) + 1
        return kind, failed
    return merged(kind, kind_of(record)), failed


def _both(left: Any, right: Any) -> Any:
    failed = dict(left[1])
    for why, count in right[1].items():
        failed[why] = failed.get(why, 0) + count
    return merged(left[0], right[0]), failed


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_SAID]


def _plain(schema: spark.StructType) -> Callable[[Row], Any]:
    """What makes a record of a row: choices are the value that is there."""

    def value(of: Any, field: spark.StructField) -> Any:
        if of is None:
            return None
        if is_choice(field):
            inner = field.dataType.fields  # type: ignore[attr-defined]
            return next((_part(one, f.dataType) for one, f in zip(of, inner, strict=True) if one is not None), None)
        return _part(of, field.dataType)

    def _part(of: Any, kind: spark.DataType) -> Any:
        if of is None:
            return None
        if isinstance(kind, spark.StructType):
            return {f.name: value(one, f) for one, f in zip(of, kind.fields, strict=True)}
        if isinstance(kind, spark.ArrayType):
            return [_part(one, kind.elementType) for one in of]
        if isinstance(kind, spark.MapType):
            return {key: _part(one, kind.valueType) for key, one in of.items()}
        return of

    return lambda row: _part(row, schema)


def pairs(found: Iterable[tuple[str, int]]) -> list[Fault]:
    return [Fault(where, "could not be read", count) for where, count in found]
