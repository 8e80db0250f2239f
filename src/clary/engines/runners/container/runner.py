"""The Runner port over a container engine."""

import asyncio
import json
import os
import signal
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from clary.engines.runners import clean, procfs
from clary.engines.runners.base import Run, StartError, Usage, Work
from clary.engines.runners.container import plan
from clary.engines.runners.container.api import EngineError, NotThere
from clary.engines.runners.container.engine import AUTO, Engine, Missing, find
from clary.engines.runners.container.starter import MARK, Starter, forget
from clary.engines.runners.process import look
from clary.engines.runners.rundir import Keeper, RunDir
from clary.engines.runners.sidecar import Sidecar
from clary.engines.runners.starter import only_starter
from clary.engines.runners.stopping import ask_to_stop
from clary.engines.runners.watch import Watch
from clary.kernel.clock import Clock, SystemClock


class ContainerRunner:
    """Runs in containers. Holds no truth: two of these on one root, in any processes, agree.

    `root` holds one directory a run, the file `container` in those that are ours. `engine`: "auto", "off" or an
    address; see `engine.find`. `overlays`: whether overlays work on the disk of `root`; asked at the first start."""

    def __init__(
        self,
        root: Path,
        *,
        engine: str = AUTO,
        overlays: Callable[[], bool] = lambda: True,
        sidecar: Callable[[], Sidecar] | None = None,
        max_archive_bytes: int = 256 << 30,
        clock: Clock | None = None,
    ) -> None:
        self.root = root.absolute()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._setting = engine
        self._finding = threading.Lock()
        self._found: Engine | None = None
        self._starter = Starter(self.engine, overlays, sidecar, max_archive_bytes)
        self._clock = SystemClock() if clock is None else clock
        self._busy: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._watch = Watch(self._dir)

    async def start(self, uid: str, work: Work) -> None:
        run = self._dir(uid)
        async with self._alone(uid):
            if not run.started.exists():
                await asyncio.to_thread(self._starter.start, run, work)
        self._watch.arm(uid)

    async def observe(self, uid: str) -> Run:
        run = self._dir(uid)
        seen, address = look(run), self.address(uid)
        if seen.phase == "running":
            self._watch.arm(uid, seen.log if address is None else None)
        elif seen.phase == "lost":
            # The keeper was killed, and what it kept may live: lost is only told of what does not.
            await asyncio.to_thread(self._forget, run)
        return replace(seen, address=address)

    async def stop(self, uid: str, grace: float) -> None:
        run = self._dir(uid)
        keeper = run.keeper()
        if keeper is None or not run.held():
            return
        asked = ask_to_stop(run, grace, self._clock.now())
        if asked is None:
            return
        # Sent by every call: the keeper acts on the first, and a caller before us may have died before sending it.
        procfs.send(keeper, signal.SIGTERM)
        if self._clock.now() - asked >= grace:
            await asyncio.to_thread(self._kill, run)

    async def remove(self, uid: str) -> None:
        run = self._dir(uid)
        self._watch.disarm(uid)
        async with self._alone(uid):
            await asyncio.to_thread(self._remove, run)

    async def usage(self, uid: str) -> Usage | None:
        return await asyncio.to_thread(self._usage, self._dir(uid))

    async def uids(self) -> list[str]:
        return sorted(path.parent.name for path in self.root.glob(f"[!.]*/{MARK}"))

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watch.add(changed)
        for path in self.root.glob(f"[!.]*/{MARK}"):
            self._watch.arm(path.parent.name)

    # Beyond the port:

    def engine(self) -> Engine:
        """The engine, asked for again until one answers. Blocks. Raises StartError."""
        with self._finding:
            if self._found is None:
                found = find(self._setting)
                if isinstance(found, Missing):
                    raise StartError(f"{found.why}: {found.mend}")
                self._found = found
            return self._found

    def address(self, uid: str) -> str | None:
        """Where a serving run answers, once its container stands."""
        try:
            return (self._dir(uid).path / "address").read_text()
        except FileNotFoundError:
            return None

    def sweep(self) -> None:
        """The engine has no container of a run of ours that is not there any more. Blocks."""
        found = find(self._setting)
        if isinstance(found, Missing):
            return
        filters = json.dumps({"label": [f"{plan.ROOT_LABEL}={self.root}"]})
        for one in found.api.ask("GET", "/containers/json", query={"all": "1", "filters": filters}):
            run = self._dir(one["Labels"][plan.RUN_LABEL])
            if not (run.path / MARK).exists():
                forget(found, run)

    def close(self) -> None:
        """No callback comes any more. Runs go on."""
        self._watch.close()

    def _dir(self, uid: str) -> RunDir:
        return RunDir.of(self.root, uid)

    def _alone(self, uid: str) -> asyncio.Lock:
        return self._busy.setdefault(uid, asyncio.Lock())

    def _forget(self, run: RunDir) -> None:
        with suppress(OSError, StartError):
            forget(self._of(run), run)

    def _kill(self, run: RunDir) -> None:
        with suppress(OSError, EngineError, StartError):
            self._of(run).api.kill(plan.name_of(run), "SIGKILL")

    def _remove(self, run: RunDir) -> None:
        try:
            staging = only_starter(run, make=False)
        except FileNotFoundError:
            clean.sweep(run)
            return
        try:
            try:
                forget(self._of(run), run)
            except StartError as error:
                raise OSError(f"the container of {run.uid} cannot be removed: {error}") from None
            clean.kill(run)
            clean.clear(run)
        finally:
            os.close(staging)

    def _of(self, run: RunDir) -> Engine:
        """The engine that has the run: it may have been started with another setting. Raises StartError."""
        address = (run.path / MARK).read_text()
        engine = self.engine() if self._found is None or self._found.api.address == address else None
        if engine is not None and engine.api.address == address:
            return engine
        found = find(address)
        if isinstance(found, Missing):
            raise StartError(f"{found.why}: {found.mend}")
        return found

    def _usage(self, run: RunDir) -> Usage | None:
        if not run.held():
            return None
        try:
            api = self._of(run).api
            pid = int(api.inspect(plan.name_of(run))["State"]["Pid"])
            used = _used(pid, run)
            return used if used is not None else _counted(api.ask("GET", _stats(run)))
        except (NotThere, OSError, StartError):
            return None
        except EngineError:
            return None  # an engine without control groups counts nothing


def _used(pid: int, run: RunDir) -> Usage | None:
    """What the processes of this machine below `pid` have used; None where that is none of the run's."""
    if pid <= 0 or pid not in procfs.marked(run.digest()):
        return None
    born = procfs.born(pid)
    used = None if born is None else procfs.used(Keeper(pid, born))
    return None if used is None else Usage(*used)


def _stats(run: RunDir) -> str:
    return f"/containers/{quote(plan.name_of(run))}/stats?stream=false&one-shot=true"


def _counted(stats: dict[str, Any]) -> Usage:
    return Usage(stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, int(stats["memory_stats"].get("usage", 0)))
