"""What makes a training job come true."""

import asyncio
import shutil
from collections.abc import Iterable
from typing import Any

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Run, StartError
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import containers, images, jobs, metrics, outputs, roles
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.locations import Location, parse
from clary.services.sagemaker.roles import NotAssumable
from clary.services.sagemaker.staging import InputError
from clary.services.sagemaker.training.machine import LOG_GROUP, TRAINING_JOB, attempt_uid, enter, longest, run_uid
from clary.services.sagemaker.training.work import work_of


class TrainingJobReconciler:
    """Desired: the job has run once to its end. Every step may be repeated after a crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._runner = engines.runner

    async def __call__(self, job: Resource) -> Step:
        if TRAINING_JOB.settled(job.phase):
            return await self._clean(job)
        uid = run_uid(job)
        run = await self._runner.observe(uid)
        if job.phase == "Stopping" and not jobs.ended_by_itself(job, run):
            return await self._stopping(job, uid, run)
        if run.started is not None and job.status["SecondaryStatus"] == "Downloading":
            # Whatever became of it meanwhile, it was started: that is told first, with the time when it was.
            return again(0.0, **enter(job.status, "Training", run.started))
        match run.phase:
            case "absent":
                return await self._absent(job, uid)
            case "running":
                return await self._running(job, uid, run)
            case "ended":
                return await self._ended(job, uid, run)
            case "lost":
                return await self._lost(job, uid, run)

    def give_up(self, job: Resource, error: Exception) -> Step:
        if TRAINING_JOB.settled(job.phase):
            return again(jobs.CLEAN_SECONDS)  # Only the clean-up is left: it is tried for ever, but not often.
        return self._failed(job, jobs.give_up_reason(error))

    async def _absent(self, job: Resource, uid: str) -> Step:
        now = self._engines.clock.now()
        doing = job.status["SecondaryStatus"]
        if doing in ("Starting", "Restarting"):
            started = job.status.get("TrainingStartTime", now)
            return again(0.0, **enter(job.status, "Downloading", now), TrainingStartTime=started)
        if doing != "Downloading":
            return self._failed(job, jobs.reason("InternalServerError", "the job's run is gone from this machine"))
        uri = job.spec["AlgorithmSpecification"]["TrainingImage"]
        scratch = self._engines.scratch / uid
        try:
            image = await containers.resolve(self._engines, job, uri, job.spec["RoleArn"])
            work = await work_of(self._engines, job, image, longest(job), scratch)
            # A crash behind this line finds the run at the next look; a second start of the same uid starts nothing.
            await self._runner.start(uid, work)
        except (InputError, NotAssumable, StartError) as error:
            return self._failed(job, jobs.reason("ClientError", str(error)))
        return again(0.0)

    async def _running(self, job: Resource, uid: str, run: Run) -> Step:
        await self._ship(job, uid, run, final=False)
        if jobs.too_long(self._engines, run, longest(job)):
            now = self._engines.clock.now()
            entered = enter(job.status, "MaxRuntimeExceeded", now)
            return move("Stopping", after=0.0, **entered, _stop_asked=now)
        return again(jobs.POLL_SECONDS)

    async def _ended(self, job: Resource, uid: str, run: Run) -> Step:
        to = self._stream(job)
        await self._ship(job, uid, run, final=True)
        if run.exit_code != 0:
            why = jobs.why_failed(self._engines, run, to)
            try:
                await self._store_output(job, run)
            except (ServiceError, outputs.OutputError) as error:
                why = jobs.reason("", why, f" (and the output data could not be stored: {error})")
            return self._failed(job, why)
        if job.status["SecondaryStatus"] != "Uploading":
            return again(0.0, **enter(job.status, "Uploading", self._engines.clock.now()))
        return await self._store(job, run, "Completed", "Completed")

    async def _lost(self, job: Resource, uid: str, run: Run) -> Step:
        to = self._stream(job)
        await self._ship(job, uid, run, final=True)
        attempt = job.status.get("_attempt", 0)
        if attempt < (job.spec.get("RetryStrategy") or {}).get("MaximumRetryAttempts", 0):
            entered = enter(job.status, "Restarting", self._engines.clock.now())
            return again(0.0, **entered, _attempt=attempt + 1)
        return self._failed(job, jobs.why_failed(self._engines, run, to))

    async def _stopping(self, job: Resource, uid: str, run: Run) -> Step:
        if run.phase == "running":
            await self._runner.stop(uid, jobs.GRACE_SECONDS)
            await self._ship(job, uid, run, final=False)
            return again(jobs.POLL_SECONDS)
        exceeded = job.status["SecondaryStatus"] == "MaxRuntimeExceeded"
        secondary = "MaxRuntimeExceeded" if exceeded else "Stopped"
        if run.phase != "ended":
            return self._finish(job, "Stopped", secondary)
        await self._ship(job, uid, run, final=True)
        return await self._store(job, run, "Stopped", secondary)

    async def _store(self, job: Resource, run: Run, phase: str, secondary: str) -> Step:
        """What the run left is in S3. Repeated after a crash it stores the same objects under the same keys."""
        root = run.root
        if root is None:
            return self._failed(job, jobs.reason("InternalServerError", "the job's files are gone from this machine"))
        found: Doc = {}
        try:
            # A job that was stopped before it saved anything has no model; one that completed has what it has.
            if phase == "Completed" or not outputs.empty(root, "/opt/ml/model"):
                found["ModelArtifacts"] = {"S3ModelArtifacts": await self._store_model(job, run)}
            await self._store_output(job, run)
        except (ServiceError, outputs.OutputError) as error:
            return self._failed(job, jobs.reason("ClientError", f"the artifacts could not be stored: {error}"))
        values = await self._metrics(job, run)
        if values:
            found["FinalMetricDataList"] = values
        return self._finish(job, phase, secondary, **found)

    async def _store_model(self, job: Resource, run: Run) -> str:
        assert run.root is not None
        ctx = roles.context(self._engines, job, job.spec["RoleArn"])
        if job.spec["OutputDataConfig"].get("CompressionType") == "NONE":
            at = _output(job).child("model")
            await outputs.upload_files(ctx, run.root, "/opt/ml/model", at)
            return f"{at}/"
        at = _output(job).child("model.tar.gz")
        await outputs.upload_archive(ctx, run.root, "/opt/ml/model", at)
        return str(at)

    async def _store_output(self, job: Resource, run: Run) -> None:
        if run.root is None or outputs.empty(run.root, "/opt/ml/output/data"):
            return
        ctx = roles.context(self._engines, job, job.spec["RoleArn"])
        if job.spec["OutputDataConfig"].get("CompressionType") == "NONE":
            await outputs.upload_files(ctx, run.root, "/opt/ml/output/data", _output(job).child("data"))
        else:
            await outputs.upload_archive(ctx, run.root, "/opt/ml/output/data", _output(job).child("output.tar.gz"))

    async def _ship(self, job: Resource, uid: str, run: Run, *, final: bool) -> None:
        """What the run has printed is in its stream, and what that tells is counted."""
        if self._engines.curves is not None:
            self._engines.curves.expect(job.account, job.region, job.name, *_definitions(job))
        await jobs.ship(self._engines, self._stream(job), uid, run, final=final)

    async def _metrics(self, job: Resource, run: Run) -> list[Doc]:
        return await metrics.final(self._engines.logs, self._stream(job), run.log, *_definitions(job))

    def _stream(self, job: Resource) -> LogStreamName:
        return jobs.stream(job, LOG_GROUP, job.status.get("TrainingStartTime", job.created))

    def _failed(self, job: Resource, why: str) -> Step:
        return self._finish(job, "Failed", "Failed", FailureReason=why)

    def _finish(self, job: Resource, phase: str, secondary: str, **status: Any) -> Step:
        now = self._engines.clock.now()
        started = job.status.get("TrainingStartTime")
        if started is not None:
            spent = jobs.seconds_between(started, now)
            status |= {"TrainingEndTime": now, "TrainingTimeInSeconds": spent, "BillableTimeInSeconds": spent}
        # The run is removed by the next look, once this is written: a crash in between removes nothing that is needed.
        return move(phase, after=0.0, **enter(job.status, secondary, now, last=True), **status)

    async def _clean(self, job: Resource) -> Step:
        if self._engines.curves is not None:
            self._engines.curves.forget(job.account, job.region, job.name)
        for attempt in range(job.status.get("_attempt", 0) + 1):
            await self._runner.remove(attempt_uid(job.uid, attempt))
            await asyncio.to_thread(shutil.rmtree, self._engines.scratch / attempt_uid(job.uid, attempt), True)
        return rest()


def _definitions(job: Resource) -> tuple[Iterable[Doc], Iterable[Doc]]:
    """The metrics that the job's lines may tell: of its image, and its own."""
    algorithm = job.spec["AlgorithmSpecification"]
    image = images.lookup(algorithm["TrainingImage"])
    return image.metrics if image is not None else (), algorithm.get("MetricDefinitions") or ()


def _output(job: Resource) -> Location:
    return parse(job.spec["OutputDataConfig"]["S3OutputPath"]).child(job.name, "output")
