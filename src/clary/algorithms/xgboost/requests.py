"""Request bodies become feature tables: CSV, libsvm, JSON, JSON Lines, recordio-protobuf; each row fits the model or is
named."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError
from clary.algorithms.refused import Refused
from clary.algorithms.xgboost.libsvm import parse_libsvm

Table = NDArray[np.float32]
EMPTY = ("", "nan", "NaN", "NAN", "NA", "null", "None")


def decode(body: bytes, content_type: str | None, columns: int) -> Any:
    """The features of every row, (rows, columns): float32, or sparse for libsvm. No content type means CSV, as AWS has
    it. Raises Refused 415 for a type that is not read here, 400 for a body that is not of its type or does not fit."""
    kind = (content_type or "text/csv").partition(";")[0].strip().lower()
    decoder = DECODERS.get(kind)
    if decoder is None:
        raise Refused(415, f"Content type {kind} is not supported; supported are {', '.join(DECODERS)}.")
    if not body.strip():
        raise Refused(400, "The request body is empty; send one row of features a line.")
    return decoder(body, columns)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(400, f"The request body is not UTF-8 text (byte {error.start}).") from None


def _csv(body: bytes, columns: int) -> Table:
    text = _text(body)
    try:
        if "\n" not in text and "\r" not in text:
            # One row, the usual request: not worth a table reader.
            return _fit(np.array([[float(cell) for cell in text.split(",")]]), columns)
        delimiter = _delimiter(text)
        table = np.loadtxt(io.StringIO(text), delimiter=delimiter, comments=None, ndmin=2, dtype=np.float64)
    except ValueError:
        # Quotes, empty cells or a mistake: the slow way knows them all, and names the last.
        return _cells(text, columns, _delimiter(text))
    return _fit(table, columns)


def _delimiter(text: str) -> str:
    """A comma, or what else separates the cells of the first line."""
    if "," in text:
        return ","
    first = text.strip().partition("\n")[0].strip()
    return next((one for one in ("\t", ";", "|", " ") if one in first), ",")


def _cells(text: str, columns: int, delimiter: str) -> Table:
    rows: list[list[float]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=delimiter != " ")
    try:
        for cells in reader:
            if not cells or (len(cells) == 1 and not cells[0].strip() and columns != 1):
                continue
            if len(cells) != columns:
                raise Refused(400, _width(len(rows) + 1, columns, len(cells)))
            rows.append([_number(cell, len(rows) + 1, place) for place, cell in enumerate(cells, 1)])
    except csv.Error as error:
        raise Refused(400, f"Row {len(rows) + 1} is not CSV: {error}.") from None
    if not rows:
        raise Refused(400, "The request body holds no rows.")
    return _fit(np.array(rows, np.float64), columns)


def _number(cell: str, row: int, place: int) -> float:
    text = cell.strip()
    if text in EMPTY:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise Refused(400, f"Row {row}, column {place}: '{text[:40]}' is not a number.") from None


def _width(row: int, columns: int, got: int) -> str:
    hint = " Leave out the label." if got == columns + 1 else ""
    return f"Row {row} has {got} columns, but the model takes {columns}.{hint}"


def _fit(table: NDArray[np.floating], columns: int) -> Table:
    if table.shape[1] != columns:
        raise Refused(400, _width(1, columns, table.shape[1]))
    with np.errstate(over="ignore"):
        small = table.astype(np.float32)
    if np.isinf(small).any():
        row, place = (int(where[0]) + 1 for where in np.nonzero(np.isinf(small)))
        raise Refused(400, f"Row {row}, column {place} is infinite or too large.")
    return small


def _libsvm(body: bytes, columns: int) -> Any:
    """A leading label is taken as AWS's container takes it: it is not looked at."""
    plain = [line for raw in body.splitlines() if (line := raw.partition(b"#")[0].strip())]
    if not plain:
        raise Refused(400, "The request body holds no rows.")
    lines = [line if _has_label(line) else b"0 " + line for line in plain]
    try:
        rows = parse_libsvm(lines, "of the request")
    except ClientError as error:
        raise Refused(400, str(error)) from None
    if rows.width > columns:
        raise Refused(
            400, f"The largest libsvm index is {rows.width - 1}, but the model takes {columns} columns, from 0."
        )
    rows.features.resize(rows.count, columns)
    return rows.features


