"""The port of the blob store: what services may ask of bytes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from clary.kernel.resource import Doc


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of a stored object."""

    bucket: str
    key: str
    size: int
    etag: str
    """Without quotes: the MD5 in hex, or `<hex>-<parts>` of a multipart upload."""
    modified: float
    meta: Doc = field(default_factory=dict)
    """What its writer left beside it (content type, user metadata, checksums, ...)."""
    version: str | None = None
    """Its version id; None: the version "null", as every object of a bucket that never had versions."""


class Held:
    """Bytes that are in memory already, as a stream: whoever knows it takes `data` and needs no loop."""

    __slots__ = ("_given", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._given = not data

    def __aiter__(self) -> "Held":
        return self

    async def __anext__(self) -> bytes:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self.data

    async def aclose(self) -> None:
        """Nothing is open."""
        self._given = True


class ObjectStore(Protocol):
    """Buckets of plain files. A put is atomic and durable: after any crash the key holds the old or the new object,
    whole, and never a part."""

    async def put(self, bucket: str, key: str, body: AsyncIterator[bytes], meta: Doc) -> Stat: ...

    async def get(self, bucket: str, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Bytes `start` to `end` (exclusive). Raises kernel.errors.Missing. The object seen is the one of the first
        byte, whatever is put meanwhile."""
        ...

    async def head(self, bucket: str, key: str) -> Stat:
        """Raises kernel.errors.Missing."""
        ...

    async def list(self, bucket: str, prefix: str, after: str, limit: int) -> list[Stat]:
        """Objects whose key starts with `prefix` and sorts after `after` in UTF-8 byte order."""
        ...

    async def delete(self, bucket: str, key: str) -> None:
        """Gone; no complaint when it was not there."""
        ...

    def local(self, bucket: str, key: str) -> Path | None:
        """The object's file on this machine, to be read or hard-linked but never written; None when there is none."""
        ...


async def read_file(path: Path, chunk: int = 1 << 20) -> AsyncIterator[bytes]:
    """The bytes of a local file, `chunk` at a time, read in threads: a `Body` that needs no memory."""
    with await asyncio.to_thread(path.open, "rb", 0) as file:
        while data := await asyncio.to_thread(file.read, chunk):
            yield data
