"""The types of Python records: what each is, what they have in common, and the rows of that common type."""

import datetime
import decimal
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import types as spark

from .gluetypes import CHOICE, member


@dataclass(slots=True)
class Kind:
    """What was seen at one place: atoms by their type, members of dicts, elements of lists."""

    atoms: list[spark.DataType] = field(default_factory=list)
    members: "dict[str, Kind] | None" = None
    element: "Kind | None" = None
    many: bool = False
    known: "list[spark.DataType] | None" = None


def kind_of(value: Any) -> Kind:
    if value is None:
        return Kind()
    if isinstance(value, dict):
        return Kind(members={str(key): kind_of(one) for key, one in value.items()})
    if isinstance(value, (list, tuple, set)):
        element: Kind | None = None
        for one in value:
            element = merged(element, kind_of(one))
        return Kind(element=element, many=True)
    return Kind(atoms=[_atom(value)])


def _atom(value: Any) -> spark.DataType:
    if isinstance(value, bool):
        return spark.BooleanType()
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return spark.LongType()
        return spark.DecimalType(38, 0)
    if isinstance(value, float):
        return spark.DoubleType()
    if isinstance(value, decimal.Decimal):
        return spark.DecimalType(38, 18)
    if isinstance(value, datetime.datetime):
        return spark.TimestampType()
    if isinstance(value, datetime.date):
        return spark.DateType()
    if isinstance(value, (bytes, bytearray)):
        return spark.BinaryType()
    return spark.StringType()


def merged(left: Kind | None, right: Kind | None) -> Kind | None:
    """What both are. Numbers widen to double."""
    if left is None or right is None:
        return left or right
    atoms = [*left.atoms, *(one for one in right.atoms if one not in left.atoms)]
    if spark.DoubleType() in atoms and spark.LongType() in atoms:
        atoms = [one for one in atoms if one != spark.LongType()]
    members = left.members if right.members is None else right.members
    if left.members is not None and right.members is not None:
        members = dict(left.members)
        for name, one in right.members.items():
            members[name] = merged(members.get(name), one) or one
    return Kind(atoms, members, merged(left.element, right.element), left.many or right.many)


def schema_of(kind: Kind) -> spark.StructType:
    return spark.StructType([_field(name, one) for name, one in (kind.members or {}).items()])


def _types(kind: Kind) -> list[spark.DataType]:
    if kind.known is None:
        kind.known = _counted(kind)
    return kind.known


def _counted(kind: Kind) -> list[spark.DataType]:
    found = list(kind.atoms)
    if kind.members is not None:
        found.append(schema_of(kind) if kind.members else spark.MapType(spark.StringType(), spark.StringType()))
    if kind.many:
        inner = _types(kind.element) if kind.element is not None else []
        found.append(spark.ArrayType(inner[0] if len(inner) == 1 else spark.StringType()))
    return found


def _field(name: str, kind: Kind) -> spark.StructField:
    types = _types(kind)
    if not types:
        return spark.StructField(name, spark.NullType())
    if len(types) == 1:
        return spark.StructField(name, types[0])
    inner = spark.StructType([spark.StructField(member(one), one) for one in types])
    return spark.StructField(name, inner, metadata={CHOICE: True})


def row_of(record: dict[str, Any], kind: Kind) -> tuple[Any, ...]:
    """The record as a row of the schema of `kind`."""
    return tuple(_value(record.get(name), one) for name, one in (kind.members or {}).items())


def _value(value: Any, kind: Kind) -> Any:
    types = _types(kind)
    if value is None or not types:
        return None
    if len(types) == 1:
        return _as(value, kind, types[0])
    mine = _types(kind_of(value))[0]
    if isinstance(value, dict):
        mine = schema_of(kind)
    place = next((n for n, one in enumerate(types) if type(one) is type(mine)), None)
    if place is None and isinstance(mine, spark.LongType):
        place = next(n for n, one in enumerate(types) if isinstance(one, spark.DoubleType))
    return tuple(_as(value, kind, one) if n == place else None for n, one in enumerate(types))


def _as(value: Any, kind: Kind, target: spark.DataType) -> Any:
    if isinstance(target, spark.StructType):
        return row_of(value, kind)
    if isinstance(target, spark.ArrayType):
        if isinstance(target.elementType, spark.StringType):
            return [one if one is None or isinstance(one, str) else str(one) for one in value]
        return [_value(one, kind.element) if kind.element is not None else one for one in value]
    if isinstance(target, spark.DoubleType):
        return float(value)
    if isinstance(target, spark.StringType):
        return value if isinstance(value, str) else str(value)
    return decimal.Decimal(value) if isinstance(target, spark.DecimalType) else value
