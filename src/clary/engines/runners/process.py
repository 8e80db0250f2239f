"""Runs as processes of this machine: sandboxed where it allows that, kept by a shell that outlives everybody else."""

import asyncio
import fcntl
import logging
import os
import resource
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from clary.engines.runners import cgroups, procfs
from clary.engines.runners.base import Run, StartError, Work
from clary.engines.runners.guest import Guest, etc, guest
from clary.engines.runners.keeper import Launch, Limits, launch, sealed
from clary.engines.runners.plain import MOUNTED_SOCKETS, mounts, plain
from clary.engines.runners.probe import Probe, probe
from clary.engines.runners.rundir import EXIT_SIZE, RunDir, take
from clary.engines.runners.sandbox import SERVE_DIRECTORY, View, arguments, command_line
from clary.engines.runners.stage import Stage
from clary.engines.runners.watch import Watch
from clary.kernel.clock import Clock, SystemClock

__all__ = ["Probe", "ProcessRunner", "probe"]

_log = logging.getLogger(__name__)
_SOCKET = "serve.sock"
_LONGEST_SOCKET = 107
_DYING_SECONDS = 20.0


class ProcessRunner:
    """The Runner port on this machine. Holds no truth: two of these on one root, in any processes, agree.

    `root` holds one directory a run; `hide` names directories that no run may see (the Clary home); `visible` further
    ones that every run sees, read-only. `durable`: the start and the end of a run survive a power cut too, for some ms."""

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
        clock: Clock | None = None,
    ) -> None:
        self.root = root.absolute()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sandbox = sandbox
        self._hide = tuple(path.absolute() for path in hide)
        self._python = python
        self._visible = tuple(visible)
        self._max_archive_bytes = max_archive_bytes
        self._max_processes = max_processes
        self._max_open_files = max_open_files
        self._durable = durable
        self._clock = SystemClock() if clock is None else clock
        self._probing = threading.Lock()
        self._found: tuple[Guest, Probe] | None = None
        self._starting: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._watch = Watch(self._dir)

    # The port ---------------------------------------------------------------------------------------------------------

    async def start(self, uid: str, work: Work) -> None:
        run = self._dir(uid)
        _check(work)
        lock = self._starting.setdefault(uid, asyncio.Lock())
        async with lock:
            if not run.started.exists():
                await asyncio.to_thread(self._start, run, work)
        self._watch.arm(uid)

    async def observe(self, uid: str) -> Run:
        run = self._dir(uid)
        seen = _look(run)
        if seen.phase == "running":
            self._watch.arm(uid)
        return seen

    async def stop(self, uid: str, grace: float) -> None:
        run = self._dir(uid)
        keeper = run.keeper()
        if keeper is None or not run.held():
            return
        try:
            with tempfile.NamedTemporaryFile("w", dir=run.path, prefix=".stop-") as file:
                file.write(f"{max(0.0, grace):.3f}\n")
                file.flush()
                os.utime(file.name, (self._clock.now(), self._clock.now()))
                # A link does not replace: the first stop is the one that counts, whoever asks at the same time.
                os.link(file.name, run.stop)
        except FileExistsError:
            pass
        except FileNotFoundError:
            return  # removed meanwhile
        asked = run.stop.stat().st_mtime
        if self._clock.now() - asked >= grace:
            # The keeper does this by itself; here for one that is itself stopped, or a later, shorter grace.
            procfs.kill_below(keeper)
        # Sent again by every call: the keeper acts on the first, and the one before us may have died before sending.
        procfs.send(keeper, signal.SIGTERM)

    async def remove(self, uid: str) -> None:
        run = self._dir(uid)
        self._watch.disarm(uid)
        lock = self._starting.setdefault(uid, asyncio.Lock())
        async with lock:
            await asyncio.to_thread(self._remove, run)

    async def uids(self) -> list[str]:
        return sorted(
            entry.name for entry in os.scandir(self.root) if not entry.name.startswith(".") and entry.is_dir()
        )

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watch.add(changed)
        for entry in os.scandir(self.root):
            if not entry.name.startswith(".") and entry.is_dir():
                self._watch.arm(entry.name)

    # Beyond the port --------------------------------------------------------------------------------------------------

    def probe(self) -> Probe:
        """What runs get on this machine; found out once, at the first start."""
        return self._machine()[1]

    def describe(self) -> str:
        """One line for people: the sandbox in use, what it gives and what it lacks."""
        return self.probe().detail

    def close(self) -> None:
        """No callback comes any more. Runs go on."""
        self._watch.close()

    def _dir(self, uid: str) -> RunDir:
        return RunDir.of(self.root, uid)

    # Starting (in a thread) -------------------------------------------------------------------------------------------

    def _start(self, run: RunDir, work: Work) -> None:
        staging = _only_starter(run)
        try:
            lock = _only_runner(run)
            if lock is None:
                return
            try:
                self._stage_and_launch(run, work, lock)
            finally:
                os.close(lock)  # the keeper, if there is one, has its own
        except StartError:
            self._clear(run)
            raise
        finally:
            os.close(staging)

    def _stage_and_launch(self, run: RunDir, work: Work, lock: int) -> None:
        shown, found = self._machine()
        # No `started`, and nobody holds the lock: whatever an earlier, killed starter left is no run. From empty.
        _empty(run.path, keep=(run.staging.name, run.lock.name))
        cgroups.free(run)
        mounts_ = Stage(run, found.placing, self._max_archive_bytes).fill(work)
        try:
            run.log.touch(0o600)
            run.exit.write_bytes(b" " * (EXIT_SIZE - 1) + b"\n")
            serve = self._socket_directory(run) if work.serves else None
            view = View(run.ml, run.tmp, self._etc(found), mounts_, serve, work.network, work.cwd)
            limits = self._limits(run, work, found)
        except OSError as error:
            raise StartError(f"the run cannot be set up: {error.strerror or error}") from error
        env = shown.environment(work.env, home=str(run.tmp) if found.sandbox == "plain" else "/tmp", cpus=work.cpus)
        if found.sandbox == "plain":
            env.setdefault("TMPDIR", str(run.tmp))
        env["CLARY_RUN"] = run.digest()
        if serve is not None:
            inside = {"bubblewrap": SERVE_DIRECTORY, "mounts": MOUNTED_SOCKETS, "plain": str(serve)}[found.sandbox]
            env["CLARY_BIND"] = f"unix:{inside}/{_SOCKET}"
        what = self._launch(shown, found, view, work.command, env)
        try:
            said = launch(run, lock, what, limits, {"PATH": os.defpath, "LC_ALL": "C"}, self._durable)
        finally:
            for descriptor in what.descriptors:
                os.close(descriptor)
        if not run.started.exists():
            raise OSError(f"the keeper of {run.uid} did not start: {said or 'it said nothing'}")

    def _launch(self, shown: Guest, found: Probe, view: View, command: Sequence[str], env: Mapping[str, str]) -> Launch:
        if found.sandbox == "plain":
            return plain(shown, view, command, env)
        if found.sandbox == "mounts" or found.bubblewrap is None:
            return mounts(shown, view, command, env)
        descriptor = sealed(arguments(found.bubblewrap, shown, self._hide, view, env, held=True))
        argv = command_line(found.bubblewrap, descriptor, command, resets_signals=found.resets_signals)
        return Launch(argv, 2, (descriptor,))

    def _limits(self, run: RunDir, work: Work, found: Probe) -> Limits:
        groups = cgroups.make(
            found.controllers, run, cpus=work.cpus, memory_bytes=work.memory_bytes, tasks=self._max_processes
        )
        parents = found.controllers.parents
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = self._max_open_files if hard == resource.RLIM_INFINITY else min(hard, self._max_open_files)
        return Limits(
            open_files=files,
            data_bytes=work.memory_bytes if "memory" not in parents else None,
            tasks=None if "pids" in parents or os.getuid() == 0 else _tasks_of_user() + self._max_processes,
            cpus=cgroups.spread(work.cpus, run.uid) if work.cpus is not None and "cpu" not in parents else None,
            groups=groups.paths,
            oom_counter=groups.oom_counter,
        )

    def _machine(self) -> tuple[Guest, Probe]:
        with self._probing:
            if self._found is None:
                shown = guest(self._python, self._visible)
                found = probe(self.root, self._sandbox, shown)
                if found.sandbox != "bubblewrap":
                    _log.warning("runs are not isolated", extra={"sandbox": found.detail, "mend": found.mend})
                self._found = shown, found
            return self._found

    def _etc(self, found: Probe) -> Path:
        return etc(self.root) if found.sandbox == "bubblewrap" else Path("/etc")

    def _socket_directory(self, run: RunDir) -> Path:
        """A fresh, short, private directory: a socket's path is limited to 107 bytes, and homes may be deep."""
        base = Path(tempfile.gettempdir())
        if len(os.fsencode(base)) > _LONGEST_SOCKET - 60:
            base = Path("/tmp")
        parent = base / f"clary-{os.getuid()}"
        with suppress(FileExistsError):
            parent.mkdir(mode=0o700)
        found = parent.lstat()
        # Anybody may make names in /tmp: a directory that is not ours alone is no place for a socket.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise OSError(f"{parent} must be a directory that only this user can enter")
        directory = parent / run.digest()
        directory.mkdir(mode=0o700, exist_ok=True)
        _empty(directory)
        run.socket.write_text(str(directory / _SOCKET))
        return directory

    # Removing (in a thread) -------------------------------------------------------------------------------------------

    def _remove(self, run: RunDir) -> None:
        try:
            staging = _only_starter(run, make=False)
        except FileNotFoundError:
            self._sweep(run)
            return
        try:
            _kill(run)
            self._clear(run)
        finally:
            os.close(staging)

    def _clear(self, run: RunDir) -> None:
        deadline = time.monotonic() + _DYING_SECONDS
        while not cgroups.free(run) and time.monotonic() < deadline:
            time.sleep(0.005)  # the kernel still counts the dead in
        address = run.address()
        if address is not None:
            shutil.rmtree(Path(address.removeprefix("unix:")).parent, ignore_errors=True)
        # Renamed first: a run that is half deleted must not be taken for one.
        run.path.rename(self.root / f".gone-{run.uid}-{os.getpid()}-{time.monotonic_ns()}")
        self._sweep(run)

    def _sweep(self, run: RunDir) -> None:
        for path in self.root.glob(f".gone-{run.uid}-*"):
            _delete(path)


