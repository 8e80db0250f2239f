"""libsvm text: `<label>[:<weight>] [qid:<n>] <index>:<value> ...`, with comments after a #."""

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from clary.algorithms.contract import ClientError
from clary.algorithms.xgboost.table import Rows


def read_libsvm(path: Path, name: str) -> Rows:
    """The rows of one file, plain or gzip, as a sparse table. Raises ClientError that names file and line."""
    with path.open("rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if zipped else path.open("rb") as lines:
        return parse_libsvm(lines, name)


def parse_libsvm(lines: Iterable[bytes], name: str) -> Rows:
    labels: list[bytes] = []
    weights: list[bytes] = []
    groups: list[int] = []
    indices: list[bytes] = []
    values: list[bytes] = []
    ends = [0]
    for number, line in enumerate(lines, 1):
        words = line.partition(b"#")[0].replace(b":", b" : ").split()
        if not words:
            continue
        take = 1
        if words[1:2] == [b":"]:
            weights.extend(words[2:3])
            take = 3
        if words[take : take + 2] == [b"qid", b":"]:
            groups.append(_group(words[take + 2 : take + 3], name, number))
            take += 3
        marks = words[take + 1 :: 3]
        if (len(words) - take) % 3 or marks.count(b":") != len(marks):
            raise ClientError(_wrong(name, number, line))
        labels.append(words[0])
        indices.extend(words[take::3])
        values.extend(words[take + 2 :: 3])
        ends.append(len(values))
        if len(weights) not in (0, len(labels)) or len(groups) not in (0, len(labels)):
            raise ClientError(f"File {name}, line {number}: weights and qid must stand on all lines or on none.")
    try:
        return _rows(labels, weights, groups, indices, values, ends, name)
    except (ValueError, OverflowError):
        raise ClientError(_first_wrong(labels, weights, indices, values, ends, name)) from None


def _rows(
    labels: list[bytes],
    weights: list[bytes],
    groups: list[int],
    indices: list[bytes],
    values: list[bytes],
    ends: list[int],
    name: str,
) -> Rows:
    from scipy.sparse import csr_matrix

    columns = _array(indices, np.int64)
    cells = _array(values, np.float64).astype(np.float32)
    targets = _array(labels, np.float64).astype(np.float32)
    if (columns < 0).any() or not np.isfinite(targets).all() or np.isinf(cells).any():
        raise ValueError("out of range")
    width = int(columns.max()) + 1 if columns.size else 0
    table = csr_matrix((cells, columns, np.asarray(ends, np.int64)), shape=(len(labels), width))
    table.sum_duplicates()
    given = _array(weights, np.float64).astype(np.float32) if weights else None
    return Rows(table, targets, given, np.asarray(groups, np.int64) if groups else None, name)


def _array(words: list[bytes], kind: Any) -> Any:
    return np.array(words, dtype="S").astype(kind) if words else np.empty(0, kind)


def _group(word: list[bytes], name: str, number: int) -> int:
    try:
        return int(word[0])
    except (IndexError, ValueError):
        raise ClientError(f"File {name}, line {number}: qid must be followed by a whole number.") from None


def _wrong(name: str, number: int, line: bytes) -> str:
    text = line.strip()[:50].decode("utf-8", "replace")
    return (
        f"File {name}, line {number}: '{text}' is not libsvm, which is <label> <index>:<value> ... "
        "For CSV data set the channel's ContentType to text/csv."
    )


def _first_wrong(
    labels: list[bytes], weights: list[bytes], indices: list[bytes], values: list[bytes], ends: list[int], name: str
) -> str:
    """Names the first row with something that is not a number. Only called when one is there."""
    for row, label in enumerate(labels):
        low, high = ends[row], ends[row + 1]
        words: list[tuple[bytes, Any]] = [(label, float), *((one, float) for one in weights[row : row + 1])]
        words += [(one, int) for one in indices[low:high]] + [(one, float) for one in values[low:high]]
        for word, kind in words:
            text = word.decode("utf-8", "replace")
            try:
                good = kind(text) >= 0 if kind is int else np.isfinite(np.float32(text))
            except (ValueError, OverflowError):
                good = False
            if not good and not (kind is float and text.lower() == "nan" and word is not label):
                what = "an index (a whole number from 0)" if kind is int else "a number"
                return f"File {name}, row {row + 1}: '{text[:40]}' is not {what}."
    return f"File {name} is not libsvm."
