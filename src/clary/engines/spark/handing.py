"""How a job comes to a spare: its files are laid below the spare's /opt/ml, then one rename puts the word there that
the spare waits for, and the spare's own rename says that it has taken it. Blocks: call in a thread."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

import orjson

from clary.engines.runners import clean
from clary.engines.runners.base import Work
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.stage import Stage
from clary.engines.runners.starter import only_starter
from clary.engines.spark.claims import Claim, Claims

DOOR = ".spare"
OUTPUT = "output"
"""Stands from the spare's start on: its Java writes its errors there."""
MAX_ARCHIVE_BYTES = 256 << 30
TAKING_SECONDS = 15.0
"""How long a spare may take to take its job: it looks many times a second, but the machine may be busy."""
_LOOK_SECONDS = 0.003
Outcome = Literal["taken", "dead", "silent"]


def hand_over(claims: Claims, claim: Claim, work: Work, seconds: float = TAKING_SECONDS) -> Outcome:
    """taken: the spare does the job, and the claim says so; dead: it never will, and nothing of the job was run;
    silent: it lives and has not taken it yet. Raises StartError when the work can never start."""
    run = RunDir.of(claims.root, claim.spare)
    try:
        # One at a time, of all processes: what is done in between is seen whole by whoever comes next.
        alone = only_starter(run, make=False)
    except FileNotFoundError:
        return "dead"
    try:
        now = claims.of(claim.uid)
        if now is None or now.spare != claim.spare:
            return "dead"
        if now.begun is not None:
            return "taken"
        if not _taken(run) and run.held():
            _put(run, work)
        deadline = time.monotonic() + seconds
        while not _taken(run):
            if not run.held():
                # It may have taken it, and ended at once, between the two looks.
                if _taken(run):
                    break
                return "dead"
            if time.monotonic() > deadline:
                return "silent"
            time.sleep(_LOOK_SECONDS)
        # The system's time, as the keeper's: files tell when runs end.
        claims.begun(claim, time.time())
        with suppress(OSError):  # the job has it in its hands already
            clean.delete(run.ml / DOOR)
        return "taken"
    finally:
        os.close(alone)


def waits(run: RunDir) -> bool:
    """The spare is up and warm."""
    return (run.ml / DOOR / "ready").exists()


def _taken(run: RunDir) -> bool:
    return (run.ml / DOOR / "taken").exists()


def _put(run: RunDir, work: Work) -> None:
    """The word is there, unless the spare has taken one."""
    door = run.ml / DOOR
    # What a killed starter left is called back first: after this the spare has it for good, or never had it.
    with suppress(FileNotFoundError):
        (door / "handover").unlink()
    if _taken(run):
        return
    clean.empty(run.ml, keep=(DOOR, OUTPUT))
    Stage(run, "copy", MAX_ARCHIVE_BYTES).lay(work)
    word = orjson.dumps({"env": dict(work.env), "command": work.command, "cwd": work.cwd})
    new = door / "new"
    new.unlink(missing_ok=True)
    _write(new, word)
    new.rename(door / "handover")


def _write(path: Path, data: bytes) -> None:
    """A new file, for its owner only: it holds the job's keys."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
