"""Input mode Pipe: the bytes of a channel's objects, one after another, through a FIFO. They are parsed in blocks that
never touch a disk."""

import gzip
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from clary.algorithms.contract import ClientError

BLOCK_BYTES = 64 << 20
"""How much is read before it is parsed: what is in memory twice."""
MAGIC = b"PAR1"


@contextmanager
def opened(pipe: Path) -> Iterator[BinaryIO]:
    """The stream of that FIFO, unpacked where its objects are gzip. It blocks until somebody writes. Raises ClientError
    when there is no such FIFO."""
    try:
        plain = pipe.open("rb")
    except FileNotFoundError:
        raise ClientError(f"Input mode Pipe: there is no FIFO {pipe}.") from None
    with plain, io.BufferedReader(plain, 1 << 20) as stream:
        yield cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if stream.peek(2)[:2] == b"\x1f\x8b" else stream


def lines(stream: BinaryIO, size: int = BLOCK_BYTES) -> Iterator[tuple[Path, int]]:
    """(file, number of the lines before it) of every block of whole lines. A file is gone once the next one is asked
    for."""
    rest, before = b"", 0
    while read := stream.read(size):
        block, rest = _cut(rest + read)
        if block:
            with _file(block) as path:
                yield path, before
            before += block.count(b"\n")
    if rest:
        with _file(rest) as path:
            yield path, before


def _cut(block: bytes) -> tuple[bytes, bytes]:
    end = block.rfind(b"\n") + 1
    return block[:end], block[end:]


def parquet(stream: BinaryIO) -> Iterator[Path]:
    """Every Parquet file of the stream. They are all in memory at once: where a file ends only the next one's begin
    tells."""
    whole = stream.read()
    ends = [match.start() + len(MAGIC) for match in re.finditer(re.escape(MAGIC * 2), whole)]
    for begin, end in zip([0, *ends], [*ends, len(whole)], strict=True):
        if end > begin:
            with _file(whole[begin:end]) as path:
                yield path


@contextmanager
def _file(content: bytes) -> Iterator[Path]:
    """The bytes under a name in memory, for readers that open a file more than once."""
    descriptor = os.memfd_create("pipe")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
