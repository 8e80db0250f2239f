"""Types of columns, as documents: "bigint", "string" ..., ["array", type], ["struct", [[name, type] ...]] and
["map", key type, value type]. `hive` writes them as the catalog does.

`NOTHING` is the type of what was always absent: it gives way to any other.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

Type = Any
"""A str or a list, as above."""
Columns = list[list[Any]]
"""[[name, type] ...]"""

NOTHING: Final = "nothing"
_NUMBERS: Final = ("tinyint", "smallint", "int", "bigint", "float", "double")
"""From the narrowest to the widest."""
_MOMENTS: Final = ("date", "timestamp")


def merged(one: Type, other: Type) -> Type:
    """The narrowest type that holds both: numbers widen, structs get the members of both, and what has nothing in
    common is text."""
    if one == other or other == NOTHING:
        return one
    if one == NOTHING:
        return other
    if isinstance(one, str) and isinstance(other, str):
        return _scalar(one, other)
    if isinstance(one, str) or isinstance(other, str) or one[0] != other[0]:
        return "string"
    if one[0] == "array":
        return ["array", merged(one[1], other[1])]
    if one[0] == "map":
        return ["map", merged(one[1], other[1]), merged(one[2], other[2])]
    return ["struct", merged_columns([one[1], other[1]])]


def merged_columns(several: Iterable[Columns]) -> Columns:
    """The columns of all, in the order in which they are first met; names differ by more than their case."""
    found: dict[str, list[Any]] = {}
    for columns in several:
        for name, type_ in columns:
            known = found.get(name.lower())
            if known is None:
                found[name.lower()] = [name, type_]
            else:
                known[1] = merged(known[1], type_)
    return list(found.values())


def hive(type_: Type) -> str:
    """As the catalog writes it: array<struct<a:bigint>>."""
    if isinstance(type_, str):
        return "string" if type_ == NOTHING else type_
    if type_[0] == "array":
        return f"array<{hive(type_[1])}>"
    if type_[0] == "map":
        return f"map<{hive(type_[1])},{hive(type_[2])}>"
    if not type_[1]:
        return "string"  # a struct without members cannot be written
    return f"struct<{','.join(f'{name}:{hive(inner)}' for name, inner in type_[1])}>"


def read(text: str) -> Type:
    """The type that the catalog writes so. What cannot be taken apart stays as it is written."""
    text = text.strip()
    match = re.fullmatch(r"(array|map|struct)\s*<(.*)>", text, re.IGNORECASE | re.DOTALL)
    if match is None:
        return text.lower()
    kind, parts = match[1].lower(), _split(match[2])
    if kind == "array" and len(parts) == 1:
        return ["array", read(parts[0])]
    if kind == "map" and len(parts) == 2:
        return ["map", read(parts[0]), read(parts[1])]
    members = [part.partition(":") for part in parts]
    if kind == "struct" and all(colon for _, colon, _ in members):
        return ["struct", [[name.strip(), read(type_)] for name, _, type_ in members]]
    return text.lower()


def shared(one: Sequence[Sequence[Any]], other: Sequence[Sequence[Any]]) -> float:
    """Which part of the wider one's columns both have, by name; 1.0 for two without columns."""
    mine, its = ({name.lower() for name, _ in columns} for columns in (one, other))
    return len(mine & its) / max(len(mine), len(its)) if mine or its else 1.0


def _scalar(one: str, other: str) -> str:
    if one in _NUMBERS and other in _NUMBERS:
        if {one, other} == {"float", "bigint"} or {one, other} == {"float", "int"}:
            return "double"  # a float does not hold every whole number of these
        return max(one, other, key=_NUMBERS.index)
    if one in _MOMENTS and other in _MOMENTS:
        return "timestamp"
    if one.startswith("decimal") and other.startswith("decimal"):
        return _decimal(one, other)
    return "string"


def _decimal(one: str, other: str) -> str:
    whole = scale = 0
    for text in (one, other):
        digits, places = (int(number) for number in re.findall(r"\d+", text)[:2] or (10, 0))
        whole, scale = max(whole, digits - places), max(scale, places)
    return f"decimal({min(38, whole + scale)},{scale})"


def _split(text: str) -> list[str]:
    """At the commas that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
