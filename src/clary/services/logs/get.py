"""GetLogEvents: one stream, forwards and backwards, by tokens that stay good at the end."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogMark, LogStore, LogWindow
from clary.services.logs.api import (
    BAD_TOKEN,
    NO_STREAM,
    PAGE_BYTES,
    PAGE_EVENTS,
    InvalidParameterException,
    ResourceNotFoundException,
    group_asked,
    oldest_kept,
    service,
    stream_in,
)

_TOKEN: Final = re.compile(r"([fb])/(\d{28})(\d{10})(\d{18})/s")
"""Direction, timestamp, whose it is, number."""


@service.operation("GetLogEvents", ignores=("unmask",))
async def get_log_events(ctx: Context, req: Doc) -> Doc:
    """Events in the order of time. Both tokens are always there; at the end of a direction the same token comes back,
    and shows what has come since when it is used again.

    Errors: ResourceNotFoundException, InvalidParameterException."""
    group = group_asked(ctx, req)
    logs = ctx.port(LogStore)
    name = req["logStreamName"]
    try:
        logs.stream(stream_in(group, name))
    except Missing:
        raise ResourceNotFoundException(NO_STREAM) from None
    window = LogWindow(latest(req.get("startTime"), oldest_kept(ctx, group)), req.get("endTime"))
    owner = int(page.digest("log-event-token", group.account, group.region, group.name, name), 16) % 10**10
    forward, window, mark = _from_token(req, name, owner, window)

    def read() -> list[LogEvent]:
        found = logs.read(group.account, group.region, group.name, [name], window, descending=not forward)
        return _page(found, req.get("limit", PAGE_EVENTS))

    events = await asyncio.to_thread(read)
    if not forward:
        events.reverse()
    if events:
        ahead, behind = events[-1], events[0]
        forward_token = _token("f", ahead.timestamp, owner, ahead.number)
        backward_token = _token("b", behind.timestamp, owner, behind.number)
    elif forward:
        forward_token = _token("f", mark.timestamp, owner, mark.number)
        # A mark stands on an event, and neither direction sees that one: who turns round starts one further.
        backward_token = _token("b", mark.timestamp, owner, mark.number + 1)
    else:
        forward_token = _token("f", mark.timestamp, owner, mark.number - 1)
        backward_token = _token("b", mark.timestamp, owner, mark.number)
    return {
        "events": [
            {"timestamp": one.timestamp, "message": one.message, "ingestionTime": one.ingested} for one in events
        ],
        "nextForwardToken": forward_token,
        "nextBackwardToken": backward_token,
    }


def latest(*bounds: int | None) -> int | None:
    """The latest of those bounds that are set."""
    return max((one for one in bounds if one is not None), default=None)


def _from_token(req: Doc, stream: str, owner: int, window: LogWindow) -> tuple[bool, LogWindow, LogMark]:
    """(forwards, the window to read, the mark that an empty page stays at)."""
    if "nextToken" not in req:
        forward = req.get("startFromHead", False)
        return forward, window, LogMark(0, stream, -1 if forward else 0)
    match = _TOKEN.fullmatch(req["nextToken"])
    if match is None or int(match[3]) != owner:
        raise InvalidParameterException(BAD_TOKEN)
    mark = LogMark(int(match[2]), stream, int(match[4]) - 2)
    if match[1] == "f":
        return True, replace(window, after=mark), mark
    return False, replace(window, before=mark), mark


def _token(direction: str, timestamp: int, owner: int, number: int) -> str:
    return f"{direction}/{timestamp:028d}{owner:010d}{max(number + 2, 0):018d}/s"


def _page(found: Iterator[tuple[str, LogEvent]], limit: int) -> list[LogEvent]:
    """As many events as fit a page, at least one if there is one."""
    events: list[LogEvent] = []
    size = 0
    for _, event in found:
        size += len(event.message.encode("utf-8", "replace"))
        if events and size > PAGE_BYTES:
            break
        events.append(event)
        if len(events) == limit:
            break
    return events
