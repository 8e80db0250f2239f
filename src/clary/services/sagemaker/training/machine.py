"""The life of a training job: its state machine, and the secondary statuses that tell how far it is."""

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.services.sagemaker import jobs

KIND = "training-job"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
LONGEST_SECONDS = 86_400
"""MaxRuntimeInSeconds where the request sets none, as AWS documents it."""

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
    "Restarting": "Restarting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training job is running",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
}


def enter(status: Doc, secondary: str, now: float, *, last: bool = False) -> Doc:
    """The status members of going to a secondary status; the same again when it is already there."""
    past: list[Doc] = list(status.get("SecondaryStatusTransitions") or [])
    if past and past[-1]["Status"] == secondary and not last:
        return {}
    if past and "EndTime" not in past[-1]:
        past[-1] = {**past[-1], "EndTime": now}
    if not past or past[-1]["Status"] != secondary:
        entered: Doc = {"Status": secondary, "StartTime": now, "StatusMessage": MESSAGES[secondary]}
        past.append({**entered, "EndTime": now} if last else entered)
    return {"SecondaryStatus": secondary, "SecondaryStatusTransitions": past}


def run_uid(job: Resource) -> str:
    """The uid of the run of the job's present attempt."""
    return attempt_uid(job.uid, job.status.get("_attempt", 0))


def attempt_uid(uid: str, attempt: int) -> str:
    """The uid of the run of that attempt, counted from 0."""
    return f"{uid}-{attempt}" if attempt else uid


def longest(job: Resource) -> float:
    """Seconds that the job may run."""
    return float((job.spec.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", LONGEST_SECONDS))


def find(ctx: Context, name: str) -> Resource:
    """The job of that name. Raises ValidationException in AWS's words."""
    return jobs.find(ctx, KIND, name, "Requested resource not found.")
