"""Events of any number of streams in the order of time, reading no more than is asked for.

Segments and their chunks are intervals of time. A heap holds them beside the events already read, each by the earliest
key that may come out of it; what comes first is opened if it is an interval and given out if it is an event. Where a
stream was written in the order of time, that reads one chunk after the other; elsewhere it merges what overlaps.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from clary.engines.telemetry.frames import EVENTS, events_of, passes, walk
from clary.engines.telemetry.search import Needs, plainly, promising
from clary.engines.telemetry.segment import Chunk, Segment
from clary.kernel.telemetry import LogEvent, LogMark, LogWindow

_LAST = 2**63


@dataclass(frozen=True, slots=True)
class _Bounds:
    """A window as one stream sees it: (timestamp, number) strictly between two places."""

    low: tuple[int, int]
    high: tuple[int, int]

    def meets(self, low: int, high: int) -> bool:
        return low <= self.high[0] and high >= self.low[0]


@dataclass(slots=True)
class _Run:
    """Events of one chunk in the order wanted; those before `at` are given out."""

    events: list[LogEvent]
    at: int = 0


_Node = Segment | Chunk | _Run
_Entry = tuple[int, int, int, int, _Node]


def sweep(
    streams: Sequence[tuple[str, Sequence[Segment]]], window: LogWindow, *, descending: bool
) -> Iterator[tuple[str, LogEvent]]:
    """Events inside the window with their stream's name, by (timestamp, stream, number), or the other way round."""
    streams = sorted(streams, key=lambda one: one[0])
    sign = -1 if descending else 1
    ticket = count()
    bounds = [_bounds(name, window) for name, _ in streams]
    needs, plain = window.needs, plainly(window.needs)
    heap: list[_Entry] = []

    def push(source: int, nodes: Iterable[_Node]) -> None:
        for node in nodes:
            time, number = _first(node, descending)
            heapq.heappush(heap, (sign * time, sign * source, sign * number, next(ticket), node))

    for source, (_, segments) in enumerate(streams):
        push(source, _in_time(segments, bounds[source]))
    while heap:
        entry = heapq.heappop(heap)
        node = entry[4]
        source = sign * entry[1]
        if isinstance(node, Segment):
            node.load()
            meeting = [chunk for chunk in list(node.chunks) if bounds[source].meets(chunk.low, chunk.high)]
            push(source, promising(node, meeting, needs))
        elif isinstance(node, Chunk):
            events = _open(node, bounds[source], plain if node.plain else needs, descending)
            if events:
                push(source, [_Run(events)])
        else:
            name = streams[source][0]
            for event in _until(node, heap[0] if heap else None, sign, source):
                yield name, event
            if node.at < len(node.events):
                push(source, [node])


def _in_time(segments: Iterable[Segment], bounds: _Bounds) -> list[_Node]:
    found: list[_Node] = []
    for segment in segments:
        known = segment.known
        if known.count and bounds.meets(known.low, known.high):
            found.append(segment)
    return found


def _first(node: _Node, descending: bool) -> tuple[int, int]:
    """The key before which nothing comes out of the node."""
    if isinstance(node, _Run):
        event = node.events[node.at]
        return event.timestamp, event.number
    known = node.known if isinstance(node, Segment) else node
    # Before every event of the same time, whatever its number: an interval must be opened before those are given out.
    return (known.high, _LAST) if descending else (known.low, -1)


def _until(run: _Run, rival: _Entry | None, sign: int, source: int) -> Iterator[LogEvent]:
    """Those events of the run that come before `rival`, taken out of it."""
    events = run.events
    while run.at < len(events):
        event = events[run.at]
        if rival is not None and (sign * event.timestamp, sign * source, sign * event.number) > rival[:3]:
            return
        run.at += 1
        yield event


def _open(chunk: Chunk, bounds: _Bounds, needs: Needs, descending: bool) -> list[LogEvent]:
    data = chunk.read()
    if needs and not passes(data, needs):
        return []
    found: list[LogEvent] = []
    number = chunk.number
    for frame in walk(data, verify=False):
        if frame.kind != EVENTS:
            continue
        if frame.count and bounds.meets(frame.low, frame.high):
            found += events_of(data, frame, number, needs)
        number += frame.count
    low, high = bounds.low, bounds.high
    kept = [event for event in found if low < (event.timestamp, event.number) < high]
    kept.sort(key=lambda event: (event.timestamp, event.number), reverse=descending)
    return kept


def _bounds(stream: str, window: LogWindow) -> _Bounds:
    low = (window.start if window.start is not None else -_LAST, -1)
    high = (window.end if window.end is not None else _LAST, -1)
    if window.after is not None:
        low = max(low, _beside(window.after, stream))
    if window.before is not None:
        high = min(high, _beside(window.before, stream))
    return _Bounds(low, high)


def _beside(mark: LogMark, stream: str) -> tuple[int, int]:
    """The place of `mark`, which may stand in another stream, in this one."""
    if stream == mark.stream:
        return mark.timestamp, mark.number
    # Of the same millisecond, streams that sort before the mark's stand wholly ahead of it, the others wholly behind.
    return mark.timestamp, _LAST if stream < mark.stream else -1
