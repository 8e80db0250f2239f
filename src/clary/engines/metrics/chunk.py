"""The bytes of a chunk: buckets of one series in one block of time, in columns.

`flags count first | offsets | counts | sums | lows | highs`; a column that says nothing is left out:

  offsets   uint16, in steps from the block's begin; left out when each bucket follows on the one before
  counts    left out when all are 1
  lows, highs   left out when every bucket holds one value, once (then they are the sum); highs also when all equal lows

How values are spread stands apart, since few reads need it: `packed | ends | spreads`, each spread with its end in
bytes; empty where all values are the same, or the spread is not known. Numbers are little-endian doubles. What gains by
it is packed with zlib."""

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from clary.engines.metrics.bucket import Bins, Bucket, Spread

DENSE, ONES, SINGLE, FLAT, PACKED = 1, 2, 4, 8, 16
_HEAD = struct.Struct("<BHH")
_WORTH_PACKING = 512


@dataclass(slots=True)
class Columns:
    """Buckets of one series by rising time. Lows and highs are there only if they were asked for, or are cheap."""

    starts: Sequence[int]
    """Epoch seconds."""
    counts: Sequence[float] | None
    """None: 1 each."""
    sums: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    spreads: Sequence[bytes] | None
    """As `spread` reads them; None: all are empty, or were not asked for."""
    dense: bool = False
    """The starts are a range: each bucket follows on the one before."""


def encode(block: int, step: int, buckets: Mapping[int, Bucket], *, pack: bool) -> tuple[bytes, bytes | None]:
    """The buckets by their start (epoch seconds), all within the block: (columns, spreads). None: all are empty."""
    starts = sorted(buckets)
    ordered = [buckets[start] for start in starts]
    offsets = [(start - block) // step for start in starts]
    flags, columns = 0, []
    if offsets[-1] - offsets[0] == len(offsets) - 1:
        flags |= DENSE
    else:
        columns.append(_little(array("H", offsets)))
    if all(one.count == 1 for one in ordered):
        flags |= ONES
    else:
        columns.append(_doubles(one.count for one in ordered))
    columns.append(_doubles(one.sum for one in ordered))
    if flags & ONES and all(one.low == one.high == one.sum for one in ordered):
        flags |= SINGLE
    else:
        columns.append(_doubles(one.low for one in ordered))
        if all(one.low == one.high for one in ordered):
            flags |= FLAT
        else:
            columns.append(_doubles(one.high for one in ordered))
    packed, body = _packed(b"".join(columns), pack)
    head = _HEAD.pack(flags | PACKED if packed else flags, len(starts), offsets[0])
    spreads = [_spread_bytes(one.spread) for one in ordered]
    if not any(spreads):
        return head + body, None
    packed, told = _packed(b"".join([_little(array("I", accumulate(map(len, spreads)))), *spreads]), pack)
    return head + body, (b"\1" if packed else b"\0") + told


def _packed(body: bytes, pack: bool) -> tuple[bool, bytes]:
    if pack and len(body) > _WORTH_PACKING:
        packed = zlib.compress(body, 1)
        if len(packed) < len(body) * 0.9:
            return True, packed
    return False, body


def decode(block: int, step: int, data: bytes, told: bytes | None = None) -> Columns:
    """Of what `encode` made; without the spreads unless they are given."""
    flags, count, first = _HEAD.unpack_from(data)
    body = memoryview(zlib.decompress(memoryview(data)[_HEAD.size :]) if flags & PACKED else data[_HEAD.size :])
    at = 0

    def column(code: str) -> "array[float]":
        nonlocal at
        read: array[float] = array(code)
        size = read.itemsize * count
        read.frombytes(body[at : at + size])
        at += size
        if sys.byteorder == "big":
            read.byteswap()
        return read

    starts: Sequence[int]
    if flags & DENSE:
        begin = block + first * step
        starts = range(begin, begin + count * step, step)
    else:
        starts = [block + int(offset) * step for offset in column("H")]
    counts = None if flags & ONES else column("d")
    sums = column("d")
    lows = sums if flags & SINGLE else column("d")
    highs = lows if flags & (SINGLE | FLAT) else column("d")
    spreads = None if told is None else _spreads(told, count)
    return Columns(starts, counts, sums, lows, highs, spreads, bool(flags & DENSE))


def _spreads(told: bytes, count: int) -> list[bytes]:
    body = zlib.decompress(memoryview(told)[1:]) if told[0] else told[1:]
    begin = 4 * count
    ends = [int(end) for end in _read("I", body[:begin])]
    return [body[begin + low : begin + high] for low, high in pairwise([0, *ends])]


def of_buckets(buckets: Mapping[int, Bucket], *, spreads: bool) -> Columns:
    """The same columns, of buckets that are in memory."""
    starts = sorted(buckets)
    ordered = [buckets[start] for start in starts]
    told = [_spread_bytes(one.spread) for one in ordered] if spreads else []
    return Columns(
        starts,
        array("d", (one.count for one in ordered)),
        array("d", (one.sum for one in ordered)),
        array("d", (one.low for one in ordered)),
        array("d", (one.high for one in ordered)),
        told if any(told) else None,
    )


def merge_into(buckets: dict[int, Bucket], columns: Columns, step: int) -> None:
    """The buckets also hold what the columns hold, each at the begin of the step that it lies in."""
    counts, spreads = columns.counts, columns.spreads
    for i, start in enumerate(columns.starts):
        one = Bucket(
            1.0 if counts is None else counts[i],
            columns.sums[i],
            columns.lows[i],
            columns.highs[i],
            spread(spreads[i]) if spreads is not None else None,
        )
        start -= start % step
        there = buckets.get(start)
        if there is None:
            buckets[start] = one
        else:
            there.merge(one)


def _spread_bytes(given: Spread) -> bytes:
    """kind | keys | counts; kinds: 1 values with counts, 2 values once each, 3 bins with counts."""
    if given is None:
        return b""
    counts = array("d", given.values())
    if isinstance(given, Bins):
        return b"\3" + _little(array("i", map(int, given))) + _little(counts)
    values = _little(array("d", given))
    return b"\2" + values if all(count == 1 for count in counts) else b"\1" + values + _little(counts)


def spread(data: bytes) -> Spread:
    """What `_spread_bytes` wrote."""
    if not data:
        return None
    kind, size = data[0], len(data) - 1
    if kind == 2:
        return dict.fromkeys(_read("d", data[1:]), 1.0)
    if kind == 1:
        return dict(zip(_read("d", data[1 : 1 + size // 2]), _read("d", data[1 + size // 2 :]), strict=True))
    number = size // 12
    keys, counts = _read("i", data[1 : 1 + 4 * number]), _read("d", data[1 + 4 * number :])
    return Bins(zip(keys, counts, strict=True))


def once_each(data: bytes) -> "array[float] | None":
    """The values, if each of them was seen once; None: it is another spread."""
    return _read("d", data[1:]) if data[:1] == b"\2" else None


def _read(code: str, raw: bytes) -> "array[float]":
    read: array[float] = array(code)
    read.frombytes(raw)
    if sys.byteorder == "big":
        read.byteswap()
    return read


def _doubles(values: Iterable[float]) -> bytes:
    return _little(array("d", values))


def _little(column: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
