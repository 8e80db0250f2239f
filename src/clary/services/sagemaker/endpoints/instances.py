"""The port of a way to run instances: whatever answers requests of a variant, seen from its endpoint's fleet.

There are several ways side by side, named by `how` in a variant's document: "native" (servers.py: the model's
containers, run by the runner) and "compiled" (a graph in a worker process of the data plane). A fleet only counts,
compares and replaces; what an instance is made of is its way's affair.
"""

from dataclasses import dataclass
from typing import Protocol

from clary.engines.runners.base import Run
from clary.kernel.resource import Doc, Resource

NATIVE, COMPILED = "native", "compiled"


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance, by what is recorded of it."""

    endpoint: Resource
    uid: str
    """Of the instance, not of its runs: "<endpoint's uid>-<generation>-<variant's index>-<serial>"."""
    variant: str
    """The variant's name; "" of a stray, of which nothing is known but its uid."""
    containers: int
    """How many there are in the variant's model; 0: not known (a stray)."""
    hosts: tuple[str, ...] = ()
    """What each of several containers is called."""
    direct: bool = False
    """A request is for one of the containers, not for all in turn."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the outside world says of an instance."""

    run: Run
    """absent: none of it was started; running, with `address` once that is known; ended or lost as soon as any part of
    it is."""
    ready: bool = False
    """It answers requests at `run.address` now."""
    why: str = ""
    """Of one that has ended or is lost: why, in words for the endpoint's owner, with the last lines that it printed."""


class Instances(Protocol):
    """A way to run instances. Each call may be repeated; what it has begun before a crash it goes on with."""

    async def start(self, instance: Instance, variant: Doc) -> None:
        """It has been started exactly once, all of its parts, however often this is called. `variant` is its document
        in the deployment (see machine.py). Raises CannotStart, and NotYet: call again soon."""
        ...

    async def observe(self, instance: Instance) -> Seen:
        """What is true of it now. The lines that it has printed since the last look are in the log store."""
        ...

    def last_lines(self, instance: Instance) -> str:
        """The end of a sentence: what it printed last, as far as `observe` has seen it."""
        ...

    async def stop(self, instance: Instance, grace: float) -> None:
        """It is asked to finish what it has and end; it is ended once `grace` seconds have passed since the first call.
        No route names it any more."""
        ...

    async def remove(self, instance: Instance) -> None:
        """Nothing of it is left on this machine; its last lines are in the log store."""
        ...

    async def uids(self) -> list[str]:
        """Of every instance of any endpoint of which anything is on this machine, each once."""
        ...


class CannotStart(Exception):
    """Starting it again would end the same way; the message says why, in words for the endpoint's owner."""


class NotYet(Exception):
    """What it needs is being made (packages are installed): its time to become ready has not begun."""
