"""How the native servers read requests, for what a graph's program does not read the short way: the same code, so the
same answers and the same words of refusal."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clary.algorithms.refused import Refused
from clary.algorithms.sklearn.columns import Column

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


def reader(name: str, columns: Sequence[dict[str, Any]]) -> Reader:
    """The reader of that native server for the plan's columns. Raises ValueError when there is none."""
    match name:
        case "xgboost":
            return Reader(CSV, _xgboost, _no_cells)
        case "tables":
            return Reader(CSV, _tables, _no_cells)
        case "arrays":
            return _fitted(columns)
        case "spark":
            return _spark(columns)
    raise ValueError(f"a reader called {name!r} is not known")


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


def missing(where: str = "") -> Refused:
    """The refusal of a row without a number that a model needs: in Spark's words with the place where it is, else in
    those of the table algorithms."""
    if where:
        return Refused(400, f"{where}: a value is missing.")
    return Refused(400, "A value is missing, infinite or not a number; every one must be finite.")


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


def _fitted(columns: Sequence[dict[str, Any]]) -> Reader:
    """scikit-learn's, of a model with those columns."""
    from clary.algorithms.sklearn import requests

    known = [
        Column(one.get("name") or "", one["kind"], one.get("allowed") and tuple(one["allowed"]), _strict(one))
        for one in columns
    ]

    def table(body: bytes, content_type: str, count: int) -> list[float]:
        return [float(cell) for row in requests.decode(body, content_type, known) for cell in row]

    def cells(body: bytes, content_type: str, count: int) -> list[str]:
        rows = requests.decode(body, content_type, known)
        return [cell if isinstance(cell, str) else repr(cell) for row in rows for cell in row]

    return Reader(CSV, table, cells)


def _spark(columns: Sequence[dict[str, Any]]) -> Reader:
    """sparkml-serving's, with the schema of the container. Its columns are checked by whoever asks."""
    from clary.algorithms.sparkml import requests
    from clary.algorithms.sparkml.schema import Field, Schema

    fields = tuple(Field(one["name"], "string" if one["kind"] == "string" else "double") for one in columns)
    known = Schema(fields, Field("", "double"))

    def rows(body: bytes, content_type: str) -> list[list[Any]]:
        given, found = requests.decode(body, content_type, known)
        if given is not known:
            raise Refused(
                400, "This model answers the schema of its container: CLARY_COMPILE=off lets requests bring one."
            )
        return found

    def table(body: bytes, content_type: str, count: int) -> list[float]:
        return [float(cell) for row in rows(body, content_type) for cell in row]

    def cells(body: bytes, content_type: str, count: int) -> list[str]:
        return [cell if isinstance(cell, str) else repr(cell) for row in rows(body, content_type) for cell in row]

    return Reader(CSV, table, cells)


def _strict(column: dict[str, Any]) -> bool:
    return column.get("unknown") == "error" and column.get("allowed") is not None


def _no_cells(body: bytes, content_type: str, columns: int) -> list[str]:
    raise ValueError("the first stage takes numbers, so its graph takes no text")


def _flat(table: Any) -> list[float]:
    flat: list[float] = table.reshape(-1).tolist()
    return flat
