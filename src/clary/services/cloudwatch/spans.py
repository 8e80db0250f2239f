"""Which periods there are, and how far back each can be asked for: CloudWatch's own rules."""

from typing import Final

HOUR: Final = 3600
DAY: Final = 24 * HOUR
SHORT: Final = (1, 5, 10, 20, 30)
"""Periods below a minute, of metrics of high resolution."""


def allowed(period: int) -> bool:
    return period in SHORT or period % 60 == 0


def rounded(start: float, period: int, now: float) -> int:
    """The start that CloudWatch takes for it: down to the whole minute (or a short period's multiple), 5 minutes when
    it lies 15 days back, the hour from 63 days on."""
    age = now - start
    unit = period if period in SHORT else 60
    if age > 63 * DAY:
        unit = HOUR
    elif age > 15 * DAY:
        unit = 300
    return int(start // unit) * unit


def kept_since(period: int, now: float) -> float:
    """Values older than this are kept too coarsely for the period."""
    if period % 60:
        return now - 3 * HOUR
    if period % 300:
        return now - 15 * DAY
    if period % HOUR:
        return now - 63 * DAY
    return now - 455 * DAY


def clipped(start: int, period: int, now: float) -> int:
    """The first period from `start` on that lies wholly in what is kept for it."""
    late = kept_since(period, now) - start
    return start if late <= 0 else start + int(-(-late // period)) * period
