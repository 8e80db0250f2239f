"""The life of a transform job, and what runs of it are called.

A host of the job is one server a container of the model, and one run that sends the host's part of the objects. The
model is copied into the job's status when the job is made, so that it may be deleted while the job waits or runs:

    _model  {"containers": [{"Image", "ModelDataUrl", "Environment", ...}], "role": "arn:...", "isolated": False}
"""

from hashlib import sha256

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import cluster, jobs, models

KIND = "transform-job"
LOG_GROUP = "/aws/sagemaker/TransformJobs"
MOST_HOSTS = 100
"""InstanceCount, as AWS documents it."""
MOST_MB = 100
"""MaxPayloadInMB, and MaxPayloadInMB times MaxConcurrentTransforms."""

TRANSFORM_JOB = StateMachine(
    "TransformJobStatus",
    "InProgress",
    {
        "InProgress": {"Completed", "Failed", "Stopping", "Stopped"},
        "Stopping": {"Stopped", "Completed", "Failed"},
    },
)


def find(ctx: Context, name: str) -> Resource:
    """The job of that name. Raises ValidationException in AWS's words."""
    return jobs.find(ctx, KIND, name, f"Could not find requested job with name: {name}")


def model_of(model: Resource) -> Doc:
    """What a job keeps of its model. Raises ValidationException for a model without a role."""
    role = model.spec.get("ExecutionRoleArn")
    if not role:
        raise ValidationException(
            f"The model {model.name!r} has no ExecutionRoleArn: a transform job reads its input and stores its output "
            "as that role"
        )
    several = models.containers(model)
    if any(models.is_multi_model(one) for one in several):
        raise ValidationException(f"The model {model.name!r} is multi-model: a transform job needs one of one artifact")
    isolated = bool(model.spec.get("EnableNetworkIsolation", False))
    return {"containers": several, "role": role, "isolated": isolated}


def hosts(job: Resource) -> int:
    return int(job.spec["TransformResources"]["InstanceCount"])


def sender_uid(job: Resource, host: int) -> str:
    """The run that sends the part of host `host`, counted from 0."""
    return cluster.host_uid(job.uid, host + 1)


def server_uid(job: Resource, host: int, container: int) -> str:
    """The server of the host's container of that number, both counted from 0."""
    return f"{job.uid}-s{host}-{container}"


def server_uids(job: Resource, host: int) -> list[str]:
    return [server_uid(job, host, number) for number in range(len(job.status["_model"]["containers"]))]


def all_uids(job: Resource) -> list[str]:
    return [uid for host in range(hosts(job)) for uid in (sender_uid(job, host), *server_uids(job, host))]


def instance(uid: str, host: int) -> str:
    """The instance id of a host, as log streams and metrics name it."""
    return f"i-{sha256(f'{uid}/{host}'.encode()).hexdigest()[:17]}"


def instance_of(run: str) -> str:
    """The instance id of the host that a run belongs to, by the run's uid."""
    uid, _, rest = run.partition("-")
    if rest.startswith("s"):
        return instance(uid, int(rest[1:].partition("-")[0]))
    return instance(uid, int(rest[1:]) - 1 if rest else 0)


def data_log(job: Resource, host: int) -> LogStreamName:
    """Where the lines of the run that sends go."""
    return _stream(job, host, "/data-log")


def server_log(job: Resource, host: int, container: int) -> LogStreamName:
    """Where the lines of a server go; with several, each by its container's name."""
    containers = job.status["_model"]["containers"]
    if len(containers) == 1:
        return _stream(job, host, "")
    name = containers[container].get("ContainerHostname") or f"container-{container + 1}"
    return _stream(job, host, f"/{name}")


def _stream(job: Resource, host: int, rest: str) -> LogStreamName:
    started = int(job.status.get("TransformStartTime", job.created))
    name = f"{job.name}/{instance(job.uid, host)}-{started}{rest}"
    return LogStreamName(job.account, job.region, LOG_GROUP, name)
