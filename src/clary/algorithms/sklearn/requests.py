"""Request bodies become rows of text and numbers: CSV, JSON, JSON Lines and NumPy's own format."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clary.algorithms.refused import Refused
from clary.algorithms.sklearn.columns import Column, number, unknown, width
from clary.algorithms.toolkit import codecs

Row = list[str | float]
JSON_LINES = "application/jsonlines"


def decode(body: bytes, content_type: str | None, columns: Sequence[Column]) -> list[Row]:
    """A str or a float for each cell, as its column is. No content type means CSV. Raises Refused: 415 for a type that
    is not read here, 400 for a body that does not fit, 422 for a category that the model does not know."""
    kind = codecs.plain(content_type) or codecs.CSV
    decoder = DECODERS.get(kind)
    if decoder is None:
        raise Refused(415, f"Content type {kind} is not supported; supported are {', '.join(DECODERS)}.")
    if not body.strip():
        raise Refused(400, "The request body is empty; send at least one row.")
    rows = decoder(body, columns)
    if not rows:
        raise Refused(400, "The request body holds no rows.")
    made = []
    for place, cells in enumerate(rows, 1):
        if len(cells) != len(columns):
            raise width(place, len(columns), len(cells))
        made.append([checked(cell, columns[at], place, at + 1) for at, cell in enumerate(cells)])
    return made


def checked(cell: Any, column: Column, row: int, place: int) -> str | float:
    """The cell as its column is. Rows and columns count from 1. Raises Refused 400, 422."""
    if column.kind == "float":
        if isinstance(cell, str):
            return number(cell, row, place)
        if cell is None:
            return math.nan
        if isinstance(cell, bool) or not isinstance(cell, int | float) or math.isinf(cell):
            raise Refused(400, f"Row {row}, column {place}: {json.dumps(cell)[:40]} is not a finite number.")
        return float(cell)
    if cell is None:
        cell = ""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise Refused(400, f"Row {row}, column {place}: {json.dumps(cell)[:40]} is no text.")
    word = str(cell)
    if column.strict and column.allowed is not None and word not in column.allowed:
        raise unknown(row, place, column.name, word, column.allowed)
    return word


def _csv(body: bytes, columns: Sequence[Column]) -> list[list[Any]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(400, f"The request body is not UTF-8 text (byte {error.start}).") from None
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise Refused(400, f"The request body is not CSV: {error}.") from None
    # A blank line is no row, but for a model of one column a cell of text may be empty.
    return [list[Any](cells) for cells in rows if cells]


def _json(body: bytes, columns: Sequence[Column]) -> list[list[Any]]:
    value = _loads(body, "The request body")
    if isinstance(value, dict) and isinstance(value.get("instances"), list):
        value = value["instances"]
    if not isinstance(value, list):
        raise Refused(400, 'The JSON body must be a list of rows, or {"instances": [...]}.')
    if value and not isinstance(value[0], list | dict):
        value = [[one] for one in value] if len(columns) == 1 else [value]
    return [_row(one, number, columns) for number, one in enumerate(value, 1)]


def _jsonlines(body: bytes, columns: Sequence[Column]) -> list[list[Any]]:
    lines = [line for line in body.splitlines() if line.strip()]
    return [_row(_loads(line, f"Line {place}"), place, columns) for place, line in enumerate(lines, 1)]


def _row(value: Any, row: int, columns: Sequence[Column]) -> list[Any]:
    """A list of cells; {"features": [...]}; or the cells by the names of their columns."""
    if isinstance(value, dict) and isinstance(value.get("features"), list):
        value = value["features"]
    if isinstance(value, dict) and all(one.name in value for one in columns):
        value = [value[one.name] for one in columns]
    if not isinstance(value, list):
        names = ", ".join(one.name for one in columns if one.name)
        hint = f" or an object with {names}" if names else ""
        raise Refused(400, f'Row {row} must be a list of cells, an object with "features"{hint}.')
    return value


def _loads(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{what} is not JSON: {error}.") from None


def _npy(body: bytes, columns: Sequence[Column]) -> list[list[Any]]:
    table = codecs.decode(body, codecs.NPY)
    if table.ndim == 1:
        table = table.reshape(-1, 1) if len(columns) == 1 else table.reshape(1, -1)
    if table.ndim != 2:
        raise Refused(400, f"The array must have two dimensions, rows and columns; it has {table.ndim}.")
    rows: list[list[Any]] = table.tolist()
    return rows


__all__ = ["DECODERS", "Row", "checked", "decode", "width"]

DECODERS: Mapping[str, Callable[[bytes, Sequence[Column]], list[list[Any]]]] = {
    codecs.CSV: _csv,
    codecs.JSON: _json,
    JSON_LINES: _jsonlines,
    codecs.NPY: _npy,
}
