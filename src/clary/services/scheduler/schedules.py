"""Schedules: what they call, when, and with whose rights."""

from typing import Any, Final

import orjson

from clary.aws import targets
from clary.aws.acting import NotAssumable, session_of
from clary.aws.authorize import IdentityPolicies
from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.scheduler import sending, universal, when
from clary.services.scheduler.api import (
    SCHEDULE,
    ConflictException,
    ValidationException,
    find_group,
    find_schedule,
    group_of,
    row_name,
    schedule_arn,
    service,
)
from clary.services.scheduler.groups import page

MOST_INPUT: Final = 256 * 1024
"""Bytes of a target's Input."""
_SAID: Final = (
    *("Name", "ScheduleExpression", "StartDate", "EndDate", "Description", "ScheduleExpressionTimezone"),
    *("KmsKeyArn", "Target", "FlexibleTimeWindow", "ActionAfterCompletion"),
)
_PARAMETERS: Final = "a pipeline must be a JSON object of parameters"
_REFUSED: Final = {
    "EcsParameters": "ECS tasks",
    "KinesisParameters": "Kinesis streams",
    "EventBridgePutEventsV2Parameters": "event buses of the second version",
    "EventBridgePutRawEventsParameters": "event buses of the second version",
}


@service.operation("CreateSchedule", ignores=("KmsKeyArn",))
async def create_schedule(ctx: Context, req: Doc) -> Doc:
    """The schedule is there and fires from now on; asked again with the same ClientToken, the same answer. Errors:
    ConflictException, ResourceNotFoundException (the group), ValidationException."""
    group = _open_group(ctx, req)
    spec = _spec(ctx, req, group)
    state, now = req.get("State", "ENABLED"), ctx.clock.now()
    moment = when.first(spec, now) if state == "ENABLED" else None
    row = Resource(
        SCHEDULE,
        row_name(group, req["Name"]),
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=schedule_arn(ctx, group, req["Name"]),
        phase=state,
        parent=group,
        spec=spec,
        status={"_made": now, **_waits(moment), **({"_token": req["ClientToken"]} if "ClientToken" in req else {})},
        due=moment,
    )
    try:
        row = ctx.store.create(row)
    except Exists:
        row = find_schedule(ctx, req)
        if "ClientToken" not in req or row.status.get("_token") != req["ClientToken"]:
            raise ConflictException(f"Schedule {req['Name']} already exists.") from None
    return {"ScheduleArn": row.arn}


@service.operation("UpdateSchedule", ignores=("KmsKeyArn", "ClientToken"))
async def update_schedule(ctx: Context, req: Doc) -> Doc:
    """The schedule is what the request says; what it does not say is as if it had never been said. It is counted anew.
    Errors: ResourceNotFoundException, ConflictException, ValidationException."""
    while True:
        row = find_schedule(ctx, req)
        spec = _spec(ctx, req, _open_group(ctx, req))
        state, now = req.get("State", "ENABLED"), ctx.clock.now()
        moment = when.first(spec, now) if state == "ENABLED" else None
        try:
            ctx.store.update(row, phase=state, spec=spec, due=moment, _made=now, _next=moment)
        except Stale:  # written since it was read: look again
            continue
        return {"ScheduleArn": row.arn}


@service.operation("GetSchedule")
async def get_schedule(ctx: Context, req: Doc) -> Doc:
    """The schedule as it is. Errors: ResourceNotFoundException."""
    row = find_schedule(ctx, req)
    target = {**row.spec["Target"]}
    target["RetryPolicy"] = {**sending.RETRY, **target.get("RetryPolicy", {})}
    defaults = {"ScheduleExpressionTimezone": "UTC", "ActionAfterCompletion": "NONE"}
    return {**defaults, **row.spec, **_shown(row), "Target": target}


