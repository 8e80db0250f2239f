"""Parquet files: the first column is the label, all others are features."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from clary.algorithms.contract import ClientError
from clary.algorithms.xgboost.table import Rows, split


def read_parquet(path: Path, name: str) -> Rows:
    """The rows of one file. Raises ClientError that names the column which is no number, or the row without a label."""
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except pa.ArrowInvalid as error:
        raise ClientError(f"File {name} is not Parquet: {error}") from None
    cells = np.empty((table.num_rows, table.num_columns), np.float32)
    for number, field in enumerate(table.schema):
        kind = field.type
        if not (
            pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_decimal(kind)
        ):
            raise ClientError(f"File {name}, column {number + 1} ('{field.name}') holds {kind}, not numbers.")
        with np.errstate(over="ignore"):
            cells[:, number] = table.column(number).cast(pa.float64()).to_numpy()
        if np.isinf(cells[:, number]).any():
            raise ClientError(
                f"File {name}, column {number + 1} ('{field.name}') holds an infinite or too large value."
            )
    rows = split(name, cells)
    empty = np.flatnonzero(np.isnan(rows.labels))
    if empty.size:
        raise ClientError(f"File {name}, row {int(empty[0]) + 1}: the label is missing.")
    return rows