def _check(work: Work) -> None:
    if not work.command or any("\0" in word for word in work.command):
        raise StartError("the command is empty or holds a NUL character")
    for name, value in work.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise StartError(
                f"the environment variable {name!r} cannot be passed: its name is empty or holds '=' or NUL"
            )


def _look(run: RunDir) -> Run:
    """What is true now. The order of the three looks matters, since the run goes on meanwhile."""
    running = run.held()
    if not running and not run.started.exists():
        # Also between the start's staging and its lock.
        return Run("absent")
    if not running:
        # It may have started after the first look; once `started` stands, a free lock is the end.
        running = run.held()
    keeper = run.keeper()
    try:
        started = run.started.stat().st_mtime if keeper else None
    except FileNotFoundError:
        started = None
    root, log, address = run.ml, run.log, run.address()
    if running:
        return Run("running", None, started, None, root, log, address, pid=keeper.pid if keeper else None)
    ended = run.ended()
    if ended is None:
        return Run("lost", None, started, None, root, log, address)
    code, oom, at = ended
    return Run("ended", code, started, at, root, log, address, out_of_memory=oom and code != 0)


def _only_starter(run: RunDir, *, make: bool = True) -> int:
    """The run's directory exists and no other process stages or removes it until the descriptor is closed."""
    while True:
        if make:
            run.path.mkdir(mode=0o700, exist_ok=True)
        try:
            fd = os.open(run.staging, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            if make:
                continue
            raise
        fcntl.flock(fd, fcntl.LOCK_EX)
        # While we waited the run may have been removed: then this lock belongs to nothing.
        try:
            if run.staging.stat().st_ino == os.fstat(fd).st_ino:
                return fd
        except FileNotFoundError:
            pass
        os.close(fd)


def _only_runner(run: RunDir) -> int | None:
    """The run's lock, when it has never started; None when it has."""
    deadline = time.monotonic() + _DYING_SECONDS
    while not run.started.exists():
        lock = take(run.lock)
        if lock is not None:
            if not run.started.exists():
                return lock
            os.close(lock)  # it started and ended between the two looks
            return None
        # The keeper of a starter that was killed is about to say `started`, or to give up: microseconds.
        if time.monotonic() > deadline:
            raise OSError(f"the keeper of {run.uid} holds its lock and says nothing")
        time.sleep(0.002)
    return None


def _kill(run: RunDir) -> None:
    """Nothing of the run is alive."""
    deadline = time.monotonic() + _DYING_SECONDS
    keeper = run.keeper()
    while keeper is not None and run.held():
        # What is below first, then the keeper: in a sandbox the keeper's end is everything's end, elsewhere its children
        # must not be orphaned before they are found.
        if not procfs.kill_below(keeper):
            procfs.send(keeper, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise OSError(f"the processes of {run.uid} do not die")
        time.sleep(0.002)
    for pid in procfs.marked(run.digest()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _tasks_of_user() -> int:
    """How many threads this user has now: RLIMIT_NPROC counts them all."""
    count = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with suppress(OSError):
                if entry.stat().st_uid == os.getuid():
                    count += len(os.listdir(f"/proc/{entry.name}/task"))
    return count


def _empty(directory: Path, keep: Sequence[str] = ()) -> None:
    for entry in list(os.scandir(directory)):
        if entry.name not in keep:
            _delete(Path(entry.path))


def _delete(path: Path) -> None:
    """Gone, never following a link; directories that the run closed to us are opened first."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        path.unlink()
        return
    for directory, names, _ in os.walk(path, followlinks=False):
        for name in names:
            below = Path(directory, name)
            if not below.is_symlink() and below.stat().st_mode & 0o700 != 0o700:
                below.chmod(0o700)
    shutil.rmtree(path)
