"""One segment file of a stream, and the sparse index over it that is made when first needed."""

import mmap
import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from clary.engines.telemetry.frames import EVENTS, SEAL, START, Buffer, encode_start, text_of, walk
from clary.kernel.resource import Doc

CHUNK_BYTES = 128 * 1024
"""How much of a segment is read and searched at a time; one index entry each."""


@dataclass(slots=True, eq=False)
class Chunk:
    """Neighbouring frames of a segment that are read together."""

    path: Path
    offset: int
    end: int
    number: int
    """Of its first event."""
    low: int
    high: int
    plain: bool
    """No message of it holds an escape of JSON."""

    def read(self) -> bytes:
        """Its bytes; b"" when the segment has been dropped meanwhile."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.end - self.offset)
        except FileNotFoundError:
            return b""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a segment without reading it."""

    count: int
    low: int
    high: int
    ingested: int


@dataclass(slots=True, eq=False)
class Segment:
    """A file `<number of its first event>-<uid of the stream>.log`. `extend` reads what is new in it."""

    path: Path
    base: int
    summary: Summary | None = None
    """Of a segment that is not read yet: what its successor says of it."""
    index: str = ""
    """Where its chunks are, by its successor's word; "": only reading it tells."""
    chunks: list[Chunk] = field(default_factory=list)
    loaded: bool = False
    sealed: bool = False
    end: int = 0
    """How far the file has been read; behind it stands nothing, or a frame that is not whole."""
    count: int = 0
    low: int = 0
    high: int = 0
    ingested: int = 0
    start: Doc = field(default_factory=dict)
    """The first frame's word: name, created, producers, previous."""
    producers: dict[str, int] = field(default_factory=dict)

    @property
    def known(self) -> Summary:
        if not self.loaded and self.summary is not None:
            return self.summary
        return Summary(self.count, self.low, self.high, self.ingested)

    def load(self) -> None:
        """The index is there. Checksums are not looked at: they were, while the segment was the newest."""
        if self.loaded:
            return
        if self.index and self.summary is not None:
            self.chunks = unpack_chunks(self.path, self.index)
            known = self.summary
            self.count, self.low, self.high, self.ingested = known.count, known.low, known.high, known.ingested
            self.end, self.sealed, self.loaded = self.chunks[-1].end if self.chunks else 0, True, True
            return
        read = Segment(self.path, self.base)
        try:
            with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                read.extend(data, 0, verify=False)
        except (FileNotFoundError, ValueError):  # dropped by retention meanwhile; mmap refuses an empty file
            pass
        # Two threads may come here at once. Each reads for itself and both put the same in place; `loaded` last.
        for name in ("chunks", "sealed", "end", "count", "low", "high", "ingested", "start", "producers", "loaded"):
            setattr(self, name, True if name == "loaded" else getattr(read, name))

    def extend(self, data: Buffer, at: int, *, verify: bool = True) -> None:
        """Take in the whole frames of `data`, which stands at byte `at` of the file."""
        for frame in walk(data, verify=verify):
            if frame.kind == START:
                self.start = orjson.loads(text_of(data, frame))
                self.producers = dict(self.start["producers"])
            elif frame.kind == SEAL:
                self.sealed = True
            elif frame.kind == EVENTS:
                self.note(at + frame.end, frame.count, frame.low, frame.high, frame.ingested, frame.plain)
                if frame.producer:
                    self.producers[frame.producer] = frame.position
            self.end = at + frame.end

    def note(self, end: int, count: int, low: int, high: int, ingested: int, plain: bool) -> None:
        """A frame of events now stands between `self.end` and `end`."""
        if count:
            last = self.chunks[-1] if self.chunks else None
            if last is not None and end - last.offset <= CHUNK_BYTES:
                last.end, last.low, last.high = end, min(last.low, low), max(last.high, high)
                last.plain = last.plain and plain
            else:
                self.chunks.append(Chunk(self.path, self.end, end, self.base + self.count, low, high, plain))
            self.low = min(self.low, low) if self.count else low
            self.high = max(self.high, high) if self.count else high
            self.count += count
            self.ingested = max(self.ingested, ingested)
        self.end = end


def name_of(base: int, uid: str) -> str:
    """The uid keeps a stream made again from being taken for its forerunner."""
    return f"{base:020d}-{uid}.log"


def uid_of(path: Path) -> str:
    """The uid of the stream that a segment belongs to."""
    return path.stem[21:]


def found_in(directory: Path) -> list[Segment]:
    """The segments of a stream, oldest first. Raises FileNotFoundError."""
    names = sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".log"))
    return [Segment(directory / name, int(name[:20])) for name in names]


def read_start(path: Path) -> Doc:
    """What the first frame says, without reading on. {} when it is not whole."""
    with path.open("rb") as file:
        data = file.read(4096)
        for size in (1 << 20, 1 << 28):
            frame = next(walk(data), None)
            if frame is not None and frame.kind == START:
                started: Doc = orjson.loads(text_of(data, frame))
                return started
            data += file.read(size)
    return {}


def start_bytes(name: str, created: int, producers: dict[str, int], previous: Segment | None) -> bytes:
    """The first frame of the segment that follows `previous`."""
    word: dict[str, Any] = {"name": name, "created": created, "producers": producers}
    if previous is not None:
        known = previous.known
        word["previous"] = [known.count, known.low, known.high, known.ingested]
        if previous.loaded:
            word["index"] = pack_chunks(previous.chunks)
    return encode_start(orjson.dumps(word), 0)


def fill_summaries(segments: Sequence[Segment]) -> None:
    """Every segment but the last has its summary, read from its successor's first frame."""
    for older, newer in pairwise(segments):
        if older.loaded or older.summary is not None:
            continue
        try:
            word = newer.start or read_start(newer.path)
        except FileNotFoundError:
            continue
        if previous := word.get("previous"):
            older.index = word.get("index", "")
            older.summary = Summary(*previous)
        else:
            older.load()


_PACKED = struct.Struct("<qqqqq?")


def pack_chunks(chunks: Sequence[Chunk]) -> str:
    """The places of a full segment's chunks as text, for its successor to keep."""
    packed = (_PACKED.pack(one.offset, one.end, one.number, one.low, one.high, one.plain) for one in chunks)
    return b64encode(zlib.compress(b"".join(packed))).decode()


def unpack_chunks(path: Path, index: str) -> list[Chunk]:
    return [Chunk(path, *packed) for packed in _PACKED.iter_unpack(zlib.decompress(b64decode(index)))]
