"""What happens to objects, as Amazon EventBridge tells it: `happenings` has written the events already."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.heralds import Herald
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.s3 import happenings


def _told(event: Event) -> Sequence[Doc]:
    """The move to "Happened" carries them, for buckets whose events go to EventBridge."""
    if event.type != "moved" or event.phase != "Happened":
        return ()
    return [one["EventBridge"] for one in event.resource["status"].get("Events", ()) if "EventBridge" in one]


HERALDS: Final[Mapping[str, Herald]] = {happenings.KIND: _told}
