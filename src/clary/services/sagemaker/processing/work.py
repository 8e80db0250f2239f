"""From the accepted request of a processing job to the work that a runner starts on each of its hosts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from clary.engines.runners.base import Tree, Work
from clary.jobs.locations import Location, parse
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import containers, inputs, jobs, roles, scripts
from clary.services.sagemaker.cluster import Host
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image
from clary.services.sagemaker.processing.machine import ROOT, instances, longest

CONFIG = "/opt/ml/config"


@dataclass(frozen=True, slots=True)
class Output:
    """What is stored of a job, and where."""

    path: str
    to: Location
    continuous: bool


async def works_of(
    engines: Engines, job: Resource, image: Image, scratch: Path, cluster: Sequence[Host]
) -> tuple[Work, ...]:
    """The job's command, configuration files and inputs, for each host of the cluster. Raises inputs.InputError."""
    spec = job.spec
    trees, feeds = await _inputs(engines, job, scratch, len(cluster))
    isolated = bool((spec.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))
    # A run without a network cannot use keys, so it gets none.
    reach = {} if isolated else roles.environment(engines, job, spec["RoleArn"], longest(job))
    app = spec["AppSpecification"]
    start = containers.start(image, "", app.get("ContainerEntrypoint"), app.get("ContainerArguments"))
    prepared = await scripts.processing(engines, image, start.command)
    names = [name for name, _ in cluster]
    made = []
    for number, (name, _) in enumerate(cluster):
        pipes, companions = inputs.fed([one[number] for one in feeds])
        made.append(
            Work(
                command=prepared.command,
                image=start.image,
                entrypoint=start.entrypoint,
                env={
                    **prepared.env,
                    **reach,
                    **(spec.get("Environment") or {}),
                    "PROCESSING_JOB_NAME": job.name,
                    "PROCESSING_JOB_ARN": job.arn,
                },
                files={
                    f"{CONFIG}/processingjobconfig.json": _json(_config(job)),
                    f"{CONFIG}/resourceconfig.json": _json(jobs.resource_config(instances(job)[0], name, names)),
                },
                directories=(ROOT, "/opt/ml/output", *(one.path for one in outputs_of(spec))),
                trees=tuple(one[number] for one in trees),
                archives=prepared.archives,
                python=prepared.python,
                shown=prepared.shown,
                pipes=pipes,
                companions=companions,
                cpus=engines.max_cpus,
                memory_bytes=engines.max_memory_bytes,
                network=not isolated,
                hostname=name,
                hosts=tuple(cluster),
            )
        )
    return tuple(made)


def outputs_of(spec: Doc) -> tuple[Output, ...]:
    """The outputs that the job does not store itself."""
    found = []
    for one in (spec.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        if "S3Output" in one and not one.get("AppManaged"):
            given = one["S3Output"]
            found.append(Output(given["LocalPath"], parse(given["S3Uri"]), given["S3UploadMode"] == "Continuous"))
    return tuple(found)


async def _inputs(
    engines: Engines, job: Resource, scratch: Path, hosts: int
) -> tuple[list[Sequence[Tree]], list[Sequence[inputs.Feed]]]:
    """For each input, its tree or its pipe on every host."""
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    trees: list[Sequence[Tree]] = []
    feeds: list[Sequence[inputs.Feed]] = []
    for one in job.spec.get("ProcessingInputs") or []:
        if "S3Input" not in one or one.get("AppManaged"):
            continue
        given = one["S3Input"]
        target = given["LocalPath"].rstrip("/")
        if given.get("S3InputMode") == "Pipe":
            stream = inputs.Stream(target, gzip=given.get("S3CompressionType") == "Gzip")
            feeds.append(await inputs.feeds(ctx, engines.objects, scratch, stream, given, hosts))
        else:
            trees.append(await inputs.trees(ctx, engines.objects, scratch, target, given, hosts))
    own = _written([one[0].target for one in trees], [one.path for one in outputs_of(job.spec)])
    return [[replace(tree, own=tree.target in own) for tree in one] for one in trees], feeds


def _written(targets: Sequence[str], places: Sequence[str]) -> set[str]:
    """The inputs that share their place with an output, or with such an input: what the program writes there must be
    seen when the job has ended, which links under an overlay would hide."""
    found: set[str] = set()
    grown = [PurePosixPath(place) for place in places]
    while grown:
        place = grown.pop()
        for target in targets:
            path = PurePosixPath(target)
            if target not in found and (path.is_relative_to(place) or place.is_relative_to(path)):
                found.add(target)
                grown.append(path)
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
