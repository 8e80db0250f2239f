"""What happened to resources, as Amazon EventBridge tells it.

A service declares in its `heralds.py` how a line of the outbox reads as events on the default bus; the composition root
hands all of them to the service `events`. So a rule that was written for AWS finds the same source, detail-type, detail
and resources here.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import floor
from uuid import NAMESPACE_URL, uuid5

from clary.aws import times
from clary.kernel.resource import Doc
from clary.kernel.store import Event

Herald = Callable[[Event], Sequence[Doc]]
"""The envelopes (see `envelope`) that tell of the line; () when AWS would not tell."""


class Heralds:
    """The port: how each kind of resource tells of itself."""

    def __init__(self, heralds: Mapping[str, Herald]) -> None:
        self.heralds = dict(heralds)

    def told(self, event: Event) -> Sequence[Doc]:
        herald = self.heralds.get(event.kind)
        return () if herald is None else herald(event)


def envelope(event: Event, source: str, detail_type: str, detail: Doc, resources: Sequence[str]) -> Doc:
    """An event as rules see it. Its id is that of the outbox line, so it stays the same however often it is told."""
    return {
        "version": "0",
        "id": str(uuid5(NAMESPACE_URL, f"clary:{event.account}:{event.seq}:{event.uid}:{detail_type}")),
        "detail-type": detail_type,
        "source": source,
        "account": event.account,
        "time": seconds(event.at),
        "region": event.region,
        "resources": list(resources),
        "detail": detail,
    }


def seconds(at: float) -> str:
    """Epoch seconds as EventBridge writes them: 2026-01-31T08:05:00Z."""
    return _second(floor(at))


@lru_cache(maxsize=64)
def _second(at: int) -> str:
    """Most events of a second are told within it."""
    return times.iso8601(float(at)).replace(".000Z", "Z")
