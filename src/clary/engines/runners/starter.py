"""How a run comes to be: exactly one, whoever asks, however often, and whoever is killed on the way. Blocks: call in a
thread."""

import errno
import fcntl
import logging
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from clary.engines.runners import cgroups, clean, sidecar, sockets
from clary.engines.runners.base import StartError, Work
from clary.engines.runners.guest import ALONE, Guest, etc, guest, names
from clary.engines.runners.keeper import Launch, Limits, launch, sealed
from clary.engines.runners.plain import MOUNTED_FILES, MOUNTED_PEERS, MOUNTED_SOCKETS, mounts, plain
from clary.engines.runners.probe import Probe, probe
from clary.engines.runners.rundir import EXIT_SIZE, RunDir, take
from clary.engines.runners.sandbox import PEERS_DIRECTORY, SERVE_DIRECTORY, View, arguments, command_line
from clary.engines.runners.sidecar import Sidecar
from clary.engines.runners.stage import Stage

_log = logging.getLogger(__name__)
_QUIET_SECONDS = 20.0
_KEEPER = {"PATH": os.defpath, "LC_ALL": "C"}
"""The environment of a keeper."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `ProcessRunner` was told; see there."""

    root: Path
    python: str
    sandbox: Literal["auto", "plain"]
    hide: tuple[Path, ...]
    visible: tuple[Path, ...]
    max_archive_bytes: int
    max_processes: int
    max_open_files: int
    durable: bool
    sidecar: Callable[[], Sidecar] | None = None


class Starter:
    """Stages runs and launches their keepers."""

    def __init__(self, settings: Settings) -> None:
        self._set = settings
        self._probing = threading.Lock()
        self._found: tuple[Guest, Probe] | None = None

    def machine(self) -> tuple[Guest, Probe]:
        """What runs get on this machine; found out once, at the first call."""
        with self._probing:
            if self._found is None:
                shown = guest(self._set.python, self._set.visible)
                found = probe(self._set.root, self._set.sandbox, shown)
                if found.sandbox != "bubblewrap":
                    _log.warning("runs are not isolated", extra={"sandbox": found.detail, "mend": found.mend})
                self._found = shown, found
            return self._found

    def start(self, run: RunDir, work: Work) -> None:
        """The run has been started exactly once. Raises StartError, and leaves nothing then."""
        check(work)
        try:
            staging = only_starter(run)
        except OSError as error:
            raise refusal(error) or error from None
        try:
            if has_started(run):
                return
            self._stage_and_launch(run, work)
        except StartError:
            clean.clear(run)
            raise
        except OSError as error:
            why = refusal(error)
            if why is None or run.started.exists():
                raise
            clean.clear(run)
            raise why from error
        finally:
            os.close(staging)

    def _stage_and_launch(self, run: RunDir, work: Work) -> None:
        shown, found = self.machine()
        shown = _with(shown, work)
        # No `started`, and no keeper: whatever an earlier, killed starter left is no run. From empty, again.
        cgroups.free(run)
        clean.empty(run.path, keep=(run.staging.name, run.lock.name))
        overlays = Stage(run, found.placing, self._set.max_archive_bytes).fill(work)
        run.log.touch(0o600)
        run.exit.write_bytes(b" " * (EXIT_SIZE - 1) + b"\n")
        serve = _socket_directory(run) if work.serves else None
        with ExitStack() as opened:
            beside = self._sidecar(work, opened)
            files = () if beside is None else beside[0].files
            seen_etc = etc(self._set.root) if found.sandbox == "bubblewrap" else Path("/etc")
            view = View(
                run.ml, run.tmp, seen_etc, overlays, serve, work.network, work.cwd, files, _peers(work),
                work.hostname, _names(run, work, found),
            )  # fmt: skip
            limits = self._limits(run, work, found)
            env = _environment(run, work, shown, found, serve, beside)
            what = self._launch(shown, found, view, work.command, env)
            for descriptor in what.descriptors:
                opened.callback(os.close, descriptor)  # the keeper has its own
            # Only now: while it was staged the run was absent. Nobody else takes the lock, since only starters do.
            lock = take(run.lock)
            if lock is None:
                raise OSError(f"the lock of {run.uid} is held by something that is no run")
            opened.callback(os.close, lock)
            said = launch(run, lock, what, limits, _KEEPER, self._set.durable, beside, work.companions)
        if not run.started.exists():
            raise OSError(f"the keeper of {run.uid} did not start: {said or 'it said nothing'}")

    def _sidecar(self, work: Work, opened: ExitStack) -> tuple[Sidecar, socket.socket] | None:
        """The run's sidecar and its socket, which `opened` closes; None where it could not be reached from inside."""
        if self._set.sidecar is None or not work.network:
            return None
        return self._set.sidecar(), opened.enter_context(sidecar.listen())

    def _launch(self, shown: Guest, found: Probe, view: View, command: Sequence[str], env: Mapping[str, str]) -> Launch:
        if found.sandbox == "plain":
            return plain(shown, view, command, env)
        if found.bubblewrap is None:
            return mounts(shown, view, command, env)
        hide = (*self._set.hide, self._set.root)
        descriptor = sealed(arguments(found.bubblewrap, shown, hide, view, env, held=True))
        argv = command_line(found.bubblewrap, descriptor, command, resets_signals=found.resets_signals)
        return Launch(argv, 2, (descriptor,))

    def _limits(self, run: RunDir, work: Work, found: Probe) -> Limits:
        parents = found.controllers.parents
        groups = cgroups.make(
            found.controllers, run, cpus=work.cpus, memory_bytes=work.memory_bytes, tasks=self._set.max_processes
        )
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = self._set.max_open_files
        return Limits(
            open_files=files if hard == resource.RLIM_INFINITY else min(hard, files),
            data_bytes=None if "memory" in parents else work.memory_bytes,
            # RLIMIT_NPROC does not bind root, and counts every thread of the user, whoever started it.
            tasks=None if "pids" in parents or os.getuid() == 0 else _tasks_of_user() + self._set.max_processes,
            cpus=None if "cpu" in parents or work.cpus is None else cgroups.spread(work.cpus, run.uid),
            groups=groups.paths,
            oom_counter=groups.oom_counter,
        )


