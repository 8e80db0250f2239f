"""A container engine for tests, and an image with Python in it. Where there is none, a test is skipped and says why.

`.ci/engine start DIR` makes both; CLARY_TEST_ENGINE names that directory."""

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from clary.engines.runners.container.engine import Engine, Missing, find

SECONDS = 100.0
"""How long a test waits for the image, which is made beside the other tests: less than a test may last."""


@dataclass(frozen=True)
class Machine:
    """An engine that answers, and its image."""

    engine: Engine
    image: str
    enter: Path
    """A program that runs a command line where Podman's own programs work."""

    @property
    def address(self) -> str:
        return self.engine.api.address


def machine() -> Machine:
    """Skips the test where no container can run."""
    found = _machine()
    if isinstance(found, str):
        pytest.skip(f"no container here: {found}")
    return found


@cache
def _machine() -> Machine | str:
    directory = os.environ.get("CLARY_TEST_ENGINE")
    if not directory:
        return "CLARY_TEST_ENGINE is not set; see .ci/engine"
    place = Path(directory)
    deadline = time.monotonic() + SECONDS
    while not (place / "base").exists():
        if (place / "why").exists():
            return (place / "why").read_text().strip()
        if time.monotonic() > deadline:
            return f"the image is not there after {SECONDS:.0f} s"
        time.sleep(0.2)
    engine = find(f"unix://{place}/podman.sock")
    if isinstance(engine, Missing):
        return engine.why
    return Machine(engine, (place / "base").read_text().strip(), place / "enter")
