"""The life of a training job: its state machine, and the secondary statuses that tell how far it is."""

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.services.sagemaker import jobs

KIND = "training-job"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
LONGEST_SECONDS = 86_400
"""MaxRuntimeInSeconds where the request sets none, as AWS documents it."""

SPOT = "EnableManagedSpotTraining"
EXCEEDED = ("MaxRuntimeExceeded", "MaxWaitTimeExceeded")
"""Secondary statuses of a job that is stopped because its time is over; they stand until its end."""

TRAINING_JOB = StateMachine(
    "TrainingJobStatus",
    "InProgress",
    {
        "InProgress": {"Completed", "Failed", "Stopping", "Stopped"},
        "Stopping": {"Stopped", "Completed", "Failed"},
    },
)

MESSAGES = {
    "Starting": "Starting the training job",
    "Pending": "Waiting for capacity",
    "Restarting": "Restarting the training job",
    "Interrupted": "Training job was interrupted: its run is gone from this machine, and starts again",
    "Downloading": "Downloading input data",
    "Training": "Training job is running",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
}


def enter(status: Doc, secondary: str, now: float, *, last: bool = False, message: str | None = None) -> Doc:
    """The status members of going to a secondary status; the same again when it is already there, with the new
    `message` if one is given."""
    past: list[Doc] = list(status.get("SecondaryStatusTransitions") or [])
    said = MESSAGES[secondary] if message is None else message
    if past and past[-1]["Status"] == secondary and not last:
        if message is None or past[-1]["StatusMessage"] == message:
            return {}
        return {"SecondaryStatusTransitions": [*past[:-1], {**past[-1], "StatusMessage": message}]}
    if past and "EndTime" not in past[-1]:
        past[-1] = {**past[-1], "EndTime": now}
    if not past or past[-1]["Status"] != secondary:
        entered: Doc = {"Status": secondary, "StartTime": now, "StatusMessage": said}
        past.append({**entered, "EndTime": now} if last else entered)
    return {"SecondaryStatus": secondary, "SecondaryStatusTransitions": past}


def run_uid(job: Resource) -> str:
    """The uid of the run of the job's present attempt."""
    return attempt_uid(job.uid, job.status.get("_attempt", 0))


def attempt_uid(uid: str, attempt: int) -> str:
    """The uid of the run of that attempt, counted from 0."""
    return f"{uid}-{attempt}" if attempt else uid


def longest(job: Resource) -> float:
    """Seconds that the job may run, all its attempts together."""
    return float((job.spec.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", LONGEST_SECONDS))


def limit(job: Resource, member: str) -> float | None:
    """Another of the job's stopping conditions, in seconds; None: it has none."""
    given = (job.spec.get("StoppingCondition") or {}).get(member)
    return None if given is None else float(given)


def instances(job: Resource) -> tuple[str, int]:
    """(type, count) of the job's hosts."""
    config = job.spec["ResourceConfig"]
    return config.get("InstanceType") or "", config.get("InstanceCount") or 1


def find(ctx: Context, name: str) -> Resource:
    """The job of that name. Raises ValidationException in AWS's words."""
    return jobs.find(ctx, KIND, name, "Requested resource not found.")
