"""From the accepted request of a training job to the work that a runner starts."""

import json
from pathlib import Path

from clary.engines.runners.base import Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import jobs, roles, staging
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image

CONFIG = "/opt/ml/input/config"
DATA = "/opt/ml/input/data"
DIRECTORIES = ("/opt/ml/model", "/opt/ml/output/data", "/opt/ml/output/intermediate", DATA)


async def work_of(engines: Engines, job: Resource, image: Image, seconds: float, scratch: Path) -> Work:
    """The job's command, configuration files and inputs. Raises staging.InputError."""
    spec = job.spec
    ctx = roles.context(engines, job, spec["RoleArn"])
    channels: list[Doc] = spec.get("InputDataConfig") or []
    trees = []
    for channel in channels:
        source = channel["DataSource"]["S3DataSource"]
        target = f"{DATA}/{channel['ChannelName']}"
        trees.append(await staging.tree(ctx, engines.objects, scratch, target, source))
    isolated = bool(spec.get("EnableNetworkIsolation"))
    return Work(
        command=command(spec["AlgorithmSpecification"], image),
        env=_environment(engines, job, seconds, isolated),
        files={
            f"{CONFIG}/hyperparameters.json": _json(spec.get("HyperParameters") or {}),
            f"{CONFIG}/inputdataconfig.json": _json(_channels(spec, channels)),
            f"{CONFIG}/resourceconfig.json": _json(jobs.resource_config(spec["ResourceConfig"].get("InstanceType"))),
        },
        directories=DIRECTORIES,
        trees=tuple(trees),
        cpus=engines.max_cpus,
        memory_bytes=engines.max_memory_bytes,
        network=not isolated,
    )


def command(algorithm: Doc, image: Image) -> tuple[str, ...]:
    """The request's entry point and arguments, else the image's. Raises staging.InputError when there is neither."""
    arguments = tuple(algorithm.get("ContainerArguments") or ())
    if entry := algorithm.get("ContainerEntrypoint"):
        return (*entry, *arguments)
    if image.train is None:
        raise staging.InputError(
            f"the image {image.name} brings no training algorithm: set AlgorithmSpecification.ContainerEntrypoint"
        )
    return (*image.train, *arguments)


def _channels(spec: Doc, channels: list[Doc]) -> Doc:
    """inputdataconfig.json, member for member as AWS writes it."""
    mode = spec["AlgorithmSpecification"]["TrainingInputMode"]
    found: Doc = {}
    for channel in channels:
        source = channel["DataSource"]["S3DataSource"]
        about = {
            "TrainingInputMode": channel.get("InputMode", mode),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            about["ContentType"] = channel["ContentType"]
        found[channel["ChannelName"]] = about
    return found


def _environment(engines: Engines, job: Resource, seconds: float, isolated: bool) -> dict[str, str]:
    spec = job.spec
    names = [channel["ChannelName"] for channel in spec.get("InputDataConfig") or []]
    # A run without a network cannot use keys, so it gets none.
    reach = {} if isolated else roles.environment(engines, job, spec["RoleArn"], seconds)
    return {
        **reach,
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_INPUT_CONFIG_DIR": CONFIG,
        "SM_CHANNELS": json.dumps(sorted(names)),
        "SM_CURRENT_HOST": "algo-1",
        "SM_HOSTS": '["algo-1"]',
        **{f"SM_CHANNEL_{name.upper().replace('-', '_').replace('.', '_')}": f"{DATA}/{name}" for name in names},
        **(spec.get("Environment") or {}),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "CLARY_IMAGE": spec["AlgorithmSpecification"].get("TrainingImage", ""),
    }


def _json(document: Doc) -> bytes:
    return json.dumps(document).encode()
