"""Message move tasks: what lies in a dead-letter queue goes back to where it came from, or to another queue.

A task is a row; its reconciler moves a bite a step. How many were moved is counted in the transaction that moves them,
so a crash between the bite and the row neither loses nor doubles anything.
"""

import base64
import re
from typing import Final

import orjson

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing, Stale
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Step, again, move
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Where
from clary.services.sqs.api import service
from clary.services.sqs.errors import InvalidParameterValue, ResourceNotFoundException, UnsupportedOperation
from clary.services.sqs.redrive import queue_of_arn, sources_of

KIND: Final = "sqs-move-task"
MACHINE: Final = StateMachine(
    "Status",
    "RUNNING",
    {"RUNNING": {"COMPLETED", "CANCELLING", "FAILED"}, "CANCELLING": {"CANCELLED", "COMPLETED", "FAILED"}},
)
_MOST_A_SECOND: Final = 500
_BITE: Final = 500
_BITE_SECONDS: Final = 1.0
_MOST_LISTED: Final = 10
_NO_QUEUE: Final = "AWS.SimpleQueueService.NonExistentQueue"
_HANDLE: Final = re.compile(r"[A-Za-z0-9+/=]{1,512}")


@service.operation("StartMessageMoveTask")
async def start_message_move_task(ctx: Context, req: Doc) -> Doc:
    """What is in the dead-letter queue now begins to move. Errors: ResourceNotFoundException, UnsupportedOperation,
    InvalidParameterValue."""
    source = _queue(ctx, req["SourceArn"])
    if next(sources_of(ctx, source), None) is None:
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    target = _queue(ctx, req["DestinationArn"]) if "DestinationArn" in req else None
    if target is not None and target.uid == source.uid:
        raise InvalidParameterValue("Source queue arn and destination queue arn cannot be the same.")
    speed = req.get("MaxNumberOfMessagesPerSecond")
    if speed is not None and not 1 <= speed <= _MOST_A_SECOND:
        raise InvalidParameterValue(
            f"Value {speed} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value from"
            f" 1 to {_MOST_A_SECOND}."
        )
    if any(one.phase in ("RUNNING", "CANCELLING") for one in _tasks(ctx.store, source)):
        raise UnsupportedOperation(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    uid = ids.new()
    ctx.store.create(
        Resource(
            kind=KIND,
            name=uid,
            account=ctx.account,
            region=ctx.region,
            uid=uid,
            phase=MACHINE.initial,
            parent=source.uid,
            spec=dict(req),
            status={"_to_move": ctx.port(QueueStore).counts(source.uid).visible},
            due=ctx.clock.now(),
        )
    )
    return {"TaskHandle": _handle(uid, source.arn)}


@service.operation("ListMessageMoveTasks")
async def list_message_move_tasks(ctx: Context, req: Doc) -> Doc:
    """The newest tasks of the queue. Errors: ResourceNotFoundException, InvalidParameterValue."""
    source = _queue(ctx, req["SourceArn"])
    limit = req.get("MaxResults", 1)
    if not 1 <= limit <= _MOST_LISTED:
        raise InvalidParameterValue(
            f"Value {limit} for parameter MaxResults is invalid. Reason: It must be from 1 to {_MOST_LISTED}."
        )
    found = [_described(ctx, one) for one in _tasks(ctx.store, source, limit)]
    return {"Results": found} if found else {}


@service.operation("CancelMessageMoveTask")
async def cancel_message_move_task(ctx: Context, req: Doc) -> Doc:
    """Nothing more is moved; what was moved stays so. Errors: ResourceNotFoundException, UnsupportedOperation,
    InvalidParameterValue."""
    while True:
        task = _task(ctx, req["TaskHandle"])
        if task.phase != "RUNNING":
            raise UnsupportedOperation("Only active tasks can be cancelled.")
        try:
            ctx.store.update(task, phase="CANCELLING", due=ctx.clock.now())
        except Stale:
            continue
        return {"ApproximateNumberOfMessagesMoved": ctx.port(QueueStore).moved(task.uid)}


class MoveReconciler:
    """Desired: what was in the source when the task began is where it shall go, no faster than was asked."""

    def __init__(self, store: Store, queues: QueueStore, clock: Clock) -> None:
        self._store = store
        self._queues = queues
        self._clock = clock

    async def __call__(self, task: Resource) -> Step:
        if task.phase == "CANCELLING":
            return move("CANCELLED")
        source = queue_of_arn(self._store, task.account, task.region, task.spec["SourceArn"])
        if source is None or source.uid != task.parent:
            return move("FAILED", FailureReason=_NO_QUEUE)
        fixed = task.spec.get("DestinationArn")
        if fixed is not None and queue_of_arn(self._store, task.account, task.region, fixed) is None:
            return move("FAILED", FailureReason=_NO_QUEUE)
        known: dict[str, str | None] = {}

        def target(origin: str) -> str | None:
            arn = fixed or origin
            if arn not in known:
                found = queue_of_arn(self._store, task.account, task.region, arn)
                known[arn] = None if found is None else found.uid
            return known[arn]

        speed = task.spec.get("MaxNumberOfMessagesPerSecond")
        moved = self._queues.move(source.uid, target, speed or _BITE, task.uid)
        if moved == 0 and None in known.values():
            return move("FAILED", FailureReason="CouldNotDetermineMessageSource")
        if moved == 0:
            return move("COMPLETED")
        return again(_BITE_SECONDS if speed else 0.0)

    def give_up(self, task: Resource, error: Exception) -> Step:
        return move("FAILED", FailureReason="InternalError")


def _queue(ctx: Context, arn: str) -> Resource:
    found = queue_of_arn(ctx.store, ctx.account, ctx.region, arn)
    if found is None:
        raise ResourceNotFoundException(f"The resource {arn} that you specified doesn't exist.")
    return found


def _tasks(store: Store, source: Resource, limit: int = _MOST_LISTED) -> list[Resource]:
    where = Where(account=source.account, region=source.region, parent=source.uid)
    return store.page(KIND, where, order="created", descending=True, limit=limit)


def _handle(uid: str, source: str) -> str:
    return base64.b64encode(orjson.dumps({"taskId": uid, "sourceArn": source})).decode()


def _task(ctx: Context, handle: str) -> Resource:
    try:
        said = orjson.loads(base64.b64decode(handle, validate=True)) if _HANDLE.fullmatch(handle) else {}
        uid = said.get("taskId", "")
    except (ValueError, AttributeError):
        uid = ""
    if not uid or not isinstance(uid, str):
        raise InvalidParameterValue(f"Value {handle} for parameter TaskHandle is invalid.")
    try:
        return ctx.store.get(ctx.account, ctx.region, KIND, uid)
    except Missing:
        raise ResourceNotFoundException("Task does not exist.") from None


def _described(ctx: Context, task: Resource) -> Doc:
    described: Doc = {
        "Status": task.phase,
        "SourceArn": task.spec["SourceArn"],
        "ApproximateNumberOfMessagesMoved": ctx.port(QueueStore).moved(task.uid),
        "ApproximateNumberOfMessagesToMove": task.status["_to_move"],
        "StartedTimestamp": int(task.created * 1000),
    }
    for name in ("DestinationArn", "MaxNumberOfMessagesPerSecond"):
        if name in task.spec:
            described[name] = task.spec[name]
    if task.phase == "RUNNING":
        described["TaskHandle"] = _handle(task.uid, task.spec["SourceArn"])
    if "FailureReason" in task.status:
        described["FailureReason"] = task.status["FailureReason"]
    return described
