"""Environments with the packages of a requirements.txt: each is made once by a run of its own, and then seen read-only
by every job and model server that asks for the same packages.

That run is sandboxed, since to install a package is to execute it; no program of a user has run in it when it is kept.
A directory gets its name, and so becomes an environment, by one rename after pip has succeeded: whatever dies on the
way leaves a run, which is started again or swept, and never half an environment."""

import asyncio
import hashlib
import os
import re
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clary.engines.runners.base import Archive, Run, Runner, Tree, Work
from clary.jobs import lines, pip, pythons
from clary.jobs.ground import Ground
from clary.kernel.telemetry import LogStreamName

KEPT: Final = 32
"""Environments that are kept though nothing runs in them; the least recently used go first."""
LONGEST_SECONDS: Final = 3600.0
CODE: Final = "/opt/ml/code"
_MADE: Final = "environment"
_PREFIX: Final = "packages-"
# What stands in a requirements file for itself: a name with versions, extras and markers, or an option about an index.
_PLAIN: Final = re.compile(
    r"\s*(#.*|--?(i|index-url|extra-index-url|no-binary|only-binary|prefer-binary|pre|find-links)\b.*"
    r"|[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\])?\s*([<>=!~][^/]*)?(;.*)?(#.*)?)?\s*"
)


class Making(Exception):
    """The environment is being made: `follow` this, and look again soon."""

    def __init__(self, uid: str, place: Path, name: str) -> None:
        super().__init__(uid)
        self.uid = uid
        self.place = place
        self.name = name


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a requirements file, and the archive that it stands in (None: it stands alone, or beside
    `files`)."""

    requirements: bytes
    name: str
    """Its path in the archive."""
    archive: Path | None
    files: tuple[tuple[str, Path], ...] = ()
    """(name, file on this machine) of what stands beside it, for example wheels that it names as ./NAME."""

    def key(self) -> str:
        """Equal for equal environments. Of a file that names other files, the whole archive counts."""
        digest = hashlib.sha256(pythons.fingerprint().encode())
        digest.update(self.requirements)
        if not self.plain and self.archive is not None:
            with self.archive.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
            digest.update(self.name.encode())
        for name, path in self.files:
            digest.update(f"\0{name}\0".encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:24]

    @property
    def plain(self) -> bool:
        text = self.requirements.decode("utf-8", "replace")
        return all(_PLAIN.fullmatch(line) and "./" not in line for line in text.splitlines())


async def ready(ground: Ground, wanted: Wanted, uid: str) -> Path:
    """The place of the environment, which the run of that uid is about to use. Raises Making while it is not there."""
    root = ground.environments
    key = await asyncio.to_thread(wanted.key)
    place = root / key
    if not place.is_dir():
        maker = f"{_PREFIX}{key}"
        # Started once, whoever asks: a run of that uid is that of these packages.
        await ground.runner.start(maker, await _work(ground, wanted, place))
        if not place.is_dir():
            raise Making(maker, place, wanted.name)
        # Another job has kept it between our look and our start: what we started is one too many.
        await ground.runner.remove(maker)
    await asyncio.to_thread(_use, root, key, uid)
    return place


async def follow(ground: Ground, making: Making, to: LogStreamName) -> str | None:
    """The lines of the installation are in that stream; once it has succeeded the environment is there. Why it will
    never be, in words for the owner; None: look again."""
    runner, uid = ground.runner, making.uid
    run = await runner.observe(uid)
    await lines.ship(ground, to, uid, run, final=run.phase != "running")
    why: str | None = None
    if run.phase == "running":
        if run.started is None or ground.clock.now() - run.started <= LONGEST_SECONDS:
            return None
        why = f"the packages of {making.name} were not installed within {LONGEST_SECONDS:.0f} s"
    elif run.phase == "ended" and run.exit_code == 0 and run.root is not None:
        kept = await asyncio.to_thread(_keep, run.root / _MADE, making.place)
        why = None if kept else "the installed packages are gone from this machine"
    elif run.phase == "ended":
        why = _why(run, making.name)
    # Else it was killed, or another job was first: the next look starts it, or finds what it made.
    # A crash before this line leaves a run that ended: the next look keeps what it made or starts it again.
    await runner.remove(uid)
    return why


async def base(ground: Ground, over: Path | None = None) -> Path:
    """The environment without further packages; those in `over` come before Clary's own."""
    return await asyncio.to_thread(pythons.base, ground.environments, over)


