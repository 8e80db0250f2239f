"""The bytes of a segment file: frames of events in columns, each with its length and checksum.

A frame is `length crc | kind plain producer-length count ingested low high position | producer | timestamps | ends |
text`:

  length, crc   of everything behind them; a frame that was not written whole does not match
  plain         1: no message holds an escape of JSON (\\u); 0: one may
  low, high     the smallest and largest timestamp: a read by time skips the frame without opening it
  timestamps    int64 each; left out when low == high
  ends          uint32 each, where an event's message ends in `text`; left out for a single event
  text          the messages in UTF-8, back to back: one search over it finds a term in all events of the frame

The first frame of a segment says where it stands in its stream, the last frame of a full one says that it is full.
"""

import struct
import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from mmap import mmap

from clary.kernel.telemetry import LogEvent

START, EVENTS, SEAL = 0, 1, 2

_HEAD = struct.Struct("<II")
_META = struct.Struct("<BBHIqqqq")
_SMALLEST = _META.size
NO_POSITION = -(2**63)
ESCAPE = b"\\u"
"""So JSON may write any character: who looks for a term in JSON looks for this too. Frames say whether they hold it."""

Buffer = bytes | mmap


@dataclass(slots=True)
class Frame:
    """One frame, by its place in a buffer; the columns are read when asked for."""

    kind: int
    plain: bool
    count: int
    ingested: int
    low: int
    high: int
    position: int
    producer: str
    body: int
    """Where the columns begin in the buffer."""
    end: int
    """Where the next frame begins."""


def encode(
    events: Sequence[LogEvent], ingested: int, producer: str = "", position: int | None = None, *, kind: int = EVENTS
) -> bytes:
    """One frame of these events."""
    times = array("q", [event.timestamp for event in events])
    texts = [event.message.encode("utf-8", "replace") for event in events]
    text = b"".join(texts)
    low, high = (min(times), max(times)) if events else (0, 0)
    columns = []
    if low != high:
        columns.append(_little(times))
    if len(texts) != 1:
        columns.append(_little(array("I", accumulate(map(len, texts)))))
    plain = ESCAPE not in text
    return _frame(kind, plain, len(events), ingested, low, high, producer, position, b"".join([*columns, text]))


def encode_start(payload: bytes, ingested: int) -> bytes:
    """The first frame of a segment; `payload` is for `text_of`."""
    return _frame(START, True, 0, ingested, 0, 0, "", None, payload)


def _frame(
    kind: int,
    plain: bool,
    count: int,
    ingested: int,
    low: int,
    high: int,
    producer: str,
    position: int | None,
    columns: bytes,
) -> bytes:
    name = producer.encode()
    where = NO_POSITION if position is None else position
    body = _META.pack(kind, plain, len(name), count, ingested, low, high, where) + name + columns
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def walk(data: Buffer, at: int = 0, *, verify: bool = True) -> Iterator[Frame]:
    """The whole frames from `at` on. Ends at the first that is not whole or, with `verify`, has a wrong checksum."""
    size = len(data)
    while at + _HEAD.size + _SMALLEST <= size:
        length, crc = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        end = start + length
        # A power cut may leave zeros: length 0 with the CRC of nothing, which is 0. No frame is that short.
        if length < _SMALLEST or end > size:
            return
        if verify and zlib.crc32(data[start:end]) != crc:
            return
        kind, plain, named, count, ingested, low, high, position = _META.unpack_from(data, start)
        body = start + _META.size + named
        producer = data[body - named : body].decode("utf-8", "replace") if named else ""
        yield Frame(kind, plain == 1, count, ingested, low, high, position, producer, body, end)
        at = end


def text_of(data: Buffer, frame: Frame) -> bytes:
    """Everything behind the producer's name: the payload of a START frame."""
    return bytes(data[frame.body : frame.end])


def events_of(data: bytes, frame: Frame, number: int, needs: tuple[tuple[bytes, ...], ...] = ()) -> Iterator[LogEvent]:
    """The events of a frame whose first one has `number`; with `needs`, few that can be without them."""
    times = _times(data, frame)
    ends = _ends(data, frame)
    text = data[frame.end - ends[-1] : frame.end] if ends else b""
    if needs and not passes(text, needs):
        return
    if needs:
        for i in _holders(text, ends, needs[0]):
            message = text[ends[i - 1] if i else 0 : ends[i]].decode("utf-8", "replace")
            yield LogEvent(times[i], message, frame.ingested, number + i)
        return
    whole = text.decode("utf-8", "replace")
    if len(whole) == len(text):  # ASCII: offsets in bytes are offsets in characters, and one decode does for all
        for i, (start, end) in enumerate(pairwise([0, *ends])):
            yield LogEvent(times[i], whole[start:end], frame.ingested, number + i)
        return
    for i, (start, end) in enumerate(pairwise([0, *ends])):
        yield LogEvent(times[i], text[start:end].decode("utf-8", "replace"), frame.ingested, number + i)


def passes(text: bytes, needs: tuple[tuple[bytes, ...], ...]) -> bool:
    """Of every group at least one occurs in `text`."""
    return all(any(one in text for one in group) for group in needs)


def _holders(text: bytes, ends: Sequence[int], group: tuple[bytes, ...]) -> list[int]:
    """Which messages hold one of the group, by one search over all of them: a match costs, a miss does not."""
    found = set()
    for one in group:
        at = text.find(one)
        while at >= 0:
            i = bisect_right(ends, at)
            if i >= len(ends):
                break
            found.add(i)
            at = text.find(one, ends[i])
    return sorted(found)


def _times(data: bytes, frame: Frame) -> Sequence[int]:
    if frame.low == frame.high:
        return [frame.low] * frame.count
    return _column("q", data[frame.body : frame.body + 8 * frame.count])


def _ends(data: bytes, frame: Frame) -> Sequence[int]:
    at = frame.body if frame.low == frame.high else frame.body + 8 * frame.count
    if frame.count == 1:
        return [frame.end - at]
    return _column("I", data[at : at + 4 * frame.count])


def _column(code: str, raw: bytes) -> Sequence[int]:
    column = array(code)
    column.frombytes(raw)
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _little(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
