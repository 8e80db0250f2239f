"""What happens to objects, told to the bus: nothing that a client was told of is lost, whatever is killed when.

The bytes are in one store and the events in another, so no transaction holds both. Instead:

1. before the object changes, a row of the kind "s3-event" says what is about to happen (phase "Pending");
2. the object changes;
3. the row goes to "Happened", with the events in its status; the outbox line of that move is what the bus hears;
4. the row goes.

Killed before 2, nobody hears of it. Killed between 2 and 3, nobody was answered; the row is found after the restart,
and the object itself says whether it happened: then it is told, else the row is dropped. Where somebody else has
overwritten the object meanwhile, what came before is not told: no client ever heard that it was there.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from clary.aws import times
from clary.aws.errors import ServiceError
from clary.engines.objects.base import BucketStore, IsMarker, NoVersion
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing, Stale
from clary.kernel.objects import Stat
from clary.kernel.reconcile import Step, again, gone, move
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store
from clary.services.s3.notifications import targets_of

KIND: Final = "s3-event"
MACHINE: Final = StateMachine("Phase", "Pending", {"Pending": {"Happened"}})
_LOOK_SECONDS: Final = 30.0
"""How long after it was begun a row is looked at whose request may have died."""
_SLACK_SECONDS: Final = 0.01
_BRIDGE: Final = {
    "ObjectCreated": "Object Created",
    "ObjectRemoved": "Object Deleted",
    "LifecycleExpiration": "Object Deleted",
    "LifecycleTransition": "Object Storage Class Changed",
    "ObjectTagging:Put": "Object Tags Added",
    "ObjectTagging:Delete": "Object Tags Deleted",
}
"""EventBridge's detail-type by the event's name, or the part of it before the colon."""


@dataclass(slots=True)
class Change:
    """What is about to happen to one key."""

    name: str
    """As S3 names it, without "s3:": "ObjectCreated:Put"."""
    key: str
    reason: str
    """As EventBridge's detail says it: "PutObject"."""
    version: str | None = None
    """The version that is deleted or tagged, when the request names one."""
    tags: list[list[str]] | None = None
    """What an ObjectTagging:Put sets."""
    stat: Stat | None = None
    """The object as it is afterwards; of a deletion as it was."""
    done: bool = True
    more: Doc = field(default_factory=dict)
    """Further members of EventBridge's detail."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for it, as the events say it."""

    request_id: str
    principal: str
    account: str
    address: str = ""


