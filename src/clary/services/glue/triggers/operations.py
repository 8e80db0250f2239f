"""The operations on triggers."""

from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import ids, schedule
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException
from clary.services.glue.jobs.operations import listed, several, tagged
from clary.services.glue.jobs.rows import find_job
from clary.services.glue.triggers import actions
from clary.services.glue.triggers.hints import TRIGGER
from clary.services.glue.triggers.rows import MACHINE, check, find, shown, starts, trigger_arn, watched

_PAGE: Final = 200

tags.holds(TRIGGER, "glue:trigger")


@service.operation("CreateTrigger", ignores=("Actions.SecurityConfiguration", "Description"))
async def create_trigger(ctx: Context, req: Doc) -> Doc:
    """The trigger is there; with StartOnCreation it is active. Errors: AlreadyExistsException, EntityNotFoundException,
    InvalidInputException."""
    said = {name: value for name, value in req.items() if name not in ("Name", "Tags", "StartOnCreation")}
    check(said)
    _check_jobs(ctx, said)
    begins = req.get("StartOnCreation", False)
    if begins and said["Type"] == "ON_DEMAND":
        raise InvalidInputException("StartOnCreation is not for triggers of the type ON_DEMAND: start them")
    now = ctx.clock.now()
    status: Doc = {"_tags": tags.checked(req.get("Tags")), "_refers": watched(said)}
    made = Resource(
        TRIGGER,
        req["Name"],
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=trigger_arn(ctx, req["Name"]),
        phase="ACTIVATED" if begins else MACHINE.initial,
        spec=said,
        status={**status, **(_begun(said, now) if begins else {})},
        due=now if begins else None,
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Trigger with name {req['Name']} already exists.") from None
    return {"Name": req["Name"]}


@service.operation(
    "UpdateTrigger", ignores=("TriggerUpdate.Actions.SecurityConfiguration", "TriggerUpdate.Description")
)
async def update_trigger(ctx: Context, req: Doc) -> Doc:
    """The trigger is as the request says it; what it leaves out stands, as the type does. An active one goes on from
    now. Errors: EntityNotFoundException, InvalidInputException."""
    update = {name: value for name, value in req["TriggerUpdate"].items() if name != "Name"}
    while True:
        trigger = find(ctx, req["Name"])
        said = {**trigger.spec, **update}
        check(said)
        _check_jobs(ctx, said)
        changed: Doc = {"_refers": watched(said)}
        due: float | None = None
        if trigger.phase == "ACTIVATED" and said["Type"] != "ON_DEMAND":
            due = ctx.clock.now()
            changed |= _begun(said, due)
        try:
            new = ctx.store.update(trigger, spec=said, due=due, **changed)
        except Stale:  # written since it was read: look again
            continue
        return {"Trigger": shown(new)}


@service.operation("GetTrigger")
async def get_trigger(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    return {"Trigger": shown(find(ctx, req["Name"]))}


@service.operation("GetTriggers")
async def get_triggers(ctx: Context, req: Doc) -> Doc:
    """By name; of a DependentJobName, those that start it. Errors: EntityNotFoundException, InvalidInputException."""
    found, more = _listed(ctx, req)
    return {"Triggers": [shown(one) for one in found], **more}


@service.operation("ListTriggers")
async def list_triggers(ctx: Context, req: Doc) -> Doc:
    """The names of those that have these tags, and start that job. Errors: as GetTriggers."""
    found, more = _listed(ctx, req)
    return {"TriggerNames": [one.name for one in found if tagged(one, req)], **more}


@service.operation("BatchGetTriggers")
async def batch_get_triggers(ctx: Context, req: Doc) -> Doc:
    """The triggers of these names, and which are not there."""
    found, missing = several(ctx, TRIGGER, req["TriggerNames"])
    return {"Triggers": [shown(one) for one in found], "TriggersNotFound": missing}


@service.operation("DeleteTrigger")
async def delete_trigger(ctx: Context, req: Doc) -> Doc:
    """The trigger is gone; what it started goes on. One that is not there is no error, as on AWS."""
    while True:
        try:
            ctx.store.delete(ctx.store.get(ctx.account, ctx.region, TRIGGER, req["Name"]))
        except Missing:
            pass
        except Stale:
            continue
        return {"Name": req["Name"]}


@service.operation("StartTrigger")
async def start_trigger(ctx: Context, req: Doc) -> Doc:
    """One on demand fires now; any other is active from now on. Errors: ConcurrentRunsExceededException,
    EntityNotFoundException, InvalidInputException."""
    while True:
        trigger = find(ctx, req["Name"])
        if trigger.spec["Type"] == "ON_DEMAND":
            await actions.fire(ctx, trigger, ids.new(), strict=True)
            return {"Name": trigger.name}
        if trigger.phase == "ACTIVATED":
            return {"Name": trigger.name}
        now = ctx.clock.now()
        try:
            ctx.store.update(trigger, phase="ACTIVATED", due=now, **_begun(trigger.spec, now))
        except Stale:
            continue
        return {"Name": trigger.name}


@service.operation("StopTrigger")
async def stop_trigger(ctx: Context, req: Doc) -> Doc:
    """The trigger fires no more; what it started goes on. Errors: EntityNotFoundException, InvalidInputException."""
    while True:
        trigger = find(ctx, req["Name"])
        if trigger.spec["Type"] == "ON_DEMAND":
            raise InvalidInputException("A trigger of the type ON_DEMAND is never active: there is nothing to stop")
        if trigger.phase != "ACTIVATED":
            return {"Name": trigger.name}
        try:
            ctx.store.update(trigger, phase="DEACTIVATED", due=None)
        except Stale:
            continue
        return {"Name": trigger.name}


def _begun(said: Doc, now: float) -> dict[str, Any]:
    """What a trigger remembers from the moment on at which it became active."""
    following = schedule.parse(said["Schedule"])(now) if said["Type"] == "SCHEDULED" else None
    return {"_since": now, "_next": following, "_passed": {}, "_met": {}}


def _check_jobs(ctx: Context, said: Doc) -> None:
    """Raises EntityNotFoundException for a job that an action names and that is not there, as AWS does."""
    for action in said["Actions"]:
        if "JobName" in action:
            find_job(ctx, action["JobName"])


def _listed(ctx: Context, req: Doc) -> tuple[list[Resource], Doc]:
    job = req.get("DependentJobName")
    if job is not None:
        found = [one for one in _all(ctx.store, ctx) if starts(one, job)]
        if not found:
            raise EntityNotFoundException(f"No trigger starts the job {job}.")
        return found, {}
    return listed(ctx, TRIGGER, req.get("MaxResults", _PAGE), req.get("NextToken"))


def _all(store: Store, ctx: Context) -> list[Resource]:
    return store.page(TRIGGER, Where(account=ctx.account, region=ctx.region), limit=100_000)
