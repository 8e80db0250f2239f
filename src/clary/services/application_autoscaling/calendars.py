"""When a scheduled action is due: at(), rate() and cron(), in a time zone."""

from clary.aws.errors import ValidationException
from clary.kernel import moments, schedule
from clary.kernel.moments import Following
from clary.kernel.resource import Doc


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
    except ValueError as error:
        raise ValidationException(f"Schedule expression is not valid: {error}") from None
    after = step
    if text.lstrip().startswith("rate("):
        after = moments.from_start(spec.get("StartTime"), made, step)
    elif zone != "UTC":
        try:
            after = moments.in_zone(step, moments.zone(zone))
        except ValueError:
            raise ValidationException(f"Timezone {zone!r} is not known: use a name of the IANA database") from None
    return moments.between(spec.get("StartTime"), spec.get("EndTime"), after)
