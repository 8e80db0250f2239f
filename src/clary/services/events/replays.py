"""Replays: what an archive kept of a span of time is put on its bus again, for all rules or some.

A replay is a row whose steps each tell a page of events and write how far they got. A crash in between tells a page
again, under the same ids. Replayed events carry `replay-name`, as on AWS, and are not archived again.
"""

import asyncio
from typing import Any, Final

import orjson

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.reconcile import Step, again, move
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Telling
from clary.kernel.telemetry import LogEvent, LogMark, LogStore, LogWindow
from clary.services.events import listing
from clary.services.events.api import (
    ARCHIVE,
    EVENT,
    REPLAY,
    IllegalStatusException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    ValidationException,
    bus_arn,
    rule_arn,
    service,
)
from clary.services.events.archives import find_archive, place_of

MACHINE: Final = StateMachine(
    "State",
    "STARTING",
    {
        "STARTING": {"RUNNING", "CANCELLING", "FAILED"},
        "RUNNING": {"COMPLETED", "CANCELLING", "FAILED"},
        "CANCELLING": {"CANCELLED", "FAILED"},
    },
)
PAGE: Final = 100
_SAID: Final = (
    *("ReplayName", "Description", "EventSourceArn", "Destination", "EventStartTime", "EventEndTime"),
    *("EventLastReplayedTime", "ReplayStartTime", "ReplayEndTime", "StateReason"),
)
_LISTED: Final = tuple(member for member in _SAID if member not in ("Description", "Destination"))
_ARCHIVES: Final = ":archive/"


@service.operation("StartReplay")
async def start_replay(ctx: Context, req: Doc) -> Doc:
    """The replay is begun and goes on by itself. Errors: ResourceAlreadyExistsException, ResourceNotFoundException,
    ValidationException."""
    archive = _archive(ctx, req["EventSourceArn"])
    if req["EventStartTime"] >= req["EventEndTime"]:
        raise ValidationException("Parameter EventEndTime is not valid. Reason: EventStartTime must be before "
                                  "EventEndTime.")  # fmt: skip
    _check_destination(ctx, req["Destination"], archive)
    name, now = req["ReplayName"], ctx.clock.now()
    replay = Resource(
        REPLAY,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=ctx.arn("events", f"replay/{name}"),
        phase=MACHINE.initial,
        parent=archive.name,
        spec=req,
        status={"_archive": archive.uid, "_bus": archive.parent, "ReplayStartTime": now},
        due=now,
    )
    try:
        ctx.store.create(replay)
    except Exists:
        raise ResourceAlreadyExistsException(f"Replay {name} already exists.") from None
    return {"ReplayArn": replay.arn, "State": replay.phase, "ReplayStartTime": now}


@service.operation("DescribeReplay")
async def describe_replay(ctx: Context, req: Doc) -> Doc:
    """How far it is. Errors: ResourceNotFoundException."""
    replay = _find(ctx, req["ReplayName"])
    return {**_described(replay, _SAID), "ReplayArn": replay.arn}


@service.operation("ListReplays")
async def list_replays(ctx: Context, req: Doc) -> Doc:
    """By name; of an archive, or with a prefix, or in a state. Errors: ValidationException."""
    if sum(member in req for member in ("NamePrefix", "EventSourceArn", "State")) > 1:
        raise ValidationException("At most one filter is allowed: NamePrefix, EventSourceArn or State.")
    parent = req["EventSourceArn"].rpartition(_ARCHIVES)[2] if "EventSourceArn" in req else None
    found, more = listing.page(ctx, REPLAY, req, req.get("NamePrefix", ""), parent, req.get("State"))
    return {"Replays": [_described(one, _LISTED) for one in found], **more}


@service.operation("CancelReplay")
async def cancel_replay(ctx: Context, req: Doc) -> Doc:
    """It is asked to stop; what was told already stays told. Errors: ResourceNotFoundException,
    IllegalStatusException."""
    while True:
        replay = _find(ctx, req["ReplayName"])
        if replay.phase not in ("STARTING", "RUNNING"):
            raise IllegalStatusException(f"Replay {replay.name} is not in a valid state for this operation.")
        try:
            ctx.store.update(replay, phase="CANCELLING", due=ctx.clock.now())
        except Stale:  # Written since it was read: look again.
            continue
        return {"ReplayArn": replay.arn, "State": "CANCELLING"}


