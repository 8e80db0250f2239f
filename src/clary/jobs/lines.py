"""The lines that runs print: on their way to the log store, and as the words of a failure."""

import asyncio
import errno
import re
import signal
from pathlib import Path
from typing import Final

import clary
from clary.engines.runners.base import Run
from clary.engines.telemetry import tail
from clary.jobs.ground import Ground
from clary.kernel.telemetry import LogStore, LogStreamName

LAST_LINES: Final = 10
_PACKAGES: Final = re.compile(r"(?:/[^\s\"':]+)*/lib/python3\.\d+/(?:(?:site|dist)-packages/)?")
_CLARY: Final = f"{Path(clary.__file__).parents[1]}/"
_TELLING: Final = 3
"""Lines of so few characters may stand in any text by chance."""


async def ship(ground: Ground, to: LogStreamName, uid: str, run: Run, *, final: bool) -> None:
    """The lines that the run has printed so far are in the log store; with `final`, all of them."""
    if run.log is None or not has_printed(run):
        return  # most looks are at a run that is silent: they need no thread
    # In a thread: the first line of a stream is synced to the disk, which takes seconds while somebody else fills it.
    while await asyncio.to_thread(tail.ship, run.log, ground.logs, to, uid, ground.clock, final=final):
        if not final:
            return  # The rest is for the next look: one chatty job must not keep the others waiting.


def has_printed(run: Run) -> bool:
    """There is something in its log."""
    try:
        return run.log is not None and run.log.stat().st_size > 0
    except FileNotFoundError:
        return False


def last(logs: LogStore, to: LogStreamName, many: int = LAST_LINES) -> str:
    """The last lines of the stream, as their owner may see them."""
    return "\n".join(shown(event.message) for event in logs.last(to, many))


def tells(said: str, lines: str) -> bool:
    """What the program left as its reason tells what it printed, or it printed nothing: the lines would add nothing."""
    words = [line.strip() for line in lines.splitlines()]
    return not lines or any(len(one) > _TELLING and one in said for one in words)


def shown(text: str) -> str:
    """The text without the places of Python's packages on this machine, which mean nothing to the job's owner."""
    return _PACKAGES.sub(".../", text).replace(_CLARY, ".../")


def meaning(exit_code: int | None) -> str:
    """What a shell means by the code: ` (SIGKILL)` for 137; nothing where it may mean anything."""
    names = {128 + one: one.name for one in signal.Signals}
    names |= {126: "the program cannot be executed", 127: "there is no such program"}
    return f" ({names[exit_code]})" if exit_code in names else ""


def disk_is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
