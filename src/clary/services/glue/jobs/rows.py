"""How jobs, their runs and their bookmarks are kept, and what is shown of them."""

import hashlib
from typing import Final

from clary.aws.service import Context
from clary.jobs import turns
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Where
from clary.services.glue.errors import EntityNotFoundException

JOB: Final = "glue-job"
RUN: Final = "glue-job-run"
"""Its name is the run's id, its parent the job's uid: a job that is made again under an old name has no runs."""
BOOKMARK: Final = "glue-job-bookmark"
"""Its name is the job's uid."""

MACHINE: Final = StateMachine(
    "JobRunState",
    "STARTING",
    {
        "WAITING": {"STARTING", "STOPPED"},
        "STARTING": {"RUNNING", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR"},
        "RUNNING": {"STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR"},
        "STOPPING": {"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR"},
    },
)
ACTIVE: Final = ("STARTING", "RUNNING", "STOPPING")
"""The states that count for MaxConcurrentRuns."""
SPARK: Final = "glueetl"
SHELL: Final = "pythonshell"
LOG_GROUPS: Final = {SPARK: "/aws-glue/jobs", SHELL: "/aws-glue/python-jobs"}

_RUN: Final = (
    "Attempt",
    "PreviousRunId",
    "TriggerName",
    "JobMode",
    "JobRunQueuingEnabled",
    "Arguments",
    "AllocatedCapacity",
    "Timeout",
    "MaxCapacity",
    "WorkerType",
    "NumberOfWorkers",
    "SecurityConfiguration",
    "NotificationProperty",
    "GlueVersion",
    "ExecutionClass",
    "MaintenanceWindow",
)


def job_arn(ctx: Context, name: str) -> str:
    return ctx.arn("glue", f"job/{name}")


def find_job(ctx: Context, name: str) -> Resource:
    """Raises EntityNotFoundException in AWS's words."""
    try:
        return ctx.store.get(ctx.account, ctx.region, JOB, name)
    except Missing:
        raise EntityNotFoundException(f"Job with name: {name} not found.") from None


def find_run(ctx: Context, job: Resource, run_id: str) -> Resource:
    """Raises EntityNotFoundException in AWS's words."""
    try:
        run = ctx.store.get(ctx.account, ctx.region, RUN, run_id)
    except Missing:
        run = None
    if run is None or run.parent != job.uid:
        raise EntityNotFoundException(f"Job run with id {run_id} of the job {job.name} not found.")
    return run


def run_id_of(uid: str) -> str:
    """As AWS writes ids of runs; the same for the same uid."""
    return f"jr_{hashlib.sha256(uid.encode()).hexdigest()}"


def arguments(run: Resource) -> dict[str, str]:
    """What the run is given: the job's defaults, over them the run's own, over them what nobody may override."""
    job = run.spec["_job"]
    said = (job.get("DefaultArguments"), run.spec.get("Arguments"), job.get("NonOverridableArguments"))
    return {key: value for one in said for key, value in (one or {}).items()}


def shown_job(job: Resource) -> Doc:
    """GetJob's answer."""
    return {"Name": job.name, **job.public(), "CreatedOn": job.created, "LastModifiedOn": job.modified}


def shown_run(run: Resource) -> Doc:
    """GetJobRun's answer."""
    status = run.status
    group = LOG_GROUPS[run.spec["_job"]["Command"]["Name"]]
    said: Doc = {
        "Id": run.name,
        "JobName": run.spec["JobName"],
        "JobRunState": run.phase,
        "StartedOn": run.created,
        "LastModifiedOn": run.modified,
        "LogGroupName": group,
        "PredecessorRuns": [],
        "ExecutionTime": status.get("ExecutionTime", 0),
        **{name: run.spec[name] for name in _RUN if name in run.spec},
    }
    for name in ("CompletedOn", "ErrorMessage", "StateDetail"):
        if status.get(name) is not None:
            said[name] = status[name]
    return said


def active(store: Store, job: Resource) -> int:
    """How many runs of the job count for MaxConcurrentRuns now."""
    where = (Where(account=job.account, region=job.region, parent=job.uid, phase=phase) for phase in ACTIVE)
    return sum(store.count(RUN, one) for one in where)


def demand(run: Resource, scale: float) -> turns.Demand:
    """What the run asks of this machine: one worker of its type, since one process does the work of all."""
    dpus = DPUS.get(run.spec.get("WorkerType", ""), 1.0)
    if run.spec["_job"]["Command"]["Name"] == SHELL:
        dpus = float(run.spec.get("MaxCapacity") or 0.0625)
    return turns.Demand(scale * dpus * _CPUS, round(scale * dpus * _MEMORY))


_CPUS: Final = 4
_MEMORY: Final = 16 << 30
"""Of one DPU, as AWS documents it."""
DPUS: Final = {
    "G.025X": 0.25,
    "G.2X": 2.0,
    "G.4X": 4.0,
    "G.8X": 8.0,
    "G.12X": 12.0,
    "G.16X": 16.0,
    "R.2X": 2.0,
    "R.4X": 4.0,
    "R.8X": 8.0,
}
