"""Training data: what stands in a channel, or comes through its pipes, pass after pass, as tables of rows."""

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import numpy as np

from clary.algorithms.contract import Channel, ClientError
from clary.algorithms.recordio import batches
from clary.algorithms.recordio.batches import Batch
from clary.algorithms.recordio.frames import Malformed
from clary.algorithms.tabular import csvtext

RECORDIO = ("application/x-recordio-protobuf", "recordio-protobuf", "application/x-recordio")
CSV = ("text/csv", "csv")
ROWS = 50_000
"""Rows of one table of a pass that does not stand in memory as a whole."""
IN_MEMORY_BYTES = 1 << 30
"""Files up to so many bytes are read once and kept for the passes that follow; larger ones are read again each time."""

Labels = Literal["required", "optional"]
Check = Callable[[Batch], None]


class Source:
    """One channel. Every `rows()` is a pass over all of it: over its files, or over its next pipe."""

    def __init__(
        self,
        channel: Channel,
        *,
        labels: Labels = "required",
        width: int | None = None,
        check: Check | None = None,
    ) -> None:
        """`width` is feature_dim: how many features a row must have. `check` sees every table that is read, and raises
        ClientError for what it does not like. Raises ClientError for an unknown ContentType."""
        self._check = check
        self.name = channel.name
        self._channel = channel
        self._labels = labels
        self._width = width
        self._passes = 0
        self._kept: Batch | None = None
        self._read = _reader(channel, width if labels == "optional" else None)

    @property
    def piped(self) -> bool:
        return self._channel.input_mode == "Pipe"

    def ready(self) -> "Source":
        """What is kept in memory has been read; pipes and large files are not touched. Raises as `rows` does."""
        if not self.piped and self._size() <= IN_MEMORY_BYTES:
            for _ in self.rows():
                pass
        return self

    def rows(self) -> Iterator[Batch]:
        """The tables of one pass. Raises ClientError when there is no row, or when a row is not what it should be."""
        if self._kept is not None:
            yield self._kept
        elif self.piped or self._size() > IN_MEMORY_BYTES:
            yield from self._checked(self._stream())
        else:
            try:
                self._kept = batches.together(list(self._checked(self._stream())))
            except Malformed as error:
                raise ClientError(f"Channel {self.name}: {error}.") from None
            if self._kept is not None:
                yield self._kept

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self._channel.files())

    def _stream(self) -> Iterator[Batch]:
        if self.piped:
            pipe = self._channel.path.with_name(f"{self.name}_{self._passes}")
            self._passes += 1
            paths: Sequence[Path] = [pipe]
        else:
            paths = self._channel.files()
        for path in paths:
            name = path.name if self.piped else path.relative_to(self._channel.path).as_posix()
            try:
                with opened(path) as stream:
                    yield from self._read(stream, name)
            except Malformed as error:
                raise ClientError(f"File {name} is not recordio-protobuf: {error}.") from None
            except (OSError, EOFError) as error:
                raise ClientError(f"Cannot read file {name} of channel {self.name}: {error}.") from None

    def _checked(self, tables: Iterator[Batch]) -> Iterator[Batch]:
        seen = 0
        for table in tables:
            seen += table.count
            yield self._fitting(table)
        if not seen:
            raise ClientError(f"No data in {self.name} channel path {self._channel.path}.")

    def _fitting(self, table: Batch) -> Batch:
        if table.labels is None and self._labels == "required":
            raise ClientError(f"Channel {self.name}: the records have no label.")
        values = table.features if isinstance(table.features, np.ndarray) else table.features.data
        if not np.isfinite(values).all() or (table.labels is not None and not np.isfinite(table.labels).all()):
            raise ClientError(
                f"Channel {self.name}: a value is missing, infinite or not a number; every one must be finite."
            )
        if self._width is None:
            self._width = table.width
        if isinstance(table.features, np.ndarray):
            if table.width != self._width:
                raise ClientError(
                    f"Channel {self.name}: rows have {table.width} features, but feature_dim is {self._width}."
                )
        elif table.width > self._width:
            raise ClientError(
                f"Channel {self.name}: a record has the key {table.width - 1}, but feature_dim is {self._width}."
            )
        else:
            table.features.resize(table.count, self._width)
        if self._check is not None:
            self._check(table)
        return table


def _reader(channel: Channel, width: int | None) -> Callable[[BinaryIO, str], Iterator[Batch]]:
    """How to read one stream of the channel. `width`: columns of CSV without a label, when labels are optional."""
    kind, *parameters = [part.strip() for part in (channel.content_type or RECORDIO[0]).lower().split(";")]
    if kind in RECORDIO:
        return lambda stream, name: batches.read(stream, ROWS)
    if kind not in CSV:
        raise ClientError(
            f"Channel {channel.name}: {channel.content_type} is not an accepted ContentType: {RECORDIO[0]}, {CSV[0]}."
        )
    labelled: bool | None = None if width is not None else True
    for parameter in filter(None, parameters):
        key, _, value = (part.strip() for part in parameter.partition("="))
        if key == "label_size":
            if value not in ("0", "1"):
                raise ClientError(f"Channel {channel.name}: label_size={value} is not accepted; it must be 0 or 1.")
            labelled = value == "1"

    def read(stream: BinaryIO, name: str) -> Iterator[Batch]:
        for table in csvtext.read(stream, f"File {name}"):
            first = labelled if labelled is not None else table.shape[1] == cast(int, width) + 1
            if first and table.shape[1] < 2:
                raise ClientError(f"File {name} has one column, the label, so no features are left.")
            yield Batch(np.ascontiguousarray(table[:, 1:]), table[:, 0].copy()) if first else Batch(table, None)

    return read


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file or pipe, unpacked where they are gzip. A pipe that nobody writes to yet is waited for."""
    with path.open("rb", buffering=0) as plain, io.BufferedReader(cast(io.RawIOBase, plain), 1 << 20) as stream:
        packed = stream.peek(2)[:2] == b"\x1f\x8b"
        yield cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if packed else stream


def whole(source: Source) -> Batch:
    """One pass as one table."""
    try:
        found = batches.together(list(source.rows()))
    except Malformed as error:
        raise ClientError(f"Channel {source.name}: {error}.") from None
    if found is None:
        raise ClientError(f"No data in channel {source.name}.")
    return found


def dense_or_csr(features: Any) -> Any:
    """Sparse rows as CSR, which is how they are multiplied; dense ones as they are."""
    return features if isinstance(features, np.ndarray) else features.tocsr()