def _recordio(body: bytes, columns: int) -> Any:
    """Labels are not looked at. A sparse record has no value where it has no key."""
    from clary.algorithms.recordio import batches, frames

    try:
        found = batches.decode(body)
    except frames.Malformed as error:
        raise Refused(400, f"The request body is not recordio-protobuf: {error}.") from None
    if found is None:
        raise Refused(400, "The request body holds no records.")
    if isinstance(found.features, np.ndarray):
        return _fit(found.features, columns)
    if found.width > columns:
        raise Refused(400, f"The largest key is {found.width - 1}, but the model takes {columns} columns, from 0.")
    found.features.resize(found.count, columns)
    if np.isinf(found.features.data).any():
        raise Refused(400, "A value of the request is infinite.")
    return found.features


def _has_label(line: bytes) -> bool:
    return b":" not in line.split(None, 1)[0]


def _json(body: bytes, columns: int) -> Table:
    value = _loads(body, "The request body")
    if isinstance(value, dict):
        if not isinstance(value.get("instances"), list):
            raise Refused(
                400, 'The JSON object must hold a list "instances", for example {"instances":[{"features":[1,2]}]}.'
            )
        value = value["instances"]
    elif isinstance(value, list) and value and not isinstance(value[0], list | dict):
        value = [value]
    if not isinstance(value, list) or not value:
        raise Refused(400, "The JSON body must hold at least one row, for example [[1,2],[3,4]].")
    return _rows(value, columns)


def _jsonlines(body: bytes, columns: int) -> Table:
    lines = [line for line in body.splitlines() if line.strip()]
    return _rows([_loads(line, f"Line {number}") for number, line in enumerate(lines, 1)], columns)


def _loads(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{what} is not JSON: {error}.") from None


def _rows(instances: list[Any], columns: int) -> Table:
    rows = []
    for number, instance in enumerate(instances, 1):
        values = _features(instance, number, columns)
        if not isinstance(values, list):
            raise Refused(400, f'Row {number} is neither a list of numbers nor an object with "features".')
        if len(values) != columns:
            raise Refused(400, _width(number, columns, len(values)))
        for place, one in enumerate(values, 1):
            if one is not None and (isinstance(one, bool) or not isinstance(one, int | float)):
                raise Refused(400, f"Row {number}, column {place}: {json.dumps(one)[:40]} is not a number.")
        rows.append([math.nan if one is None else one for one in values])
    try:
        return _fit(np.array(rows, np.float64), columns)
    except OverflowError:
        raise Refused(400, "A number in the request is too large.") from None


def _features(instance: Any, row: int, columns: int) -> Any:
    """The list of numbers, wherever AWS's JSON format for inference lets it stand."""
    for key in ("data", "features"):
        if isinstance(instance, dict) and key in instance:
            instance = instance[key]
    if not isinstance(instance, dict) or "values" not in instance:
        return instance
    return _sparse(instance, row, columns) if instance.get("keys") else instance["values"]


def _sparse(instance: dict[str, Any], row: int, columns: int) -> list[Any]:
    """Values at the places that `keys` names; nothing elsewhere."""
    keys, values = instance["keys"], instance["values"]
    if not isinstance(keys, list) or not isinstance(values, list) or len(keys) != len(values):
        raise Refused(400, f'Row {row} must have as many "keys" as "values".')
    whole: list[Any] = [None] * columns
    for key, value in zip(keys, values, strict=True):
        if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key < columns:
            raise Refused(
                400, f"Row {row}: key {json.dumps(key)[:40]} is not one of the model's {columns} columns, from 0."
            )
        whole[key] = value
    return whole


DECODERS: Mapping[str, Callable[[bytes, int], Any]] = {
    "text/csv": _csv,
    "text/libsvm": _libsvm,
    "text/x-libsvm": _libsvm,
    "application/json": _json,
    "application/jsonlines": _jsonlines,
    "application/x-recordio-protobuf": _recordio,
}
