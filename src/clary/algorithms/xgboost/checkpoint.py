"""Checkpoints as AWS's container names them: xgboost-checkpoint.N is the model after round N, counted from 0."""

import re
import time
from pathlib import Path
from typing import Any

from clary.algorithms.contract import AlgorithmError, say
from clary.algorithms.xgboost import model

NAME = "xgboost-checkpoint"
KEPT = 2
"""How many of the newest stay: one may be on its way into S3 while the next is written."""
SECONDS = 1.0
"""How far apart they are at least. Rounds may take milliseconds: a file that is gone so soon would never reach S3, and
writing a growing model each time would cost more than growing it."""
PART = ".sagemaker-ignore"
"""How AWS's container ends the name of a file that is still being written."""


class Checkpoints:
    """The checkpoints of one model. Without a folder none is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._newest = -1
        self._due = 0.0

    def load(self) -> tuple[bytes, int]:
        """The newest model that can be read, as UBJSON, and how many rounds it has had; nothing and 0 when there is
        none. One that cannot be read is named in the log, and the one before it counts."""
        for number, path in reversed(self._all()):
            try:
                found = bytes(model.read(path).save_raw("ubj"))
            except (AlgorithmError, OSError) as error:
                say(f"Checkpoint {path.name} cannot be read: {error}", level="WARNING")
                continue
            say(f"Checkpoint loaded from {path}")
            say(f"Resuming from iteration {number + 1}")
            return found, number + 1
        return b"", 0

    def offer(self, booster: Any, number: int) -> None:
        """The model after round `number` is saved, unless the one before is younger than SECONDS."""
        if time.monotonic() >= self._due:
            self.save(booster, number)
            self._due = time.monotonic() + SECONDS

    def save(self, booster: Any, number: int) -> None:
        """The model after round `number` stands in its file, and no more than KEPT in all."""
        if self._folder is None or number <= self._newest:
            return
        self._newest = number
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f".{NAME}.{number}{PART}"
        part.write_bytes(booster.save_raw("ubj"))
        # Whoever reads meanwhile, or comes after a crash here, sees whole files only. The disk may still lose the
        # newest one to a power cut: then `load` falls back to the one before.
        part.replace(self._folder / f"{NAME}.{number}")
        for old, path in self._all()[:-KEPT]:
            if old < number:
                path.unlink(missing_ok=True)

    def _all(self) -> list[tuple[int, Path]]:
        if self._folder is None or not self._folder.is_dir():
            return []
        matches = ((re.fullmatch(rf"{NAME}\.(\d+)", one.name), one) for one in self._folder.iterdir())
        return sorted((int(match[1]), one) for match, one in matches if match)
