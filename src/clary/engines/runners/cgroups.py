"""Limits by control group, v1 or v2, where this process may make a child of its own group. It never leaves that."""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clary.engines.runners.rundir import RunDir

_PERIOD_US = 100_000
_PROOF = {
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "cpu": ("cpu.cfs_quota_us", "cpu.max"),
    "pids": ("pids.max", "pids.max"),
}
"""The file that a child group must have for a controller to be of use: (v1, v2)."""


@dataclass(frozen=True, slots=True)
class Controllers:
    """Where a child group can be made, by controller. Empty: nowhere."""

    parents: dict[str, Path]
    unified: bool = False

    def __bool__(self) -> bool:
        return bool(self.parents)


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups made for one run; a process joins by writing 0 to each `cgroup.procs`."""

    paths: tuple[Path, ...] = ()
    oom_counter: Path | None = None


def find(proc: Path = Path("/proc/self")) -> Controllers:
    """Where groups can be made, tried by making one. Empty where control groups are absent, read-only or another's."""
    own: dict[str, str] = {}
    try:
        for line in (proc / "cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            for name in names.split(",") if names else [""]:
                own[name] = path
        mounts = (proc / "mountinfo").read_text().splitlines()
    except OSError:
        return Controllers({})
    legacy: dict[str, Path] = {}
    unified: Path | None = None
    for line in mounts:
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), after.split(" ", 2)
        if kind == "cgroup":
            for name in _PROOF.keys() & set(options.split(",")) & own.keys():
                legacy[name] = _below(fields[4], fields[3], own[name])
        elif kind == "cgroup2" and "" in own:
            unified = _below(fields[4], fields[3], own[""])
    usable = {name: parent for name, parent in legacy.items() if _works(parent, _PROOF[name][0])}
    if usable or unified is None:
        return Controllers(usable)
    return Controllers({name: unified for name, files in _PROOF.items() if _works(unified, files[1])}, unified=True)


def make(found: Controllers, run: RunDir, *, cpus: float | None, memory_bytes: int | None, tasks: int) -> Groups:
    """The groups of the run exist and carry its limits. They are written down first, so that `free` finds them after a
    crash at any line.

    Their name is of this start only: the keeper of an earlier run of the same uid may be about to remove its own."""
    group = f"clary-{run.digest()}-{secrets.token_hex(4)}"
    wanted: dict[Path, list[tuple[str, str, bool]]] = {}

    def ask(controller: str, *settings: tuple[str, str, bool]) -> None:
        parent = found.parents.get(controller)
        if parent is not None:
            wanted.setdefault(parent / group, []).extend(settings)

    # (file, value, whether it must take)
    if memory_bytes is not None and found.unified:
        ask("memory", ("memory.max", str(memory_bytes), True), ("memory.swap.max", "0", False))
        ask("memory", ("memory.oom.group", "1", False))
    elif memory_bytes is not None:
        ask("memory", ("memory.limit_in_bytes", str(memory_bytes), True))
        ask("memory", ("memory.memsw.limit_in_bytes", str(memory_bytes), False))
    if cpus is not None:
        quota = max(1000, round(cpus * _PERIOD_US))
        if found.unified:
            ask("cpu", ("cpu.max", f"{quota} {_PERIOD_US}", True))
        else:
            ask("cpu", ("cpu.cfs_period_us", str(_PERIOD_US), True), ("cpu.cfs_quota_us", str(quota), True))
    ask("pids", ("pids.max", str(tasks), True))

    run.cgroups.write_text("".join(f"{path}\n" for path in wanted))
    for path, settings in wanted.items():
        path.mkdir(exist_ok=True)
        for name, value, must in settings:
            try:
                (path / name).write_text(value)
            except OSError:
                if must:
                    free(run)
                    raise
    counter = None
    if memory_bytes is not None and "memory" in found.parents:
        name = "memory.events" if found.unified else "memory.oom_control"
        counter = found.parents["memory"] / group / name
    return Groups(tuple(wanted), counter)


def free(run: RunDir) -> bool:
    """The groups of the run are gone; False: something in one is still dying, ask again."""
    try:
        paths = [Path(line) for line in run.cgroups.read_text().splitlines()]
    except FileNotFoundError:
        return True
    try:
        for path in paths:
            with suppress(FileNotFoundError):
                path.rmdir()
    except OSError:
        return False
    return True


def sweep(older_than: float) -> None:
    """Groups of runs whose home is gone are gone too: empty ones, made before `older_than` (epoch seconds)."""
    for parent in set(find().parents.values()):
        for path in parent.glob("clary-*"):
            with suppress(OSError):  # something is alive in it, or somebody was first
                if path.stat().st_mtime < older_than:
                    path.rmdir()


def spread(cpus: float, seed: str, allowed: Sequence[int] | None = None) -> frozenset[int]:
    """Whole CPUs for a run where no quota can be set: as many as asked, rounded up, not always the same ones."""
    usable = sorted(os.sched_getaffinity(0)) if allowed is None else list(allowed)
    count = min(len(usable), max(1, -int(-cpus // 1)))
    first = int.from_bytes(seed.encode(), "big") % len(usable)
    return frozenset(usable[(first + step) % len(usable)] for step in range(count))


def _below(mount: str, root: str, path: str) -> Path:
    """The directory of the group `path` under a mount that shows the hierarchy from `root` on."""
    inside = path[len(root) :] if root != "/" and (path + "/").startswith(root + "/") else path
    return Path(mount) / inside.lstrip("/")


def _works(parent: Path, proof: str) -> bool:
    trial = parent / f"clary-trial-{os.getpid()}"
    try:
        trial.mkdir(exist_ok=True)
    except OSError:
        return False
    try:
        return os.access(trial / proof, os.W_OK) and os.access(trial / "cgroup.procs", os.W_OK)
    finally:
        with suppress(OSError):
            trial.rmdir()
