"""How a job comes to a spare: its files are laid below the spare's /opt/ml, then one rename puts the word there that
the spare waits for, and the spare's own rename says that it has taken it. Blocks: call in a thread."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

import orjson

from clary.engines.runners import clean
from clary.engines.runners.base import Work
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.stage import Stage

DOOR = ".spare"
MAX_ARCHIVE_BYTES = 256 << 30
State = Literal["taken", "waiting", "dead"]


def hand_over(run: RunDir, work: Work) -> None:
    """The word is there, unless the spare has taken one. Raises StartError when the work can never start."""
    door = run.ml / DOOR
    # What a killed starter left is called back first: after this the spare has it for good, or never had it.
    with suppress(FileNotFoundError):
        (door / "handover").unlink()
    if (door / "taken").exists():
        return
    clean.empty(run.ml, keep=(DOOR,))
    Stage(run, "copy", MAX_ARCHIVE_BYTES).lay(work)
    new = door / "new"
    new.unlink(missing_ok=True)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(orjson.dumps({"env": dict(work.env), "command": work.command, "cwd": work.cwd}))
    new.rename(door / "handover")


def state(run: RunDir) -> State:
    """What became of the word."""
    held = run.held()
    # Looked at after the lock: a spare that takes it and dies at once has taken it.
    if _taken(run.ml / DOOR):
        return "taken"
    return "waiting" if held else "dead"


def _taken(door: Path) -> bool:
    return (door / "taken").exists()
