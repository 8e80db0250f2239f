"""The hosts of one job: as many runs as the job has instances, on this machine, that know each other by name."""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from clary.engines.runners.base import Phase, Run, Runner, Work

MOST_HOSTS: Final = 254
"""Hosts of one job: each has an address of its own in the job's part of 127.0.0.0/8."""
GRACE_SECONDS: Final = 120.0
"""From SIGTERM to SIGKILL of the hosts that are left when one of them has failed: as of a job that is stopped, since a
shorter grace would cut that one short when the first host has followed it."""

_KILLED: Final = (137, 143)
"""Exit codes of what was asked to end."""

Host = tuple[str, str]
"""(name, address)."""


def hosts(uid: str, count: int) -> tuple[Host, ...]:
    """algo-1 to algo-<count> of the job's run, always at the same addresses. A single host stands at 127.0.0.1; several
    have addresses that no other job is likely to have, so that each may listen on any port."""
    if not 1 <= count <= MOST_HOSTS:
        raise ValueError(f"a job on this machine has 1 to {MOST_HOSTS} hosts, not {count}")
    if count == 1:
        return (("algo-1", "127.0.0.1"),)
    high, low = hashlib.sha256(uid.encode()).digest()[:2]
    # 127.0.y.n is left to the machine: its own resolver and other services live there.
    network = int(ipaddress.IPv4Address("127.0.0.0")) + ((1 + high % 254) << 16) + (low << 8)
    return tuple((f"algo-{n}", str(ipaddress.IPv4Address(network + n))) for n in range(1, count + 1))


def host_uid(uid: str, number: int) -> str:
    """The uid of the run of that host, counted from 1. It starts with the job's, as every run's does."""
    return uid if number == 1 else f"{uid}-h{number}"


def host_of(uid: str) -> str:
    """The name of the host that the run of that uid is: what `host_uid` has made of it, backwards."""
    _, _, last = uid.rpartition("-")
    return f"algo-{last[1:]}" if last.startswith("h") and last[1:].isdecimal() else "algo-1"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is true of a cluster, learnt from the outside world."""

    whole: Run
    """All hosts as if they were one run. Its phase: absent while one host was never started and none failed; running
    while one runs; lost when one was lost; else ended. `started` is there once all have started. Exit code, end, files
    and log are those of the first host that failed, where one did, and else of algo-1; the end is then the last's."""
    runs: tuple[Run, ...]
    """One a host, algo-1 first."""
    decided: int = 0
    """The index of the host of which `whole` tells."""

    @property
    def phase(self) -> Phase:
        return self.whole.phase

    @property
    def exit_code(self) -> int | None:
        return self.whole.exit_code

    @property
    def some_run(self) -> bool:
        """One host runs: also of a cluster whose start was cut short, which is absent as a whole."""
        return any(run.phase == "running" for run in self.runs)


class Cluster:
    """As a Runner, for all hosts of one run uid together; each call is idempotent. One host costs what a run does.

    One host that fails or is lost ends the others: `observe` sees to it."""

    def __init__(self, runner: Runner, uid: str, count: int) -> None:
        self._runner = runner
        self.uids = tuple(host_uid(uid, number) for number in range(1, count + 1))

    async def observe(self) -> Seen:
        """What is true now. Where one host has failed, the others have been asked to end, again at each look."""
        runs = tuple([await self._runner.observe(uid) for uid in self.uids])
        if len(runs) == 1:
            return Seen(runs[0], runs)
        if any(_failed(run) for run in runs):
            # A level, not an edge: whoever looks next does the same, so a crash between two hosts forgets none.
            for uid, run in zip(self.uids, runs, strict=True):
                if run.phase == "running":
                    await self._runner.stop(uid, GRACE_SECONDS)
        return _seen(runs)

    async def start(self, works: Sequence[Work]) -> None:
        """Every host has been started exactly once. Raises StartError; hosts that were started before it stand then,
        until `remove`."""
        if len(works) != len(self.uids):
            raise ValueError(f"{len(works)} works for {len(self.uids)} hosts")
        for uid, work in zip(self.uids, works, strict=True):
            await self._runner.start(uid, work)

    async def stop(self, grace: float) -> None:
        """Every host has been asked to end; see Runner.stop."""
        for uid in self.uids:
            await self._runner.stop(uid, grace)

    async def remove(self) -> None:
        """Nothing of any host is left; running ones are killed first."""
        for uid in self.uids:
            await self._runner.remove(uid)


def _failed(run: Run) -> bool:
    return run.phase == "lost" or (run.phase == "ended" and run.exit_code != 0)


def _seen(runs: tuple[Run, ...]) -> Seen:
    failed = [number for number, run in enumerate(runs) if run.phase == "ended" and run.exit_code != 0]
    # The others ended because it did, and later: with the signal that we sent, or without their partner.
    decided = min(failed, key=lambda number: (runs[number].ended or 0.0, runs[number].exit_code in _KILLED), default=0)
    phases = {run.phase for run in runs}
    phase: Phase
    if "absent" in phases and not failed and "lost" not in phases:
        phase = "absent"
    elif "running" in phases:
        phase = "running"
    elif "lost" in phases:
        phase, decided = "lost", next(number for number, run in enumerate(runs) if run.phase == "lost")
    else:
        phase = "ended"
    begun = [run.started for run in runs if run.started is not None]
    ends = [run.ended for run in runs if run.ended is not None]
    whole = replace(
        runs[decided],
        phase=phase,
        exit_code=runs[decided].exit_code if phase == "ended" else None,
        started=max(begun) if len(begun) == len(runs) else None,
        ended=(runs[decided].ended if failed else max(ends)) if phase == "ended" else None,
    )
    return Seen(whole, runs, decided)
