"""Delimited text: which character separates the columns, whether the first row names them, and what they hold.

The rules are those that AWS documents for its built-in classifier: at least two columns and two rows; a first row is a
header when all of it is text, shorter than 150 characters, and some column below it is not text. Columns without a name
are col0, col1 ...
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from clary.engines.schemas.heads import Head
from clary.engines.schemas.types import NOTHING, merged

SEPARATORS: Final = (",", "|", "\t", ";", "\x01")
SAME: Final = 0.95
"""So many of the rows, at least, must have the same number of columns."""
_TRIED_ROWS: Final = 200
_LONGEST_NAME: Final = 150
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CUSTOM: Final = {
    **{"BINARY": "binary", "BOOLEAN": "boolean", "DATE": "date", "DECIMAL": "decimal", "DOUBLE": "double"},
    **{"FLOAT": "float", "INT": "int", "LONG": "bigint", "SHORT": "smallint", "STRING": "string"},
    "TIMESTAMP": "timestamp",
}
Found = tuple[dict[str, Any], int]

# A field of free text may be longer than the library's own bound.
csv.field_size_limit(1 << 24)


def found(text: str, head: Head, said: dict[str, Any] | None = None) -> Found | None:
    """None: it is no delimited text. `said` is a classifier of Glue's; None: the built-in rules."""
    said = said or {}
    quote = said.get("QuoteSymbol", '"')
    separators = (said["Delimiter"],) if "Delimiter" in said else SEPARATORS
    least = 1 if said.get("AllowSingleColumn") else 2
    separator = _separator(text, separators, quote, least)
    if separator is None:
        return None
    rows = [row for row in _rows(text, separator, quote) if row]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    trims = not said.get("DisableValueTrimming")
    presence = said.get("ContainsHeader", "UNKNOWN")
    first = [value.strip() for value in rows[0]]
    below = rows[1:]
    types = _types(below, width, trims)
    header = presence == "PRESENT" or (presence == "UNKNOWN" and _is_header(first, types))
    if not header:
        types = [merged(*pair) for pair in zip(types, _types(rows[:1], width, trims), strict=True)]
    elif not below and presence != "PRESENT":
        return None
    given = said.get("Header") or []
    names = _names(given or (first if header else ()), width)
    if said.get("CustomDatatypeConfigured") and said.get("CustomDatatypes"):
        custom = [_CUSTOM.get(one.upper(), "string") for one in said["CustomDatatypes"]]
        types = [*custom, *types[len(custom) :]][:width]
    quoted = quote in text
    schema = {
        "classification": "csv",
        "compression": head.compression,
        "columns": [[name, "string" if type_ == NOTHING else type_] for name, type_ in zip(names, types, strict=True)],
        "details": {
            "delimiter": separator,
            "header": header,
            "quoted": quoted,
            **({"quote": quote} if quoted else {}),
            **({"serde": said["Serde"]} if "Serde" in said else {}),
        },
    }
    return schema, max(0, round(len(rows) * head.scale) - header)


def scalar(value: str) -> str:
    """The type of one value: bigint, double, boolean or string; "" has none. Dates are text, as Glue has them."""
    if not value:
        return NOTHING
    if _WHOLE.fullmatch(value):
        return "bigint"
    if _NUMBER.fullmatch(value):
        return "double"
    return "boolean" if value.lower() in ("true", "false") else "string"


def _rows(text: str, separator: str, quote: str) -> list[list[str]]:
    # Without universal newlines: a quoted field may hold some.
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote))


def _separator(text: str, separators: Sequence[str], quote: str, least: int) -> str | None:
    """The one that gives most columns of those that give the same number in nearly every row."""
    best: tuple[int, str] | None = None
    at = 0
    for _ in range(_TRIED_ROWS):
        following = text.find("\n", at)
        if following < 0:
            at = len(text)
            break
        at = following + 1
    tried = text[:at]
    for separator in separators:
        if separator not in tried and least > 1:
            continue
        try:
            rows = [row for row in _rows(tried, separator, quote) if row]
        except csv.Error:
            continue
        if len(rows) > 2 and at < len(text):
            rows.pop()  # a quoted field with newlines may be cut there
        if len(rows) < 2:
            continue
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width >= least and count >= SAME * len(rows) and (best is None or width > best[0]):
            best = (width, separator)
    return None if best is None else best[1]


def _types(rows: Sequence[Sequence[str]], width: int, trims: bool) -> list[Any]:
    types: list[Any] = []
    for number in range(width):
        type_ = NOTHING
        for value in {row[number] for row in rows if len(row) > number}:
            type_ = merged(type_, scalar(value.strip() if trims else value))
            if type_ == "string":
                break
        types.append(type_)
    return types


def _is_header(first: Sequence[str], types: Sequence[Any]) -> bool:
    if len(first) != len(types):
        return False
    *others, last = first
    if not all(scalar(name) == "string" and len(name) < _LONGEST_NAME for name in others):
        return False
    if scalar(last) not in ("string", NOTHING):
        return False
    return any(type_ not in ("string", NOTHING) for type_ in types)


def _names(given: Sequence[str], width: int) -> list[str]:
    """Small letters, each once; what has no name is col and its number."""
    names: list[str] = []
    for number in range(width):
        name = given[number].strip().lower() if number < len(given) else ""
        name = name or f"col{number}"
        names.append(name if name not in names else f"{name}_{number}")
    return names
