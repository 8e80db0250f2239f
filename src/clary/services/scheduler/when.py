"""When a schedule fires: at(), rate() and cron() in its time zone, between its dates, within its window."""

import re
from hashlib import sha256
from typing import Final

from clary.kernel import moments, schedule
from clary.kernel.moments import Following
from clary.kernel.resource import Doc
from clary.services.scheduler.api import ValidationException

EARLIEST_START: Final = 300.0
"""A StartDate may lie so many seconds back, as on AWS."""
_RATE: Final = re.compile(r"\s*rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)\s*")
_MINUTE: Final = 60.0


def check(spec: Doc, now: float) -> None:
    """Raises ValidationException unless the schedule can be read and its dates make sense."""
    following(spec, now)
    start, end = spec.get("StartDate"), spec.get("EndDate")
    if not is_once(spec):
        if start is not None and start < now - EARLIEST_START:
            raise ValidationException("The StartDate you specify cannot be earlier than 5 minutes ago.")
        if end is not None and end <= now:
            raise ValidationException("The EndDate you specify must be in the future.")
        if start is not None and end is not None and start >= end:
            raise ValidationException("The StartDate you specify must come before the EndDate.")
    window = spec["FlexibleTimeWindow"]
    if window["Mode"] == "FLEXIBLE" and "MaximumWindowInMinutes" not in window:
        raise ValidationException(
            "MaximumWindowInMinutes must be provided when the FlexibleTimeWindow Mode is FLEXIBLE."
        )
    if window["Mode"] == "OFF" and "MaximumWindowInMinutes" in window:
        raise ValidationException(
            "MaximumWindowInMinutes must not be provided when the FlexibleTimeWindow Mode is OFF."
        )


def is_once(spec: Doc) -> bool:
    """It is a one-time schedule: StartDate and EndDate do not matter."""
    return bool(spec["ScheduleExpression"].lstrip().startswith("at("))


def following(spec: Doc, made: float) -> Following:
    """The moments of a schedule that was made at `made`. Raises ValidationException."""
    text = spec["ScheduleExpression"]
    rate = _RATE.fullmatch(text)
    if rate is not None:  # here the unit may be singular or plural for any value
        text = f"rate({rate[1]} {rate[2]}{'' if int(rate[1]) == 1 else 's'})"
    try:
        step = schedule.parse(text)
    except ValueError as error:
        raise ValidationException(f"Invalid Schedule Expression {spec['ScheduleExpression']}. {error}.") from None
    zone = spec.get("ScheduleExpressionTimezone", "UTC")
    try:
        there = None if zone == "UTC" else moments.zone(zone)
    except ValueError:
        raise ValidationException(
            f"The ScheduleExpressionTimezone {zone!r} is not known: use a name of the IANA database."
        ) from None
    start, end = spec.get("StartDate"), spec.get("EndDate")
    if rate is not None:
        # Without a StartDate the first moment of a rate is now.
        start = made if start is None else start
        return moments.between(start, end, moments.from_start(start, made, step))
    after = step if there is None else moments.in_zone(step, there, "skip")
    return after if is_once(spec) else moments.between(start, end, after)


def first(spec: Doc, now: float) -> float | None:
    """The first moment of a schedule that is made or changed now; None: there is none."""
    after = following(spec, now)
    if is_once(spec):
        return after(now)
    start = spec.get("StartDate")
    if start is None and _RATE.fullmatch(spec["ScheduleExpression"]) is None:
        return after(now)
    # The start itself counts, also one that lies back a little.
    return after((now if start is None else min(now, start)) - 1.0)


def late(spec: Doc, uid: str, moment: float) -> float:
    """How many seconds after its moment a schedule fires: anywhere in its window, always the same for one moment."""
    window = spec["FlexibleTimeWindow"]
    if window["Mode"] == "OFF":
        return 0.0
    drawn = int.from_bytes(sha256(f"{uid}:{moment}".encode()).digest()[:8]) / 2**64
    return float(window["MaximumWindowInMinutes"]) * _MINUTE * drawn
