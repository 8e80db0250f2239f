"""When a run was asked to stop: on its disk, once, whoever asks."""

import os
import tempfile
from contextlib import suppress

from clary.engines.runners.rundir import RunDir


def ask_to_stop(run: RunDir, grace: float, now: float) -> float | None:
    """When the run was first asked to stop (epoch seconds), durably; None when it was removed meanwhile."""
    with suppress(FileExistsError, FileNotFoundError), tempfile.NamedTemporaryFile("w", dir=run.path) as file:
        file.write(f"{max(0.0, grace):.3f}\n")
        file.flush()
        os.utime(file.fileno(), (now, now))
        # A link does not replace: the first stop counts, whoever asks at the same time, and it is there whole.
        run.stop.hardlink_to(file.name)
    try:
        return run.stop.stat().st_mtime
    except FileNotFoundError:
        return None
