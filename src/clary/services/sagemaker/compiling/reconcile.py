"""What makes a compilation come true, and forgets it when nobody uses it any more."""

import asyncio
import shutil
from typing import Final

from clary.aws.errors import ServiceError
from clary.engines.runners.base import Run, StartError
from clary.kernel.reconcile import Step, again, gone, move
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.sagemaker.compiling.asking import reference
from clary.services.sagemaker.compiling.machine import COMPILED, COMPILING, KIND, REFUSED, UNDER_WAY, WAITING
from clary.services.sagemaker.compiling.work import Refusal, outcome, work_of
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs import InputError

POLL_SECONDS: Final = 0.25
"""How often a run is looked at where no hint of its end comes."""
TURN_SECONDS: Final = 0.5
MOST_RUNS: Final = 2
"""Compilers at a time, of all accounts."""
LONGEST_SECONDS: Final = 300.0
MOST_TRIES: Final = 3
"""Runs that were lost (the machine went down) before the model is served natively for good."""
LOOK_SECONDS: Final = 3600.0
GRACE_SECONDS: Final = 900.0
"""What was asked for so recently stays: the model that asked may not be written yet."""
USERS: Final = ("model", "endpoint")


class CompilationReconciler:
    """Desired: the compiler has run once to its end, and its graph is kept for as long as anybody refers to it. Every
    step may be repeated after a crash at any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def __call__(self, row: Resource) -> Step:
        if row.phase == WAITING:
            return self._turn()
        if row.phase != COMPILING:
            return await self._settled(row)
        run = await self._engines.runner.observe(row.uid)
        match run.phase:
            case "absent":
                return await self._start(row)
            case "running":
                return await self._running(row, run)
            case "lost":
                return await self._lost(row)
        return await self._ended(row, run)

    def give_up(self, row: Resource, error: Exception) -> Step:
        if row.phase not in UNDER_WAY:
            return again(LOOK_SECONDS)
        return _refused(f"Clary could not go on with its compilation ({type(error).__name__})")

    def _turn(self) -> Step:
        """A compiler takes a core and some hundred MB: whoever makes a hundred models shall not stop the machine."""
        # Nothing is awaited between the count and the write, so no two take one turn.
        if self._engines.store.count(KIND, Where(phase=COMPILING)) >= MOST_RUNS:
            return again(TURN_SECONDS)
        return move(COMPILING, after=0.0)

    async def _start(self, row: Resource) -> Step:
        if self._engines.graphs is None:
            return _refused("this home keeps no graphs")
        try:
            # A crash behind the start finds the run at the next look; a second start of one uid starts nothing.
            await self._engines.runner.start(row.uid, await work_of(self._engines, row))
        except (Refusal, InputError, StartError) as error:
            return _refused(str(error))
        except ServiceError as error:
            return _refused(error.message)
        return again(POLL_SECONDS)

    async def _running(self, row: Resource, run: Run) -> Step:
        if run.started is not None and self._engines.clock.now() - run.started > LONGEST_SECONDS:
            await self._engines.runner.stop(row.uid, 0.0)
            return _refused(f"the compiler took longer than {LONGEST_SECONDS:.0f} s")
        return again(POLL_SECONDS)

    async def _lost(self, row: Resource) -> Step:
        tries = int(row.status.get("_tries") or 0) + 1
        if tries >= MOST_TRIES:
            return _refused("its compilation was lost again and again: the machine went down, or it was killed")
        # A crash before this is written starts it once more than it counts.
        await self._engines.runner.remove(row.uid)
        return again(0.0, _tries=tries)

    async def _ended(self, row: Resource, run: Run) -> Step:
        graphs = self._engines.graphs
        if graphs is None:
            return _refused("this home keeps no graphs")
        try:
            made, plan = await asyncio.to_thread(outcome, run)
        except Refusal as refusal:
            return _refused(str(refusal))
        # Kept first and told afterwards: a graph that is there already stays, so a second time changes nothing.
        await asyncio.to_thread(graphs.keep, row.name, made)
        return move(COMPILED, after=0.0, _stages=plan["stages"], _agreed=plan["agreed"], _why=None)

    async def _settled(self, row: Resource) -> Step:
        graphs = self._engines.graphs
        if (await self._engines.runner.observe(row.uid)).phase != "absent":
            await self._engines.runner.remove(row.uid)
        await asyncio.to_thread(shutil.rmtree, self._engines.scratch / row.uid, True)
        if self._used(row):
            if row.phase == COMPILED and graphs is not None and graphs.directory(row.name) is None:
                return move(WAITING, after=0.0)  # somebody has taken it from the disk
            return again(LOOK_SECONDS)
        # The files first: a crash leaves a row without a graph, which is looked at again, never files without a row.
        # Who asks for it meanwhile writes the row, so it is not deleted but looked at again.
        if graphs is not None:
            await asyncio.to_thread(graphs.forget, [row.name])
            if graphs.directory(row.name) is not None:
                return again(LOOK_SECONDS)  # an instance still holds it
        return gone()

    def _used(self, row: Resource) -> bool:
        if self._engines.clock.now() - float(row.status.get("_asked") or 0.0) < GRACE_SECONDS:
            return True
        store, named = self._engines.store, reference(row.name)
        return any(store.referring(row.account, row.region, kind, named) for kind in USERS)


def _refused(why: str) -> Step:
    return move(REFUSED, after=0.0, _why=why)
