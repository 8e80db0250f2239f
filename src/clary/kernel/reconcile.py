"""The level-triggered loop: claim what is due, take one idempotent step, write, repeat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from clary.kernel.resource import Resource


@dataclass(frozen=True, slots=True)
class Step:
    """What a reconciler decided. Made by `move`, `again`, `rest` and `gone`."""

    kind: Literal["move", "again", "rest", "gone"]
    phase: str | None = None
    after: float | None = None
    """Seconds until the next look; None: not until something changes."""
    status: Mapping[str, Any] = field(default_factory=dict)


def move(phase: str, *, after: float | None = None, **status: Any) -> Step:
    """Go to `phase`; look again `after` seconds when given, else never by itself."""
    return Step("move", phase, after, status)


def again(after: float, **status: Any) -> Step:
    """Stay in the phase, look again in `after` seconds."""
    return Step("again", None, after, status)


def rest(**status: Any) -> Step:
    """Stay in the phase until something changes."""
    return Step("rest", None, None, status)


def gone() -> Step:
    """What was asked is that it does not exist, and it does not: delete the row."""
    return Step("gone")


class Reconciler(Protocol):
    """Moves what is true towards what is asked. Every step may be repeated after a crash at any line."""

    async def __call__(self, resource: Resource) -> Step: ...

    def give_up(self, resource: Resource, error: Exception) -> Step:
        """The step to take when every attempt raised: normally a move to a failed phase with the reason."""
        ...
