"""Whose turn it is to run: what the jobs of this machine have been granted of it, and who waits for how long already.

A job asks in each of its steps until it is granted, and leaves when its run has ended. What is granted stands in the
job's own row (`GRANTED`), so that a new server knows it; the order of those who wait is kept in memory only, since they
ask again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource

GRANTED: Final = "_granted"
"""The status member in which a job keeps the demand that it was granted: {"cpus", "memory_bytes"}."""

BY: Final = "_by"
"""The status member that says whose job it is: the queue is fair between them."""
PRIORITY_TAG: Final = "clary:priority"
HIGHEST: Final = 100


@dataclass(frozen=True, slots=True)
class Demand:
    """What one job asks of this machine for all its hosts together."""

    cpus: float
    memory_bytes: int

    def within(self, most: "Demand") -> "Demand":
        """The same, but no more than `most`."""
        return Demand(min(self.cpus, most.cpus), min(self.memory_bytes, most.memory_bytes))

    def granted(self) -> Doc:
        """The status member that a granted job writes."""
        return {GRANTED: {"cpus": self.cpus, "memory_bytes": self.memory_bytes}}


def priority(tag: str | None) -> int:
    """What the tag says: -100 to 100, higher is sooner; 0 without it. A value that is no such number counts as 0, since
    tags may change while the job waits; `check_priority` tells of it at Create."""
    try:
        asked = int(tag or 0)
    except ValueError:
        return 0
    return asked if -HIGHEST <= asked <= HIGHEST else 0


def check_priority(tags: Mapping[str, str]) -> None:
    """Raises ValidationException for a priority that is none."""
    given = tags.get(PRIORITY_TAG)
    if given is not None and str(priority(given)) != given.strip().removeprefix("+"):
        raise ValidationException(
            f"The tag {PRIORITY_TAG} must be an integer of -{HIGHEST} to {HIGHEST}, the higher the sooner, "
            f"not {given!r}"
        )


def created_by(ctx: Context) -> Doc:
    """The status member of a new job that says whose it is."""
    return {BY: ctx.principal.arn} if ctx.principal is not None else {}


class Turns(Protocol):
    def ask(self, job: Resource, demand: Demand) -> str | None:
        """None: it is granted (the caller writes GRANTED in the same step in which it goes on). Else why it waits, in
        words for the job's owner; `leave` of another job hastens it, so the pause between two looks may be long."""
        ...

    def check(self, demand: Demand) -> str | None:
        """Why a job of that demand is not even accepted; None: it is."""
        ...

    def leave(self, job: Resource) -> None:
        """The job holds nothing and waits for nothing any more. Safe to repeat, and safe to forget: what an ended job
        holds is found out sooner or later."""
        ...


class Everybody:
    """Nobody waits: every job is granted at once."""

    def ask(self, job: Resource, demand: Demand) -> str | None:
        return None

    def check(self, demand: Demand) -> str | None:
        return None

    def leave(self, job: Resource) -> None:
        return None
