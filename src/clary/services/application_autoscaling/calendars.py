"""When a scheduled action is due: at(), rate() and cron(), in a time zone."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from clary.aws.errors import ValidationException
from clary.kernel import schedule
from clary.kernel.resource import Doc

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Following = Callable[[float], float | None]
"""The first moment later than one (epoch seconds); None: never again."""
_HOUR: Final = 3600.0


def check(spec: Doc, now: float) -> None:
    """Raises ValidationException unless the schedule can be read, and fires at least once from now on."""
    if "Timezone" in spec and spec["Schedule"].lstrip().startswith("rate("):
        raise ValidationException("Timezone does not go with rate(): leave it out")
    start, end = spec.get("StartTime"), spec.get("EndTime")
    if start is not None and end is not None and start >= end:
        raise ValidationException("EndTime must be later than StartTime")
    if end is not None and end <= now:
        raise ValidationException("EndTime must be in the future")
    if following(spec, now)(now) is None:
        raise ValidationException(
            f"The schedule {spec['Schedule']!r} never fires from now on: choose a time in the future"
        )


def following(spec: Doc, made: float) -> Following:
    """The moments of a scheduled action that was put at `made`. Raises ValidationException."""
    text, zone = spec["Schedule"], spec.get("Timezone", "UTC")
    try:
        step = schedule.parse(text)
        after = step if zone == "UTC" or text.lstrip().startswith("rate(") else _in_zone(step, _zone(zone))
    except ValueError as error:
        raise ValidationException(f"Schedule expression is not valid: {error}") from None
    if text.lstrip().startswith("rate("):
        after = _from(spec.get("StartTime"), made, step)
    return _between(spec.get("StartTime"), spec.get("EndTime"), after)


def _from(start: float | None, made: float, step: Following) -> Following:
    """A rate counts from its start, which is its first moment, or from when it was put."""
    first = made if start is None else start
    length = (step(0.0) or 0.0) - 0.0

    def after(epoch: float) -> float | None:
        if start is not None and epoch < start:
            return start
        return first + (int((epoch - first) // length) + 1) * length

    return after


def _between(start: float | None, end: float | None, after: Following) -> Following:
    def held(epoch: float) -> float | None:
        # A moment that is the start itself counts.
        found = after(epoch if start is None else max(epoch, start - 1e-3))
        return None if found is None or (end is not None and found > end) else found

    return held


def _zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # loaded with the first zone that is named

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationException(f"Timezone {name!r} is not known: use a name of the IANA database") from None


def _in_zone(step: Following, zone: "ZoneInfo") -> Following:
    """What the clock on the wall says is what counts: a moment that the clock skips fires when it would have been, one
    that comes twice fires the first time."""

    def after(epoch: float) -> float | None:
        wall = _wall(epoch, zone)
        while (found := step(wall)) is not None:
            moment = datetime.fromtimestamp(found, UTC).replace(tzinfo=zone).timestamp()
            if moment > epoch:
                return moment
            wall = found
        return None

    return after


def _wall(epoch: float, zone: "ZoneInfo") -> float:
    """What the clock says, as if it were UTC; an hour early, for clocks that were put forward meanwhile."""
    there = datetime.fromtimestamp(epoch, zone)
    return there.replace(tzinfo=UTC).timestamp() - _HOUR
