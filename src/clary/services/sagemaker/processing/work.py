"""From the accepted request of a processing job to the work that a runner starts."""

import json
from pathlib import Path

from clary.engines.runners.base import Work
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import containers, jobs, roles, staging
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image
from clary.services.sagemaker.processing.machine import ROOT, longest

CONFIG = "/opt/ml/config"


async def work_of(engines: Engines, job: Resource, image: Image, scratch: Path) -> Work:
    """The job's command, configuration files and inputs. Raises staging.InputError."""
    spec = job.spec
    ctx = roles.context(engines, job, spec["RoleArn"])
    trees = []
    for one in spec.get("ProcessingInputs") or []:
        if "S3Input" in one and not one.get("AppManaged"):
            given = one["S3Input"]
            trees.append(await staging.tree(ctx, engines.objects, scratch, given["LocalPath"], given))
    isolated = bool((spec.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))
    kind = spec["ProcessingResources"]["ClusterConfig"].get("InstanceType")
    # A run without a network cannot use keys, so it gets none.
    reach = {} if isolated else roles.environment(engines, job, spec["RoleArn"], longest(job))
    app = spec["AppSpecification"]
    start = containers.start(image, "", app.get("ContainerEntrypoint"), app.get("ContainerArguments"))
    return Work(
        command=start.command,
        image=start.image,
        entrypoint=start.entrypoint,
        env={
            **reach,
            **(spec.get("Environment") or {}),
            "PROCESSING_JOB_NAME": job.name,
            "PROCESSING_JOB_ARN": job.arn,
        },
        files={
            f"{CONFIG}/processingjobconfig.json": _json(_config(job)),
            f"{CONFIG}/resourceconfig.json": _json(jobs.resource_config(kind)),
        },
        directories=(ROOT, "/opt/ml/output", *outputs_of(spec)),
        trees=tuple(trees),
        cpus=engines.max_cpus,
        memory_bytes=engines.max_memory_bytes,
        network=not isolated,
    )


def outputs_of(spec: Doc) -> dict[str, str]:
    """S3Uri by LocalPath of the outputs that are stored at the end."""
    found = {}
    for one in (spec.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        if "S3Output" in one and not one.get("AppManaged"):
            found[one["S3Output"]["LocalPath"]] = one["S3Output"]["S3Uri"]
    return found


def _config(job: Resource) -> Doc:
    """processingjobconfig.json: the request as AWS writes it, with the job's ARN."""
    spec = job.spec
    cluster = {"InstanceCount": 1, **spec["ProcessingResources"]["ClusterConfig"]}
    return {
        "ProcessingJobArn": job.arn,
        "ProcessingJobName": job.name,
        "AppSpecification": spec["AppSpecification"],
        "Environment": spec.get("Environment"),
        "ProcessingInputs": spec.get("ProcessingInputs") or [],
        "ProcessingOutputConfig": spec.get("ProcessingOutputConfig"),
        "ProcessingResources": {"ClusterConfig": cluster},
        "NetworkConfig": spec.get("NetworkConfig"),
        "RoleArn": spec["RoleArn"],
        "StoppingCondition": {"MaxRuntimeInSeconds": int(longest(job))},
    }


def _json(document: Doc) -> bytes:
    return json.dumps(document).encode()