def only_starter(run: RunDir, *, make: bool = True) -> int:
    """The run's directory exists, and no other process stages or removes it until the descriptor is closed. Raises
    FileNotFoundError when it is not there and shall not be made."""
    while True:
        if make:
            run.path.mkdir(mode=0o700, exist_ok=True)
        try:
            fd = os.open(run.staging, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            if make:
                continue  # removed between the two lines
            raise
        fcntl.flock(fd, fcntl.LOCK_EX)
        # While we waited the run may have been removed: then this lock belongs to nothing.
        with suppress(FileNotFoundError):
            if run.staging.stat().st_ino == os.fstat(fd).st_ino:
                return fd
        os.close(fd)


def has_started(run: RunDir) -> bool:
    """The run has been started, by whomever; False: it has not, and no keeper that could do so is left."""
    deadline = time.monotonic() + _QUIET_SECONDS
    while not run.started.exists():
        if not run.held():
            # It may have started and ended between the two looks.
            return run.started.exists()
        # The keeper of a starter that was killed is about to say `started`, or to give up: microseconds.
        if time.monotonic() > deadline:
            raise OSError(f"the keeper of {run.uid} holds its lock and says nothing")
        time.sleep(0.002)
    return True


def _environment(
    run: RunDir,
    work: Work,
    shown: Guest,
    found: Probe,
    serve: Path | None,
    beside: tuple[Sidecar, socket.socket] | None,
) -> dict[str, str]:
    home = str(run.tmp) if found.sandbox == "plain" else "/tmp"
    asked = dict(work.env)
    if beside is not None:
        place = {"bubblewrap": sidecar.DIRECTORY, "mounts": MOUNTED_FILES, "plain": None}[found.sandbox]
        port: int = beside[1].getsockname()[1]
        told = beside[0].variables(port, lambda path: str(path) if place is None else f"{place}/{path.name}")
        asked = sidecar.merged(told, asked)
    env = shown.environment(asked, home=home, cpus=work.cpus)
    if found.sandbox == "plain":
        env.setdefault("TMPDIR", home)
        env["CLARY_HOSTS_FILE"] = str(run.etc / "hosts")
    env["CLARY_RUN"] = run.digest()
    if serve is not None:
        inside = {"bubblewrap": SERVE_DIRECTORY, "mounts": MOUNTED_SOCKETS, "plain": str(serve)}[found.sandbox]
        env["CLARY_BIND"] = f"unix:{inside}/{sockets.NAME}"
    beneath = {"bubblewrap": PEERS_DIRECTORY, "mounts": MOUNTED_PEERS, "plain": None}[found.sandbox]
    for name, address in work.peers.items():
        path = Path(address.removeprefix("unix:"))
        moved = beneath is not None and address.startswith("unix:")
        env[name] = f"unix:{beneath}/{path.parent.name}/{path.name}" if moved else address
    return env


def _names(run: RunDir, work: Work, found: Probe) -> tuple[Path, ...]:
    """What the run has of its own for /etc: the names of its hosts, unless what all share says the same."""
    if found.sandbox == "bubblewrap" and (work.hostname, work.hosts) == ALONE:
        return ()
    run.etc.mkdir()
    return names(run.etc, work.hostname, work.hosts)


def _with(shown: Guest, work: Work) -> Guest:
    """The guest as the work wants it: with its own Python, and more to see. Raises StartError."""
    for path in work.shown:
        if not path.is_dir():
            raise StartError(f"the directory {path.name!r} that the run was to see is gone")
    python = shown.python if work.python is None else str(work.python)
    return replace(shown, python=python, visible=(*shown.visible, *work.shown))


def _peers(work: Work) -> list[Path]:
    """The directories of the sockets that the run calls; those of other kinds of addresses it reaches anyhow."""
    found = [Path(one.removeprefix("unix:")).parent for one in work.peers.values() if one.startswith("unix:")]
    for place in found:
        if not place.is_dir():
            raise StartError("a model server that the run was to call is gone")
    return found


def _socket_directory(run: RunDir) -> Path:
    directory = sockets.place_of(run.digest())
    clean.empty(directory)
    run.socket.write_text(str(directory / sockets.NAME))
    return directory


def check(work: Work) -> None:
    """Raises StartError for what no kernel can be told."""
    if not work.command or any("\0" in word for word in work.command):
        raise StartError("the command is empty or holds a NUL character")
    for name, value in work.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise StartError(f"the environment variable {name!r} cannot be passed: an empty name, '=' in it, or NUL")


def refusal(error: OSError) -> StartError | None:
    """What can never succeed by trying again, in words for the owner of the job."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StartError("the disk is full: there is no room for the run")
    if error.errno in (errno.EACCES, errno.EROFS):
        return StartError(f"the run's directory cannot be written: {error.strerror}")
    return None


def _tasks_of_user() -> int:
    """How many threads this user has now."""
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if entry.stat().st_uid == os.getuid():
                    count += sum(1 for _ in (entry / "task").iterdir())
    return count
