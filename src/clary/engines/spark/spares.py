"""The spares of a home: started in the background, let go when nobody wants them."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from clary.engines.runners.base import Runner, StartError
from clary.engines.runners.rundir import RunDir
from clary.engines.spark import handing
from clary.engines.spark.claims import PREFIX, Claims
from clary.engines.spark.settings import SparkSettings
from clary.engines.spark.shape import Shape

_LOOK_SECONDS = 0.5
_READY_SECONDS = 300.0
_ARCHIVE_SECONDS = 1800.0

log = logging.getLogger(__name__)


class Spares:
    """What is done is done by tasks of the running loop, one at a time; a server that dies loses nothing but spares."""

    def __init__(self, below: Runner, claims: Claims, settings: SparkSettings, program: tuple[str, ...]) -> None:
        self._below = below
        self._claims = claims
        self._settings = settings
        self._program = program
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn: asyncio.Lock | None = None
        self._busy: set[str] = set()
        self._archived = False
        self._closed = False

    def busy(self, uid: str) -> None:
        """That job of Spark's runs."""
        self._busy.add(uid)

    def over(self, uid: str, wanted: Shape) -> None:
        """That job has ended: the next one may be of its shape."""
        self._busy.discard(uid)
        self._later(lambda: self._replenish(wanted))

    def changed(self, spare: str) -> None:
        """A hint: a spare that nobody has may have ended."""
        self._later(lambda: self._tidy(spare))

    async def start(self, wanted: Shape) -> str | None:
        """A spare of that shape is on offer, perhaps still starting: its uid. None: none are wanted. Those of other
        shapes make room for it, the oldest first."""
        if self._settings.spares < 1:
            return None
        async with self._alone():
            key = wanted.key()
            offered = {spare: of for spare, of in self._claims.offered().items() if await self._alive(spare)}
            same = [spare for spare, of in offered.items() if of == key]
            if len(same) >= self._settings.spares:
                return same[-1]
            for spare in [spare for spare, of in offered.items() if of != key] + same:
                if len(offered) < self._settings.spares:
                    break
                del offered[spare]
                await self._let_go(spare)
            made = f"{PREFIX}{secrets.token_hex(8)}"
            await self._below.start(made, wanted.work(self._program, self._settings.idle_seconds))
            # Only now: what is on offer can be handed a job.
            await asyncio.to_thread(self._claims.offer, made, key)
            await self._below.observe(made)  # its end is heard of
            return made

    async def clear(self) -> None:
        """No spare is left, but for those that have a job."""
        for task in list(self._tasks):
            task.cancel()
        for spare in self._claims.offered():
            await asyncio.to_thread(self._claims.withdraw, spare)
        has = {one.spare for one in self._claims.all()}
        there = [uid for uid in await self._below.uids() if uid.startswith(PREFIX)]
        for spare in there:
            if spare not in has:
                await self._removed(spare)
        for one in self._claims.all():
            if one.spare not in there:
                # A crash between the end of a run and that of its claim.
                await asyncio.to_thread(self._claims.drop, one.uid)

    def close(self) -> None:
        """Nothing is started any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def _replenish(self, wanted: Shape) -> None:
        try:
            spare = await self.start(wanted)
        except StartError as error:
            log.warning("no Spark could be started ahead", extra={"why": str(error)})
            return
        if spare is not None:
            await self._ready(spare)
        await self._archive()

    async def _archive(self) -> None:
        """The archive of classes has been made, or was there, or jobs of Spark's are running: later then."""
        classes = self._settings.classes
        if classes is None or self._archived or self._busy:
            return
        self._archived = True  # one attempt a server
        if await asyncio.to_thread(lambda: classes.file().exists()):
            return
        run = f"{PREFIX}classes-{secrets.token_hex(8)}"
        settings, _ = self._settings.given()
        try:
            await self._below.start(run, classes.work(self._program, settings))
            deadline = time.monotonic() + _ARCHIVE_SECONDS
            while True:
                seen = await self._below.observe(run)
                if seen.phase != "running" or time.monotonic() > deadline:
                    break
                await asyncio.sleep(_LOOK_SECONDS)
            if seen.exit_code == 0 and seen.root is not None:
                await asyncio.to_thread(classes.keep, seen.root / "classes.jsa")
            else:
                said = seen.log.read_text(errors="replace")[-1000:] if seen.log is not None else ""
                log.warning("no archive of Spark's classes was made", extra={"said": said})
        except (OSError, StartError) as error:
            log.warning("no archive of Spark's classes was made", extra={"said": str(error)})
        finally:
            await self._removed(run)

    async def _ready(self, spare: str) -> None:
        """It waits for a job, or has one, or is gone."""
        run = RunDir.of(self._claims.root, spare)
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if handing.waits(run) or spare not in self._claims.offered():
                break
            await asyncio.sleep(_LOOK_SECONDS)

    async def _tidy(self, spare: str) -> None:
        if not spare.startswith(f"{PREFIX}classes-") and not await self._alive(spare):
            await self._let_go(spare)

    async def _alive(self, spare: str) -> bool:
        return (await self._below.observe(spare)).phase == "running"

    async def _let_go(self, spare: str) -> None:
        """A spare that nobody has is gone; one that somebody has just claimed is his."""
        if await asyncio.to_thread(self._claims.withdraw, spare):
            await self._removed(spare)

    async def _removed(self, run: str) -> None:
        try:
            await self._below.remove(run)
        except OSError:
            log.exception("a Spark that was started ahead could not be removed", extra={"run": run})

    def _alone(self) -> asyncio.Lock:
        if self._turn is None:
            self._turn = asyncio.Lock()
        return self._turn

    def _later(self, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._closed:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # the loop is gone: so is whoever would want a spare
        task = loop.create_task(self._logged(what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with suppress(asyncio.CancelledError):
            try:
                await what()
            except OSError:
                log.exception("a Spark could not be started ahead")
