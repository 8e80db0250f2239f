"""JSON values of any shape as typed columns: Spark's own variants tell the types, and where they differ."""

import re
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import columns
from .gluetypes import member

_WORD = re.compile(r"`((?:[^`]|``)*)`|([A-Z_]+(?:\(\d+(?:,\s*\d+)?\))?)|([^<>,:`\s]+)|([<>,:])")

_ATOMS: dict[str, spark.DataType] = {
    "BIGINT": spark.LongType(),
    "STRING": spark.StringType(),
    "BOOLEAN": spark.BooleanType(),
    "DOUBLE": spark.DoubleType(),
    "VOID": spark.NullType(),
}


@dataclass(slots=True)
class Shape:
    """What stands at one place: a type, the members of an object, or a choice of several."""

    type: spark.DataType | None = None
    members: "dict[str, Shape]" = field(default_factory=dict)
    choice: "list[Shape]" = field(default_factory=list)

    def whole(self) -> spark.DataType:
        """The Spark type, choices below an array as strings."""
        if self.type is not None:
            return self.type
        if self.choice:
            return spark.StringType()
        return spark.StructType([spark.StructField(name, one.whole()) for name, one in self.members.items()])

    def mixed(self) -> bool:
        return bool(self.choice) or any(one.mixed() for one in self.members.values())


def shape(frame: DataFrame, name: str, schema: str | None = None) -> Shape:
    """What the variants of the column `name` have in common. One pass over the data (none if `schema` is known, in the
    words of Spark's `schema_of_variant_agg`); one more for each place at which types differ."""
    return _shape(frame, F.col(name), schema)


def _shape(frame: DataFrame, value: Column, schema: str | None = None) -> Shape:
    text = schema if schema is not None else frame.agg(F.schema_of_variant_agg(value)).first()[0]  # type: ignore[index]
    found = parsed(text)
    _settle(frame, value, found, "$")
    return found


def _settle(frame: DataFrame, value: Column, found: Shape, path: str) -> None:
    """Every place of mixed types gets its choices."""
    for name, one in found.members.items():
        below = f"{path}{_step(name)}"
        if isinstance(one.type, spark.VariantType):
            one.choice, one.type = _choices(frame, F.try_variant_get(value, below, "variant")), None
            if len(one.choice) == 1:
                only = one.choice[0]
                one.type, one.members, one.choice = only.type, only.members, only.choice
        else:
            _settle(frame, value, one, below)


def _choices(frame: DataFrame, value: Column) -> list[Shape]:
    kind = F.regexp_extract(F.schema_of_variant(value), "^[A-Z]+", 0)
    kinds = frame.agg(F.collect_set(kind)).first()[0]  # type: ignore[index]
    kinds = {("NUMBER" if one in {"BIGINT", "DECIMAL", "DOUBLE", "FLOAT"} else one) for one in kinds}
    found: list[Shape] = []
    for one in sorted(kinds - {"VOID", ""}):
        chosen = kind.isin("BIGINT", "DECIMAL", "DOUBLE", "FLOAT") if one == "NUMBER" else kind == one
        found.append(_shape(frame.where(chosen), value) if one in {"NUMBER", "OBJECT", "ARRAY"} else parsed(one))
    return found


def _step(name: str) -> str:
    return f'["{name}"]' if "'" in name else f"['{name}']"


def parsed(text: str | None) -> Shape:
    """The shape that `schema_of_variant` describes in words."""
    if not text:
        return Shape(type=spark.NullType())
    words = _WORD.findall(text)
    found, rest = _type(words)
    if rest:
        raise ValueError(f"{text!r} is no schema of a variant")
    return found


def _type(words: list[Any]) -> tuple[Shape, list[Any]]:
    name = words[0][1] or words[0][2]
    rest = words[1:]
    if name == "OBJECT":
        members: dict[str, Shape] = {}
        if rest and rest[0][3] == "<":
            rest = rest[1:]
            while rest[0][3] != ">":
                key = rest[0][0].replace("``", "`") or rest[0][1] or rest[0][2]
                members[key], rest = _type(rest[2:])
                rest = rest[1:] if rest[0][3] == "," else rest
            rest = rest[1:]
        # An object that never has a member has no type in files: as text it stays what it is.
        return (Shape(members=members) if members else Shape(type=spark.StringType())), rest
    if name == "ARRAY":
        element, rest = _type(rest[1:])
        return Shape(type=spark.ArrayType(_element(element))), rest[1:]
    return Shape(type=_atom(name)), rest


def _element(found: Shape) -> spark.DataType:
    return _strings(found.whole())


def _strings(of: spark.DataType) -> spark.DataType:
    if isinstance(of, spark.VariantType):
        return spark.StringType()
    if isinstance(of, spark.StructType):
        return spark.StructType([spark.StructField(one.name, _strings(one.dataType)) for one in of.fields])
    if isinstance(of, spark.ArrayType):
        return spark.ArrayType(_strings(of.elementType))
    return of


def _atom(name: str) -> spark.DataType:
    if name in _ATOMS:
        return _ATOMS[name]
    if name.startswith("DECIMAL"):
        precision, _, scale = name[8:-1].partition(",")
        # JSON's fractions are doubles in Glue; whole numbers beyond a long are decimals.
        return spark.DoubleType() if int(scale or 0) else spark.DecimalType(int(precision), 0)
    if name == "VARIANT":
        return spark.VariantType()
    return spark.DataType.fromDDL(name)


def columns_of(value: Column, found: Shape) -> list[Column]:
    """One column for each member of the objects in `value`."""
    return [_built(value, one, f"${_step(name)}", name) for name, one in found.members.items()]


def column(value: Column, found: Shape, name: str) -> Column:
    return _built(value, found, "$", name)


def _built(value: Column, found: Shape, path: str, name: str) -> Column:
    if found.choice:
        here = F.try_variant_get(value, path, "variant")
        kind = F.regexp_extract(F.schema_of_variant(here), "^[A-Z]+", 0)
        parts = []
        for one in found.choice:
            words = {spark.StructType: ["OBJECT"], spark.ArrayType: ["ARRAY"], spark.StringType: ["STRING"]}.get(
                type(one.whole()), ["BOOLEAN"] if isinstance(one.type, spark.BooleanType) else []
            )
            words = words or ["BIGINT", "DECIMAL", "DOUBLE", "FLOAT"]
            inner = _built(value, one, path, member(one.whole()))
            parts.append(F.when(kind.isin(*words), inner).alias(member(one.whole())))
        return columns.marked(F.when(here.isNotNull() & (kind != "VOID"), F.struct(*parts)), name)
    if found.type is not None or not found.mixed():
        whole = found.whole()
        if isinstance(whole, spark.NullType):
            return F.lit(None).alias(name)
        return F.try_variant_get(value, path, _ddl(whole)).alias(name)
    inner_columns = [_built(value, one, f"{path}{_step(key)}", key) for key, one in found.members.items()]
    present = F.try_variant_get(value, path, "variant")
    return F.when(present.isNotNull(), F.struct(*inner_columns)).alias(name)


def _ddl(of: spark.DataType) -> str:
    """The type in SQL, names in backticks (`simpleString` leaves them bare)."""
    if isinstance(of, spark.StructType):
        return "struct<" + ",".join(f"{columns.quoted(one.name)}:{_ddl(one.dataType)}" for one in of.fields) + ">"
    if isinstance(of, spark.ArrayType):
        return f"array<{_ddl(of.elementType)}>"
    return of.simpleString()
