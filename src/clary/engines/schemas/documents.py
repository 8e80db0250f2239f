"""JSON: one record a line, records one behind the other, or one array of them; and records at a JSON path."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from clary.engines.schemas.heads import Head, Unreadable
from clary.engines.schemas.types import NOTHING, Type, merged, merged_columns

MOST_RECORDS: Final = 5000
"""So many records of a file say what its columns are; the others are only counted."""
_NEXT: Final = re.compile(r"[^\s,]")
_DECODER: Final = json.JSONDecoder()
_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]]+)|\[['\"](?P<quoted>[^'\"]+)['\"]\]|\[(?P<index>\*|\d+)\]")
Found = tuple[dict[str, Any], int]


def found(text: str, head: Head) -> Found | None:
    """None: it does not begin as JSON. Raises Unreadable."""
    begin = text.lstrip()
    if not begin.startswith(("{", "[")):
        return None
    records = list(_lines(text, head)) if begin.startswith("{") else None
    if records is None or not records:
        records = list(_concatenated(begin, head))
    array = begin.startswith("[")
    if not all(isinstance(one, dict) for one in records):
        raise Unreadable("it is JSON, but its records are no objects")
    if not records:
        raise Unreadable("it begins as JSON, but no whole record of it could be read")
    path = "$[*]" if array else None
    return _schema(records, head, path), round(len(records) * head.scale)


def at_path(text: str, head: Head, path: str) -> Found | None:
    """By a classifier's JSON path. None: nothing is there, or it is no JSON."""
    begin = text.lstrip()
    if not begin.startswith(("{", "[")):
        return None
    try:
        documents = [orjson.loads(begin)] if head.whole else list(_concatenated(begin, head))
    except orjson.JSONDecodeError:
        try:
            documents = list(_lines(text, head)) or list(_concatenated(begin, head))
        except Unreadable:
            return None
    steps = parsed(path)
    # What stands in an array of the whole file has been taken out of it when the file was too long to be read whole.
    if not head.whole and begin.startswith("[") and steps[:1] == ["*"]:
        steps = steps[1:]
    records = [one for document in documents for one in _walk(document, steps) if isinstance(one, dict)]
    if not records:
        return None
    return _schema(records, head, path), round(len(records) * head.scale)


def parsed(path: str) -> list[str | int]:
    """The steps of a JSON path: names, numbers and "*". Raises ValueError for what is not understood."""
    text = path.strip()
    if not text.startswith("$"):
        raise ValueError(f"{path!r}: a JSON path begins with $")
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"{path!r}: {text[at:]!r} is not understood; steps are .name, ['name'], [number] and [*]")
        index = match["index"]
        steps.append(int(index) if index and index != "*" else index or match["name"] or match["quoted"])
        at = match.end()
    return steps


def _walk(value: Any, steps: Sequence[str | int]) -> Iterator[Any]:
    if not steps:
        yield from value if isinstance(value, list) else [value]
        return
    step, rest = steps[0], steps[1:]
    if step == "*":
        below = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        for one in below:
            yield from _walk(one, rest)
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from _walk(value[step], rest)
    elif isinstance(value, dict) and step in value:
        yield from _walk(value[step], rest)


def _lines(text: str, head: Head) -> Iterator[Any]:
    """Records of a file with one a line; none: it is no such file. Raises Unreadable for a broken line behind good
    ones."""
    good = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if good == 0 or "}{" in line or "} {" in line:
                return  # it is written over several lines, or several stand in one
            raise Unreadable(f"it is JSON, but line {number} cannot be read: {error}") from None
        good += 1
        yield one


def _concatenated(text: str, head: Head) -> Iterator[Any]:
    """Records one behind the other, or in an array. What was cut off at the end of the head is left out."""
    at = 1 if text.startswith("[") else 0
    while (begin := _NEXT.search(text, at)) is not None:
        at = begin.start()
        if text[at] == "]":
            return
        try:
            one, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if not head.whole:
                return
            line = text.count("\n", 0, error.pos) + 1
            raise Unreadable(f"it begins as JSON, but line {line} cannot be read: {error.msg}") from None
        except RecursionError:
            raise Unreadable("it is JSON that is nested too deeply") from None
        yield one


def _schema(records: Sequence[Any], head: Head, path: str | None) -> dict[str, Any]:
    several = ([[name, of(value)] for name, value in one.items()] for one in records[:MOST_RECORDS])
    columns = [[name.lower(), type_] for name, type_ in merged_columns(several)]
    details = {} if path is None else {"path": path}
    if not columns:
        raise Unreadable("it is JSON, but its records have no members")
    return {"classification": "json", "compression": head.compression, "columns": columns, "details": details}


def of(value: Any) -> Type:
    """The type of a value. Whole numbers are int as long as they fit."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "boolean"
        case int():
            return "int" if -(2**31) <= value < 2**31 else "bigint" if -(2**63) <= value < 2**63 else "double"
        case float():
            return "double"
        case str():
            return "string"
        case list():
            inner: Type = NOTHING
            for one in value:
                inner = merged(inner, of(one))
            return ["array", inner]
    return ["struct", [[name, of(one)] for name, one in value.items()]]
