"""Export tasks: CreateExportTask, DescribeExportTasks, CancelExportTask, and how they come true.

An export is a row of files, a few for each stream in turn. The row says behind which event the next file begins, and is
written after the file was put: a step that is repeated after a crash puts the same file again."""

import asyncio
import gzip
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from clary.aws import times
from clary.aws.credentials import service_principal
from clary.aws.errors import ServiceError
from clary.aws.inside import Inside, Wanted
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.clock import Clock
from clary.kernel.errors import BadToken, Missing
from clary.kernel.reconcile import Step, again, move
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Where
from clary.kernel.telemetry import LogEvent, LogMark, LogStore, LogWindow
from clary.services.logs.api import (
    BAD_TOKEN,
    InvalidOperationException,
    InvalidParameterException,
    LimitExceededException,
    ResourceNotFoundException,
    group_named,
    oldest_kept,
    service,
)

KIND: Final = "log-export-task"
MACHINE: Final = StateMachine(
    "code",
    "PENDING",
    {
        "PENDING": {"RUNNING", "CANCELLED", "FAILED"},
        "RUNNING": {"COMPLETED", "FAILED", "PENDING_CANCEL"},
        "PENDING_CANCEL": {"CANCELLED", "FAILED"},
    },
)
_ACTIVE: Final = ("PENDING", "RUNNING", "PENDING_CANCEL")
_PAGE: Final = 50
_PREFIX: Final = "exportedlogs"
_FILE_EVENTS: Final = 100_000
_FILE_BYTES: Final = 16 * 2**20
"""Of a file before it is packed."""


class Cursor(NamedTuple):
    """What comes next."""

    stream: str
    file: int
    timestamp: int
    """Of the last event that was exported of the stream, with `number`; -1: none was."""
    number: int


class Exports:
    """What exports need of the house: buckets, reached by the public operations in the name of the service."""

    def __init__(self, inside: Callable[[], Inside], logs: LogStore, clock: Clock, account: str) -> None:
        self._inside = inside
        self._logs = logs
        self._clock = clock
        self._account = account

    async def ask(self, region: str, group: str, operation: str, params: Doc) -> Doc:
        """An operation of S3 as `logs.<region>.amazonaws.com`, which the bucket's policy must allow. Raises
        ServiceError."""
        source = f"arn:aws:logs:{region}:{self._account}:log-group:{group}:*"
        principal = service_principal(self._account, f"logs.{region}.amazonaws.com")
        origin = {"aws:sourceaccount": self._account, "aws:sourcearn": source}
        return await self._inside().ask(principal, region, ids.request_id(), origin, Wanted("s3", operation, params))

    async def __call__(self, task: Resource) -> Step:
        """Desired: everything in the range is in the bucket, or the task is cancelled. One file a step."""
        if task.phase == "PENDING":
            return move("RUNNING", after=0.0)
        if task.phase == "PENDING_CANCEL":
            return move("CANCELLED", completionTime=self._now())
        cursor = Cursor(*task.status["_cursor"]) if "_cursor" in task.status else None
        try:
            cursor, body = await asyncio.to_thread(self._next, task.spec, task.account, task.region, cursor)
            if cursor is None:
                return move("COMPLETED", completionTime=self._now(), message="Completed successfully")
            if body:
                key = _key(task, cursor)
                params = {"Bucket": task.spec["destination"], "Key": key, "Body": body}
                await self.ask(task.region, task.spec["logGroupName"], "PutObject", params)
        except Missing:
            return move("FAILED", completionTime=self._now(), message="The log group is gone.")
        except ServiceError as error:
            if error.http_status >= 500:
                raise
            return move("FAILED", completionTime=self._now(), message=f"PutObject: {error.message}")
        # Only now: a crash before this line puts the same file once more.
        return again(0.0, _cursor=[cursor.stream, cursor.file + 1, cursor.timestamp, cursor.number])

    def give_up(self, task: Resource, error: Exception) -> Step:
        return move("FAILED", completionTime=self._now(), message=f"The export could not go on: {error}")

    def _next(self, spec: Doc, account: str, region: str, cursor: Cursor | None) -> tuple[Cursor | None, bytes]:
        """(the place behind the next file, and the file; None: there is no more). Raises Missing."""
        group = spec["logGroupName"]
        names = self._logs.streams(account, region, group, spec.get("logStreamNamePrefix", ""))
        for name in names:
            if cursor is not None and name < cursor.stream:
                continue
            mine = cursor if cursor is not None and cursor.stream == name else Cursor(name, 0, -1, -1)
            after = LogMark(mine.timestamp, name, mine.number) if mine.number >= 0 else None
            window = LogWindow(spec["from"], spec["to"] + 1, after=after)
            found = _some(event for _, event in self._logs.read(account, region, group, [name], window))
            if found:
                last = found[-1]
                return Cursor(name, mine.file, last.timestamp, last.number), _packed(found)
        return None, b""

    def _now(self) -> int:
        return int(self._clock.now() * 1000)


