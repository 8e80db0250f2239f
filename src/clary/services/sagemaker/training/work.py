"""From the accepted request of a training job to the work that a runner starts on each of its hosts."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from clary.engines.runners.base import Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import containers, jobs, roles, scripts
from clary.services.sagemaker.cluster import Host, hosts
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image
from clary.services.sagemaker.training import channels
from clary.services.sagemaker.training.channels import DATA
from clary.services.sagemaker.training.environment import variables

CONFIG = "/opt/ml/input/config"
DIRECTORIES = ("/opt/ml/model", "/opt/ml/output/data", "/opt/ml/output/intermediate", DATA)


async def work_of(engines: Engines, job: Resource, image: Image, seconds: float, scratch: Path) -> Work:
    """The work of a job on one host. Raises inputs.InputError."""
    (only,) = await works_of(engines, job, image, seconds, scratch, hosts(job.uid, 1))
    return only


async def works_of(
    engines: Engines, job: Resource, image: Image, seconds: float, scratch: Path, cluster: Sequence[Host]
) -> tuple[Work, ...]:
    """The job's command, configuration files and inputs, for each host of the cluster. Raises inputs.InputError,
    StartError, and environments.Making while its packages are being installed."""
    spec = job.spec
    ctx = roles.context(engines, job, spec["RoleArn"])
    laid = await channels.laid(ctx, engines.objects, spec, scratch, len(cluster))
    isolated = bool(spec.get("EnableNetworkIsolation"))
    # A run without a network cannot use keys, so it gets none.
    reach = {} if isolated else roles.environment(engines, job, spec["RoleArn"], seconds)
    names = [name for name, _ in cluster]
    told = channels.config(spec)
    algorithm = spec["AlgorithmSpecification"]
    start = containers.start(image, "train", algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments"))
    prepared = await scripts.training(ctx, engines, image, start.command, spec, scratch.name)
    made = []
    for number, (name, _) in enumerate(cluster):
        resources = jobs.resource_config(spec["ResourceConfig"].get("InstanceType"), name, names)
        made.append(
            Work(
                command=prepared.command,
                image=start.image,
                entrypoint=start.entrypoint,
                env={**prepared.env, **_environment(engines, job, reach, resources, told)},
                files=_files(job, resources, told),
                directories=(*DIRECTORIES, *prepared.directories),
                cwd=prepared.cwd,
                trees=laid[number].trees,
                pipes=laid[number].pipes,
                companions=laid[number].companions,
                archives=prepared.archives,
                python=prepared.python,
                shown=prepared.shown,
                cpus=engines.max_cpus,
                memory_bytes=engines.max_memory_bytes,
                network=not isolated,
                hostname=name,
                hosts=tuple(cluster),
            )
        )
    return tuple(made)


def _files(job: Resource, resources: Doc, told: Doc) -> dict[str, bytes]:
    spec = job.spec
    written = {
        "hyperparameters": spec.get("HyperParameters") or {},
        "inputdataconfig": told,
        "resourceconfig": resources,
        "trainingjobconfig": {**spec, "TrainingJobArn": job.arn},
    }
    if spec.get("CheckpointConfig"):
        written["checkpointconfig"] = spec["CheckpointConfig"]
    if definitions := spec["AlgorithmSpecification"].get("MetricDefinitions"):
        written["metric-definition-regex"] = definitions
    return {f"{CONFIG}/{name}.json": json.dumps(document).encode() for name, document in written.items()}


def _environment(engines: Engines, job: Resource, reach: dict[str, str], resources: Doc, told: Doc) -> dict[str, str]:
    spec = job.spec
    cpus = engines.max_cpus or os.cpu_count() or 1
    return {
        **reach,
        **variables(spec, job.name, job.region, resources, told, cpus=max(1, round(cpus))),
        **(spec.get("Environment") or {}),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "CLARY_IMAGE": spec["AlgorithmSpecification"].get("TrainingImage", ""),
    }
