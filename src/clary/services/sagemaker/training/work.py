"""From the accepted request of a training job to the work that a runner starts on each of its hosts."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from clary.aws.service import Context
from clary.engines.runners.base import Tree, Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import containers, inputs, jobs, roles, scripts
from clary.services.sagemaker.cluster import Host, hosts
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image
from clary.services.sagemaker.inputs import parts
from clary.services.sagemaker.training.environment import variables

CONFIG = "/opt/ml/input/config"
DATA = "/opt/ml/input/data"
DIRECTORIES = ("/opt/ml/model", "/opt/ml/output/data", "/opt/ml/output/intermediate", DATA)


async def work_of(engines: Engines, job: Resource, image: Image, seconds: float, scratch: Path) -> Work:
    """The work of a job on one host. Raises inputs.InputError."""
    (only,) = await works_of(engines, job, image, seconds, scratch, hosts(job.uid, 1))
    return only


async def works_of(
    engines: Engines, job: Resource, image: Image, seconds: float, scratch: Path, cluster: Sequence[Host]
) -> tuple[Work, ...]:
    """The job's command, configuration files and inputs, for each host of the cluster. Raises inputs.InputError."""
    spec = job.spec
    ctx = roles.context(engines, job, spec["RoleArn"])
    trees = await _trees(ctx, engines, spec, scratch, len(cluster))
    isolated = bool(spec.get("EnableNetworkIsolation"))
    # A run without a network cannot use keys, so it gets none.
    reach = {} if isolated else roles.environment(engines, job, spec["RoleArn"], seconds)
    names = [name for name, _ in cluster]
    channels = _channels(spec)
    algorithm = spec["AlgorithmSpecification"]
    start = containers.start(image, "train", algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments"))
    given, environ = spec.get("HyperParameters") or {}, spec.get("Environment") or {}
    archives = await scripts.source(ctx, engines, image, given, environ, scratch)
    made = []
    for number, (name, _) in enumerate(cluster):
        resources = jobs.resource_config(spec["ResourceConfig"].get("InstanceType"), name, names)
        made.append(
            Work(
                command=start.command,
                image=start.image,
                entrypoint=start.entrypoint,
                env=_environment(engines, job, reach, resources, channels),
                files=_files(job, resources, channels),
                directories=DIRECTORIES,
                trees=tuple(each[number] for each in trees),
                archives=archives,
                cpus=engines.max_cpus,
                memory_bytes=engines.max_memory_bytes,
                network=not isolated,
                hostname=name,
                hosts=tuple(cluster),
            )
        )
    return tuple(made)


def mode_of(spec: Doc, channel: Doc) -> str:
    """File, FastFile or Pipe: the channel's own word, or else the job's."""
    said: str = channel.get("InputMode") or spec["AlgorithmSpecification"]["TrainingInputMode"]
    return said


async def _trees(ctx: Context, engines: Engines, spec: Doc, scratch: Path, count: int) -> list[tuple[Tree, ...]]:
    """For each channel, its tree on every host."""
    made = []
    for channel in spec.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        target = f"{DATA}/{channel['ChannelName']}"
        seed = parts.seed_of(channel)
        made.append(await inputs.trees(ctx, engines.objects, scratch, target, source, count, seed))
    return made


def _channels(spec: Doc) -> Doc:
    """inputdataconfig.json, member for member as AWS writes it."""
    found: Doc = {}
    for channel in spec.get("InputDataConfig") or []:
        source = channel["DataSource"]["S3DataSource"]
        about = {
            "TrainingInputMode": mode_of(spec, channel),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            about["ContentType"] = channel["ContentType"]
        found[channel["ChannelName"]] = about
    return found


def _files(job: Resource, resources: Doc, channels: Doc) -> dict[str, bytes]:
    spec = job.spec
    written = {
        "hyperparameters": spec.get("HyperParameters") or {},
        "inputdataconfig": channels,
        "resourceconfig": resources,
        "trainingjobconfig": {**spec, "TrainingJobArn": job.arn},
    }
    if spec.get("CheckpointConfig"):
        written["checkpointconfig"] = spec["CheckpointConfig"]
    if definitions := spec["AlgorithmSpecification"].get("MetricDefinitions"):
        written["metric-definition-regex"] = definitions
    return {f"{CONFIG}/{name}.json": json.dumps(document).encode() for name, document in written.items()}


def _environment(
    engines: Engines, job: Resource, reach: dict[str, str], resources: Doc, channels: Doc
) -> dict[str, str]:
    spec = job.spec
    cpus = engines.max_cpus or os.cpu_count() or 1
    return {
        **reach,
        **variables(spec, job.name, job.region, resources, channels, cpus=max(1, round(cpus))),
        **(spec.get("Environment") or {}),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "CLARY_IMAGE": spec["AlgorithmSpecification"].get("TrainingImage", ""),
    }
