"""What makes a processing job come true."""

import asyncio
import shutil
from typing import Any

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Run, StartError
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Resource
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import containers, jobs, locations, outputs, roles
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.processing.machine import LOG_GROUP, PROCESSING_JOB, longest
from clary.services.sagemaker.processing.work import outputs_of, work_of
from clary.services.sagemaker.roles import NotAssumable
from clary.services.sagemaker.staging import InputError

MESSAGE_FILE = "/opt/ml/output/message"
"""What the program leaves here is the job's ExitMessage."""


class ProcessingJobReconciler:
    """Desired: the job has run once to its end. Every step may be repeated after a crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._runner = engines.runner

    async def __call__(self, job: Resource) -> Step:
        if PROCESSING_JOB.settled(job.phase):
            return await self._clean(job)
        run = await self._runner.observe(job.uid)
        if job.phase == "Stopping" and not jobs.ended_by_itself(job, run):
            return await self._stopping(job, run)
        match run.phase:
            case "absent":
                return await self._absent(job)
            case "running":
                return await self._running(job, run)
            case "ended":
                return await self._ended(job, run)
            case "lost":
                await jobs.ship(self._engines, self._stream(job), job.uid, run, final=True)
                return self._failed(job, jobs.why_failed(self._engines, run, self._stream(job)))

    def give_up(self, job: Resource, error: Exception) -> Step:
        if PROCESSING_JOB.settled(job.phase):
            return again(jobs.CLEAN_SECONDS)  # Only the clean-up is left: it is tried for ever, but not often.
        return self._failed(job, jobs.give_up_reason(error))

    async def _absent(self, job: Resource) -> Step:
        if job.status.get("_running"):
            return self._failed(job, jobs.reason("InternalServerError", "the job's run is gone from this machine"))
        if "ProcessingStartTime" not in job.status:
            return again(0.0, ProcessingStartTime=self._engines.clock.now())
        uri = job.spec["AppSpecification"]["ImageUri"]
        try:
            image = await containers.resolve(self._engines, job, uri, job.spec["RoleArn"])
            work = await work_of(self._engines, job, image, self._engines.scratch / job.uid)
            # A crash behind this line finds the run at the next look; a second start of the same uid starts nothing.
            await self._runner.start(job.uid, work)
        except (InputError, NotAssumable, StartError) as error:
            return self._failed(job, jobs.reason("ClientError", str(error)))
        return again(0.0, _running=True)

    async def _running(self, job: Resource, run: Run) -> Step:
        await jobs.ship(self._engines, self._stream(job), job.uid, run, final=False)
        if jobs.too_long(self._engines, run, longest(job)):
            now = self._engines.clock.now()
            return move("Stopping", after=0.0, _stop_asked=now, _too_long=True)
        return again(jobs.POLL_SECONDS, _running=True)

    async def _ended(self, job: Resource, run: Run) -> Step:
        to = self._stream(job)
        await jobs.ship(self._engines, to, job.uid, run, final=True)
        message = outputs.text(run.root, MESSAGE_FILE, jobs.LONGEST_REASON) if run.root else ""
        said = {"ExitMessage": message} if message else {}
        if run.exit_code != 0:
            return self._failed(job, jobs.why_failed(self._engines, run, to), **said)
        try:
            await self._store(job, run)
        except (ServiceError, outputs.OutputError) as error:
            return self._failed(job, jobs.reason("ClientError", f"the outputs could not be stored: {error}"), **said)
        return self._finish(job, "Completed", **said)

    async def _store(self, job: Resource, run: Run) -> None:
        """What the job left below its outputs is in S3. Repeated after a crash it stores the same objects again."""
        if run.root is None:
            raise outputs.OutputError("the job's files are gone from this machine")
        ctx = roles.context(self._engines, job, job.spec["RoleArn"])
        for path, uri in outputs_of(job.spec).items():
            await outputs.upload_files(ctx, run.root, path, locations.parse(uri))

    async def _stopping(self, job: Resource, run: Run) -> Step:
        if run.phase == "running":
            await self._runner.stop(job.uid, jobs.GRACE_SECONDS)
            await jobs.ship(self._engines, self._stream(job), job.uid, run, final=False)
            return again(jobs.POLL_SECONDS)
        await jobs.ship(self._engines, self._stream(job), job.uid, run, final=True)
        if job.status.get("_too_long"):
            why = f"the job ran longer than MaxRuntimeInSeconds ({longest(job):.0f}) and was stopped"
            return self._finish(job, "Stopped", FailureReason=jobs.reason("ClientError", why))
        return self._finish(job, "Stopped")

    def _stream(self, job: Resource) -> LogStreamName:
        return jobs.stream(job, LOG_GROUP, job.status.get("ProcessingStartTime", job.created))

    def _failed(self, job: Resource, why: str, **status: Any) -> Step:
        return self._finish(job, "Failed", FailureReason=why, **status)

    def _finish(self, job: Resource, phase: str, **status: Any) -> Step:
        if "ProcessingStartTime" in job.status:
            status["ProcessingEndTime"] = self._engines.clock.now()
        # The run is removed by the next look, once this is written: a crash in between removes nothing that is needed.
        return move(phase, after=0.0, **status)

    async def _clean(self, job: Resource) -> Step:
        await self._runner.remove(job.uid)
        await asyncio.to_thread(shutil.rmtree, self._engines.scratch / job.uid, True)
        return rest()
