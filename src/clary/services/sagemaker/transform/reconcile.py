"""What makes a transform job come true."""

import asyncio
import shutil
from dataclasses import dataclass
from typing import Any

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Run, StartError
from clary.jobs import environments, lines, outputs
from clary.jobs.locations import parse
from clary.jobs.turns import GRANTED
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Resource
from clary.services.sagemaker import instances, jobs, roles
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError
from clary.services.sagemaker.roles import NotAssumable
from clary.services.sagemaker.transform import capture
from clary.services.sagemaker.transform.machine import (
    TRANSFORM_JOB,
    all_uids,
    data_log,
    hosts,
    sender_uid,
    server_log,
    server_uids,
)
from clary.services.sagemaker.transform.work import OUTPUT, senders_of, server_of

TURN_SECONDS = 5.0
"""How often a job that waits for its turn asks again when it is not told."""
SOON_SECONDS = 0.2
"""How often a server that is starting is asked whether it is ready; one that takes long, less and less often."""
PATIENCE_SECONDS = 1800.0
"""How long the servers may take to answer GET /ping with 200, as AWS waits."""
FAILURE = "/opt/ml/output/failure"


@dataclass(frozen=True, slots=True)
class Seen:
    """The runs of all hosts at one look."""

    senders: tuple[Run, ...]
    servers: tuple[tuple[Run, ...], ...]

    @property
    def all(self) -> tuple[Run, ...]:
        return (*self.senders, *(run for host in self.servers for run in host))


