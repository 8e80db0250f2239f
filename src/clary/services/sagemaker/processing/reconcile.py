"""What makes a processing job come true."""

import asyncio
import logging
import shutil
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.engines.runners.base import StartError
from clary.jobs import lines, outputs
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogStreamName
from clary.services.sagemaker import containers, jobs, roles
from clary.services.sagemaker import instances as types
from clary.services.sagemaker.cluster import Cluster, Seen, hosts
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError
from clary.services.sagemaker.processing import emitted
from clary.services.sagemaker.processing.machine import LOG_GROUP, PROCESSING_JOB, instances, longest
from clary.services.sagemaker.processing.work import outputs_of, works_of
from clary.services.sagemaker.roles import NotAssumable
from clary.services.sagemaker.syncing import Syncing

log = logging.getLogger(__name__)

MESSAGE_FILE: Final = "/opt/ml/output/message"
"""What the program leaves here is the job's ExitMessage."""
TURN_SECONDS: Final = 5.0
"""How often a job that waits asks for its turn; it is hastened when the turn comes."""
TIDY_SECONDS: Final = 0.02
"""From the end of a job to the removal of its run: what its end leads to goes first."""
_UNSTORED: Final = (ServiceError, outputs.OutputError)


class ProcessingJobReconciler:
    """Desired: the job has run once to its end. Every step may be repeated after a crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._syncing = Syncing(engines.clock)

    async def __call__(self, job: Resource) -> Step:
        if PROCESSING_JOB.settled(job.phase):
            return await self._clean(job)
        cluster = self._cluster(job)
        seen = await cluster.observe()
        if job.phase == "Stopping" and not jobs.ended_by_itself(job, seen.whole):
            return await self._stopping(job, cluster, seen)
        match seen.phase:
            case "absent":
                return await self._absent(job, cluster)
            case "running":
                return await self._running(job, cluster, seen)
            case "ended":
                step = await self._ended(job, cluster, seen)
                self._engines.turns.leave(job)  # it holds nothing any more: who waits need not wait for the clean-up
                return step
            case "lost":
                await self._ship(job, cluster, seen, final=True)
                await self._keep_continuous(job, cluster, seen)
                return self._failed(job, self._why_failed(job, seen))

    def give_up(self, job: Resource, error: Exception) -> Step:
        if PROCESSING_JOB.settled(job.phase):
            return again(jobs.CLEAN_SECONDS)  # Only the clean-up is left: it is tried for ever, but not often.
        return self._failed(job, jobs.give_up_reason(error))

    async def _absent(self, job: Resource, cluster: Cluster) -> Step:
        if job.status.get("_running"):
            return self._failed(job, jobs.reason("InternalServerError", "the job's run is gone from this machine"))
        if "ProcessingStartTime" not in job.status:
            return self._turn(job)
        uri, scratch = job.spec["AppSpecification"]["ImageUri"], self._engines.scratch / job.uid
        try:
            image = await containers.resolve(self._engines, job, uri, job.spec["RoleArn"])
            works = await works_of(self._engines, job, image, scratch, hosts(job.uid, instances(job)[1]))
            # A crash behind this line finds the runs at the next look; a second start of one uid starts nothing, and
            # of a cluster that was half started it starts the other half.
            await cluster.start(works)
        except (InputError, NotAssumable, StartError) as error:
            return self._failed(job, jobs.reason("ClientError", str(error)))
        # Looked at once more, so that its next line is a hint; one that has ended meanwhile gives none.
        seen = await cluster.observe()
        return again(jobs.POLL_SECONDS if seen.phase == "running" else 0.0, _running=True)

    def _turn(self, job: Resource) -> Step:
        demand = types.demand(*instances(job), self._engines.instance_scale)
        if self._engines.turns.ask(job, demand) is not None:
            return again(TURN_SECONDS)
        return again(0.0, ProcessingStartTime=self._engines.clock.now(), **demand.granted())

    async def _running(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        await self._ship(job, cluster, seen, final=False)
        if jobs.too_long(self._engines, seen.whole, longest(job)):
            now = self._engines.clock.now()
            return move("Stopping", after=0.0, _stop_asked=now, _too_long=True)
        try:
            await self._store_continuous(job, cluster, seen, final=False)
        except _UNSTORED as error:
            # It may be mended while the job runs; if it is not, the end says so.
            log.warning("outputs could not be stored yet", extra={"job": job.arn, "reason": str(error)})
        return again(jobs.POLL_SECONDS, _running=True)

    async def _ended(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        await self._ship(job, cluster, seen, final=True)
        said = _exit_message(seen)
        if seen.exit_code != 0:
            await self._keep_continuous(job, cluster, seen)
            return self._failed(job, self._why_failed(job, seen), **said)
        try:
            await self._store_continuous(job, cluster, seen, final=True)
            await self._store(job, seen)
        except _UNSTORED as error:
            return self._failed(job, jobs.reason("ClientError", f"the outputs could not be stored: {error}"), **said)
        await emitted.publish(self._engines, job, seen.runs)
        return self._finish(job, "Completed", **said)

    async def _keep_continuous(self, job: Resource, cluster: Cluster, seen: Seen) -> None:
        """What was promised to be stored while it runs is stored, of a job that has not done well. Where it cannot be,
        that is not why the job failed."""
        try:
            await self._store_continuous(job, cluster, seen, final=True)
        except _UNSTORED as error:
            log.warning("outputs could not be stored", extra={"job": job.arn, "reason": str(error)})

    async def _store(self, job: Resource, seen: Seen) -> None:
        """What the hosts left below the outputs of the end is in S3; of one key, that of the first host. Repeated after
        a crash it stores the same objects again."""
        ctx = roles.context(self._engines, job, job.spec["RoleArn"])
        for one in outputs_of(job.spec):
            for run in reversed(seen.runs):
                if run.root is None:
                    raise outputs.OutputError("the job's files are gone from this machine")
                if not one.continuous:
                    await outputs.upload_files(ctx, run.root, one.path, one.to)

    async def _store_continuous(self, job: Resource, cluster: Cluster, seen: Seen, *, final: bool) -> None:
        """What has changed below the outputs that are stored while the job runs is in S3."""
        wanted = [one for one in outputs_of(job.spec) if one.continuous]
        if not wanted:
            return
        ctx = roles.context(self._engines, job, job.spec["RoleArn"])
        for one in wanted:
            for uid, run in reversed(list(zip(cluster.uids, seen.runs, strict=True))):
                if run.root is not None:
                    await self._syncing.sync(ctx, uid, run.root, one.path, one.to, final=final)

    async def _stopping(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        if seen.some_run:
            await cluster.stop(jobs.GRACE_SECONDS)
            await self._ship(job, cluster, seen, final=False)
            return again(jobs.POLL_SECONDS)
        await self._ship(job, cluster, seen, final=True)
        await self._keep_continuous(job, cluster, seen)
        if job.status.get("_too_long"):
            why = jobs.ran_too_long(self._engines, self._stream(job, 1), longest(job))
            return self._finish(job, "Stopped", FailureReason=why)
        return self._finish(job, "Stopped")

    async def _ship(self, job: Resource, cluster: Cluster, seen: Seen, *, final: bool) -> None:
        for number, (uid, run) in enumerate(zip(cluster.uids, seen.runs, strict=True), 1):
            await lines.ship(self._engines, self._stream(job, number), uid, run, final=final)

    def _why_failed(self, job: Resource, seen: Seen) -> str:
        """The FailureReason, of the host that failed first."""
        why = jobs.why_failed(self._engines, seen.whole, self._stream(job, seen.decided + 1))
        return why if len(seen.runs) == 1 else jobs.reason("", why, f" (on host algo-{seen.decided + 1})")

    def _cluster(self, job: Resource) -> Cluster:
        return Cluster(self._engines.runner, job.uid, instances(job)[1])

    def _stream(self, job: Resource, number: int) -> LogStreamName:
        started = job.status.get("ProcessingStartTime", job.created)
        return jobs.stream(job, LOG_GROUP, started, f"algo-{number}")

    def _failed(self, job: Resource, why: str, **status: Any) -> Step:
        return self._finish(job, "Failed", FailureReason=why, **status)

    def _finish(self, job: Resource, phase: str, **status: Any) -> Step:
        if "ProcessingStartTime" in job.status:
            status["ProcessingEndTime"] = self._engines.clock.now()
        # The run is removed by the next look, once this is written: a crash in between removes nothing that is needed.
        return move(phase, after=TIDY_SECONDS, **status)

    async def _clean(self, job: Resource) -> Step:
        self._engines.turns.leave(job)
        cluster = self._cluster(job)
        await cluster.remove()
        for uid in cluster.uids:
            self._syncing.forget(uid)
        await asyncio.to_thread(shutil.rmtree, self._engines.scratch / job.uid, True)
        return rest()


def _exit_message(seen: Seen) -> Doc:
    """What the first host that left a message says."""
    for run in seen.runs:
        if run.root is not None and (said := outputs.text(run.root, MESSAGE_FILE, jobs.LONGEST_REASON)):
            return {"ExitMessage": said}
    return {}
