"""What a training job leaves: lines in its streams, artifacts in S3, the last values of its metrics."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path

from clary.engines.runners.base import Run, Runner
from clary.jobs import lines, outputs
from clary.jobs.locations import Location, parse
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import images, jobs, merging, metrics, roles
from clary.services.sagemaker.cluster import Cluster, Seen
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.training.machine import LOG_GROUP, attempt_uid, instances, run_uid

MODEL = "/opt/ml/model"
DATA = "/opt/ml/output/data"


def stream(job: Resource, number: int = 1) -> LogStreamName:
    """Where the lines of a host go, counted from 1."""
    started = job.status.get("TrainingStartTime", job.created)
    return jobs.stream(job, LOG_GROUP, started, f"algo-{number}")


async def ship(engines: Engines, job: Resource, cluster: Cluster, seen: Seen, *, final: bool) -> None:
    """What the hosts have printed is in their streams, and what that tells is counted."""
    if engines.curves is not None:
        engines.curves.expect(job.account, job.region, job.name, *_definitions(job))
    for number, (uid, run) in enumerate(zip(cluster.uids, seen.runs, strict=True), 1):
        await lines.ship(engines, stream(job, number), uid, run, final=final)


def why_failed(engines: Engines, job: Resource, seen: Seen) -> str:
    """The FailureReason, of the host that failed first."""
    why = jobs.why_failed(engines, seen.whole, stream(job, seen.decided + 1))
    return why if len(seen.runs) == 1 else jobs.reason("", why, f" (on host algo-{seen.decided + 1})")


async def store(engines: Engines, job: Resource, seen: Seen, *, whatever: bool) -> Doc:
    """Everything that the hosts left is in S3; the status members that tell of it. Repeated after a crash it stores the
    same objects under the same keys. `whatever`: a model is stored also where there is none. Raises ServiceError,
    outputs.OutputError."""
    root = await _root(engines, job, seen)
    found: Doc = {}
    # A job that was stopped before it saved anything has no model; one that completed has what it has.
    if whatever or not outputs.empty(root, MODEL):
        found["ModelArtifacts"] = {"S3ModelArtifacts": await _store_model(engines, job, root)}
    await _store_output(engines, job, root)
    if values := await _metrics(engines, job, seen):
        found["FinalMetricDataList"] = values
    return found


async def store_output(engines: Engines, job: Resource, seen: Seen) -> None:
    """/opt/ml/output/data of a job that failed is in S3. Raises as `store`."""
    if any(run.root is not None for run in seen.runs):
        await _store_output(engines, job, await _root(engines, job, seen))


async def remove(engines: Engines, job: Resource) -> list[str]:
    """Nothing of any attempt is left on this machine; the uids of all its runs."""
    uids: list[str] = []
    for cluster in clusters(engines.runner, job):
        await cluster.remove()
        scratch = engines.scratch / cluster.uids[0]
        if scratch.exists():
            await asyncio.to_thread(shutil.rmtree, scratch, True)
        uids += cluster.uids
    return uids


def clusters(runner: Runner, job: Resource) -> list[Cluster]:
    """The hosts of each attempt of the job."""
    _, count = instances(job)
    return [Cluster(runner, attempt_uid(job.uid, one), count) for one in range(job.status.get("_attempt", 0) + 1)]


async def _root(engines: Engines, job: Resource, seen: Seen) -> Path:
    """What stands for /opt/ml: that of the only host, or what all hosts have left, laid together."""
    roots = [run.root for run in seen.runs if run.root is not None]
    if not roots:
        raise outputs.OutputError("the job's files are gone from this machine")
    if len(roots) == 1:
        return roots[0]
    together = engines.scratch / run_uid(job) / "merged"
    await asyncio.to_thread(merging.merge, roots, (MODEL, DATA), together)
    return together


async def _store_model(engines: Engines, job: Resource, root: Path) -> str:
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    if job.spec["OutputDataConfig"].get("CompressionType") == "NONE":
        at = _output(job).child("model")
        await outputs.upload_files(ctx, root, MODEL, at)
        return f"{at}/"
    at = _output(job).child("model.tar.gz")
    await outputs.upload_archive(ctx, root, MODEL, at)
    return str(at)


async def _store_output(engines: Engines, job: Resource, root: Path) -> None:
    if outputs.empty(root, DATA):
        return
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    if job.spec["OutputDataConfig"].get("CompressionType") == "NONE":
        await outputs.upload_files(ctx, root, DATA, _output(job).child("data"))
    else:
        await outputs.upload_archive(ctx, root, DATA, _output(job).child("output.tar.gz"))


async def _metrics(engines: Engines, job: Resource, seen: Seen) -> list[Doc]:
    """Of algo-1 first; another host's where that one told none."""
    found: dict[str, Doc] = {}
    for number, run in enumerate(seen.runs, 1):
        for one in await _of_host(engines, job, number, run):
            found.setdefault(one["MetricName"], one)
    return list(found.values())


async def _of_host(engines: Engines, job: Resource, number: int, run: Run) -> list[Doc]:
    if not lines.has_printed(run):
        return []
    return await metrics.final(engines.logs, stream(job, number), run.log, *_definitions(job))


def _definitions(job: Resource) -> tuple[Iterable[Doc], Iterable[Doc]]:
    """The metrics that the job's lines may tell: of its image, and its own."""
    algorithm = job.spec["AlgorithmSpecification"]
    image = images.lookup(algorithm["TrainingImage"])
    return image.metrics if image is not None else (), algorithm.get("MetricDefinitions") or ()


def _output(job: Resource) -> Location:
    return parse(job.spec["OutputDataConfig"]["S3OutputPath"]).child(job.name, "output")
