"""The Runner of a home, with Spark in it: a job that needs Spark is handed to a process that has it up already."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from clary.engines.runners.base import Run, Runner, StartError, Usage, Work
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.starter import check
from clary.engines.spark import found, handing
from clary.engines.spark.claims import PREFIX, Claim, Claims
from clary.engines.spark.settings import SparkSettings
from clary.engines.spark.shape import LOCAL, PROGRAM, Reads, shape, spark_job, told
from clary.engines.spark.spares import Spares

log = logging.getLogger(__name__)


class Below(Runner, Protocol):
    """The runner of processes of this machine."""

    @property
    def root(self) -> Path: ...

    def sweep(self, older_than: float) -> None: ...

    def close(self) -> None: ...


class WarmSpark:
    """The Runner port. Work without Spark goes to the runner below as it is. Spark's goes to a spare of its shape, a
    run of the runner below with a uid of its own; where there is none it is started by itself, and a spare of its shape
    is started once it has ended. A spare serves one job, and its sandbox ends with it: nothing of a job is left for the
    next one. Holds no truth: what uid has which spare stands on the disk."""

    def __init__(
        self, below: Below, settings: SparkSettings, *, program: tuple[str, ...] = PROGRAM, reads: Reads = spark_job
    ) -> None:
        """`program`, `reads`: what is started ahead, and which work is for it."""
        self._below = below
        self._settings = settings
        self._reads = reads
        self._claims = Claims(below.root)
        self._spares = Spares(below, self._claims, settings, program)
        self._uids = {one.spare: one.uid for one in self._claims.all()}
        """Only for hints."""
        self._began: dict[str, Work] = {}
        """Jobs of this process that have not been seen to end: after them a spare of their shape is wanted."""

    @property
    def root(self) -> Path:
        return self._below.root

    async def start(self, uid: str, work: Work) -> None:
        job = self._reads(work)
        if job is None:
            await self._below.start(uid, work)
            return
        check(work)
        why = found.missing() if self._reads is spark_job else None
        if why is not None:
            raise StartError(why)
        work = await asyncio.to_thread(self._told, work)
        warm = job.warm and self._settings.master == LOCAL
        key = shape(work).key() if warm else ""
        while (claim := await asyncio.to_thread(self._claims.decide, uid, key)) is not None:
            if claim.begun is not None or await self._handed(claim, work):
                break
            # The spare is dead and has not taken the job, so nothing of the job was ever run.
            await self._below.remove(claim.spare)
            await asyncio.to_thread(self._claims.drop, uid)
        else:
            await self._below.start(uid, work)
        if warm:
            self._began[uid] = work
            self._spares.busy(uid)

    async def observe(self, uid: str) -> Run:
        claim = self._claims.of(uid)
        if claim is None:
            seen = await self._below.observe(uid)
        elif claim.begun is None:
            return Run("absent")
        else:
            seen = await self._below.observe(claim.spare)
            if seen.phase != "absent":
                seen = replace(seen, started=claim.begun)
        if seen.phase in ("ended", "lost"):
            self._over(uid)
        return seen

    async def stop(self, uid: str, grace: float) -> None:
        claim = self._claims.of(uid)
        if claim is None:
            await self._below.stop(uid, grace)
        elif claim.begun is not None:
            await self._below.stop(claim.spare, grace)

    async def remove(self, uid: str) -> None:
        claim = self._claims.of(uid)
        if claim is not None:
            await self._below.remove(claim.spare)
            await asyncio.to_thread(self._claims.drop, uid)
            self._uids.pop(claim.spare, None)
        await self._below.remove(uid)
        self._over(uid)

    async def usage(self, uid: str) -> Usage | None:
        claim = self._claims.of(uid)
        if claim is not None and claim.begun is None:
            return None
        return await self._below.usage(uid if claim is None else claim.spare)

    async def uids(self) -> list[str]:
        own = [uid for uid in await self._below.uids() if not uid.startswith(PREFIX)]
        return sorted({*own, *(one.uid for one in self._claims.all())})

    def watch(self, changed: Callable[[str], None]) -> None:
        def translated(uid: str) -> None:
            whose = self._uids.get(uid, uid)
            if whose.startswith(PREFIX):
                self._spares.changed(whose)
            else:
                changed(whose)

        self._below.watch(translated)

    # Beyond the port:

    async def begin(self) -> None:
        """For the start: no spare of an earlier server is left, but for those that have a job."""
        await self._spares.clear()

    async def rest(self) -> None:
        """For the end: spares are gone, and no more are started. Jobs run on."""
        self._spares.close()
        await self._spares.clear()

    async def ahead(self, work: Work) -> str | None:
        """A spare is starting for work of that kind; its uid, for whoever waits until it is ready. None: none may."""
        work = await asyncio.to_thread(self._told, work)
        return await self._spares.start(shape(work))

    def ready(self, spare: str) -> bool:
        """The spare is up and warm."""
        return handing.waits(RunDir.of(self.root, spare))

    def sweep(self, older_than: float) -> None:
        """See the runner below. Blocks."""
        self._below.sweep(older_than)

    def close(self) -> None:
        """No callback comes any more. Runs go on."""
        self._spares.close()
        self._below.close()

    async def _handed(self, claim: Claim, work: Work) -> bool:
        """The spare has taken the job; False: it is dead, and never will."""
        self._uids[claim.spare] = claim.uid
        try:
            while (outcome := await asyncio.to_thread(handing.hand_over, self._claims, claim, work)) == "silent":
                log.warning("a Spark that was started ahead does not answer", extra={"spare": claim.spare})
                # Killed, and then looked at again: it may take the job in its last moment.
                await self._below.stop(claim.spare, 0.0)
        except StartError:
            await self.remove(claim.uid)
            raise
        return outcome == "taken"

    def _told(self, work: Work) -> Work:
        return told(work, *self._settings.given())

    def _over(self, uid: str) -> None:
        work = self._began.pop(uid, None)
        if work is not None:
            self._spares.over(uid, shape(work))
