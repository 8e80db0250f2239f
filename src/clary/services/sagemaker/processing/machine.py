"""The life of a processing job."""

from clary.aws.service import Context
from clary.kernel.resource import Resource, StateMachine
from clary.services.sagemaker import jobs

KIND = "processing-job"
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
LONGEST_SECONDS = 86_400
"""MaxRuntimeInSeconds where the request sets none."""
ROOT = "/opt/ml/processing"
"""Where a job's inputs and outputs stand; AWS lets a LocalPath be nowhere else."""

PROCESSING_JOB = StateMachine(
    "ProcessingJobStatus",
    "InProgress",
    {
        "InProgress": {"Completed", "Failed", "Stopping", "Stopped"},
        "Stopping": {"Stopped", "Completed", "Failed"},
    },
)


def longest(job: Resource) -> float:
    """Seconds that the job may run."""
    return float((job.spec.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", LONGEST_SECONDS))


def instances(job: Resource) -> tuple[str, int]:
    """(instance type, how many): the job's hosts."""
    cluster = job.spec["ProcessingResources"]["ClusterConfig"]
    return cluster["InstanceType"], int(cluster["InstanceCount"])


def find(ctx: Context, name: str) -> Resource:
    """The job of that name. Raises ValidationException in AWS's words."""
    return jobs.find(ctx, KIND, name, f"Could not find requested job with name: {name}")
