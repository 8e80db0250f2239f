"""Request bodies become rows of text and numbers, as the schema names them: CSV, JSON and JSON Lines."""

import json
from collections.abc import Sequence
from typing import Any, Final

from clary.algorithms.refused import Refused
from clary.algorithms.sklearn import requests as cells
from clary.algorithms.sklearn.columns import Column
from clary.algorithms.sparkml import schema
from clary.algorithms.sparkml.schema import Field, Schema
from clary.algorithms.toolkit import codecs

JSON_LINES: Final = "application/jsonlines"
SUPPORTED: Final = (codecs.CSV, codecs.JSON, JSON_LINES)


def columns(known: Schema) -> list[Column]:
    """Those of one cell each."""
    return [Column(one.name, "string" if one.type == "string" else "float") for one in known.inputs]


def decode(body: bytes, content_type: str | None, known: Schema | None) -> tuple[Schema, list[list[Any]]]:
    """The schema that counts (a request may bring its own), and its rows: a str, a float or a list for each column. No
    content type means CSV. Raises Refused 415, 400."""
    kind = codecs.plain(content_type) or codecs.CSV
    if kind not in SUPPORTED:
        raise Refused(415, f"Content type {kind} is not supported; supported are {', '.join(SUPPORTED)}.")
    if not body.strip():
        raise Refused(400, "The request body is empty; send at least one row.")
    if kind == codecs.CSV:
        given = _known(known)
        if any(one.struct != "basic" for one in given.inputs):
            raise Refused(400, "A column of the schema is a vector or an array, which CSV cannot hold: send JSON.")
        rows = cells.DECODERS[kind](body, columns(given))
        if not rows:
            raise Refused(400, "The request body holds no rows.")
        return given, [_checked(row, number, given) for number, row in enumerate(rows, 1)]
    lines = [body] if kind == codecs.JSON else [line for line in body.splitlines() if line.strip()]
    held = known
    found: list[Any] = []
    for line in lines:
        value = _loads(line)
        if value.get("schema") is not None:
            held = _schema(value["schema"])
        found += _rows(value, _known(held))
    given = _known(held)
    return given, [_checked(row, number, given) for number, row in enumerate(found, 1)]


def _known(known: Schema | None) -> Schema:
    if known is None:
        raise Refused(400, f"There is no schema: set {schema.VARIABLE} in the container, or send one as JSON.")
    return known


def _schema(value: Any) -> Schema:
    try:
        return schema.read(value)
    except ValueError as error:
        raise Refused(400, f"The schema of the request: {error}.") from None


def _loads(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The request body is not JSON: {error}.") from None
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise Refused(400, 'The JSON body must be {"data": [...]}, a value for each column of the schema.')
    return value


def _rows(value: dict[str, Any], known: Schema) -> list[Any]:
    """One row; or, where no column is a list and all values are lists, that many."""
    data: list[Any] = value["data"]
    several = all(one.struct == "basic" for one in known.inputs) and all(isinstance(one, list) for one in data)
    return data if several and data else [data]


def _checked(row: list[Any], number: int, known: Schema) -> list[Any]:
    if len(row) != len(known.inputs):
        raise cells.width(number, len(known.inputs), len(row))
    made: list[Any] = []
    for place, (cell, field, column) in enumerate(zip(row, known.inputs, columns(known), strict=True), 1):
        if field.struct == "basic":
            made.append(cells.checked(_spoken(cell, field), column, number, place))
        elif isinstance(cell, list):
            made.append([cells.checked(_spoken(one, field), column, number, place) for one in cell])
        else:
            raise Refused(400, f"Row {number}, column {place} ({field.name}) must be a list: the schema says so.")
    return made


_TRUTH: Final = {True: 1.0, False: 0.0, "true": 1.0, "false": 0.0}


def _spoken(cell: Any, field: Field) -> Any:
    """A truth value as the number that Spark casts it to."""
    if field.type != "boolean" or not isinstance(cell, bool | str):
        return cell
    return _TRUTH.get(cell.strip().lower() if isinstance(cell, str) else cell, cell)


def places(known: Schema) -> dict[str, int]:
    """Where each column stands in a row, from 1."""
    return {one.name: at for at, one in enumerate(known.inputs, 1)}


Row = Sequence[Any]
