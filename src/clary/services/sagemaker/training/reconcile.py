"""What makes a training job come true."""

import logging
from typing import Any

from clary.aws.errors import ServiceError
from clary.engines.runners.base import StartError
from clary.jobs import environments, lines, outputs
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Resource
from clary.services.sagemaker import containers, jobs
from clary.services.sagemaker.cluster import Cluster, Seen, hosts
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError
from clary.services.sagemaker.roles import NotAssumable
from clary.services.sagemaker.syncing import Syncing
from clary.services.sagemaker.training import checkpoints, ending, pools, waiting
from clary.services.sagemaker.training.machine import (
    EXCEEDED,
    SPOT,
    TRAINING_JOB,
    enter,
    instances,
    longest,
    run_uid,
)
from clary.services.sagemaker.training.work import works_of

log = logging.getLogger(__name__)

_UNSTORED = (ServiceError, outputs.OutputError)


class TrainingJobReconciler:
    """Desired: the job has run once to its end. Every step may be repeated after a crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._syncing = Syncing(engines.clock)

    async def __call__(self, job: Resource) -> Step:
        if TRAINING_JOB.settled(job.phase):
            return await self._settled(job)
        cluster = Cluster(self._engines.runner, run_uid(job), instances(job)[1])
        seen = await cluster.observe()
        run = seen.whole
        if job.phase == "Stopping" and not jobs.ended_by_itself(job, run):
            return await self._stopping(job, cluster, seen)
        if run.started is not None and job.status["SecondaryStatus"] == "Downloading":
            # Whatever became of it meanwhile, it was started: that is told first, with the time when it was.
            return again(0.0, **enter(job.status, "Training", run.started))
        match run.phase:
            case "absent":
                return await self._absent(job, cluster)
            case "running":
                return await self._running(job, cluster, seen)
            case "ended":
                return await self._ended(job, cluster, seen)
            case "lost":
                return await self._lost(job, cluster, seen)

    def give_up(self, job: Resource, error: Exception) -> Step:
        if TRAINING_JOB.settled(job.phase):
            return again(jobs.CLEAN_SECONDS)  # Only the clean-up is left: it is tried for ever, but not often.
        return self._failed(job, jobs.give_up_reason(error))

    async def _absent(self, job: Resource, cluster: Cluster) -> Step:
        doing, now = job.status["SecondaryStatus"], self._engines.clock.now()
        if doing in waiting.BEFORE:
            if over := waiting.over(job, now):
                return self._finish(job, "Stopped", *over)
            return waiting.step(self._engines, job)
        if doing != "Downloading":
            return self._failed(job, jobs.reason("InternalServerError", "the job's run is gone from this machine"))
        uid, count = cluster.uids[0], instances(job)[1]
        spec, scratch = job.spec, self._engines.scratch / uid
        try:
            image = await containers.resolve(
                self._engines, job, spec["AlgorithmSpecification"]["TrainingImage"], spec["RoleArn"]
            )
            works = await works_of(self._engines, job, image, longest(job), scratch, hosts(uid, count))
            works = await checkpoints.restored(self._engines, job, works, scratch)
            # A crash behind this line finds the runs at the next look; a second start of one uid starts nothing, and
            # of a cluster that was half started it starts the other half.
            await cluster.start(works)
            seen = await cluster.observe()
        except environments.Making as making:
            why = await environments.follow(self._engines, making, ending.stream(job))
            return again(jobs.POLL_SECONDS) if why is None else self._failed(job, jobs.reason("ClientError", why))
        except (InputError, NotAssumable, StartError) as error:
            return self._failed(job, jobs.reason("ClientError", str(error)))
        if seen.whole.started is None:
            return again(0.0)
        # Whoever hears of its end hastens this; a run that has ended already was not told of.
        after = jobs.POLL_SECONDS if seen.phase == "running" else 0.0
        return again(after, **enter(job.status, "Training", seen.whole.started))

    async def _running(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        await ending.ship(self._engines, job, cluster, seen, final=False)
        now = self._engines.clock.now()
        if secondary := waiting.exceeded(job, seen.whole, now):
            return move("Stopping", after=0.0, **enter(job.status, secondary, now), _stop_asked=now)
        try:
            await checkpoints.stored(self._engines, job, self._syncing, cluster.uids, seen.runs, final=False)
        except outputs.OutputError as error:
            # It may be mended while the job runs; if it is not, the end says so.
            log.warning("checkpoints could not be stored", extra={"job": job.arn, "reason": str(error)})
        return again(jobs.POLL_SECONDS)

    async def _ended(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        await ending.ship(self._engines, job, cluster, seen, final=True)
        if seen.exit_code != 0:
            return await self._wrong(job, cluster, seen)
        if job.status["SecondaryStatus"] != "Uploading":
            return again(0.0, **enter(job.status, "Uploading", self._engines.clock.now()))
        return await self._store(job, cluster, seen, "Completed", "Completed")

    async def _wrong(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        """It ended with another code than 0: what it left beside its model is kept."""
        why = ending.why_failed(self._engines, job, seen)
        try:
            await ending.store_output(self._engines, job, seen)
            await self._last_checkpoints(job, cluster, seen)
        except _UNSTORED as error:
            why = jobs.reason("", why, f" (and the output data could not be stored: {error})")
        except OSError as error:
            if not lines.disk_is_full(error):
                raise
            # What the job holds of the disk is freed only when it has ended: to try again would wait for others.
            why = jobs.reason("", why, " (and the output data could not be stored: the disk is full)")
        return self._failed(job, why, healthy=True)

    async def _lost(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        await ending.ship(self._engines, job, cluster, seen, final=True)
        attempt = job.status.get("_attempt", 0)
        interrupted = bool(job.spec.get(SPOT))
        why = ending.why_failed(self._engines, job, seen)
        try:
            await self._last_checkpoints(job, cluster, seen)
        except _UNSTORED as error:
            return self._failed(job, jobs.reason("", why, f" (and the checkpoints could not be stored: {error})"))
        if interrupted or attempt < (job.spec.get("RetryStrategy") or {}).get("MaximumRetryAttempts", 0):
            now = self._engines.clock.now()
            entered = enter(job.status, "Interrupted" if interrupted else "Restarting", now)
            return again(0.0, **entered, _attempt=attempt + 1, **waiting.spent(job, seen.whole, now))
        return self._failed(job, why)

    async def _stopping(self, job: Resource, cluster: Cluster, seen: Seen) -> Step:
        if seen.some_run:
            await cluster.stop(jobs.GRACE_SECONDS)
            await ending.ship(self._engines, job, cluster, seen, final=False)
            return again(jobs.POLL_SECONDS)
        said = job.status["SecondaryStatus"]
        secondary = said if said in EXCEEDED else "Stopped"
        if seen.phase != "ended":
            return self._finish(job, "Stopped", secondary, healthy=seen.phase != "lost")
        await ending.ship(self._engines, job, cluster, seen, final=True)
        return await self._store(job, cluster, seen, "Stopped", secondary)

    async def _store(self, job: Resource, cluster: Cluster, seen: Seen, phase: str, secondary: str) -> Step:
        """What the run left is in S3. Repeated after a crash it stores the same objects under the same keys."""
        try:
            await self._last_checkpoints(job, cluster, seen)
            found = await ending.store(self._engines, job, seen, whatever=phase == "Completed")
        except _UNSTORED as error:
            return self._failed(job, jobs.reason("ClientError", f"the artifacts could not be stored: {error}"))
        return self._finish(job, phase, secondary, healthy=True, **found)

    async def _last_checkpoints(self, job: Resource, cluster: Cluster, seen: Seen) -> None:
        await checkpoints.stored(self._engines, job, self._syncing, cluster.uids, seen.runs, final=True)

    def _failed(self, job: Resource, why: str, *, healthy: bool = False) -> Step:
        return self._finish(job, "Failed", "Failed", healthy=healthy, FailureReason=why)

    def _finish(
        self,
        job: Resource,
        phase: str,
        secondary: str,
        message: str | None = None,
        *,
        healthy: bool = False,
        **status: Any,
    ) -> Step:
        """`healthy`: its hosts did their part, so their place here may be kept for another job."""
        now = self._engines.clock.now()
        status |= waiting.times(job, now) | pools.ended(job, now, healthy=healthy)
        # The run is removed by the next look, once this is written: a crash in between removes nothing that is needed.
        return move(phase, after=0.0, **enter(job.status, secondary, now, last=True, message=message), **status)

    async def _settled(self, job: Resource) -> Step:
        """Nothing is left of it here but its warm pool, for its time."""
        now = self._engines.clock.now()
        if not pools.is_available(job):
            self._engines.turns.leave(job)
            await self._clean(job)
            return rest()
        if not job.status.get(pools.CLEANED):
            await self._clean(job)
        self._engines.turns.ask(job, waiting.demand(self._engines, job))  # it is granted: this reminds a new server
        left = pools.until(job) - now
        if left <= 0:
            self._engines.turns.leave(job)
            return rest(**pools.terminated(job, now))
        return again(min(left, pools.LOOK_SECONDS), **{pools.CLEANED: True})

    async def _clean(self, job: Resource) -> None:
        if self._engines.curves is not None:
            self._engines.curves.forget(job.account, job.region, job.name)
        for uid in await ending.remove(self._engines, job):
            self._syncing.forget(uid)
