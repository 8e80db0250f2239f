"""The files of a data set, batch after batch."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor import captured, delimited, documents, parquet
from clary.algorithms.monitor.columns import Batch
from clary.algorithms.monitor.records import Preprocess
from clary.algorithms.monitor.settings import Settings


def batches(settings: Settings, preprocess: Preprocess | None, known: Sequence[str]) -> Iterator[Batch]:
    """All rows, a few ten thousand at a time. `known` are the names of a baseline's columns: they are those of files
    that name none, by position. Raises ClientError that names the file, and the line where there is one."""
    found = list(files(settings.source))
    if not found:
        raise ClientError(f"dataset_source {settings.source} holds no file with data in it.")
    form = settings.format
    match form.kind:
        case "csv":
            yield from delimited.batches(found, preprocess, header=form.header, known=known)
        case "json":
            yield from documents.batches(found, preprocess, lines=form.lines)
        case "parquet":
            if preprocess is not None:
                raise ClientError("A record_preprocessor_script sees CSV, JSON and captured data, not Parquet.")
            yield from parquet.batches(found)
        case "capture":
            yield from captured.batches(found, settings, preprocess, known)


def files(source: Path) -> Iterator[Path]:
    """Every data file, in the order of their paths; hidden ones (a leading dot or underscore) and empty ones are left
    out."""
    if source.is_file():
        yield source
        return
    found = []
    for folder, below, names in os.walk(source, followlinks=True):
        below[:] = [one for one in below if not one.startswith((".", "_"))]
        found += [Path(folder) / name for name in names if not name.startswith((".", "_"))]
    yield from (one for one in sorted(found) if one.is_file() and one.stat().st_size > 0)
