"""CSV files, with a line of names or without."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor import records
from clary.algorithms.monitor.columns import Batch

BLOCK: Final = 1 << 20
"""Bytes of a file that are read at once; Arrow reads some thirty blocks ahead."""


def batches(
    files: Sequence[Path], preprocess: records.Preprocess | None, *, header: bool, known: Sequence[str]
) -> Iterator[Batch]:
    """With a preprocessing script, the rows that it makes of each line, which is the data of endpoint_input to it."""
    if preprocess is not None:
        yield from records.gathered(_rows(files, preprocess, header))
        return
    names: list[str] | None = None
    for path in files:
        names = _names(path, names, header, known)
        try:
            yield from _batches(path, names, header)
        except (pa.ArrowInvalid, OSError) as error:
            raise ClientError(f"{path.name} cannot be read as CSV of {len(names)} columns: {error}") from None


def _batches(path: Path, names: list[str], header: bool) -> Iterator[Batch]:
    with pa.OSFile(str(path), "rb") as plain:
        stream = pa.CompressedInputStream(plain, "gzip") if _zipped(path) else plain
        reader = pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=int(header), block_size=BLOCK),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        for batch in reader:
            yield {name: batch.column(at) for at, name in enumerate(names)}


def _names(path: Path, before: list[str] | None, header: bool, known: Sequence[str]) -> list[str]:
    first = _first(path)
    if header:
        names = [one.strip() for one in first]
        double = {one for one in names if names.count(one) > 1}
        if double:
            raise ClientError(f"{path.name}: the column {sorted(double)[0]!r} is there twice; names must be unique.")
    else:
        names = positions(len(first), known)
    if before is not None and set(before) != set(names):
        raise ClientError(
            f"{path.name} has {len(names)} columns and not the {len(before)} of the files before it: "
            f"{', '.join(sorted(set(before) ^ set(names))[:5])}. All files of a data set have the same columns."
        )
    return names


def positions(count: int, known: Sequence[str]) -> list[str]:
    """Names of columns that have none: those of the baseline by position, beyond them _c<position>."""
    return [*known[:count], *(f"_c{at}" for at in range(len(known), count))]


def _first(path: Path) -> list[str]:
    with _opened(path) as lines:
        try:
            return next(csv.reader(lines), [])
        except (csv.Error, UnicodeDecodeError) as error:
            raise ClientError(f"{path.name} is no CSV in UTF-8: {error}") from None


def _rows(files: Sequence[Path], preprocess: records.Preprocess, header: bool) -> Iterator[records.Doc]:
    for path in files:
        with _opened(path) as lines:
            for line in lines if not header else _after(lines):
                text = line.rstrip("\r\n")
                if text:
                    side = {"data": text, "encoding": "CSV", "observedContentType": "text/csv", "mode": "INPUT"}
                    yield from preprocess(records.Inference({"captureData": {"endpointInput": side}}))


def _after(lines: Any) -> Any:
    next(lines, None)
    return lines


def _opened(path: Path) -> Any:
    raw = gzip.open(path, "rb") if _zipped(path) else path.open("rb")  # noqa: SIM115 - closed by the wrapper
    return io.TextIOWrapper(raw, "utf-8-sig", newline="")


def _zipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"
