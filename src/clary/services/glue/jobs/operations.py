"""The operations on jobs."""

from typing import Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.errors import AlreadyExistsException, InvalidInputException
from clary.services.glue.jobs import checks
from clary.services.glue.jobs.bookmarks import forget
from clary.services.glue.jobs.rows import JOB, MACHINE, RUN, find_job, job_arn, shown_job

_PAGE: Final = 1000
_AT_ONCE: Final = 500
_IGNORED: Final = (
    "Description",
    "LogUri",
    "SecurityConfiguration",
    "ExecutionClass",
    "MaintenanceWindow",
    "JobMode",
    "Command.Runtime",
    "Command.PythonVersion",
)

tags.holds(JOB, "glue:job")


@service.operation("CreateJob", ignores=_IGNORED)
async def create_job(ctx: Context, req: Doc) -> Doc:
    """The job is there; nothing runs. Errors: AlreadyExistsException, InvalidInputException."""
    checks.check_job(req)
    said = {name: value for name, value in req.items() if name not in ("Name", "Tags")}
    made = Resource(
        JOB,
        req["Name"],
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=job_arn(ctx, req["Name"]),
        spec=_filled(said),
        status={"_tags": tags.checked(req.get("Tags"))},
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException(f"Job with name {req['Name']} already exists.") from None
    return {"Name": req["Name"]}


@service.operation("UpdateJob", ignores=tuple(f"JobUpdate.{name}" for name in _IGNORED))
async def update_job(ctx: Context, req: Doc) -> Doc:
    """The job is as the request says it; runs that have begun go on as they were. Errors: EntityNotFoundException,
    InvalidInputException."""
    while True:
        job = find_job(ctx, req["JobName"])
        said = checks.changed(job.spec, req["JobUpdate"])
        checks.check_job(said)
        try:
            ctx.store.update(job, spec=_filled(said))
        except Stale:  # written since it was read: look again
            continue
        return {"JobName": job.name}


@service.operation("GetJob")
async def get_job(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    return {"Job": shown_job(find_job(ctx, req["JobName"]))}


@service.operation("GetJobs")
async def get_jobs(ctx: Context, req: Doc) -> Doc:
    """By name. Errors: InvalidInputException (a foreign token)."""
    found, more = listed(ctx, JOB, req.get("MaxResults", _PAGE), req.get("NextToken"))
    return {"Jobs": [shown_job(one) for one in found], **more}


@service.operation("ListJobs")
async def list_jobs(ctx: Context, req: Doc) -> Doc:
    """The names of the jobs that have these tags. Errors: InvalidInputException (a foreign token)."""
    found, more = listed(ctx, JOB, req.get("MaxResults", _PAGE), req.get("NextToken"))
    return {"JobNames": [one.name for one in found if tagged(one, req)], **more}


@service.operation("BatchGetJobs")
async def batch_get_jobs(ctx: Context, req: Doc) -> Doc:
    """The jobs of these names, and which are not there."""
    found, missing = several(ctx, JOB, req["JobNames"])
    return {"Jobs": [shown_job(one) for one in found], "JobsNotFound": missing}


@service.operation("DeleteJob")
async def delete_job(ctx: Context, req: Doc) -> Doc:
    """The job is gone, with its runs and bookmarks; a run that is under way is stopped. A job that is not there is no
    error, as on AWS."""
    try:
        job = ctx.store.get(ctx.account, ctx.region, JOB, req["JobName"])
    except Missing:
        return {"JobName": req["JobName"]}
    # Its runs first: after a crash in between the job is still there, with fewer of them.
    where = Where(account=ctx.account, region=ctx.region, parent=job.uid)
    left: list[Resource] = []
    after = None
    while found := ctx.store.page(RUN, where, after=after, limit=_AT_ONCE):
        after = page.position(found[-1], "name")
        left += found
    now = ctx.clock.now()
    for run in left:
        if MACHINE.settled(run.phase) and run.due is None:
            ctx.store.delete(run)
        elif MACHINE.settled(run.phase) or run.phase == "STOPPING":
            ctx.store.update(run, due=now, _gone=True)
        else:
            phase = "STOPPED" if run.phase == "WAITING" else "STOPPING"
            ctx.store.update(run, phase=phase, due=now, _stop_asked=now, _gone=True)
    forget(ctx.store, job)
    ctx.store.delete(job)
    return {"JobName": job.name}


def listed(ctx: Context, kind: str, limit: int, token: str | None) -> tuple[list[Resource], Doc]:
    """A page of rows by name, and NextToken where there are more. Raises InvalidInputException."""
    where = Where(account=ctx.account, region=ctx.region)
    try:
        found, following = page.paginate(ctx.store, kind, where, limit=limit, token=token)
    except BadToken as error:
        raise InvalidInputException(str(error)) from None
    return found, {"NextToken": following} if following else {}


def tagged(one: Resource, req: Doc) -> bool:
    """It has all tags that the request names."""
    return (req.get("Tags") or {}).items() <= dict(kept_tags.of(one)).items()


def several(ctx: Context, kind: str, names: list[str]) -> tuple[list[Resource], list[str]]:
    """(the resources of these names, the names of those that are not there)."""
    found: list[Resource] = []
    missing: list[str] = []
    for name in dict.fromkeys(names):
        try:
            found.append(ctx.store.get(ctx.account, ctx.region, kind, name))
        except Missing:
            missing.append(name)
    return found, missing


def _filled(said: Doc) -> Doc:
    """The definition with AWS's defaults."""
    kind = said["Command"]["Name"]
    version = said.get("GlueVersion", checks.DEFAULT_VERSION)
    return {
        "JobMode": "SCRIPT",
        "MaxRetries": 0,
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "Timeout": checks.timeout(kind, version),
        **said,
        **checks.capacity(kind, said),
        "GlueVersion": version,
        "Command": {"PythonVersion": "3", **said["Command"]},
    }
