"""What services make of a schedule: in a time zone, from a start to an end, and looked at by a clock that may jump."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Following = Callable[[float], float | None]
"""The first moment later than one (epoch seconds); None: never again."""
LOOK_SECONDS: Final = 3600.0
"""What is due later than this is looked at in between: the clock may have been put back."""
_HOUR: Final = 3600.0


def zone(name: str) -> "ZoneInfo":
    """Raises ValueError for a name that the IANA database does not have."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # loaded with the first zone that is named

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone of the IANA database") from None


def in_zone(step: Following, there: "ZoneInfo", gaps: Literal["fire", "skip"] = "fire") -> Following:
    """What the clock on the wall says is what counts: a moment that comes twice fires the first time, and one that the
    clock skips fires when it would have been, or not at all."""

    def after(epoch: float) -> float | None:
        wall = _wall(epoch, there)
        while (found := step(wall)) is not None:
            moment = datetime.fromtimestamp(found, UTC).replace(tzinfo=there).timestamp()
            if moment > epoch and (gaps == "fire" or _shown(moment, there) == found):
                return moment
            wall = found
        return None

    return after


def from_start(start: float | None, made: float, step: Following) -> Following:
    """A rate counts from its start, which is its first moment, or from when it was made."""
    first = made if start is None else start
    length = step(0.0) or 0.0

    def after(epoch: float) -> float | None:
        if start is not None and epoch < start:
            return start
        return first + (int((epoch - first) // length) + 1) * length

    return after


def between(start: float | None, end: float | None, after: Following) -> Following:
    """The moments of `after` from `start` to `end`, both included."""

    def held(epoch: float) -> float | None:
        found = after(epoch if start is None else max(epoch, start - 1e-3))
        return None if found is None or (end is not None and found > end) else found

    return held


def looked(due: float, now: float, after: Following, late: float = 0.0) -> tuple[bool, float | None]:
    """Whether the moment `due`, which happens `late` seconds after it, has come, and which moment to wait for then.

    Moments that passed while nobody looked count once. A clock that was put back by more than the schedule's own step
    makes the wait shorter: the moment that was waited for is too far away."""
    if now < due + late:
        counted = after(now)
        return False, due if counted is None else min(due, counted)
    # A rate goes on from the moment that it was due, so that it does not creep, unless that is past already.
    following = after(due)
    return True, following if following is None or following > now else after(now)


def _wall(epoch: float, there: "ZoneInfo") -> float:
    """What the clock says, as if it were UTC; an hour early, for clocks that were put forward meanwhile."""
    return _shown(epoch, there) - _HOUR


def _shown(epoch: float, there: "ZoneInfo") -> float:
    return datetime.fromtimestamp(epoch, there).replace(tzinfo=UTC).timestamp()
