"""What this machine has to give out to jobs."""

import os
from pathlib import Path

from clary.config import Config
from clary.jobs.turns import Demand

_GROUPS = Path("/sys/fs/cgroup")


def capacity(config: Config) -> Demand:
    """The CPUs and the memory that jobs of this home may hold together: as set, else what this process may use."""
    return Demand(config.queue_cpus or _cpus(_GROUPS), config.queue_memory_bytes or _memory(_GROUPS))


def _cpus(groups: Path) -> float:
    usable = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    quota, period = _words(groups / "cpu.max", 2) or (
        *(_words(groups / "cpu/cpu.cfs_quota_us", 1) or ["-1"]),
        *(_words(groups / "cpu/cpu.cfs_period_us", 1) or ["1"]),
    )
    if quota == "max" or float(quota) <= 0:
        return usable
    return min(usable, float(quota) / float(period))


def _memory(groups: Path) -> int:
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        (limit,) = _words(groups / name, 1) or ["max"]
        if limit != "max":
            installed = min(installed, int(limit))
    return installed


def _words(path: Path, count: int) -> list[str] | None:
    """The words of a control file; None where it is not there or says something else."""
    try:
        words = path.read_text().split()
    except OSError:
        return None
    return words if len(words) == count else None
