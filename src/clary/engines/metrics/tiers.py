"""How fine the past is kept: CloudWatch's own retention."""

from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600
DAY: Final = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Tier:
    step: int
    """Seconds a bucket."""
    span: int
    """Seconds a block: chunks never cross its edges. The block of a finer tier lies within one of the coarser."""
    keep: int
    """Seconds, after which a whole block becomes coarser."""


TIERS: Final = (
    Tier(1, HOUR, 3 * HOUR),
    Tier(60, DAY, 15 * DAY),
    Tier(300, 7 * DAY, 63 * DAY),
    Tier(3600, 28 * DAY, 455 * DAY),
)
SPAN: Final = {tier.step: tier.span for tier in TIERS}


def step_for(at: float, resolution: int, now: float) -> int:
    """In which step a value is kept that was observed at `at`."""
    for tier in TIERS:
        if resolution <= tier.step and at >= now - tier.keep:
            return tier.step
    return TIERS[-1].step


def coarser(step: int) -> int:
    return next(tier.step for tier in TIERS if tier.step > step)
