"""Events of one stream in the order in which they came, from a place on."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from clary.engines.telemetry.frames import EVENTS, events_of, walk
from clary.engines.telemetry.segment import Segment, uid_of
from clary.kernel.telemetry import LogEvent, LogPlace


def arrived(
    segments: Sequence[Segment], place: LogPlace | None, limit: int, since: int
) -> tuple[list[LogEvent], LogPlace]:
    """See LogStore.arrived; `segments` are a stream's, oldest first."""
    uid = uid_of(segments[-1].path)
    number = place.number if place is not None and place.uid == uid else 0
    found: list[LogEvent] = []
    start = max(bisect_right([one.base for one in segments], number) - 1, 0)
    for segment in segments[start:]:
        if segment.base + segment.known.count <= number:
            continue
        if segment.known.ingested < since:
            number = segment.base + segment.known.count
            continue
        for events in _frames(segment, number):
            new = [one for one in events if one.number >= number and one.ingested >= since]
            found += new
            number = events[-1].number + 1
            if len(found) >= limit:
                return found, LogPlace(uid, number)
    return found, LogPlace(uid, number)


def _frames(segment: Segment, number: int) -> Iterator[list[LogEvent]]:
    """The events of the segment frame by frame, from the frame on that holds `number`."""
    segment.load()
    chunks = list(segment.chunks)
    first = max(bisect_right([one.number for one in chunks], number) - 1, 0)
    for chunk in chunks[first:]:
        data, at = chunk.read(), chunk.number
        for frame in walk(data, verify=False):
            if frame.kind == EVENTS and frame.count:
                if at + frame.count > number:
                    yield list(events_of(data, frame, at))
                at += frame.count
