"""CSV files: label first, no header. Read by Arrow; when it balks, a second look names file, line and cell."""

import contextlib
import csv
import gzip
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.csv

from clary.algorithms.contract import ClientError
from clary.algorithms.xgboost.table import Floats, Rows, split

EMPTY = ("", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None")
"""Cells that mean: no value here."""
LARGEST = float(np.finfo(np.float32).max)
DELIMITERS = (",", "\t", ";", "|", " ")


def read_csv(path: Path, name: str, *, weights: bool = False) -> Rows:
    """The rows of one file, plain or gzip. Raises ClientError that names file and line for a header, a text cell, a row
    of another length, a label or weight that is missing."""
    delimiter = _delimiter(path)
    if delimiter is None:
        return Rows(np.empty((0, 0), np.float32), np.empty(0, np.float32), source=name)
    try:
        table = _arrow(path, delimiter)
    except (pa.ArrowInvalid, csv.Error) as error:
        _explain(path, name, delimiter, str(error))
    cells = _dense(table)
    rows = split(name, cells, weights=weights)
    required = 2 if weights else 1
    negative = weights and bool((cells[:, 1] < 0).any())
    if np.isnan(cells[:, :required]).any() or np.isinf(cells).any() or negative:
        _explain(path, name, delimiter, "a label, a weight or an infinite value is wrong", required=required)
    return rows


def _arrow(path: Path, delimiter: str) -> Any:
    with _opened(path) as lines:
        _, first = next(_cells(lines, delimiter), (0, [""]))
    names = [f"f{number}" for number in range(len(first))]
    with _binary(path) as stream:
        return pyarrow.csv.read_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.float32()),
                null_values=list(EMPTY),
                quoted_strings_can_be_null=True,
            ),
        )


def _binary(path: Path) -> Any:
    plain = pa.OSFile(str(path), "rb")
    return pa.CompressedInputStream(plain, "gzip") if _zipped(path) else plain


def _zipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _dense(table: Any) -> Floats:
    """Column after column into one float32 array, so that only one copy is alive beside Arrow's."""
    cells = np.empty((table.num_rows, table.num_columns), np.float32)
    for number, column in enumerate(table.columns):
        row = 0
        for chunk in column.chunks:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is reported as such
                cells[row : row + len(chunk), number] = chunk.to_numpy(zero_copy_only=False)
            row += len(chunk)
    return cells


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Iterator[str]]:
    """The lines of the file, unpacked where it is gzip. What is no UTF-8 is replaced: no number has such bytes."""
    with gzip.open(path) if _zipped(path) else path.open("rb") as file:
        yield io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")


def _cells(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank."""
    reader = csv.reader(lines, delimiter=delimiter)
    for cells in reader:
        if cells and not (len(cells) == 1 and not cells[0].strip()):
            yield reader.line_num, cells


def _delimiter(path: Path) -> str | None:
    """What separates the cells of the first line; a comma when nothing does; None when all lines are blank."""
    with _opened(path) as lines:
        first = next((line for line in lines if line.strip()), None)
    if first is None:
        return None
    return next((one for one in DELIMITERS if one in first.strip()), ",")


def _explain(path: Path, name: str, delimiter: str, complaint: str, *, required: int = 1) -> NoReturn:
    """The first thing that is wrong in the file, as a ClientError. Only called when something is."""
    try:
        with _opened(path) as lines:
            _check(_cells(lines, delimiter), name, required)
    except csv.Error as error:
        raise ClientError(f"File {name} is not CSV: {error}.") from None
    raise ClientError(f"File {name} is not CSV: {complaint}")


def _check(rows: Iterator[tuple[int, list[str]]], name: str, required: int) -> None:
    width = None
    for line, cells in rows:
        width = width or len(cells)
        where = f"File {name}, line {line}"
        if len(cells) != width:
            raise ClientError(f"{where}: {len(cells)} columns where the lines before have {width}.")
        for number, cell in enumerate(cells):
            text = cell.strip()
            value = math.nan if text in EMPTY else _number(text)
            if value is None and line == 1:
                raise ClientError(
                    f"{where}, column {number + 1}: '{text[:40]}' is not a number. CSV training data has no header "
                    "line, and text must be encoded as numbers."
                )
            if value is None:
                raise ClientError(f"{where}, column {number + 1}: '{text[:40]}' is not a number.")
            if number < required and math.isnan(value):
                raise ClientError(f"{where}: the {'weight' if number else 'label'} (column {number + 1}) is missing.")
            if abs(value) > LARGEST:
                raise ClientError(f"{where}, column {number + 1}: {text[:40]} is too large.")
            if number == 1 and required == 2 and value < 0:
                raise ClientError(f"{where}: the weight (column 2) is negative.")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
