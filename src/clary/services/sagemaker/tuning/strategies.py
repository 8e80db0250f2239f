"""What the next trial tries, by strategy. Each choice follows from the seed, the trial's number and the rows of earlier
trials alone, so a choice that a crash has forgotten is made again as it was."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from typing import Final

from clary.engines.search.base import Point, Question, Search, SearchError
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.tuning import machine
from clary.services.sagemaker.tuning.definitions import Definition
from clary.services.sagemaker.tuning.ranges import Axis

FIRST: Final = 6
"""Trials that are spread over the ranges before a model of the objective says where to look; fewer in a small job."""
REDRAWS: Final = 20
"""Where few combinations are possible, one that was tried is drawn again so often, then taken as it is."""
_BASES: Final = (2, 3, 5, 7, 11, 13, 17, 19)
"""More than these, and points would stand in rows: other axes are drawn."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one definition's next trial is chosen from."""

    definition: Definition
    own: Sequence[Resource]
    """The definition's earlier trials."""
    warm: Sequence[tuple[Point, float]] = ()
    """Points that parents have tried and what came of them; less is better."""

    def observed(self) -> list[tuple[Point, float]]:
        """What is known of points, less being better."""
        found = list(self.warm)
        for trial in self.own:
            value, point = machine.value(trial), self.point(trial)
            if value is not None and point is not None:
                found.append((point, value if self.definition.minimizes else -value))
        return found

    def running(self) -> list[Point]:
        points = [self.point(trial) for trial in self.own if not machine.settled(trial)]
        return [one for one in points if one is not None]

    def point(self, trial: Resource) -> Point | None:
        return point_of(self.definition.axes, trial.spec["TunedHyperParameters"])


def point_of(axes: Sequence[Axis], tuned: Doc) -> Point | None:
    """Where these values stand; None: not within these ranges."""
    found = [axis.place(tuned[axis.name]) if axis.name in tuned else None for axis in axes]
    places = [one for one in found if one is not None]
    return tuple(places) if len(places) == len(axes) else None


def seed_of(job: Resource) -> int:
    """The RandomSeed of the request, else one of the job's own."""
    config = job.spec["HyperParameterTuningJobConfig"]
    own = int.from_bytes(sha256(job.uid.encode()).digest()[:4], "big")
    return int(config.get("RandomSeed", own))


def combinations(axes: Sequence[Axis]) -> int:
    """How many there are of categories."""
    return prod(axis.categories for axis in axes)


async def choose(strategy: str, known: Known, job: Resource, number: int, search: Search | None) -> Doc:
    """The tuned hyperparameters of the trial of that number. Raises SearchError."""
    axes = known.definition.axes
    if strategy == "Grid":
        return _values(axes, _grid(axes, len(known.own)))
    tried = [trial.spec["TunedHyperParameters"] for trial in known.own]
    drawn: Doc = {}
    for again in range(REDRAWS):
        seed = f"{seed_of(job)}/{number}/{again}" if again else f"{seed_of(job)}/{number}"
        point = await _bayesian(known, job, seed, search) if strategy == "Bayesian" and not again else None
        drawn = _values(axes, point if point is not None else _random(axes, seed))
        if drawn not in tried:
            break
    return drawn


async def _bayesian(known: Known, job: Resource, seed: str, search: Search | None) -> Point:
    axes, observed = known.definition.axes, known.observed()
    most = job.spec["HyperParameterTuningJobConfig"]["ResourceLimits"].get("MaxNumberOfTrainingJobs", 2 * FIRST)
    if len(observed) < min(FIRST, max(2, most // 2)):
        return _spread(axes, seed_of(job), len(known.own) + 1)
    if search is None:
        raise SearchError("nobody is there who decides what to try next")
    number = int.from_bytes(sha256(seed.encode()).digest()[:4], "big")
    return await search.next(Question([axis.categories for axis in axes], observed, known.running(), number))


def _values(axes: Sequence[Axis], point: Point) -> Doc:
    return {axis.name: axis.at(place) for axis, place in zip(axes, point, strict=True)}


def _random(axes: Sequence[Axis], seed: str) -> Point:
    draw = random.Random(seed)
    return tuple(_on(axis, draw.random()) for axis in axes)


def _spread(axes: Sequence[Axis], seed: int, index: int) -> Point:
    """The point of that index (from 1) of a Halton sequence, shifted by the seed: any first few lie well apart."""
    shift = random.Random(f"{seed}/spread")
    draw = random.Random(f"{seed}/{index}/spread")
    found = []
    for number, axis in enumerate(axes):
        moved = shift.random()
        place = (_radical(index, _BASES[number]) + moved) % 1.0 if number < len(_BASES) else draw.random()
        found.append(_on(axis, place))
    return tuple(found)


def _radical(index: int, base: int) -> float:
    """The digits of the index in that base, behind the point and backwards."""
    found, share = 0.0, 1.0
    while index:
        index, digit = divmod(index, base)
        share /= base
        found += share * digit
    return found


def _on(axis: Axis, place: float) -> float:
    return float(int(place * axis.categories)) if axis.categories else place


def _grid(axes: Sequence[Axis], index: int) -> Point:
    """The combination of that index, from 0; the last axis changes fastest."""
    found: list[float] = []
    for axis in reversed(axes):
        index, place = divmod(index, axis.categories)
        found.append(float(place))
    return tuple(reversed(found))
