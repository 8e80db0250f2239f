"""What the door of a multi-model instance is told, and the companion of a run (Work.companions) that it is."""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MODELS = "/opt/ml/models"
"""Where the models stand inside the run: `<MODELS>/<digest of its name>/model`."""
SOCKET = "models.sock"
"""Where the door listens, beside the socket of its run."""
MOST_LEFT = 1000
"""Counts that wait to be taken, five seconds each."""
FAULT = "x-clary-fault"
"""The header of an answer of the door that is no model's: "validation" for what the client can mend."""


@dataclass(frozen=True, slots=True)
class Told:
    """The file that the door reads again for each model that it fetches: keys change while it runs."""

    endpoint_url: str
    region: str
    bucket: str
    prefix: str
    """Before the name of a model in its key; with the slash, if there is one."""
    access_key_id: str
    secret_access_key: str
    session_token: str
    expires: float
    """Of the keys (epoch seconds)."""
    role: str
    """Whose keys they are."""
    most: int
    """Models that are loaded at the same time."""
    keep: bool
    """False: a model is unloaded as soon as it has answered."""
    account: str = ""
    endpoint: str = ""
    variant: str = ""
    """Whose metrics the door's counts are."""


def write(path: Path, told: Told) -> None:
    """The file says it, whole; nobody else can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(told), file)
    scratch.replace(path)


def read(path: Path) -> Told:
    """What was written last. Raises FileNotFoundError."""
    return Told(**json.loads(path.read_text()))


def spool(path: Path) -> Path:
    """The directory in which the door with that file leaves what it has counted."""
    return path.with_name("counted")


def leave(place: Path, counted: Mapping[str, Any]) -> None:
    """What was counted lies in the directory, whole, until it is taken; the oldest goes when there is too much."""
    place.mkdir(parents=True, exist_ok=True)
    for old in sorted(place.glob("*.json"))[:-MOST_LEFT]:
        old.unlink(missing_ok=True)
    scratch = place / ".new"
    scratch.write_text(json.dumps(counted))
    scratch.replace(place / f"{time.time_ns():020}.json")


def taken(scratch: Path) -> list[dict[str, Any]]:
    """What all doors whose files stand below `scratch` have left. It is gone before it is told, so a crash in between
    loses it, and nothing is ever told twice."""
    found = []
    for path in sorted(scratch.glob("*/counted/*.json")):
        try:
            said = json.loads(path.read_text())
            path.unlink()
        except FileNotFoundError:
            continue  # the instance has gone meanwhile
        found.append(said)
    return found


def command(path: Path) -> tuple[str, ...]:
    """The companion that stands before the run's server."""
    return (sys.executable, "-m", "clary.engines.models.door", str(path))


def address(of_run: str) -> str:
    """Where the door of the run listens whose server has that address ("unix:/path")."""
    return f"unix:{Path(of_run.removeprefix('unix:')).with_name(SOCKET)}"
