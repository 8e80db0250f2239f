"""Processes as the kernel tells of them. Nothing is signalled that was not first identified."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from clary.engines.runners.rundir import Keeper


def born(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is no such process."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def alive(pid: int) -> bool:
    """The process is there and no zombie."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in ("Z", "X")


def identify(keeper: Keeper) -> int | None:
    """A pidfd of exactly this process, to be closed by the caller; None when it is gone."""
    try:
        fd = os.pidfd_open(keeper.pid)
    except ProcessLookupError:
        return None
    # The descriptor is fixed first and the identity checked after: a pid given out again in between does not match.
    if born(keeper.pid) == keeper.born:
        return fd
    os.close(fd)
    return None


def send(keeper: Keeper, number: signal.Signals) -> bool:
    """The signal was sent to exactly this process; False: it is gone."""
    fd = identify(keeper)
    if fd is None:
        return False
    try:
        signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
    return True


def children(pid: int) -> list[int]:
    """The pids of the process's children, oldest first; none when it is gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    # Gone, or a kernel without CONFIG_PROC_CHILDREN.
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[1]) == pid:
                found.append(int(entry.name))
    return sorted(found)


def kill_below(keeper: Keeper) -> bool:
    """Every descendant of the keeper was sent SIGKILL; True when there was one alive. The keeper itself is left, so
    that it can tell how its child ended."""
    # Twice when the first finds none: one that died during the look has bequeathed its children to the keeper.
    return _kill_below(keeper) or _kill_below(keeper)


def _kill_below(keeper: Keeper) -> bool:
    if born(keeper.pid) != keeper.born:
        return False
    found = False
    waiting = children(keeper.pid)
    while waiting:
        pid = waiting.pop()
        waiting += children(pid)
        if alive(pid):
            found = True
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return found


def used(keeper: Keeper) -> tuple[float, int] | None:
    """(CPU seconds, resident bytes) of the keeper and all below it; None: it is gone. Of children that have ended,
    what their parents have waited for."""
    if born(keeper.pid) != keeper.born:
        return None
    ticks, pages = 0, 0
    waiting = [keeper.pid]
    while waiting:
        pid = waiting.pop()
        fields = _stat(pid)
        if fields is not None:
            # utime, stime, cutime, cstime; rss
            ticks += sum(int(field) for field in fields[11:15])
            pages += int(fields[21])
            waiting += children(pid)
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")


def marked(mark: str) -> list[int]:
    """Processes of this user whose environment began with the variable CLARY_RUN=`mark`."""
    wanted = f"CLARY_RUN={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # gone, or another user's: none of ours
        if wanted in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the state on (the name before it may hold blanks)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()
