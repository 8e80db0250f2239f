"""How the native servers read requests, for what a graph's program does not read the short way: the same code, so the
same answers and the same words of refusal."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clary.algorithms.serve import Refused
from clary.algorithms.toolkit import codecs

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
EMPTY = ("", "nan", "NaN", "NAN", "NA", "null", "None")


@dataclass(frozen=True, slots=True)
class Reader:
    default_type: str
    """What a body is when nobody says."""
    table: Callable[[bytes, str, int], list[float]]
    """(body, content type, columns) -> all numbers, row by row; NaN: missing. Raises Refused."""
    cells: Callable[[bytes, str, int], list[str]]
    """The same for cells of text."""


def reader(name: str) -> Reader:
    """The reader of that native server. Raises ValueError when there is none."""
    match name:
        case "xgboost":
            return Reader(CSV, _xgboost, _no_cells)
        case "tables":
            return Reader(CSV, _tables, _no_cells)
        case "arrays" | "spark":
            return Reader(JSON if name == "arrays" else CSV, _array, _array_cells)
    raise ValueError(f"a reader called {name!r} is not known")


def unknown(row: int, column: int, name: str, cell: str, allowed: Sequence[str]) -> Refused:
    """The refusal of a category that the model was not trained with and does not ignore. Rows and columns from 1."""
    called = f" ({name})" if name else ""
    shown = ", ".join(allowed[:50]) + (", ..." if len(allowed) > 50 else "")
    return Refused(422, f"Row {row}, column {column}{called}: '{cell[:40]}' is not one of the known values: {shown}.")


def number(cell: str, row: int, column: int) -> str:
    """The cell, which is a number; "nan" for one that says nothing. Raises Refused 400."""
    text = cell.strip()
    if text in EMPTY:
        return "nan"
    try:
        if math.isfinite(float(text)):
            return text
    except ValueError:
        pass
    raise Refused(400, f"Row {row}, column {column}: '{text[:40]}' is not a finite number.")


def _xgboost(body: bytes, content_type: str, columns: int) -> list[float]:
    from clary.algorithms.xgboost import requests

    found = requests.decode(body, content_type or None, columns)
    if isinstance(found, np.ndarray):
        return _flat(found)
    # XGBoost takes what a sparse row does not hold for missing, not for zero.
    dense = np.full(found.shape, np.nan, np.float32)
    places = found.tocoo()
    dense[places.row, places.col] = places.data
    return _flat(dense)


def _tables(body: bytes, content_type: str, columns: int) -> list[float]:
    from clary.algorithms.tabular import requests

    found = requests.decode(body, content_type or None, columns)
    return _flat(found if isinstance(found, np.ndarray) else found.toarray())


def _array(body: bytes, content_type: str, columns: int) -> list[float]:
    found = _rows(body, content_type, columns)
    try:
        table = np.asarray(found).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise Refused(400, f"The body holds more than numbers: {error}.") from None
    return _flat(table)


def _array_cells(body: bytes, content_type: str, columns: int) -> list[str]:
    return [cell if isinstance(cell, str) else str(cell) for row in _rows(body, content_type, columns) for cell in row]


def _no_cells(body: bytes, content_type: str, columns: int) -> list[str]:
    raise ValueError("the first stage takes numbers, so its graph takes no text")


def _flat(table: Any) -> list[float]:
    flat: list[float] = table.reshape(-1).tolist()
    return flat


def _rows(body: bytes, content_type: str, columns: int) -> list[list[Any]]:
    """The rows of an array, each with as many cells as the model takes. Raises Refused."""
    if not body.strip():
        raise Refused(400, "The request body is empty; send one row of features a line.")
    kind = codecs.plain(content_type)
    rows = _lists(body) if kind == CSV else codecs.decode(body, content_type).tolist()
    if not isinstance(rows, list):
        rows = [[rows]]
    elif rows and not isinstance(rows[0], list):
        rows = [rows]
    for number_, row in enumerate(rows, 1):
        if len(row) != columns:
            hint = " Leave out the label." if len(row) == columns + 1 else ""
            raise Refused(400, f"Row {number_} has {len(row)} columns, but the model takes {columns}.{hint}")
    return rows


def _lists(body: bytes) -> list[list[Any]]:
    import csv
    import io

    try:
        text = body.decode("utf-8-sig")
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except UnicodeDecodeError as error:
        raise Refused(400, f"The request body is not UTF-8 text (byte {error.start}).") from None
    except csv.Error as error:
        raise Refused(400, f"The request body is not CSV: {error}.") from None
