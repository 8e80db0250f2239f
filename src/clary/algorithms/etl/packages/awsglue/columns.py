"""Columns by the paths that Glue's transforms name: `a`, `a.b`, `` `with.dot`.b ``, `list[].b`."""

import re
from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from .gluetypes import CHOICE, is_choice

_SEGMENT = re.compile(r"`((?:[^`]|``)*)`|([^.\[\]`]+)|(\[\])")

EACH = "[]"
"""The segment for every element of an array."""


def segments(path: str, schema: spark.StructType | None = None) -> list[str]:
    """The parts of a path. A column whose own name has dots is meant where `schema` has it as a whole."""
    if schema is not None and path in schema.fieldNames():
        return [path]
    found = [quoted.replace("``", "`") if quoted else plain or EACH for quoted, plain, _ in _SEGMENT.findall(path)]
    if not found:
        raise ValueError(f"{path!r} is no path of a column: write name, outer.inner or list[].inner")
    return found


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def at(parts: Sequence[str]) -> Column:
    """The value at a path of structs."""
    found = F.col(quoted(parts[0]))
    for part in parts[1:]:
        found = found.getField(part)
    return found


def find(schema: spark.StructType, parts: Sequence[str]) -> spark.StructField | None:
    """The field at a path (the element's for `[]`), or None where there is none."""
    field: spark.StructField | None = None
    here: spark.DataType = schema
    for part in parts:
        if part == EACH:
            if not isinstance(here, spark.ArrayType):
                return None
            here = here.elementType
            field = spark.StructField(EACH, here)
            continue
        if not isinstance(here, spark.StructType):
            return None
        field = next((one for one in here.fields if one.name == part), None)
        if field is None:
            return None
        here = field.dataType
    return field


def choices(schema: spark.StructType) -> list[list[str]]:
    """The paths of all columns that are choices, outer ones first. (Inside arrays there are none.)"""
    found: list[list[str]] = []
    for field in schema.fields:
        if is_choice(field):
            found.append([field.name])
        elif isinstance(field.dataType, spark.StructType):
            found += [[field.name, *inner] for inner in choices(field.dataType)]
    return found


def changed(column: Column, parts: Sequence[str], change: Callable[[Column], Column]) -> Column:
    """`column` with the value at `parts` below it replaced by what `change` makes of it."""
    if not parts:
        return change(column)
    first, rest = parts[0], parts[1:]
    if first == EACH:
        return F.transform(column, lambda one: changed(one, rest, change))
    if not rest:
        return column.withField(quoted(first), change(column.getField(first)))
    return column.withField(quoted(first), changed(column.getField(first), rest, change))


def marked(column: Column, name: str) -> Column:
    """`column` as a choice called `name`."""
    return column.alias(name, metadata={CHOICE: True})


def unmarked(column: Column, name: str) -> Column:
    return column.alias(name, metadata={})


def plain(field: spark.StructField) -> Column:
    """The column of a field as it is, its mark included."""
    return F.col(quoted(field.name))
