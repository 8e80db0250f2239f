"""Runs as processes of this machine: sandboxed where it allows that, kept by a shell that outlives everybody else."""

import asyncio
import os
import signal
import sys
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from clary.engines.runners import clean, procfs
from clary.engines.runners.base import Run, Usage, Work
from clary.engines.runners.probe import Probe, probe
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.sidecar import Sidecar
from clary.engines.runners.starter import Settings, Starter, only_starter
from clary.engines.runners.stopping import ask_to_stop
from clary.engines.runners.watch import Watch
from clary.kernel.clock import Clock, SystemClock

__all__ = ["Probe", "ProcessRunner", "look", "probe"]


class ProcessRunner:
    """The Runner port on this machine. Holds no truth: two of these on one root, in any processes, agree.

    `root` holds one directory a run; `hide` names directories that no run may see (the Clary home); `visible` further
    ones that every run sees, read-only. `durable`: that a run started and how it ended survives a power cut too, at
    some ms a run. `max_archive_bytes` bounds what the archives of one run may unpack to. `sidecar`: what stands by each
    run that has a network; it is asked at every start, in a thread."""

    def __init__(
        self,
        root: Path,
        *,
        python: str = sys.executable,
        sandbox: Literal["auto", "plain"] = "auto",
        hide: Sequence[Path] = (),
        visible: Sequence[Path] = (),
        max_archive_bytes: int = 256 << 30,
        max_processes: int = 4096,
        max_open_files: int = 65536,
        durable: bool = False,
        sidecar: Callable[[], Sidecar] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.root = root.absolute()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._starter = Starter(
            Settings(
                root=self.root,
                python=python,
                sandbox=sandbox,
                hide=tuple(path.absolute() for path in hide),
                visible=tuple(path.absolute() for path in visible),
                max_archive_bytes=max_archive_bytes,
                max_processes=max_processes,
                max_open_files=max_open_files,
                durable=durable,
                sidecar=sidecar,
            )
        )
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
        seen = look(self._dir(uid))
        if seen.phase == "running":
            # Of a server nobody waits for the lines: each request may print one.
            self._watch.arm(uid, seen.log if seen.address is None else None)
        return seen

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
            # The keeper does this by itself; here for one that hangs, and for a later, shorter grace.
            await asyncio.to_thread(procfs.kill_below, keeper)

    async def remove(self, uid: str) -> None:
        run = self._dir(uid)
        self._watch.disarm(uid)
        async with self._alone(uid):
            await asyncio.to_thread(_remove, run)

    async def usage(self, uid: str) -> Usage | None:
        return await asyncio.to_thread(_usage, self._dir(uid))

    async def uids(self) -> list[str]:
        return self._uids()

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watch.add(changed)
        for uid in self._uids():
            self._watch.arm(uid)

    # Beyond the port:

    def probe(self) -> Probe:
        """What runs get on this machine; found out once, by starting a few processes. Blocks for tens of ms."""
        return self._starter.machine()[1]

    def describe(self) -> str:
        """One line for people: the sandbox in use, what it gives and what it lacks."""
        return self.probe().detail

    def sweep(self, older_than: float) -> None:
        """What crashes and vanished homes have left on this machine is gone; see `clean.sweep_all`. Blocks."""
        clean.sweep_all(self.root, older_than)

    def close(self) -> None:
        """No callback comes any more. Runs go on."""
        self._watch.close()

    def _dir(self, uid: str) -> RunDir:
        return RunDir.of(self.root, uid)

    def _uids(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir() if not path.name.startswith(".") and path.is_dir())

    def _alone(self, uid: str) -> asyncio.Lock:
        """Spares threads that would wait for each other; what keeps processes apart is the lock on the disk."""
        return self._busy.setdefault(uid, asyncio.Lock())


def look(run: RunDir) -> Run:
    """What is true now. The order of the looks matters, since the run goes on meanwhile."""
    running = run.held()
    try:
        started = run.started.stat().st_mtime
    except FileNotFoundError:
        if not running:
            return Run("absent")
        started = None  # the keeper is there and about to say so
    # It may have started after the first look; but now that `started` stands, a free lock is the end.
    running = running or run.held()
    root, log, address = run.ml, run.log, run.address()
    if running:
        keeper = run.keeper()
        return Run("running", None, started, None, root, log, address, pid=None if keeper is None else keeper.pid)
    # Read after the lock was seen free: the keeper writes its last word before it lets go.
    ended = run.ended()
    if ended is None:
        return Run("lost", None, started, None, root, log, address)
    code, out_of_memory, at = ended
    return Run(
        "ended", code, started, at, root, log, address, out_of_memory=out_of_memory and code != 0, broken=run.broken()
    )


def _usage(run: RunDir) -> Usage | None:
    keeper = run.keeper() if run.held() else None
    used = procfs.used(keeper) if keeper is not None else None
    return None if used is None else Usage(*used)


def _remove(run: RunDir) -> None:
    try:
        staging = only_starter(run, make=False)
    except FileNotFoundError:
        clean.sweep(run)
        return
    try:
        clean.kill(run)
        clean.clear(run)
    finally:
        os.close(staging)