async def _work(ground: Ground, wanted: Wanted, place: Path) -> Work:
    python = await base(ground)
    settings = await asyncio.to_thread(pip.settings)
    plain = wanted.plain or wanted.archive is None
    return Work(
        command=(
            *(str(pythons.executable(python)), "-m", "clary.algorithms.toolkit.packages"),
            *(f"{CODE}/{wanted.name}", str(place)),
        ),
        env=settings.variables(secrets=True),
        files={f"{CODE}/{wanted.name}": wanted.requirements} if plain else {},
        archives=() if plain or wanted.archive is None else (Archive(CODE, wanted.archive),),
        directories=(CODE,),
        trees=(Tree(CODE, wanted.files),) if wanted.files else (),
        python=pythons.executable(python),
        shown=(python, *settings.directories()),
        cpus=ground.max_cpus,
        memory_bytes=ground.max_memory_bytes,
    )


def _keep(made: Path, place: Path) -> bool:
    with suppress(OSError):  # another look was first: what it kept is the same
        made.rename(place)
    return place.is_dir()


def _why(run: Run, name: str) -> str:
    failure = run.root / "output" / "failure" if run.root is not None else None
    with suppress(OSError):
        if failure is not None and not failure.is_symlink():
            return failure.read_text(errors="replace")[:900].removeprefix("ClientError: ")
    return f"the packages of {name} could not be installed: pip ended with exit code {run.exit_code}"


# Which runs use which environment: an empty file for each, below uses/<key>/, so that none is removed below a run.


def _use(root: Path, key: str, uid: str) -> None:
    uses = root / "uses" / key
    uses.mkdir(parents=True, exist_ok=True)
    (uses / uid).touch()
    os.utime(uses)


async def tidy(runner: Runner, root: Path, older_than: float, kept: int = KEPT) -> None:
    """Below `root` at most `kept` environments stand in which nothing runs, the ones that were used last. What
    was used after `older_than` (epoch seconds) stays: its run may be about to start."""
    alive = set(await runner.uids())
    await asyncio.to_thread(_tidy, root, alive, older_than, kept)


def _tidy(root: Path, alive: set[str], older_than: float, kept: int) -> None:
    if not root.is_dir():
        return
    idle: list[tuple[float, Path]] = []
    for place in root.iterdir():
        # Bases are a few links each, and nobody notes who uses them.
        if place.name == "uses" or place.name.startswith(("base-", ".")) or not place.is_dir():
            continue
        uses = root / "uses" / place.name
        if uses.is_dir():
            for one in uses.iterdir():
                if one.name not in alive and one.stat().st_mtime < older_than:
                    one.unlink(missing_ok=True)
            if any(uses.iterdir()):
                continue
        idle.append(((uses if uses.is_dir() else place).stat().st_mtime, place))
    for _, place in sorted(idle, reverse=True)[kept:]:
        # Renamed first: what is half deleted must not be taken for an environment.
        gone = root / f".gone-{place.name}"
        place.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        shutil.rmtree(root / "uses" / place.name, ignore_errors=True)
    for left in root.glob(".gone-*"):
        shutil.rmtree(left, ignore_errors=True)


def own_python(words: tuple[str, ...], python: Path) -> tuple[str, ...]:
    """The command with the environment's Python where it named Clary's own."""
    return (str(python), *words[1:]) if words and words[0] == sys.executable else words
