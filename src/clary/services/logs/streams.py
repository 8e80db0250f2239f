"""Log streams: CreateLogStream, DescribeLogStreams, DeleteLogStream."""

import asyncio
from bisect import bisect_right
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Exists, Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogGroup, LogStore, LogStream
from clary.services.logs.api import (
    BAD_TOKEN,
    NO_GROUP,
    NO_STREAM,
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    group_arn,
    group_asked,
    group_named,
    service,
    stream_in,
)

_PAGE: Final = 50


@service.operation("CreateLogStream")
async def create_log_stream(ctx: Context, req: Doc) -> Doc:
    """The stream is there and empty. Errors: ResourceAlreadyExistsException, ResourceNotFoundException."""
    group = group_named(ctx, req["logGroupName"])
    try:
        await asyncio.to_thread(ctx.port(LogStore).create_stream, stream_in(group, req["logStreamName"]))
    except Exists:
        raise ResourceAlreadyExistsException("The specified log stream already exists") from None
    except Missing:
        raise ResourceNotFoundException(NO_GROUP) from None
    return {}


@service.operation("DeleteLogStream")
async def delete_log_stream(ctx: Context, req: Doc) -> Doc:
    """The stream and its events are gone. Errors: ResourceNotFoundException."""
    group = group_named(ctx, req["logGroupName"])
    try:
        await asyncio.to_thread(ctx.port(LogStore).delete_stream, stream_in(group, req["logStreamName"]))
    except Missing:
        raise ResourceNotFoundException(NO_STREAM) from None
    return {}


@service.operation("DescribeLogStreams")
async def describe_log_streams(ctx: Context, req: Doc) -> Doc:
    """Streams by name or by the time of their newest event. Errors: ResourceNotFoundException,
    InvalidParameterException."""
    by_time = req.get("orderBy") == "LastEventTime"
    prefix = req.get("logStreamNamePrefix", "")
    if by_time and prefix:
        raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
    group = group_asked(ctx, req)
    descending = req.get("descending", False)
    filters = page.digest("log-streams", group.account, group.region, group.name, prefix, by_time, descending)
    try:
        after = page.decode(req["nextToken"], filters, float, str) if "nextToken" in req else None
    except BadToken:
        raise InvalidParameterException(BAD_TOKEN) from None
    limit = req.get("limit", _PAGE)
    try:
        listed = _by_time if by_time else _by_name
        found = await asyncio.to_thread(listed, ctx.port(LogStore), group, prefix, descending, after, limit + 1)
    except Missing:  # deleted meanwhile
        raise ResourceNotFoundException(NO_GROUP) from None
    answer: Doc = {"logStreams": [_described(ctx, group, one) for one in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = page.encode([_time(found[limit - 1]), found[limit - 1].name], filters)
    return answer


def _by_name(
    logs: LogStore, group: LogGroup, prefix: str, descending: bool, after: list[Any] | None, limit: int
) -> list[LogStream]:
    names = logs.streams(group.account, group.region, group.name, prefix)
    if after is not None:
        at = bisect_right(names, after[1])
        names = names[: at - 1 if at and names[at - 1] == after[1] else at] if descending else names[at:]
    if descending:
        names.reverse()
    found: list[LogStream] = []
    for name in names:
        if len(found) == limit:
            break
        found += _known(logs, group, name)
    return found


def _by_time(
    logs: LogStore, group: LogGroup, prefix: str, descending: bool, after: list[Any] | None, limit: int
) -> list[LogStream]:
    names = logs.streams(group.account, group.region, group.name, prefix)
    found = [one for name in names for one in _known(logs, group, name)]
    found.sort(key=_place, reverse=descending)
    if after is not None:
        last = (after[0], after[1])
        found = [one for one in found if (_place(one) < last if descending else _place(one) > last)]
    return found[:limit]


def _known(logs: LogStore, group: LogGroup, name: str) -> list[LogStream]:
    try:
        return [logs.stream(stream_in(group, name))]
    except Missing:  # deleted since it was listed
        return []


def _time(stream: LogStream) -> int:
    """Of the newest event; an empty stream stands before all others."""
    return -1 if stream.last is None else stream.last


def _place(stream: LogStream) -> tuple[int, str]:
    return _time(stream), stream.name


def _described(ctx: Context, group: LogGroup, stream: LogStream) -> Doc:
    described: Doc = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": f"{group_arn(ctx, group.name)}:log-stream:{stream.name}",
        "storedBytes": stream.stored_bytes,
    }
    if stream.last is not None:
        described["firstEventTimestamp"] = stream.first
        described["lastEventTimestamp"] = stream.last
        described["lastIngestionTime"] = stream.ingested
    return described
