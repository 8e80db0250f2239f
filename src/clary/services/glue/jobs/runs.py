"""The operations on runs of jobs."""

from contextlib import suppress
from typing import Final

from clary.aws import kept_tags
from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.jobs import turns
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.glue.api import service
from clary.services.glue.errors import (
    ConcurrentRunsExceededException,
    EntityNotFoundException,
    InvalidInputException,
)
from clary.services.glue.jobs import checks, special
from clary.services.glue.jobs.rows import MACHINE, RUN, active, find_job, find_run, run_id_of, shown_run

_PAGE: Final = 200
_FROM_JOB: Final = ("JobMode", "SecurityConfiguration", "NotificationProperty", "GlueVersion", "ExecutionClass")
_FROM_RUN: Final = (
    "Timeout",
    "SecurityConfiguration",
    "NotificationProperty",
    "ExecutionClass",
    "JobRunQueuingEnabled",
)
_SIZE: Final = ("MaxCapacity", "AllocatedCapacity", "WorkerType", "NumberOfWorkers")


@service.operation("StartJobRun", ignores=("SecurityConfiguration", "ExecutionClass"))
async def start_job_run(ctx: Context, req: Doc) -> Doc:
    """The run is accepted; the reconciler runs it. With the id of a run that has not done well, its next attempt: the
    same one, however often this is asked. Errors: ConcurrentRunsExceededException, EntityNotFoundException,
    InvalidInputException."""
    if "ExecutionRoleSessionPolicy" in req:
        raise NotImplementedHere("ExecutionRoleSessionPolicy is not served by Clary: give the job a narrower role.")
    job = find_job(ctx, req["JobName"])
    if "JobRunId" in req:
        return {"JobRunId": _again(ctx, job, req)}
    return {"JobRunId": begin(ctx, job, req).name}


