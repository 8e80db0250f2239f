"""Parquet files of flat columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor.columns import Batch, Cells, flat

ROWS: Final = 65_536


def batches(files: Sequence[Path]) -> Iterator[Batch]:
    names: set[str] | None = None
    for path in files:
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                here = set(file.schema_arrow.names)
                if names is not None and names != here:
                    raise ClientError(
                        f"{path.name} has other columns than the files before it: {', '.join(sorted(names ^ here)[:5])}"
                    )
                names = here
                for batch in file.iter_batches(ROWS):
                    yield {name: _column(path, name, batch.column(name)) for name in batch.schema.names}
        except pa.ArrowInvalid as error:
            raise ClientError(f"{path.name} is no Parquet: {error}") from None


def _column(path: Path, name: str, cells: Cells) -> Cells:
    try:
        return flat(cells)
    except TypeError as error:
        raise ClientError(
            f"{path.name}: the column {name!r} holds {error}; the monitor reads numbers, texts, times and booleans."
        ) from None
