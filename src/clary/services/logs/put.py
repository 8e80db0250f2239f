"""PutLogEvents, by the rules that AWS's own agents rely on."""

import asyncio
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Final

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogStore
from clary.services.logs.api import (
    DAY_MS,
    NO_STREAM,
    InvalidParameterException,
    ResourceNotFoundException,
    group_named,
    now_ms,
    oldest_kept,
    service,
    stream_in,
)

BATCH_BYTES: Final = 1_048_576
EVENT_BYTES: Final = 1_048_576
OVERHEAD_BYTES: Final = 26
"""What AWS counts for an event beside its message."""
_TOO_OLD_MS: Final = 14 * DAY_MS
_TOO_NEW_MS: Final = 2 * 3_600_000


@service.operation("PutLogEvents", ignores=("sequenceToken", "entity"))
async def put_log_events(ctx: Context, req: Doc) -> Doc:
    """The events are stored, but for those that are too old, too new or expired: the answer says which.

    Errors: ResourceNotFoundException, InvalidParameterException."""
    group = group_named(ctx, req["logGroupName"])
    name = stream_in(group, req["logStreamName"])
    logs = ctx.port(LogStore)
    try:
        logs.stream(name)
    except Missing:
        raise ResourceNotFoundException(NO_STREAM) from None
    events = [LogEvent(one["timestamp"], one["message"]) for one in req["logEvents"]]
    _check_size(events)
    times = [event.timestamp for event in events]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.")
    start, end, rejected = _accepted(times, now_ms(ctx), oldest_kept(ctx, group))
    if end > start:
        if times[end - 1] - times[start] > DAY_MS:
            raise InvalidParameterException(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
            )
        await asyncio.to_thread(logs.append, name, events[start:end])
    # AWS ignores the token that it is sent, and still gives one out: old agents stop without it.
    answer: Doc = {"nextSequenceToken": f"{now_ms(ctx):056d}"}
    if rejected:
        answer["rejectedLogEventsInfo"] = rejected
    return answer


def _check_size(events: list[LogEvent]) -> None:
    total = 0
    for event in events:
        size = len(event.message.encode("utf-8", "replace"))
        if not size:
            raise InvalidParameterException("A log event's message must not be empty.")
        if size > EVENT_BYTES:
            raise InvalidParameterException(f"Log event too large: {size} bytes exceeds limit of {EVENT_BYTES}")
        total += size + OVERHEAD_BYTES
    if total > BATCH_BYTES:
        raise InvalidParameterException(f"Upload too large: {total} bytes exceeds limit of {BATCH_BYTES}")


def _accepted(times: list[int], now: int, kept: int | None) -> tuple[int, int, Doc]:
    """(first index taken, first index not taken any more, what AWS says of the others)."""
    too_old = bisect_left(times, now - _TOO_OLD_MS)
    expired = 0 if kept is None else bisect_left(times, kept)
    too_new = bisect_right(times, now + _TOO_NEW_MS)
    rejected: Doc = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new < len(times):
        rejected["tooNewLogEventStartIndex"] = too_new
    return max(too_old, expired), too_new, rejected
