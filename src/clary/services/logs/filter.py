"""FilterLogEvents: across the streams of a group, interleaved by time, by pattern."""

import asyncio
from collections.abc import Iterator
from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogGroup, LogMark, LogStore, LogWindow
from clary.services.logs.api import (
    BAD_TOKEN,
    NO_GROUP,
    NO_STREAM,
    PAGE_BYTES,
    PAGE_EVENTS,
    InvalidParameterException,
    ResourceNotFoundException,
    event_id,
    group_asked,
    oldest_kept,
    service,
    stream_in,
)
from clary.services.logs.get import latest
from clary.services.logs.patterns import Pattern, parse

_DESCENDING_SINCE_MS: Final = 1_704_067_200_000
"""1 January 2024: before, AWS has no newest-first order."""


@service.operation("FilterLogEvents", ignores=("interleaved", "unmask"))
async def filter_log_events(ctx: Context, req: Doc) -> Doc:
    """Events that match, by time, then stream; `nextToken` only where more will come. Errors:
    ResourceNotFoundException, InvalidParameterException."""
    group = group_asked(ctx, req)
    if "logStreamNames" in req and "logStreamNamePrefix" in req:
        raise InvalidParameterException("Give either logStreamNames or logStreamNamePrefix, and not both.")
    pattern = parse(req.get("filterPattern", ""))
    descending = not req.get("startFromHead", True)
    if descending and req.get("startTime", 0) < _DESCENDING_SINCE_MS:
        raise InvalidParameterException(
            "startFromHead false needs a startTime on or after January 1, 2024 00:00:00 UTC."
        )
    filters = _digest(group, req)
    mark = None
    if "nextToken" in req:
        try:
            time, stream, number, turned = page.decode(req["nextToken"], filters, int, str, int, int)
        except BadToken:
            raise InvalidParameterException(BAD_TOKEN) from None
        mark, descending = LogMark(time, stream, number), bool(turned)
    end = req.get("endTime")
    window = LogWindow(
        start=latest(req.get("startTime"), oldest_kept(ctx, group)),
        end=None if end is None else end + 1,  # here, and only here, AWS includes the end
        after=None if descending else mark,
        before=mark if descending else None,
        needs=pattern.needs,
    )
    limit = req.get("limit", PAGE_EVENTS)
    found, more = await asyncio.to_thread(_search, ctx.port(LogStore), group, req, window, pattern, descending, limit)
    answer: Doc = {"events": [_described(name, event) for name, event in found], "searchedLogStreams": []}
    if more:
        name, event = found[-1]
        answer["nextToken"] = page.encode([event.timestamp, name, event.number, int(descending)], filters)
    return answer


def _digest(group: LogGroup, req: Doc) -> str:
    named = ("logStreamNames", "logStreamNamePrefix", "startTime", "endTime", "filterPattern")
    return page.digest("log-events", group.account, group.region, group.name, *(req.get(name) for name in named))


def _search(
    logs: LogStore, group: LogGroup, req: Doc, window: LogWindow, pattern: Pattern, descending: bool, limit: int
) -> tuple[list[tuple[str, LogEvent]], bool]:
    names = _streams(logs, group, req)
    found = logs.read(group.account, group.region, group.name, names, window, descending=descending)
    return _page((one for one in found if pattern(one[1].message)), limit)


def _streams(logs: LogStore, group: LogGroup, req: Doc) -> list[str]:
    try:
        if "logStreamNames" not in req:
            return logs.streams(group.account, group.region, group.name, req.get("logStreamNamePrefix", ""))
    except Missing:  # deleted meanwhile
        raise ResourceNotFoundException(NO_GROUP) from None
    for name in req["logStreamNames"]:
        try:
            logs.stream(stream_in(group, name))
        except Missing:
            raise ResourceNotFoundException(NO_STREAM) from None
    return list(req["logStreamNames"])


def _page(found: Iterator[tuple[str, LogEvent]], limit: int) -> tuple[list[tuple[str, LogEvent]], bool]:
    """(as many as fit a page, whether there is one more)."""
    kept: list[tuple[str, LogEvent]] = []
    size = 0
    for one in found:
        size += len(one[1].message.encode("utf-8", "replace"))
        if kept and (len(kept) == limit or size > PAGE_BYTES):
            return kept, True
        kept.append(one)
    return kept, False


def _described(stream: str, event: LogEvent) -> Doc:
    return {
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": event_id(stream, event),
    }