@service.operation("ListSchedules")
async def list_schedules(ctx: Context, req: Doc) -> Doc:
    """The schedules of a group, or of all of them by group, by name. Errors: ResourceNotFoundException (the group),
    ValidationException."""
    group, prefix = req.get("GroupName"), req.get("NamePrefix")
    if group is not None:
        find_group(ctx, group)
    named = row_name(group, prefix or "") if group is not None else None
    where = Where(ctx.account, ctx.region, phase=req.get("State"), parent=group, name_prefix=named)
    found, more = page(ctx, SCHEDULE, where, req)
    if group is None and prefix is not None:  # of several groups no index knows the names
        found = [one for one in found if one.spec["Name"].startswith(prefix)]
    return {"Schedules": [{**_shown(one), "Target": {"Arn": one.spec["Target"]["Arn"]}} for one in found], **more}


@service.operation("DeleteSchedule", ignores=("ClientToken",))
async def delete_schedule(ctx: Context, req: Doc) -> Doc:
    """The schedule is gone and fires no more. Errors: ResourceNotFoundException."""
    while True:
        try:
            ctx.store.delete(find_schedule(ctx, req))
        except Stale:  # written since it was read: look again
            continue
        return {}


def _shown(row: Resource) -> Doc:
    return {
        "Arn": row.arn,
        "GroupName": row.parent,
        "Name": row.spec["Name"],
        "State": row.phase,
        "CreationDate": row.created,
        "LastModificationDate": row.modified,
    }


def _waits(moment: float | None) -> Doc:
    return {} if moment is None else {"_next": moment}


def _open_group(ctx: Context, req: Doc) -> str:
    group = find_group(ctx, group_of(req))
    if group.phase == "DELETING":
        raise ConflictException(f"Schedule group {group.name} is being deleted.")
    return group.name


def _spec(ctx: Context, req: Doc, group: str) -> Doc:
    """What is kept of the request, checked. Raises ValidationException, NotImplementedHere."""
    spec: Doc = {name: req[name] for name in _SAID if name in req}
    when.check(spec, ctx.clock.now())
    _check_target(ctx, spec["Target"])
    try:
        acting = sending.acting(ctx.account, ctx.region, group, spec["Target"]["RoleArn"])
        session_of(acting, ctx.port(IdentityPolicies), ctx.account, ctx.clock.now())
    except NotAssumable:
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        ) from None
    return spec


def _check_target(ctx: Context, target: Doc) -> None:
    for member, named in _REFUSED.items():
        if member in target:
            raise NotImplementedHere(f"{member} is not served by Clary: targets cannot be {named} yet.")
    if len(target.get("Input", "").encode()) > MOST_INPUT:
        raise ValidationException("The Input of a target has at most 256 KB.")
    dead = target.get("DeadLetterConfig", {}).get("Arn", "")
    if dead.endswith(".fifo"):
        raise ValidationException("A dead-letter queue must be a standard queue, not a FIFO queue.")
    if target["Arn"].startswith(universal.PREFIX):
        universal.check(ctx, target)
        return
    kind = targets.check(ctx, target["Arn"])
    if kind.service == "logs":
        raise ValidationException(
            "A log group is no target of schedules: use the universal target "
            f"{universal.PREFIX}cloudwatchlogs:putLogEvents."
        )
    if "MessageGroupId" in target.get("SqsParameters", {}):
        raise ValidationException("MessageGroupId is for FIFO queues.")
    _check_members(target, kind)


def _check_members(target: Doc, kind: targets.TargetKind) -> None:
    own = {"events": "EventBridgeParameters", "sqs": "SqsParameters", "sagemaker": "SageMakerPipelineParameters"}
    for service_, member in own.items():
        if member in target and service_ != kind.service:
            raise ValidationException(f"{member} does not go with the target {target['Arn']}.")
    if kind.service == "events":
        if "EventBridgeParameters" not in target:
            raise ValidationException("EventBridgeParameters must be provided for an event bus as target.")
        _check_json(target, "an event bus must be well-formed JSON")
    if kind.service == "sagemaker" and not isinstance(_check_json(target, _PARAMETERS), dict):
        raise ValidationException(f"The Input of {_PARAMETERS}.")


def _check_json(target: Doc, what: str) -> Any:
    try:
        return orjson.loads(target.get("Input", "{}"))
    except orjson.JSONDecodeError as error:
        raise ValidationException(f"The Input of {what}: {error}.") from None