@service.operation("GetJobRun", ignores=("PredecessorsIncluded",))
async def get_job_run(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    return {"JobRun": shown_run(find_run(ctx, find_job(ctx, req["JobName"]), req["RunId"]))}


@service.operation("GetJobRuns")
async def get_job_runs(ctx: Context, req: Doc) -> Doc:
    """The newest first. Errors: EntityNotFoundException, InvalidInputException (a foreign token)."""
    job = find_job(ctx, req["JobName"])
    where = Where(account=ctx.account, region=ctx.region, parent=job.uid)
    limit = req.get("MaxResults", _PAGE)
    try:
        found, token = page.paginate(ctx.store, RUN, where, "created", True, limit, req.get("NextToken"))
    except BadToken as error:
        raise InvalidInputException(str(error)) from None
    return {"JobRuns": [shown_run(one) for one in found], **({"NextToken": token} if token else {})}


@service.operation("BatchStopJobRun")
async def batch_stop_job_run(ctx: Context, req: Doc) -> Doc:
    """Each of the runs is asked to end: SIGTERM, two minutes, SIGKILL. Which cannot be, and why, stands in Errors."""
    done: list[Doc] = []
    errors: list[Doc] = []
    for run_id in dict.fromkeys(req["JobRunIds"]):
        who = {"JobName": req["JobName"], "JobRunId": run_id}
        try:
            _stop(ctx, req["JobName"], run_id)
            done.append(who)
        except (EntityNotFoundException, InvalidInputException) as error:
            errors.append({**who, "ErrorDetail": {"ErrorCode": error.error_code, "ErrorMessage": error.message}})
    return {"SuccessfulSubmissions": done, "Errors": errors}


def begin(ctx: Context, job: Resource, req: Doc, *, uid: str | None = None, trigger: str = "") -> Resource:
    """A run of the job has been accepted; of one `uid` only ever one. Raises ConcurrentRunsExceededException and
    InvalidInputException."""
    kind = job.spec["Command"]["Name"]
    checks.check_run(req, kind)
    arguments = req.get("Arguments") or {}
    job_said = {name: value for name, value in job.spec.items() if not name.startswith("_")}
    over = job_said.get("NonOverridableArguments") or {}
    special.read({**(job_said.get("DefaultArguments") or {}), **arguments, **over})
    given = uid or ids.new()
    if uid is not None:
        with suppress(Missing):
            return ctx.store.get(ctx.account, ctx.region, RUN, run_id_of(uid))
    sized = any(name in req for name in _SIZE)
    spec: Doc = {
        "JobName": job.name,
        "Attempt": 0,
        "Timeout": job.spec["Timeout"],
        **{name: job.spec[name] for name in _FROM_JOB if name in job.spec},
        **{name: req[name] for name in _FROM_RUN if name in req},
        **(checks.capacity(kind, req) if sized else {name: job.spec[name] for name in _SIZE if name in job.spec}),
        "_job": job_said,
        "_job_uid": job.uid,
    }
    if arguments:
        spec["Arguments"] = arguments
    if trigger:
        spec["TriggerName"] = trigger
    phase = MACHINE.initial
    most = job.spec["ExecutionProperty"].get("MaxConcurrentRuns", 1)
    queues = req.get("JobRunQueuingEnabled", job.spec.get("JobRunQueuingEnabled", False))
    if active(ctx.store, job) >= most:
        if not queues:
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {job.name}")
        phase = "WAITING"
    status = {**turns.created_by(ctx), "_tags": dict(kept_tags.of(job))}
    now = ctx.clock.now()
    run = Resource(
        RUN,
        run_id_of(given),
        ctx.account,
        ctx.region,
        uid=given,
        phase=phase,
        parent=job.uid,
        spec=spec,
        status=status,
        due=now,
    )
    return ctx.store.create(run)


def next_attempt(store: Store, run: Resource, now: float, arguments: Doc | None = None) -> Resource:
    """The attempt that follows the run is there, due. Safe to repeat."""
    first = run.spec.get("_first", run.name)
    number = run.spec["Attempt"] + 1
    name = f"{first}_attempt_{number}"
    spec = {**run.spec, "Attempt": number, "PreviousRunId": run.name, "_first": first}
    if arguments is not None:
        spec["Arguments"] = arguments
    kept: Doc = {name: run.status[name] for name in (str(turns.BY), "_tags") if name in run.status}
    new = Resource(
        RUN,
        name,
        run.account,
        run.region,
        uid=ids.new(),
        phase=MACHINE.initial,
        parent=run.parent,
        spec=spec,
        status=kept,
        due=now,
    )
    try:
        return store.create(new)
    except Exists:
        return store.get(run.account, run.region, RUN, name)


def _again(ctx: Context, job: Resource, req: Doc) -> str:
    previous = find_run(ctx, job, req["JobRunId"])
    if previous.phase not in ("FAILED", "TIMEOUT", "STOPPED", "ERROR"):
        raise InvalidInputException(
            f"Job run {previous.name} is in state {previous.phase}: only one that has failed, timed out or been "
            "stopped can be tried again"
        )
    first, number = previous.spec.get("_first", previous.name), previous.spec["Attempt"] + 1
    try:
        return ctx.store.get(ctx.account, ctx.region, RUN, f"{first}_attempt_{number}").name
    except Missing:
        most = job.spec["ExecutionProperty"].get("MaxConcurrentRuns", 1)
        if active(ctx.store, job) >= most:
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {job.name}") from None
    return next_attempt(ctx.store, previous, ctx.clock.now(), req.get("Arguments")).name


def _stop(ctx: Context, job_name: str, run_id: str) -> None:
    while True:
        run = find_run(ctx, find_job(ctx, job_name), run_id)
        if run.phase == "STOPPING":
            return
        if MACHINE.settled(run.phase):
            raise InvalidInputException(f"Job run {run_id} is in state {run.phase}: it cannot be stopped any more")
        now = ctx.clock.now()
        phase = "STOPPED" if run.phase == "WAITING" else "STOPPING"
        ended: Doc = {"CompletedOn": now} if phase == "STOPPED" else {}
        with suppress(Stale):  # the reconciler wrote it between the look and the write: look again
            ctx.store.update(run, phase=phase, due=now, _stop_asked=now, **ended)
            return
