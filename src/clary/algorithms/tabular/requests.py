"""Request bodies become feature tables: CSV, recordio-protobuf, JSON and JSON Lines, dense or sparse."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from clary.algorithms.contract import ClientError
from clary.algorithms.recordio import batches
from clary.algorithms.recordio.frames import Malformed
from clary.algorithms.refused import Refused
from clary.algorithms.tabular import csvtext


def decode(body: bytes, content_type: str | None, columns: int) -> Any:
    """The features of every row, (rows, columns) float32: an array, or a CSR matrix when any row came with keys. No
    content type means CSV. Raises Refused 415 for a type that is not read here, 400 for a body that does not fit."""
    kind = (content_type or "text/csv").partition(";")[0].strip().lower()
    decoder = DECODERS.get(kind)
    if decoder is None:
        raise Refused(415, f"Content type {kind} is not supported; supported are {', '.join(DECODERS)}.")
    if not body.strip():
        raise Refused(400, "The request body is empty; send at least one row of features.")
    try:
        table = decoder(body, columns)
    except (ClientError, Malformed) as error:
        raise Refused(400, str(error)) from None
    return _fitting(table, columns)


def _fitting(table: Any, columns: int) -> Any:
    got = table.shape[1]
    if isinstance(table, np.ndarray):
        if got != columns:
            hint = " Leave out the label." if got == columns + 1 else ""
            raise Refused(400, f"The rows have {got} features, but the model takes {columns}.{hint}")
        values = table
    else:
        if got > columns:
            raise Refused(400, f"A row has the key {got - 1}, but the model takes {columns} features, from 0.")
        table.resize(table.shape[0], columns)
        values = table.data
    if not np.isfinite(values).all():
        raise Refused(400, "A value is missing, infinite or not a number; every one must be finite.")
    return table


def _csv(body: bytes, columns: int) -> Any:
    return csvtext.parse(body, "The request")


def _recordio(body: bytes, columns: int) -> Any:
    found = batches.decode(body)
    if found is None:
        raise Refused(400, "The request body holds no records.")
    return found.features


def _json(body: bytes, columns: int) -> Any:
    value = _loads(body, "The request body")
    if not isinstance(value, dict) or not isinstance(value.get("instances"), list) or not value["instances"]:
        raise Refused(400, 'The JSON body must be {"instances": [{"features": [1, 2]}, ...]}, with at least one row.')
    return _table(value["instances"], columns)


def _jsonlines(body: bytes, columns: int) -> Any:
    lines = [line for line in body.splitlines() if line.strip()]
    return _table([_loads(line, f"Line {number}") for number, line in enumerate(lines, 1)], columns)


def _loads(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{what} is not JSON: {error}.") from None


def _table(instances: list[Any], columns: int) -> Any:
    rows = [_row(instance, number) for number, instance in enumerate(instances, 1)]
    if all(keys is None for _, keys in rows):
        wrong = next((number for number, (values, _) in enumerate(rows, 1) if len(values) != columns), None)
        if wrong is not None:
            raise Refused(400, f"Row {wrong} has {len(rows[wrong - 1][0])} features, but the model takes {columns}.")
        return np.array([values for values, _ in rows], np.float32)
    from scipy.sparse import csr_matrix

    places = [list(range(len(values))) if keys is None else keys for values, keys in rows]
    bounds = np.cumsum([0, *map(len, places)])
    flat = np.array([one for row in places for one in row], np.int64)
    width = max(columns, int(flat.max(initial=-1)) + 1)
    numbers = np.array([one for values, _ in rows for one in values], np.float32)
    return csr_matrix((numbers, flat, bounds), shape=(len(rows), width))


def _row(instance: Any, number: int) -> tuple[list[float], list[int] | None]:
    """Values, and keys when the row is sparse, wherever AWS's JSON formats let them stand."""
    keys = None
    while isinstance(instance, dict):
        if isinstance(instance.get("keys"), list) and instance["keys"]:
            keys = instance["keys"]
        inner = next((instance[key] for key in ("data", "features", "values") if key in instance), None)
        if inner is None:
            raise Refused(400, f'Row {number} has no "features".')
        instance = inner
    if not isinstance(instance, list) or not all(_is_number(one) for one in instance):
        raise Refused(400, f"Row {number}: the features must be a list of numbers.")
    if keys is not None and (len(keys) != len(instance) or not all(type(one) is int and one >= 0 for one in keys)):
        raise Refused(400, f"Row {number}: there must be as many keys as values, each a whole number from 0.")
    return instance, keys


def _is_number(one: Any) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool)


DECODERS: Mapping[str, Callable[[bytes, int], Any]] = {
    "text/csv": _csv,
    "application/x-recordio-protobuf": _recordio,
    "application/json": _json,
    "application/jsonlines": _jsonlines,
}
