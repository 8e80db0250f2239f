"""Whose turn it is to run: what the jobs of this machine have been granted of it, and who waits for how long already.

A job asks in each of its steps until it is granted, and leaves when its run has ended. What is granted stands in the
job's own row (`GRANTED`), so that a new server knows it; the order of those who wait is kept in memory only, since they
ask again.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from clary.kernel.resource import Resource

GRANTED: Final = "_granted"
"""The status member in which a job keeps the demand that it was granted: {"cpus", "memory_bytes"}."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one job asks of this machine for all its hosts together."""

    cpus: float
    memory_bytes: int


class Turns(Protocol):
    def ask(self, job: Resource, demand: Demand) -> str | None:
        """None: it is granted (the caller writes GRANTED in the same step in which it goes on). Else why it waits, in
        words for the job's owner; `leave` of another job hastens it, so the pause between two looks may be long."""
        ...

    def leave(self, job: Resource) -> None:
        """The job holds nothing and waits for nothing any more. Safe to repeat, and safe to forget: what an ended job
        holds is found out sooner or later."""
        ...


class Everybody:
    """Nobody waits: every job is granted at once."""

    def ask(self, job: Resource, demand: Demand) -> str | None:
        return None

    def leave(self, job: Resource) -> None:
        return None
