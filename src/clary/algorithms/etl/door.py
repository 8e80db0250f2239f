"""Where a process that was started ahead waits for its job: a directory below /opt/ml, into which the engine puts one
file, `handover`."""

import json
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

NAME = ".spare"
_LOOK_SECONDS = 0.02
_ML = re.compile(r"/opt/ml(?![A-Za-z0-9_.-])")


class Door:
    """Takes at most one job. What it takes it takes at once, also while Spark is still starting: the engine waits for
    that."""

    def __init__(self, root: Path) -> None:
        self._place = root / NAME
        self._taken = threading.Event()
        self._over = threading.Event()
        self._said: dict[str, Any] = {}

    def watch(self) -> None:
        """From now on a job that comes is taken."""
        threading.Thread(target=self._watch, name="door", daemon=True).start()

    def taken(self) -> bool:
        return self._taken.is_set()

    def ready(self) -> None:
        """The engine sees that Spark is up and warm."""
        with suppress(FileNotFoundError):  # a job was taken already
            (self._place / "ready").touch()

    def wait(self, seconds: float) -> bool:
        """A job was taken; False: none came for so long, and none will be taken any more."""
        if not self._taken.wait(seconds):
            self._over.set()
        return self._taken.is_set()

    def environment(self) -> dict[str, str]:
        """What the taken job was given; of paths below /opt/ml, where they are really."""
        root = str(self._place.parent)
        given: dict[str, str] = self._said["env"]
        return {name: _ML.sub(lambda _: root, value) for name, value in given.items()}

    def _watch(self) -> None:
        handover, taken = self._place / "handover", self._place / "taken"
        while not self._over.wait(_LOOK_SECONDS):
            try:
                said = handover.read_bytes()
                self._wipe()
                # The one step by which the job is ours: the engine deletes all of it then.
                handover.rename(taken)
            except FileNotFoundError:
                continue  # there is none, or it was called back
            self._said = json.loads(said)
            self._taken.set()
            return

    @staticmethod
    def _wipe() -> None:
        """The log begins with the job: what was said while nobody had one is nobody's."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for descriptor in (1, 2):
            with suppress(OSError):  # a terminal, or a pipe
                os.ftruncate(descriptor, 0)


def merged(own: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process with the job's: what the job was given wins, in either case of letters (programs
    read http_proxy and HTTP_PROXY); hosts that no proxy may stand before are added up; this Python stays first on
    PATH."""
    theirs = {name.upper() for name in given}
    found = {name: value for name, value in own.items() if name.upper() not in theirs}
    found |= given
    if "PATH" in given:
        found["PATH"] = f"{Path(sys.executable).parent}:{given['PATH']}"
    if "NO_PROXY" in theirs:
        hosts = (given.get("NO_PROXY") or given.get("no_proxy") or "", own.get("NO_PROXY", ""))
        found |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(one for one in hosts if one))
    return found