class TransformJobReconciler:
    """Desired: every object was sent once to its end, and what came back is stored. Every step may be repeated after a
    crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._runner = engines.runner

    async def __call__(self, job: Resource) -> Step:
        if TRANSFORM_JOB.settled(job.phase):
            return await self._clean(job)
        seen = await self._observe(job)
        await self._ship(job, seen)
        ended = all(run.phase == "ended" for run in seen.senders)
        if job.phase == "Stopping" and not (ended and all(jobs.ended_by_itself(job, run) for run in seen.senders)):
            return await self._stopping(job, seen)
        if ended:
            return await self._ended(job, seen)
        if any(run.phase == "lost" for run in seen.senders):
            return self._failed(job, jobs.reason("InternalServerError", "the job was lost: the machine went down"))
        if job.status.get("_sending") or all(run.phase != "absent" for run in seen.senders):
            return await self._sending(job, seen)
        if GRANTED not in job.status:
            return self._waiting(job)
        return await self._serving(job, seen)

    def give_up(self, job: Resource, error: Exception) -> Step:
        if TRANSFORM_JOB.settled(job.phase):
            return again(jobs.CLEAN_SECONDS)  # Only the clean-up is left: it is tried for ever, but not often.
        return self._failed(job, jobs.give_up_reason(error))

    async def _observe(self, job: Resource) -> Seen:
        count = hosts(job)
        senders = [await self._runner.observe(sender_uid(job, host)) for host in range(count)]
        servers = [tuple([await self._runner.observe(uid) for uid in server_uids(job, host)]) for host in range(count)]
        return Seen(tuple(senders), tuple(servers))

    async def _ship(self, job: Resource, seen: Seen) -> None:
        """What the runs have printed is in their streams."""
        for host in range(len(seen.senders)):
            final = seen.senders[host].phase in ("ended", "lost")
            await lines.ship(self._engines, data_log(job, host), sender_uid(job, host), seen.senders[host], final=final)
            for number, uid in enumerate(server_uids(job, host)):
                run = seen.servers[host][number]
                final = run.phase in ("ended", "lost")
                await lines.ship(self._engines, server_log(job, host, number), uid, run, final=final)

    def _waiting(self, job: Resource) -> Step:
        resources = job.spec["TransformResources"]
        demand = instances.demand(resources["InstanceType"], hosts(job), self._engines.instance_scale)
        if self._engines.turns.ask(job, demand) is not None:
            return again(TURN_SECONDS)
        return again(0.0, TransformStartTime=self._engines.clock.now(), **demand.granted())

    async def _serving(self, job: Resource, seen: Seen) -> Step:
        """The servers come up; when all answer /ping, what sends to them is started."""
        dead = self._dead(job, seen)
        if dead is not None:
            return self._failed(job, dead)
        try:
            started = await self._start_servers(job, seen)
            if started:
                return again(0.0)
            if not await self._ready(seen):
                return self._impatient(job)
            addresses = [[run.address or "" for run in host] for host in seen.servers]
            works = await senders_of(self._engines, job, addresses, self._engines.scratch / job.uid)
            for host, work in enumerate(works):
                # A crash behind this line finds the run at the next look; a second start of a uid starts nothing.
                await self._runner.start(sender_uid(job, host), work)
        except environments.Making as making:
            why = await environments.follow(self._engines, making, server_log(job, 0, 0))
            return again(jobs.POLL_SECONDS) if why is None else self._failed(job, jobs.reason("ClientError", why))
        except (InputError, NotAssumable, StartError) as error:
            return self._failed(job, jobs.reason("ClientError", str(error)))
        return again(0.0, _sending=True)

    async def _start_servers(self, job: Resource, seen: Seen) -> bool:
        """False: all of them have been started."""
        absent = False
        for host, runs in enumerate(seen.servers):
            for number, uid in enumerate(server_uids(job, host)):
                if runs[number].phase == "absent":
                    absent = True
                    await self._runner.start(uid, await server_of(self._engines, job, number, uid))
        return absent

    async def _ready(self, seen: Seen) -> bool:
        """Every server answers."""
        for run in seen.all[len(seen.senders) :]:
            if run.address is None or not await self._engines.serving.ready(run.address):
                return False
        return True

    def _impatient(self, job: Resource) -> Step:
        waited = self._engines.clock.now() - job.status["TransformStartTime"]
        if waited > PATIENCE_SECONDS:
            why = f"the model's container did not answer GET /ping with 200 within {PATIENCE_SECONDS:.0f} s"
            return self._failed(job, jobs.reason("AlgorithmError", why))
        return again(min(max(SOON_SECONDS, waited / 20), TURN_SECONDS))

    def _dead(self, job: Resource, seen: Seen) -> str | None:
        """Why the job fails when one of its servers has ended; None: none has."""
        for host, runs in enumerate(seen.servers):
            for number, run in enumerate(runs):
                if run.phase in ("ended", "lost"):
                    why = jobs.why_failed(self._engines, run, server_log(job, host, number))
                    return jobs.reason("", why.replace("the container", "the model's container", 1))
        return None

    async def _sending(self, job: Resource, seen: Seen) -> Step:
        if any(run.phase == "absent" for run in seen.senders):
            return self._failed(job, jobs.reason("InternalServerError", "the job's run is gone from this machine"))
        dead = self._dead(job, seen)
        if dead is None:
            return again(jobs.POLL_SECONDS)
        # Nobody answers any more, so nothing more gets done: what is done is stored, as of any failed job. A sender
        # puts an output at its place when it is whole, so one that still runs leaves no half one there.
        return await self._store_and_fail(job, seen, dead)

    async def _ended(self, job: Resource, seen: Seen) -> Step:
        for host, run in enumerate(seen.senders):
            if run.exit_code != 0:
                said = outputs.text(run.root, FAILURE, 4 * jobs.LONGEST_REASON) if run.root else ""
                why = jobs.reason("AlgorithmError", said) if said else ""
                why = why or jobs.why_failed(self._engines, run, data_log(job, host))
                return await self._store_and_fail(job, seen, why)
        try:
            await self._store(job, seen)
        except (ServiceError, outputs.OutputError, InputError) as error:
            return self._failed(job, jobs.reason("ClientError", f"the outputs could not be stored: {error}"))
        return self._finish(job, "Completed")

    async def _store_and_fail(self, job: Resource, seen: Seen, why: str) -> Step:
        try:
            await self._store(job, seen)
        except (ServiceError, outputs.OutputError, InputError) as error:
            why = jobs.reason("", why, f" (and what was done could not be stored: {error})")
        return self._failed(job, why)

    async def _store(self, job: Resource, seen: Seen) -> None:
        """The output of every object that has one is in S3. Repeated after a crash it stores the same objects again."""
        ctx = roles.context(self._engines, job, job.status["_model"]["role"])
        to = parse(job.spec["TransformOutput"]["S3OutputPath"])
        stored = []
        for run in seen.senders:
            if run.root is None:
                raise outputs.OutputError("the job's files are gone from this machine")
            for name, file in await asyncio.to_thread(outputs.files, run.root, OUTPUT):
                await outputs.upload(ctx, file, to.child(name))
                stored.append(name)
        if "DataCaptureConfig" in job.spec:
            await capture.store(ctx, job, self._engines.scratch / job.uid, stored)

    async def _stopping(self, job: Resource, seen: Seen) -> Step:
        if not any(run.phase == "running" for run in seen.all):
            return self._finish(job, "Stopped")
        for uid in all_uids(job):
            await self._runner.stop(uid, jobs.GRACE_SECONDS)
        return again(jobs.POLL_SECONDS)

    def _failed(self, job: Resource, why: str) -> Step:
        return self._finish(job, "Failed", FailureReason=why)

    def _finish(self, job: Resource, phase: str, **status: Any) -> Step:
        # The runs are removed by the next look, once this is written: a crash in between removes nothing needed.
        return move(phase, after=0.0, TransformEndTime=self._engines.clock.now(), **status)

    async def _clean(self, job: Resource) -> Step:
        for host in range(hosts(job)):
            for number, uid in enumerate(server_uids(job, host)):
                run = await self._runner.observe(uid)
                # What a server said at last is shipped before its run goes; it is asked no politer way to end.
                await lines.ship(self._engines, server_log(job, host, number), uid, run, final=True)
        for uid in all_uids(job):
            await self._runner.remove(uid)
            await asyncio.to_thread(shutil.rmtree, self._engines.scratch / uid, True)
        self._engines.turns.leave(job)
        return rest()
