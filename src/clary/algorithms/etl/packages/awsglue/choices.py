"""Choice columns: several types under one name, until they are resolved.

A choice is a struct with one member for each type, marked in the column's metadata; exactly one member of a row is not
null, or the whole is. So `toDF()` gives what Glue gives."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import columns
from .gluetypes import is_choice, member
from .typenames import spark_type


def united(left: DataFrame, right: DataFrame) -> DataFrame:
    """The rows of both; a column that only one has is null in the other, and one whose types differ is a choice."""
    types = {one.name: one for one in left.schema.fields}
    others = {one.name: one for one in right.schema.fields}
    plans: dict[str, list[spark.DataType]] = {}
    for name, field in others.items():
        mine = types.get(name)
        if mine is not None and (mine.dataType != field.dataType or is_choice(mine) != is_choice(field)):
            plans[name] = _members(mine, field)
    ours = left.select([_as(one, plans) for one in left.schema.fields])
    theirs = right.select([_as(one, plans) for one in right.schema.fields])
    return ours.unionByName(theirs, allowMissingColumns=True)


def _members(left: spark.StructField, right: spark.StructField) -> list[spark.DataType]:
    found: list[spark.DataType] = []
    for field in (left, right):
        inside = [one.dataType for one in field.dataType.fields] if is_choice(field) else [field.dataType]  # type: ignore[attr-defined]
        found += [one for one in inside if one not in found and not isinstance(one, spark.NullType)]
    return found


def _as(field: spark.StructField, plans: dict[str, list[spark.DataType]]) -> Column:
    if field.name not in plans:
        return columns.plain(field)
    members = plans[field.name]
    if len(members) == 1:
        return columns.plain(field).cast(members[0]).alias(field.name)
    value = columns.plain(field)
    parts: list[Column] = []
    for one in members:
        if is_choice(field):
            inner = next((f for f in field.dataType.fields if f.dataType == one), None)  # type: ignore[attr-defined]
            part = value.getField(inner.name) if inner is not None else F.lit(None)
        else:
            part = value if field.dataType == one else F.lit(None)
        parts.append(part.cast(one).alias(member(one)))
    return columns.marked(F.when(value.isNotNull(), F.struct(*parts)), field.name)


def resolved(frame: DataFrame, parts: Sequence[str], action: str) -> DataFrame:
    """`frame` with the column at `parts` resolved by `action`: `cast:TYPE`, `project:TYPE`, `make_cols`, `make_struct`.
    Raises ValueError for an action that does not go there; a path that is not there changes nothing, as with Glue."""
    field = columns.find(frame.schema, parts)
    if field is None:
        return frame
    verb, _, name = action.partition(":")
    if verb == "make_cols":
        return _cols(frame, list(parts), field)
    if verb == "make_struct":
        return _put(frame, parts, lambda value: value) if is_choice(field) else frame
    if verb not in {"cast", "project"} or not name:
        raise ValueError(f"{action!r} resolves no choice: use cast:TYPE, project:TYPE, make_cols or make_struct")
    target = spark_type(name)
    if target is None:
        return _put(frame, parts, lambda value: projected(value, field, name)) if is_choice(field) else frame
    if verb == "project":
        return _put(frame, parts, lambda value: projected(value, field, member(target)).cast(target))
    return _put(frame, parts, lambda value: cast(value, field, target))


def cast(value: Column, field: spark.StructField, target: spark.DataType) -> Column:
    """`value` as `target`, null where it is none; of a choice, whichever member there is."""
    if not is_choice(field):
        return _tried(value, field.dataType, target)
    members = field.dataType.fields  # type: ignore[attr-defined]
    first = sorted(members, key=lambda one: one.dataType != target)
    return F.coalesce(*[_tried(value.getField(one.name), one.dataType, target) for one in first])


def projected(value: Column, field: spark.StructField, name: str) -> Column:
    """The values of type `name`, null for all others."""
    if not is_choice(field):
        return value if member(field.dataType) == name else cast(value, field, spark_type(name) or field.dataType)
    members = field.dataType.fields  # type: ignore[attr-defined]
    found = next((one for one in members if one.name == name), None)
    return value.getField(found.name) if found is not None else F.lit(None)


def _tried(value: Column, source: spark.DataType, target: spark.DataType) -> Column:
    if source == target:
        return value
    nested = (spark.StructType, spark.ArrayType, spark.MapType)
    if isinstance(target, spark.StringType) and isinstance(source, nested):
        return F.to_json(value)
    if isinstance(source, nested) or isinstance(target, nested):
        if isinstance(source, spark.StringType):
            return F.from_json(value, target)  # type: ignore[arg-type]
        if type(source) is not type(target):
            return F.lit(None).cast(target)
    if isinstance(target, spark.IntegralType) and isinstance(source, spark.StringType):
        # "12.0" is a number all the same.
        return F.coalesce(value.try_cast(target), value.try_cast("double").try_cast(target))
    return value.try_cast(target)


def _put(frame: DataFrame, parts: Sequence[str], change: Callable[[Column], Column]) -> DataFrame:
    first = parts[0]
    made = columns.changed(F.col(columns.quoted(first)), parts[1:], change)
    return frame.select(
        [columns.unmarked(made, first) if one.name == first else columns.plain(one) for one in frame.schema.fields]
    )


def _cols(frame: DataFrame, parts: list[str], field: spark.StructField) -> DataFrame:
    if not is_choice(field):
        return frame
    if columns.EACH in parts:
        raise ValueError("make_cols does not go inside an array: use cast:TYPE or project:TYPE there")
    members = field.dataType.fields  # type: ignore[attr-defined]
    if len(parts) == 1:
        made: list[Column] = []
        for one in frame.schema.fields:
            if one.name != parts[0]:
                made.append(columns.plain(one))
                continue
            made += [F.col(columns.quoted(one.name)).getField(m.name).alias(f"{one.name}_{m.name}") for m in members]
        return frame.select(made)

    def split(outer: Column) -> Column:
        value = outer.getField(parts[-1])
        for one in members:
            outer = outer.withField(columns.quoted(f"{parts[-1]}_{one.name}"), value.getField(one.name))
        return outer.dropFields(columns.quoted(parts[-1]))

    return _put(frame, parts[:-1], split)
