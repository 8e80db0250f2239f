"""The end of runs: what is alive in one is killed, what is on the disk of one is deleted. Blocks: call in a thread."""

import os
import secrets
import shutil
import signal
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clary.engines.runners import cgroups, procfs, sockets
from clary.engines.runners.rundir import RunDir

_DYING_SECONDS = 20.0


def kill(run: RunDir) -> None:
    """Nothing of the run is alive. Raises OSError when something does not die."""
    deadline = time.monotonic() + _DYING_SECONDS
    keeper = run.keeper()
    while keeper is not None and run.held():
        # What is below first, then the keeper: in a sandbox the keeper's end is everything's end, but without one its
        # children must be found before they are orphans.
        if not procfs.kill_below(keeper):
            procfs.send(keeper, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise OSError(f"the processes of {run.uid} do not die")
        time.sleep(0.002)
    if keeper is not None and run.ended() is None:
        # Killed with its keeper: without a PID namespace something may be left, and only its environment tells.
        for pid in procfs.marked(run.digest()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def clear(run: RunDir) -> None:
    """Nothing of a dead run is left: control groups, socket, directory."""
    deadline = time.monotonic() + _DYING_SECONDS
    while not cgroups.free(run):
        if time.monotonic() > deadline:
            raise OSError(f"a control group of {run.uid} cannot be removed: something is alive in it")
        time.sleep(0.002)  # the kernel still counts the dead in
    address = run.address()
    if address is not None:
        shutil.rmtree(Path(address.removeprefix("unix:")).parent, ignore_errors=True)
    # Renamed first: a run that is half deleted must not be taken for one. After a crash here `sweep` goes on.
    with suppress(FileNotFoundError):  # another removal was first
        run.path.rename(_gone(run))
    sweep(run)


def sweep(run: RunDir) -> None:
    """What earlier removals of this uid left half deleted is gone."""
    for path in run.path.parent.glob(f".gone-{run.uid}-*"):
        # Two removals at once: the later one takes over, and the earlier one finds nothing more to do.
        with suppress(FileNotFoundError):
            delete(path.rename(_gone(run)))


def _gone(run: RunDir) -> Path:
    return run.path.parent / f".gone-{run.uid}-{os.getpid()}-{time.monotonic_ns()}"


def sweep_all(root: Path, older_than: float) -> None:
    """What crashes left half made or half deleted below `root` is gone, and so are the empty control groups and the
    dead sockets of runs whose homes are no more. What is not certainly dead must be unchanged since `older_than`
    (epoch seconds). For the start, before any run is touched."""
    for path in root.glob(".gone-*"):
        delete(path)
    for pattern in (".new-*", ".probe-*", ".etc/.new-*"):
        for path in root.glob(pattern):
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime < older_than:
                    delete(path)
    cgroups.sweep(older_than)
    for place in sockets.all_places():
        with suppress(OSError):
            if place.lstat().st_mtime < older_than and sockets.dead(place):
                delete(place)


def empty(directory: Path, keep: Sequence[str] = ()) -> None:
    for entry in list(directory.iterdir()):
        if entry.name not in keep:
            delete(entry)


def delete(path: Path) -> None:
    """Gone, never following a link; directories that the run closed to us are opened first.

    What lies two levels down is moved up to one, over and over: a path of a few thousand directories, which a program
    makes with ease, is longer than any name may be and deeper than recursion goes."""
    if not _directory(path):
        path.unlink()
        return
    _open_up(path)
    moved = secrets.token_hex(8)  # no name that the run could have guessed and taken
    serial = 0
    while entries := list(path.iterdir()):
        for entry in entries:
            if not _directory(entry):
                entry.unlink()
                continue
            _open_up(entry)
            for below in list(entry.iterdir()):
                if _directory(below):
                    _open_up(below)  # its own entry ".." is written by the move
                    serial += 1
                    below.rename(path / f"{moved}-{serial}")
                else:
                    below.unlink()
            entry.rmdir()
    path.rmdir()


def _directory(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)


def _open_up(directory: Path) -> None:
    if directory.lstat().st_mode & 0o700 != 0o700:
        directory.chmod(0o700)