class Happenings:
    """The port through which object operations tell what they do, and the reconciler of what a crash left untold."""

    def __init__(self, store: Store, objects: BucketStore, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock
        self._live: set[str] = set()

    @asynccontextmanager
    async def telling(self, bucket: Resource, asker: Asker, changes: Sequence[Change]) -> AsyncIterator[None]:
        """What is inside makes the changes true; it may set their `stat`, `version` and `done`. When it raises, nothing
        has happened; else those that are `done` are told."""
        wanted = [one for one in changes if _is_wanted(bucket, one)]
        if not wanted:
            yield
            return
        row = self._store.create(
            Resource(
                kind=KIND,
                name=ids.new(),
                account=bucket.account,
                region="",
                uid=ids.new(),
                arn=bucket.arn,
                phase=MACHINE.initial,
                parent=bucket.name,
                spec={"_changes": [_kept(one) for one in wanted], "_asker": _said(asker)},
                due=self._clock.now() + _LOOK_SECONDS,
            )
        )
        self._live.add(row.uid)
        try:
            try:
                yield
            except ServiceError:
                self._tell(row, [])  # refused: nothing has happened
                raise
            except BaseException:
                # It may have happened all the same (a client that hung up): the object says so when it is looked at.
                self._store.hasten(row.uid)
                raise
            events = [self._event(bucket, asker, one) for one in wanted if one.done]
            self._tell(row, events)
        finally:
            self._live.discard(row.uid)

    def _tell(self, row: Resource, events: list[Doc]) -> None:
        try:
            if events:
                self._store.update(row, phase="Happened", due=self._clock.now(), Events=events)
            else:
                self._store.delete(row)
        except Stale:
            # The reconciler looked in between and put the row off: it is told on top of that.
            found = self._store.find(KIND, row.uid)
            self._tell(found, events)

    async def __call__(self, row: Resource) -> Step:
        """A row whose request lives is left alone; one whose request died is told if the object says that it
        happened."""
        if row.phase == "Happened":
            return gone()  # the outbox has it
        if row.uid in self._live:
            return again(_LOOK_SECONDS)
        try:
            bucket = self._store.get(row.account, "", "bucket", row.parent)
        except Missing:
            return gone()
        asker = Asker(**row.spec["_asker"])
        changes = [Change(**one) for one in row.spec["_changes"]]
        events = [self._event(bucket, asker, one) for one in changes if await self._is_true(row, one)]
        return move("Happened", after=0.0, Events=events) if events else gone()

    def give_up(self, row: Resource, error: Exception) -> Step:
        """Never: it is looked at again."""
        return again(_LOOK_SECONDS)

    async def _is_true(self, row: Resource, one: Change) -> bool:
        """What the object itself says of a change that nobody saw the end of. Fills in what it finds."""
        gone_key = one.name.startswith(("ObjectRemoved", "LifecycleExpiration"))
        try:
            one.stat = await self._objects.head(row.parent, one.key, one.version)
        except IsMarker as marker:
            one.version = marker.version
            one.name = one.name.partition(":")[0] + ":DeleteMarkerCreated"
            return gone_key
        except (NoVersion, Missing):
            return gone_key
        if gone_key:
            return False
        if one.name.startswith("ObjectTagging"):
            return bool(one.stat.meta.get("_tags", []) == (one.tags or []))
        return one.stat.modified >= row.created - _SLACK_SECONDS

    def _event(self, bucket: Resource, asker: Asker, one: Change) -> Doc:
        """The change as EventBridge tells it, as S3's own record, and who is to be sent the record."""
        now, configuration = self._clock.now(), bucket.status.get("_notification", {})
        sequencer = f"{int(now * 1e9):018X}"
        event: Doc = {"Record": _record(bucket, asker, one, now, sequencer)}
        if "EventBridgeConfiguration" in configuration:
            event["EventBridge"] = _envelope(bucket, asker, one, now, sequencer)
        if targets := targets_of(configuration, one.name, one.key):
            event["Targets"] = targets
        return event


def _is_wanted(bucket: Resource, one: Change) -> bool:
    configuration = bucket.status.get("_notification")
    if configuration is None:
        return False
    if "EventBridgeConfiguration" in configuration:
        return True
    # What a deletion turns out to be is known when it is done: either name counts.
    names = {one.name}
    if one.name.endswith(":Delete") and not one.name.startswith("ObjectTagging"):
        names.add(one.name.partition(":")[0] + ":DeleteMarkerCreated")
    return any(targets_of(configuration, name, one.key) for name in names)


def _kept(one: Change) -> Doc:
    return {"name": one.name, "key": one.key, "reason": one.reason, "version": one.version, "tags": one.tags}


def _said(asker: Asker) -> Doc:
    return {
        "request_id": asker.request_id,
        "principal": asker.principal,
        "account": asker.account,
        "address": asker.address,
    }


def _object(one: Change, key: str, etag: str, version: str, sequencer: str) -> Doc:
    found: Doc = {"key": key}
    if one.stat is not None and not one.name.startswith(("ObjectRemoved", "LifecycleExpiration")):
        found |= {"size": one.stat.size, etag: one.stat.etag}
    told = one.version or (one.stat.version if one.stat is not None else None)
    if told is not None:
        found[version] = told
    return found | {"sequencer": sequencer}


def _record(bucket: Resource, asker: Asker, one: Change, now: float, sequencer: str) -> Doc:
    """S3's own record, as queues, topics and functions get it."""
    return {
        "eventVersion": "2.3" if one.name.startswith(("Lifecycle", "ObjectTagging")) else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.status["_region"],
        "eventTime": times.iso8601(now),
        "eventName": one.name,
        "userIdentity": {"principalId": asker.principal},
        "requestParameters": {"sourceIPAddress": asker.address} if asker.address else {},
        "responseElements": {"x-amz-request-id": asker.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": bucket.account}, "arn": bucket.arn},
            "object": _object(one, quote_plus(one.key), "eTag", "versionId", sequencer),
        },
    }


def _envelope(bucket: Resource, asker: Asker, one: Change, now: float, sequencer: str) -> Doc:
    """The event as a bus of EventBridge carries it; its id is that of the change, however often it is told."""
    detail: Doc = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": _object(one, one.key, "etag", "version-id", sequencer),
        "request-id": asker.request_id,
        "requester": asker.account,
    }
    if asker.address:
        detail["source-ip-address"] = asker.address
    if not one.name.startswith(("ObjectTagging", "LifecycleTransition")):
        detail["reason"] = one.reason
    family, _, kind = one.name.partition(":")
    if family in ("ObjectRemoved", "LifecycleExpiration"):
        detail["deletion-type"] = "Permanently Deleted" if kind == "Delete" else "Delete Marker Created"
    return {
        "version": "0",
        "id": ids.request_id(),
        "detail-type": _BRIDGE.get(one.name) or _BRIDGE[family],
        "source": "aws.s3",
        "account": bucket.account,
        "time": times.iso8601(float(int(now))).replace(".000Z", "Z"),
        "region": bucket.status["_region"],
        "resources": [bucket.arn],
        "detail": detail | one.more,
    }
