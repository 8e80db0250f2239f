"""By how much a policy changes a capacity, and which of several policies decides: AWS's rules, as plain functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clary.kernel.resource import Doc

COOLDOWN: Final = 300
"""Seconds, where a policy does not say."""
_HAIR: Final = 1e-9
"""A metric that is on its target but for rounding is on its target."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one policy, triggered by one alarm, would have."""

    policy: str
    """Its ARN."""
    tracking: bool
    cause: str
    wanted: int
    """The capacity, not yet brought between the bounds."""
    inward: bool
    """It is about less capacity, even where that comes to none."""
    cooldown: float
    """Seconds, of AWS's clock."""


@dataclass(frozen=True, slots=True)
class Bounds:
    low: int
    high: int

    def hold(self, wanted: int) -> int:
        return min(max(wanted, self.low), self.high)


def proportional(base: int, metric: float, target: float) -> int:
    """The capacity at which the metric would be on its target, if it is in proportion to it."""
    if base == 0:
        # Nothing can be in proportion to nothing: the load is held against one instance.
        return max(1, math.ceil(metric / target - _HAIR)) if metric > 0 else 0
    return math.ceil(base * metric / target - _HAIR)


def adjusted(config: Doc, base: int, change: int) -> int:
    """The capacity that a step of so much comes to."""
    kind = config["AdjustmentType"]
    if kind == "ExactCapacity":
        return change
    if kind == "ChangeInCapacity":
        return base + change
    exact = base * change / 100
    # AWS: above 1 the fraction is dropped, below it counts as 1; the same with minus.
    whole = math.trunc(exact) if abs(exact) >= 1 else (1 if exact > 0 else -1 if exact < 0 else 0)
    least = config.get("MinAdjustmentMagnitude", 0)
    if whole and abs(whole) < least:
        whole = least if whole > 0 else -least
    return base + whole


def step_of(config: Doc, metric: float | None, threshold: float, above: bool) -> int | None:
    """ScalingAdjustment of the step that the metric's distance from the alarm's threshold lies in; None: in none. A
    metric of None (the alarm was set by hand, or by missing data) is taken as on the threshold. `above`: the alarm goes
    off above its threshold."""
    distance = 0.0 if metric is None else metric - threshold
    for one in config["StepAdjustments"]:
        lower = one.get("MetricIntervalLowerBound", -math.inf)
        upper = one.get("MetricIntervalUpperBound", math.inf)
        inside = lower <= distance < upper if above else lower < distance <= upper
        if inside or (distance == 0 and _begins(lower, upper, above)):
            return int(one["ScalingAdjustment"])
    return None


def _begins(lower: float, upper: float, above: bool) -> bool:
    """The step is the one next to the threshold, on the side where the alarm goes off."""
    return lower == 0 if above else upper == 0


def aggregated(values: Sequence[float], how: str) -> float | None:
    """The metric that a step policy looks at; None: there is none."""
    if not values:
        return None
    if how == "Minimum":
        return min(values)
    return max(values) if how == "Maximum" else math.fsum(values) / len(values)


def most(proposals: Sequence[Proposal], current: int) -> Proposal | None:
    """Of those that want more than there is, the one that wants most; None: none does."""
    out = [one for one in proposals if not one.inward and one.wanted > current]
    return max(out, key=lambda one: one.wanted, default=None)


def least(proposals: Sequence[Proposal], current: int, shrinking: int) -> Proposal | None:
    """Of those that want less, the one that wants most, as AWS prefers capacity to none; None: none does, or not all of
    the `shrinking` policies that track a target and may scale in are ready to."""
    inward = [one for one in proposals if one.inward and one.wanted < current]
    ready = {one.policy for one in inward if one.tracking}
    if len(ready) < shrinking:
        inward = [one for one in inward if not one.tracking]  # step scaling asks nobody
    return max(inward, key=lambda one: one.wanted, default=None)
