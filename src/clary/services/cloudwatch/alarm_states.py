"""Which state the points of an alarm's evaluation range make: CloudWatch's rules of M out of N and of missing data.

A point is True (breaching), False (within the threshold), MISSING, or UNSEEN: nothing was there when nobody could have
written it, for the server was stopped. What is unseen never decides: the state stays where it would."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, Literal

from clary.services.cloudwatch.alarm_rows import ALARM, INSUFFICIENT, OK

Treat = Literal["missing", "ignore", "breaching", "notBreaching"]
EXTRA: Final = 2
"""Points that are looked at beyond EvaluationPeriods, in case that some are missing: AWS's tables look at 5 for 3."""
BREACHES: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


class Gap(Enum):
    MISSING = "missing"
    UNSEEN = "unseen"


MISSING: Final = Gap.MISSING
UNSEEN: Final = Gap.UNSEEN
Point = bool | Gap


def decide(points: Sequence[Point], needed: int, breaching: int, treat: Treat) -> str | None:
    """The state; None: the one that it is in stays. `points` are the evaluation range, the newest last; `needed` is
    EvaluationPeriods, `breaching` DatapointsToAlarm."""
    known = [one for one in points if isinstance(one, bool)][-needed:]
    over = sum(known)
    empty = needed - len(known)  # so many places must be filled
    filled = min(empty, sum(one is MISSING for one in points))
    unseen = empty - filled
    if treat in ("breaching", "notBreaching"):
        over += filled if treat == "breaching" else 0
        if over >= breaching:
            return ALARM
        return OK if over + unseen < breaching else None
    if over >= breaching:
        return ALARM
    if not known:
        return INSUFFICIENT if treat == "missing" and not unseen else None
    if over < len(known):
        return OK if over + unseen < breaching else None
    # All that is there breaches, and it is too little: that is an alarm only when it is old enough, so that one late
    # point does not make an alarm of data that comes now and then.
    if treat == "missing" and not unseen and _age(points, needed) >= breaching:
        return ALARM
    return None


def _age(points: Sequence[Point], needed: int) -> int:
    """How many points ago the oldest breaching one of the last `needed` was; 1: it is the newest."""
    recent = points[-needed:]
    return max((len(recent) - i for i, one in enumerate(recent) if one is True), default=0)


def few_samples(stat: str, samples: float) -> bool:
    """So few values that the percentile `stat` ("p99.9") says nothing; False for all other statistics."""
    if not stat.startswith("p") or stat.startswith("pr"):
        return False
    rank = float(stat[1:]) / 100
    share = 1 - rank if rank >= 0.5 else rank
    return share > 0 and samples < 10 / share - 1e-6
