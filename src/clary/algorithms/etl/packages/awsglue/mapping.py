"""Choosing, naming and typing columns."""

from collections.abc import Callable, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import choices, columns
from .gluetypes import is_choice, member
from .typenames import spark_type
from .utils import told

Tree = dict[str, Any]


def mapped(frame: DataFrame, mappings: Sequence[Any], *, case_sensitive: bool) -> DataFrame:
    """Only what `mappings` name: `(source, source type, target, target type)`, or `(source, target)`. A target with
    dots makes structs. A source that is not there is left out, as with Glue, and the log says so."""
    tree: Tree = {}
    for one in mappings:
        source, source_type, target, target_type = _four(one)
        parts = columns.segments(source, frame.schema)
        field = columns.find(frame.schema, parts)
        if field is None and not case_sensitive:
            parts = _folded(frame.schema, parts) or parts
            field = columns.find(frame.schema, parts)
        if field is None:
            told(f"apply_mapping: there is no column {source!r}; {target!r} is left out")
            continue
        if columns.EACH in parts:
            raise ValueError(f"apply_mapping: {source!r} is inside an array: map the whole array, or explode it first")
        _insert(tree, columns.segments(target), _value(field, columns.at(parts), source_type, target_type))
    return frame.select([_built(name, value) for name, value in tree.items()])


def _four(mapping: Any) -> tuple[str, str | None, str, str | None]:
    if len(mapping) == 2:
        return str(mapping[0]), None, str(mapping[1]), None
    if len(mapping) == 3:
        return str(mapping[0]), None, str(mapping[1]), str(mapping[2])
    if len(mapping) == 4:
        return str(mapping[0]), str(mapping[1]), str(mapping[2]), str(mapping[3])
    raise ValueError(f"{mapping!r} is no mapping: write (source, source type, target, target type)")


def _folded(schema: spark.StructType, parts: Sequence[str]) -> list[str] | None:
    found: list[str] = []
    here: spark.DataType = schema
    for part in parts:
        fields = here.fields if isinstance(here, spark.StructType) else []
        field = next((one for one in fields if one.name.lower() == part.lower()), None)
        if field is None:
            return None
        found.append(field.name)
        here = field.dataType
    return found


def _value(field: spark.StructField, value: Column, source: str | None, target: str | None) -> tuple[Column, bool]:
    """The value and whether it still is a choice."""
    if target is None:
        return value, is_choice(field)
    if is_choice(field):
        wanted = spark_type(source) if source else None
        names = [one.name for one in field.dataType.fields]  # type: ignore[attr-defined]
        if wanted is not None and member(wanted) in names:
            inner = spark.StructField(field.name, field.dataType[member(wanted)].dataType)  # type: ignore[index]
            value, field = choices.projected(value, field, member(wanted)), inner
    made = spark_type(target)
    if made is None:
        return value, is_choice(field)
    return choices.cast(value, field, made), False


def _insert(tree: Tree, parts: Sequence[str], value: tuple[Column, bool]) -> None:
    for part in parts[:-1]:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ValueError(f"apply_mapping: {part!r} is a column already, and cannot hold {parts[-1]!r} too")
        tree = inner
    tree[parts[-1]] = value


def _built(name: str, value: Any) -> Column:
    if isinstance(value, dict):
        return F.struct(*[_built(inner, one) for inner, one in value.items()]).alias(name)
    column, choice = value
    return columns.marked(column, name) if choice else columns.unmarked(column, name)


def selected(frame: DataFrame, paths: Sequence[str]) -> DataFrame:
    """Only the columns at `paths`, in their order there; a nested one keeps its outer struct. What is not there is left
    out."""
    tree: Tree = {}
    for path in paths:
        parts = columns.segments(path, frame.schema)
        field = columns.find(frame.schema, parts)
        if field is None:
            told(f"select_fields: there is no column {path!r}")
            continue
        inner: Any = tree
        for part in parts[:-1]:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else {}
        if isinstance(inner, dict):
            inner[parts[-1]] = (columns.at(parts), is_choice(field))
    return frame.select([_built(name, value) for name, value in tree.items()])


def dropped(frame: DataFrame, paths: Sequence[str]) -> DataFrame:
    """All but the columns at `paths`."""
    for path in paths:
        parts = columns.segments(path, frame.schema)
        if columns.find(frame.schema, parts) is None:
            continue
        if len(parts) == 1:
            frame = frame.select([columns.plain(one) for one in frame.schema.fields if one.name != parts[0]])
        else:
            frame = _within(frame, parts[:-1], _without(parts[-1]))
    return frame


def _without(name: str) -> Callable[[Column], Column]:
    return lambda value: value.dropFields(columns.quoted(name))


def renamed(frame: DataFrame, old: str, new: str) -> DataFrame:
    """The column at `old` is called `new` (dots in it make structs; in backticks they are its own)."""
    parts = columns.segments(old, frame.schema)
    field = columns.find(frame.schema, parts)
    if field is None:
        return frame
    target = columns.segments(new)
    if len(parts) == 1 and len(target) == 1:
        made = columns.marked if is_choice(field) else columns.unmarked
        return frame.select(
            [
                made(columns.plain(one), target[0]) if one.name == parts[0] else columns.plain(one)
                for one in frame.schema.fields
            ]
        )
    if parts[:-1] == target[:-1]:
        last = parts[-1]

        def swapped(value: Column) -> Column:
            return value.withField(columns.quoted(target[-1]), value.getField(last)).dropFields(columns.quoted(last))

        return _within(frame, parts[:-1], swapped)
    tree: Tree = {one.name: (columns.plain(one), is_choice(one)) for one in dropped(frame, [old]).schema.fields}
    _insert(tree, target, (columns.at(parts), is_choice(field)))
    kept = [one for one in parts[:1] if len(parts) > 1 and one in tree]
    for one in kept:
        tree[one] = (F.col(columns.quoted(one)).dropFields(".".join(columns.quoted(part) for part in parts[1:])), False)
    return frame.select([_built(name, value) for name, value in tree.items()])


def without_nulls(frame: DataFrame) -> DataFrame:
    """Without the columns whose type is null (no record has a value), at any depth of structs."""
    made = [_cleared(F.col(columns.quoted(one.name)), one) for one in frame.schema.fields]
    return frame.select([one for one in made if one is not None])


def _cleared(value: Column, field: spark.StructField) -> Column | None:
    if isinstance(field.dataType, spark.NullType):
        return None
    if isinstance(field.dataType, spark.ArrayType) and isinstance(field.dataType.elementType, spark.NullType):
        return None
    if is_choice(field) or not isinstance(field.dataType, spark.StructType) or not _has_null(field.dataType):
        return value.alias(field.name, metadata=field.metadata or {})
    inner = [_cleared(value.getField(one.name), one) for one in field.dataType.fields]
    kept = [one for one in inner if one is not None]
    return F.when(value.isNotNull(), F.struct(*kept)).alias(field.name) if kept else None


def _has_null(of: spark.DataType) -> bool:
    if isinstance(of, spark.StructType):
        return any(_has_null(one.dataType) for one in of.fields)
    if isinstance(of, spark.ArrayType):
        return isinstance(of.elementType, spark.NullType)
    return isinstance(of, spark.NullType)


def _within(frame: DataFrame, parts: Sequence[str], change: Callable[[Column], Column]) -> DataFrame:
    first = parts[0]
    made = columns.changed(F.col(columns.quoted(first)), parts[1:], change)
    return frame.select([made.alias(first) if one.name == first else columns.plain(one) for one in frame.schema.fields])