class ReplayReconciler:
    """Desired: every event of the archive and the span was told once, in order of time, unless it is cancelled."""

    def __init__(self, store: Store, logs: LogStore, clock: Clock) -> None:
        self._store = store
        self._logs = logs
        self._clock = clock

    async def __call__(self, replay: Resource) -> Step:
        match replay.phase:
            case "STARTING":
                return move("RUNNING", after=0.0)
            case "CANCELLING":
                return move("CANCELLED", ReplayEndTime=self._clock.now())
        try:
            archive = self._store.find(ARCHIVE, replay.status["_archive"])
        except Missing:
            return move("FAILED", StateReason="The archive was deleted.", ReplayEndTime=self._clock.now())
        page = await asyncio.to_thread(self._page, replay, archive)
        if not page:
            return move("COMPLETED", ReplayEndTime=self._clock.now())
        self._store.tell([self._telling(replay, one) for one in page])
        # Killed before the row is written, the same page is told again.
        last = page[-1]
        return again(0.0, _mark=[last.timestamp, last.number], EventLastReplayedTime=last.timestamp / 1000)

    def give_up(self, replay: Resource, error: Exception) -> Step:
        why = f"Clary could not go on with the replay ({type(error).__name__})."
        return move("FAILED", StateReason=why, ReplayEndTime=self._clock.now())

    def _page(self, replay: Resource, archive: Resource) -> list[LogEvent]:
        place = place_of(archive)
        mark = replay.status.get("_mark")
        start, end = (int(replay.spec[member] * 1000) for member in ("EventStartTime", "EventEndTime"))
        days = archive.spec["RetentionDays"]
        if days:
            start = max(start, int((self._clock.now() - days * 86_400) * 1000))
        after = None if mark is None else LogMark(mark[0], place.stream, mark[1])
        window = LogWindow(start=start, end=end, after=after)
        try:
            events = self._logs.read(place.account, place.region, place.group, [place.stream], window)
            return [event for _, (_, event) in zip(range(PAGE), events, strict=False)]
        except Missing:
            return []

    def _telling(self, replay: Resource, one: LogEvent) -> Telling:
        event = orjson.loads(one.message)
        event["replay-name"] = replay.name
        spec: Doc = {"event": event, "hops": 0, "replay": replay.uid}
        if rules := replay.spec["Destination"].get("FilterArns"):
            spec["rules"] = rules
        return Telling(EVENT, replay.status["_bus"], event["id"], replay.account, replay.region, spec)


def _archive(ctx: Context, arn: str) -> Resource:
    start = ctx.arn("events", "archive/")
    if not arn.startswith(start):
        raise ValidationException(f"Parameter EventSourceArn is not valid. Reason: {arn} is no archive of this account "
                                  "and region.")  # fmt: skip
    return find_archive(ctx, arn.removeprefix(start))


def _check_destination(ctx: Context, destination: Doc, archive: Resource) -> None:
    if destination["Arn"] != bus_arn(ctx, archive.parent):
        raise ValidationException(
            "Parameter Destination.Arn is not valid. Reason: events are replayed to the bus that they were archived "
            f"from: {bus_arn(ctx, archive.parent)}."
        )
    for rule in destination.get("FilterArns", ()):
        if not rule.startswith(rule_arn(ctx, archive.parent, "")):
            raise ValidationException(f"Parameter Destination.FilterArns is not valid. Reason: {rule} is no rule of "
                                      f"the bus {archive.parent}.")  # fmt: skip


def _find(ctx: Context, name: str) -> Resource:
    try:
        return ctx.store.get(ctx.account, ctx.region, REPLAY, name)
    except Missing:
        raise ResourceNotFoundException(f"Replay {name} does not exist.") from None


def _described(replay: Resource, members: tuple[str, ...]) -> Doc:
    said: dict[str, Any] = {**replay.spec, **replay.status}
    return {**{member: said[member] for member in members if member in said}, "State": replay.phase}
