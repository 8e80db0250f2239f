"""What a subscription filter sends: matching events in the shape that AWS gives them, in parcels of a bounded size."""

import base64
import gzip
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Final

from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.logs.api import event_id

SOURCE: Final = "clary.logs"
DETAIL_TYPE: Final = "CloudWatch Logs Subscription"
LARGEST_DATA: Final = 180_000
"""Of the packed data: an event of a bus must still fit a queue's message of 256 KB."""
_RAW_BYTES: Final = 1_000_000
_OVERHEAD: Final = 120

log = logging.getLogger(__name__)


def parcels(stream: LogStreamName, filter_name: str, events: Sequence[LogEvent]) -> Iterator[tuple[str, str]]:
    """(numbers of the first and last event as "1-9", the data): base64 of the gzip of a DATA_MESSAGE; always the same
    for the same events. An event that fits no parcel is left out, with an error in the log."""
    for some in _pieces(events):
        data = _packed(stream, filter_name, some)
        if len(data) <= LARGEST_DATA:
            yield f"{some[0].number}-{some[-1].number}", data
        elif len(some) > 1:
            half = len(some) // 2
            yield from parcels(stream, filter_name, some[:half])
            yield from parcels(stream, filter_name, some[half:])
        else:
            about = {"group": stream.group, "stream": stream.stream, "timestamp": some[0].timestamp}
            log.error("a log event is too large for a subscription filter's destination", extra=about)


def _pieces(events: Sequence[LogEvent]) -> Iterator[Sequence[LogEvent]]:
    start, size = 0, 0
    for i, event in enumerate(events):
        size += len(event.message) + _OVERHEAD
        if size > _RAW_BYTES and i > start:
            yield events[start:i]
            start, size = i, len(event.message) + _OVERHEAD
    if start < len(events):
        yield events[start:]


def _packed(stream: LogStreamName, filter_name: str, events: Sequence[LogEvent]) -> str:
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": stream.account,
        "logGroup": stream.group,
        "logStream": stream.stream,
        "subscriptionFilters": [filter_name],
        "logEvents": [
            {"id": event_id(stream.stream, one), "timestamp": one.timestamp, "message": one.message} for one in events
        ],
    }
    # Without a time in its head the packed form of the same events is the same.
    return base64.b64encode(gzip.compress(json.dumps(message).encode(), 6, mtime=0)).decode()


def entry(bus: str, group_arn: str, data: str) -> Doc:
    """A parcel as an event for a bus."""
    return {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Resources": [group_arn],
        "Detail": json.dumps({"awslogs": {"data": data}}),
    }
