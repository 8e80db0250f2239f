"""JSON: an object a line, or a file that is one array of objects."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor import records
from clary.algorithms.monitor.columns import Batch
from clary.algorithms.monitor.records import Doc

LARGEST: Final = 256 << 20
"""Bytes of a file that is one array: it is read as a whole."""


def batches(files: Sequence[Path], preprocess: records.Preprocess | None, *, lines: bool) -> Iterator[Batch]:
    yield from records.gathered(_rows(files, preprocess, lines))


def _rows(files: Sequence[Path], preprocess: records.Preprocess | None, lines: bool) -> Iterator[Doc]:
    for path in files:
        for at, one in by_line(path) if lines else _by_file(path):
            if preprocess is not None:
                yield from preprocess(_as_inference(one))
                continue
            try:
                yield records.flat(one)
            except ClientError as error:
                raise ClientError(f"{path.name}, {at}: {error}") from None


def by_line(path: Path) -> Iterator[tuple[str, Any]]:
    """Where a document stands, and what it is. Raises ClientError for a line that is no JSON."""
    with path.open("rb") as plain:
        zipped = plain.peek(2)[:2] == b"\x1f\x8b"
        lines = gzip.GzipFile(fileobj=plain) if zipped else plain
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"line {number}", _parsed(line, path, f"line {number}")


def _by_file(path: Path) -> Iterator[tuple[str, Any]]:
    size = path.stat().st_size
    if size > LARGEST:
        raise ClientError(
            f"{path.name} is one JSON document of {size:,} bytes, and at most {LARGEST:,} are read at once: write an "
            'object a line, and say {"json": {"lines": true}}.'
        )
    found = _parsed(path.read_bytes(), path, "as a whole")
    for number, one in enumerate(found if isinstance(found, list) else [found], 1):
        yield f"object {number}", one


def _parsed(text: bytes, path: Path, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ClientError(f"{path.name}, {where}: this is no JSON: {error}") from None


def _as_inference(one: Any) -> records.Inference:
    if isinstance(one, dict) and "captureData" in one:
        return records.Inference(one)
    side = {"data": one, "encoding": "JSON", "observedContentType": "application/json", "mode": "INPUT"}
    return records.Inference({"captureData": {"endpointInput": side}})
