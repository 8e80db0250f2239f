"""Archives: the events of a bus are kept, so that they can be replayed.

The events stand in the log store, in a group that belongs to no account's log groups, in one stream an archive. Each
append says how far in the outbox it reaches, so that what is heard again after a crash is not kept twice.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.kernel.telemetry import LogEvent, LogGroup, LogSink, LogStore, LogStreamName, LogWindow
from clary.services.events import listing
from clary.services.events.api import (
    ARCHIVE,
    LimitExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    ValidationException,
    bus_named,
    find_bus,
    service,
)
from clary.services.events.rules import compiled

MOST: Final = 100
"""Archives of an account and region."""
PRODUCER: Final = "flow"
_STREAM: Final = "events"
_SAID: Final = ("Description", "EventPattern")
_LISTED: Final = ("ArchiveName", "EventSourceArn", "RetentionDays")


@service.operation("CreateArchive")
async def create_archive(ctx: Context, req: Doc) -> Doc:
    """Events of the bus that match are kept from now on, but those of replays. Errors: ResourceAlreadyExistsException,
    ResourceNotFoundException, InvalidEventPatternException, LimitExceededException."""
    _check(req)
    bus = bus_named(ctx, req["EventSourceArn"])
    find_bus(ctx, bus)
    if ctx.store.count(ARCHIVE, Where(ctx.account, ctx.region)) >= MOST:
        raise LimitExceededException(f"The requested resource exceeds the maximum number allowed: {MOST} archives.")
    name = req["ArchiveName"]
    archive = Resource(
        ARCHIVE,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=ctx.arn("events", f"archive/{name}"),
        phase="ENABLED",
        parent=bus,
        spec={"RetentionDays": 0, **req},
    )
    if _exists(ctx, name):
        raise ResourceAlreadyExistsException(f"Archive {name} already exists.")
    # The group first: an archive that is there can be written to. A crash in between leaves an empty group.
    ctx.port(LogStore).create_group(_group(archive, int(ctx.clock.now() * 1000)))
    try:
        made = ctx.store.create(archive)
    except Exists:
        _drop_events(ctx, archive)
        raise ResourceAlreadyExistsException(f"Archive {name} already exists.") from None
    return {"ArchiveArn": made.arn, "State": made.phase, "CreationTime": made.created}


@service.operation("DescribeArchive")
async def describe_archive(ctx: Context, req: Doc) -> Doc:
    """The archive, and how much is in it now. Errors: ResourceNotFoundException."""
    archive = find_archive(ctx, req["ArchiveName"])
    said: Doc = {member: archive.spec[member] for member in _SAID if member in archive.spec}
    return {**_listed(ctx, archive), **said, "ArchiveArn": archive.arn}


@service.operation("ListArchives")
async def list_archives(ctx: Context, req: Doc) -> Doc:
    """By name; of a bus, or with a prefix, or in a state. Errors: ValidationException (a foreign token, or more than
    one filter)."""
    if sum(member in req for member in ("NamePrefix", "EventSourceArn", "State")) > 1:
        raise ValidationException("At most one filter is allowed: NamePrefix, EventSourceArn or State.")
    parent = bus_named(ctx, req["EventSourceArn"]) if "EventSourceArn" in req else None
    found, more = listing.page(ctx, ARCHIVE, req, req.get("NamePrefix", ""), parent, req.get("State"))
    return {"Archives": [_listed(ctx, one) for one in found], **more}


@service.operation("UpdateArchive")
async def update_archive(ctx: Context, req: Doc) -> Doc:
    """What the request names is changed; what it leaves out stays. Errors: ResourceNotFoundException,
    InvalidEventPatternException."""
    _check(req)

    def change(archive: Resource) -> dict[str, Any]:
        return {"spec": {**archive.spec, **req}}

    archive = _change(ctx, req["ArchiveName"], change)
    ctx.port(LogStore).change_group(_group(archive, int(archive.created * 1000)))
    return {"ArchiveArn": archive.arn, "State": archive.phase, "CreationTime": archive.created}


@service.operation("DeleteArchive")
async def delete_archive(ctx: Context, req: Doc) -> Doc:
    """The archive and its events are gone. Errors: ResourceNotFoundException."""
    while True:
        archive = find_archive(ctx, req["ArchiveName"])
        try:
            ctx.store.delete(archive)
        except Stale:  # Written since it was read: look again.
            continue
        _drop_events(ctx, archive)
        return {}


def find_archive(ctx: Context, name: str) -> Resource:
    """Raises ResourceNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, ARCHIVE, name)
    except Missing:
        raise ResourceNotFoundException(f"Archive {name} does not exist.") from None


def place_of(archive: Resource) -> LogStreamName:
    """Where the archive's events stand."""
    return LogStreamName(f"{archive.account}.archives", archive.region, archive.uid, _STREAM)


def keep(logs: LogSink, archive: LogStreamName, events: Sequence[tuple[int, str]], seq: int) -> None:
    """These events, (time in milliseconds, text), are in the archive, once: `seq` is the line of the outbox that the
    last of them comes from."""
    logs.append(archive, [LogEvent(at, text) for at, text in events], producer=PRODUCER, position=seq)


def _listed(ctx: Context, archive: Resource) -> Doc:
    said = {member: archive.spec[member] for member in _LISTED}
    count, size = _held(ctx.port(LogStore), archive)
    return {
        **said,
        "State": archive.phase,
        "CreationTime": archive.created,
        "EventCount": count,
        "SizeBytes": size,
    }


def _held(logs: LogStore, archive: Resource) -> tuple[int, int]:
    """How many events, and how many bytes they take on disk."""
    place = place_of(archive)
    try:
        size = logs.stream(place).stored_bytes
    except Missing:
        return 0, 0
    events = logs.read(place.account, place.region, place.group, [place.stream], LogWindow())
    return sum(1 for _ in events), size


def _group(archive: Resource, created: int) -> LogGroup:
    place = place_of(archive)
    days = archive.spec["RetentionDays"] or None
    return LogGroup(place.account, place.region, place.group, created, retention_days=days)


def _exists(ctx: Context, name: str) -> bool:
    try:
        ctx.store.get(ctx.account, ctx.region, ARCHIVE, name)
    except Missing:
        return False
    return True


def _drop_events(ctx: Context, archive: Resource) -> None:
    place = place_of(archive)
    with suppress(Missing):
        ctx.port(LogStore).delete_group(place.account, place.region, place.group)


def _change(ctx: Context, name: str, change: Callable[[Resource], dict[str, Any]]) -> Resource:
    while True:
        archive = find_archive(ctx, name)
        try:
            return ctx.store.update(archive, emit=True, **change(archive))
        except Stale:  # Written since it was read: look again.
            continue


def _check(req: Doc) -> None:
    if "KmsKeyIdentifier" in req:
        raise NotImplementedHere("KmsKeyIdentifier is not served by Clary: archives are files of this home. Leave it "
                                 "out.")  # fmt: skip
    if "EventPattern" in req:
        compiled(req["EventPattern"])
