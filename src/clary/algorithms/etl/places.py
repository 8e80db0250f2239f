"""Where the script finds its further files, and where what it says as an error is kept apart from what it prints."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

STDERR = "stderr"
"""The file below /opt/ml/output of standard error: it has a log of its own, as on Glue."""


def part_errors(root: Path) -> None:
    """What this process and its children write to standard error from now on stands in a file below `root`."""
    place = root / "output"
    place.mkdir(parents=True, exist_ok=True)
    fd = os.open(place / STDERR, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    sys.stderr.flush()
    os.dup2(fd, 2)
    os.close(fd)


def lay(files: Sequence[str], place: Path) -> None:
    """The files of --extra-files stand in the script's working directory."""
    for one in map(Path, files):
        target = place / one.name
        target.unlink(missing_ok=True)
        target.symlink_to(one)
