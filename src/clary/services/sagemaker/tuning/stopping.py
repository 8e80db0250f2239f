"""Which running trials are not worth going on: the median rule (TrainingJobEarlyStoppingType Auto), and Hyperband.

Both look at a trial's curve: the values of its objective, one after another, as its log lines told them. An epoch here
is one such value.
"""

import random
from collections.abc import Sequence
from typing import Final

from clary.kernel.resource import Doc

ETA: Final = 3
"""Of the trials that reach a rung, one of so many goes on."""
COMPARABLE: Final = 3
"""With fewer curves to compare with, nothing is stopped."""
MOST_RESOURCE: Final = 20_000
INFERRED: Final = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters that tell Hyperband's MaxResource, in this order."""

Curve = Sequence[float]
"""Less is better."""


def below_median(curve: Curve, others: Sequence[Curve]) -> bool:
    """The latest value is worse than the median of the others' running averages up to the same epoch."""
    epoch = len(curve)
    if not epoch:
        return False
    from statistics import fmean, median  # only here: a start need not pay for it

    averages = [fmean(other[:epoch]) for other in others if len(other) >= epoch]
    return len(averages) >= COMPARABLE and curve[-1] > median(averages)


def resources(config: Doc, static: Doc) -> tuple[int, int | None]:
    """Hyperband's (MinResource, MaxResource); None: nothing tells the latter."""
    said: Doc = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    most = said.get("MaxResource")
    if most is None:
        told = (static.get(name) for name in INFERRED)
        most = next((int(one) for one in told if one is not None and one.isdigit()), None)
    return said.get("MinResource", 1), most


def rungs(least: int, most: int, seed: int, number: int) -> list[int]:
    """The epochs at which the trial of that number is compared, before `most`. They are those of its bracket: some
    trials are given a longer time before they are first compared, fewer the longer it is."""
    levels = []
    while least < most:
        levels.append(least)
        least *= ETA
    brackets = len(levels)
    if not brackets:
        return []
    weights = [(brackets / (brackets - skipped)) * ETA ** (brackets - skipped) for skipped in range(brackets)]
    (skipped,) = random.Random(f"{seed}/{number}/bracket").choices(range(brackets), weights)
    return levels[skipped:]


def out_of_band(curve: Curve, others: Sequence[Curve], levels: Sequence[int], most: int) -> bool:
    """The trial has had all that there is, or is not among the best third at the last rung that it has reached."""
    if len(curve) >= most:
        return True
    reached = [level for level in levels if level <= len(curve)]
    if not reached:
        return False
    level = reached[-1]
    mine = curve[level - 1]
    there = sorted([mine, *(other[level - 1] for other in others if len(other) >= level)])
    return len(there) >= COMPARABLE and mine > there[len(there) // ETA - 1]