def _some(events: Iterator[LogEvent]) -> list[LogEvent]:
    found: list[LogEvent] = []
    size = 0
    for event in events:
        found.append(event)
        size += len(event.message)
        if len(found) == _FILE_EVENTS or size >= _FILE_BYTES:
            break
    return found


def _packed(events: list[LogEvent]) -> bytes:
    lines = "".join(f"{times.iso8601(event.timestamp / 1000)} {event.message}\n" for event in events)
    return gzip.compress(lines.encode("utf-8", "replace"), 6, mtime=0)


def _key(task: Resource, cursor: Cursor) -> str:
    prefix = task.spec.get("destinationPrefix", _PREFIX)
    return f"{prefix}/{task.name}/{cursor.stream.replace('/', '-')}/{cursor.file:06d}.gz"


@service.operation("CreateExportTask", ignores=("taskName",))
async def create_export_task(ctx: Context, req: Doc) -> Doc:
    """The task is accepted; its events are put into the bucket from now on. Errors: InvalidParameterException,
    ResourceNotFoundException, LimitExceededException."""
    group = group_named(ctx, req["logGroupName"])
    if req["from"] > req["to"]:
        raise InvalidParameterException("The time range is empty: from is later than to.")
    if req["to"] < max(group.created, oldest_kept(ctx, group) or 0):
        raise InvalidParameterException("The time range ends before the log group has any events: choose a later to.")
    for phase in _ACTIVE:
        if ctx.store.count(KIND, Where(ctx.account, ctx.region, phase=phase)):
            raise LimitExceededException("An export task is under way already, and there can be one at a time.")
    await _check_bucket(ctx, req)
    name = ids.request_id()
    task = Resource(
        KIND, name, ctx.account, ctx.region, ids.new(), phase=MACHINE.initial, spec=req, due=ctx.clock.now()
    )
    ctx.store.create(task)
    return {"taskId": name}


async def _check_bucket(ctx: Context, req: Doc) -> None:
    """CloudWatch Logs may write there: it has. Raises InvalidParameterException."""
    bucket, exports = req["destination"], ctx.port(Exports)
    test = f"{req.get('destinationPrefix', _PREFIX)}/aws-logs-write-test"
    body = b"Permission Check Successful"
    for operation, params in (
        ("GetBucketAcl", {"Bucket": bucket}),
        ("PutObject", {"Bucket": bucket, "Key": test, "Body": body}),
    ):
        try:
            await exports.ask(ctx.region, req["logGroupName"], operation, params)
        except ServiceError as error:
            raise InvalidParameterException(
                f"{operation} call on the given bucket failed ({error.error_code}). Please check if it exists and "
                f"CloudWatch Logs (logs.{ctx.region}.amazonaws.com) has been granted permission to perform this "
                "operation."
            ) from None


@service.operation("DescribeExportTasks")
async def describe_export_tasks(ctx: Context, req: Doc) -> Doc:
    """Errors: InvalidParameterException."""
    if "taskId" in req and "statusCode" in req:
        raise InvalidParameterException("Give either taskId or statusCode, and not both.")
    if "taskId" in req:
        try:
            found = [ctx.store.get(ctx.account, ctx.region, KIND, req["taskId"])]
        except Missing:
            found = []
        return {"exportTasks": [_described(one) for one in found]}
    where = Where(ctx.account, ctx.region, phase=req.get("statusCode"))
    try:
        found, token = page.paginate(
            ctx.store, KIND, where, "created", True, limit=req.get("limit", _PAGE), token=req.get("nextToken")
        )
    except BadToken:
        raise InvalidParameterException(BAD_TOKEN) from None
    return {"exportTasks": [_described(one) for one in found]} | ({"nextToken": token} if token else {})


@service.operation("CancelExportTask")
async def cancel_export_task(ctx: Context, req: Doc) -> Doc:
    """No further file is put. Errors: ResourceNotFoundException, InvalidOperationException."""
    try:
        task = ctx.store.get(ctx.account, ctx.region, KIND, req["taskId"])
    except Missing:
        raise ResourceNotFoundException("The specified export task does not exist.") from None
    now = ctx.clock.now()
    if task.phase == "PENDING":
        ctx.store.update(task, phase="CANCELLED", due=None, completionTime=int(now * 1000))
    elif task.phase == "RUNNING":
        ctx.store.update(task, phase="PENDING_CANCEL", due=now)
    else:
        raise InvalidOperationException(f"The specified export task is {task.phase} and cannot be cancelled.")
    return {}


def _described(task: Resource) -> Doc:
    status: Doc = {"code": task.phase}
    if "message" in task.status:
        status["message"] = task.status["message"]
    execution: Doc = {"creationTime": int(task.created * 1000)}
    if "completionTime" in task.status:
        execution["completionTime"] = task.status["completionTime"]
    return {
        "taskId": task.name,
        **task.spec,
        "destinationPrefix": task.spec.get("destinationPrefix", _PREFIX),
        "status": status,
        "executionInfo": execution,
    }
