"""CloudWatch Logs: the service, its errors, and how a request names a group."""

import re
from hashlib import blake2b
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogGroup, LogStore, LogStreamName

service = Service("logs")

DAY_MS: Final = 86_400_000
PAGE_BYTES: Final = 1024 * 1024
PAGE_EVENTS: Final = 10_000
_GROUP_ARN: Final = re.compile(r"arn:aws[\w-]*:logs:([\w-]*):(\d*):log-group:([.\-_/#A-Za-z0-9]+)(?::\*)?")


class ResourceNotFoundException(ServiceError):
    """The specified resource does not exist."""


class ResourceAlreadyExistsException(ServiceError):
    """The specified resource already exists."""


class InvalidParameterException(ServiceError):
    """A parameter is specified incorrectly."""


class LimitExceededException(ServiceError):
    """You have reached the maximum number of resources that can be created."""


class InvalidOperationException(ServiceError):
    """The operation is not valid on the specified resource."""


class TooManyTagsException(ServiceError):
    """A resource can have no more than 50 tags."""


NO_GROUP: Final = "The specified log group does not exist."
NO_STREAM: Final = "The specified log stream does not exist."
BAD_TOKEN: Final = "The specified nextToken is invalid."


def now_ms(ctx: Context) -> int:
    return int(ctx.clock.now() * 1000)


def group_named(ctx: Context, name: str) -> LogGroup:
    """Raises ResourceNotFoundException."""
    try:
        return ctx.port(LogStore).group(ctx.account, ctx.region, name)
    except Missing:
        raise ResourceNotFoundException(NO_GROUP) from None


def group_asked(ctx: Context, req: Doc) -> LogGroup:
    """The group that `logGroupName` or `logGroupIdentifier` (a name or an ARN) names."""
    if ("logGroupName" in req) == ("logGroupIdentifier" in req):
        raise InvalidParameterException("Give either logGroupName or logGroupIdentifier, and not both.")
    return group_named(ctx, req["logGroupName"] if "logGroupName" in req else name_in(ctx, req["logGroupIdentifier"]))


def name_in(ctx: Context, identifier: str) -> str:
    """The group's name in a name or an ARN. Raises ResourceNotFoundException for an ARN of another place."""
    if not identifier.startswith("arn:"):
        return identifier
    match = _GROUP_ARN.fullmatch(identifier)
    if match is None:
        raise InvalidParameterException(f"{identifier!r} is not the ARN of a log group.")
    if (match[1], match[2]) != (ctx.region, ctx.account):
        raise ResourceNotFoundException(NO_GROUP)
    return match[3]


def group_arn(ctx: Context, name: str) -> str:
    """Without the ":*" that IAM policies want behind it."""
    return ctx.arn("logs", f"log-group:{name}")


def stream_in(group: LogGroup, stream: str) -> LogStreamName:
    return LogStreamName(group.account, group.region, group.name, stream)


def oldest_kept(ctx: Context, group: LogGroup) -> int | None:
    """Events before this time (milliseconds) are past the group's retention; None: all are kept."""
    return None if group.retention_days is None else now_ms(ctx) - group.retention_days * DAY_MS


def event_id(stream: str, event: LogEvent) -> str:
    """56 digits as AWS's have, always the same for an event and no other's: followers drop what they saw by it."""
    place = int.from_bytes(blake2b(stream.encode("utf-8", "replace"), digest_size=7).digest())
    return f"{event.timestamp:020d}{place:018d}{event.number:018d}"
