"""Partition keys. A key has the type of its column: values are compared as numbers, dates, times or texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""The value of a partition whose key is null."""
_WHOLE: Final = ("tinyint", "smallint", "int", "integer", "bigint", "long", "short", "byte")
_BROKEN: Final = ("float", "double", "decimal")
_TEXTS: Final = ("string", "varchar", "char", "")


class Unknown:
    """The value of a key that is not known yet."""


UNKNOWN: Final = Unknown()
Value = str | Unknown
Values = Sequence[Value]
"""Of each partition key, in order."""


@dataclass(frozen=True, slots=True)
class Key:
    """A partition key."""

    name: str
    at: int
    kind: str
    """Of its type: "text", "number", "date" or "time"."""

    def read(self, text: str) -> Any:
        """The value that a partition's text stands for; None: null, or no value of the type."""
        if text == NULL:
            return None
        try:
            return READERS[self.kind](text)
        except (ValueError, InvalidOperation):
            return None


def _number(text: str) -> Decimal:
    found = Decimal(text.strip())
    if not found.is_finite():
        raise ValueError(text)
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=None)


READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": str,
    "number": _number,
    "date": lambda text: date.fromisoformat(text.strip()),
    "time": _time,
}
"""By kind; each raises ValueError or InvalidOperation."""


def keys_of(columns: Sequence[Mapping[str, Any]]) -> list[Key]:
    """The partition keys of a table."""
    found = []
    for at, column in enumerate(columns):
        plain = column.get("Type", "string").lower().partition("(")[0].strip()
        if plain in _TEXTS:
            kind = "text"
        elif plain in (*_WHOLE, *_BROKEN):
            kind = "number"
        else:
            kind = {"date": "date", "timestamp": "time"}.get(plain, "text")
        found.append(Key(column["Name"].lower(), at, kind))
    return found
