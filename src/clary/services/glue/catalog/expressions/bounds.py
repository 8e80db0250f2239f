"""What must hold of single keys for a whole expression to hold: by it the walk over partitions leaps (pruning.py)."""

from dataclasses import dataclass
from typing import Final

from clary.services.glue.catalog.expressions.keys import Key

_LAST: Final = chr(0x10FFFF) * 1024
"""No value is longer: behind a text comes nothing that begins with it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What must hold of one key for the whole expression to hold: one side of its range, or a list of values."""

    at: int
    sign: str
    """One of "in", ">=" and "<="."""
    values: tuple[str, ...]


def bound(key: Key, sign: str, *values: str) -> list[Bound]:
    """Of text keys only: the walk goes by the texts of the values, and those of other types are ordered otherwise."""
    return [Bound(key.at, sign, tuple(sorted(set(values))))] if key.kind == "text" else []


def of_sign(key: Key, sign: str, text: str) -> list[Bound]:
    """What a comparison asks of the range. A sharp one is as good as its wider one: bounds only rule out."""
    match sign:
        case "=" | "==":
            return bound(key, "in", text)
        case ">" | ">=":
            return bound(key, ">=", text)
        case "<" | "<=":
            return bound(key, "<=", text)
        case _:
            return []


def starting(key: Key, start: str) -> list[Bound]:
    """What LIKE 'start%' asks of the range. Also of keys of other types: LIKE looks at the text."""
    if not start:
        return []
    return [Bound(key.at, ">=", (start,)), Bound(key.at, "<=", (start + _LAST,))]
