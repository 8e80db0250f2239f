"""Looking for terms in a whole segment at memory speed, to know which of its chunks are worth opening."""

import ctypes
import mmap
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from clary.engines.telemetry.frames import ESCAPE
from clary.engines.telemetry.segment import Chunk, Segment

Needs = tuple[tuple[bytes, ...], ...]
_Find = Callable[[int, int], int]
"""(from, to) to where the term stands first; -1: nowhere."""


def plainly(needs: Needs) -> Needs:
    """The sieve for messages that hold no escape of JSON."""
    return tuple(tuple(one for one in group if one != ESCAPE) or group for group in needs)


def promising(segment: Segment, chunks: Sequence[Chunk], needs: Needs) -> list[Chunk]:
    """Those of the chunks (in the order of the file) that hold one of the first group, or may hold it escaped."""
    if not needs or not chunks:
        return list(chunks)
    terms = plainly(needs)[0]
    careful = terms != needs[0]
    found = {i for i, one in enumerate(chunks) if careful and not one.plain}
    if len(found) < len(chunks):
        try:
            _search(segment, chunks, terms, found)
        except FileNotFoundError:  # dropped by retention meanwhile
            return []
    return [one for i, one in enumerate(chunks) if i in found]


def _search(segment: Segment, chunks: Sequence[Chunk], terms: Sequence[bytes], found: set[int]) -> None:
    with segment.path.open("rb", 0) as file:
        # Only what nobody will ever cut again is mapped: a page that is gone from under a mapping ends the process.
        if not segment.sealed or _memmem() is None:
            start = chunks[0].offset
            file.seek(start)
            data = file.read(chunks[-1].end - start)
            for term in terms:
                _mark(_finder_in(data, start, term), chunks, found)
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as data_map:
            view = (ctypes.c_char * len(data_map)).from_buffer(data_map)
            try:
                for term in terms:
                    _mark(_finder(ctypes.addressof(view), len(data_map), term), chunks, found)
            finally:
                del view  # the mapping cannot be closed while it is looked at


def _mark(find: _Find, chunks: Sequence[Chunk], found: set[int]) -> None:
    """Every chunk in which `find` finds is in `found`: one search that leaps from hit to hit, chunk to chunk."""
    offsets = [one.offset for one in chunks]
    at, end = offsets[0], chunks[-1].end
    while at < end and (hit := find(at, end)) >= 0:
        i = bisect_right(offsets, hit) - 1
        found.add(i)
        # The chunk behind it may begin with the tail of a term that stands across: terms never do, as frames do not.
        at = max(chunks[i].end, hit + 1)


def _finder_in(data: bytes, start: int, term: bytes) -> _Find:
    """Places count from the start of the file, of which `data` is the part from `start` on."""

    def find(low: int, high: int) -> int:
        place = data.find(term, low - start, high - start)
        return place if place < 0 else place + start

    return find


def _finder(address: int, size: int, term: bytes) -> _Find:
    memmem = _memmem()
    assert memmem is not None

    def find(low: int, high: int) -> int:
        place: int | None = memmem(address + low, min(high, size) - low, term, len(term))
        return -1 if place is None else place - address

    return find


@cache
def _memmem() -> Any:
    """The C library's search, two to four times as fast as Python's on a mapping, and others run beside it; None where
    there is none."""
    try:
        memmem = ctypes.CDLL(None).memmem
    except (AttributeError, OSError):
        return None
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return memmem
