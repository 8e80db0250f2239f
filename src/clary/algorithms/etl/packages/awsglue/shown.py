"""Schemas as trees of text, as Glue prints them."""

from .gluetypes import ArrayType, ChoiceType, DataType, MapType, StructType


def tree(of: StructType) -> str:
    return "\n".join(["root", *(line for one in of.fields for line in _lines(one.name, one.dataType, 0))])


def _lines(name: str, of: DataType, depth: int) -> list[str]:
    found = [f"{'|    ' * depth}|-- {name}: {of.name}"]
    if isinstance(of, StructType):
        for one in of.fields:
            found += _lines(one.name, one.dataType, depth + 1)
    elif isinstance(of, ArrayType):
        found += _lines("element", of.elementType, depth + 1)
    elif isinstance(of, MapType):
        found += _lines("keyType", of.keyType, depth + 1) + _lines("valueType", of.valueType, depth + 1)
    elif isinstance(of, ChoiceType):
        for kind in of.choices.values():
            inner = _lines("", kind, depth + 1)
            found += [f"{'|    ' * (depth + 1)}|-- {kind.name}", *inner[1:]]
    return found
