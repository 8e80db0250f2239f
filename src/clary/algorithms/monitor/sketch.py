"""Distributions of numbers, kept small: a KLL sketch while reading, weighted points once written.

Up to K numbers are all kept, so the distribution is exact; beyond that a rank is off by less than 0.2 % of the rows.
"""

from typing import Any, Final

import datasketches
import numpy as np

from clary.algorithms.monitor.columns import Floats

K: Final = 2048
C: Final = 2 / 3
"""By what a level of the sketch is smaller than the one above it."""
BUCKETS: Final = 10

Doc = dict[str, Any]


class Sketch:
    """Numbers, summed up. `points` are those that it kept, `weights` how many each stands for."""

    def __init__(self) -> None:
        self._kll = datasketches.kll_doubles_sketch(K)

    def add(self, numbers: Floats) -> None:
        if len(numbers):
            self._kll.update(numbers if numbers.flags.writeable else numbers.copy())  # it takes no other

    def levels(self) -> list[list[float]]:
        """What was kept, by level: a number of level n stands for 2 ** n."""
        found: list[list[float]] = []
        for number, weight in self._kll:
            level = int(weight).bit_length() - 1
            while len(found) <= level:
                found.append([])
            found[level].append(number)
        return found


class Distribution:
    """Weighted points in order."""

    def __init__(self, points: Floats, weights: Floats) -> None:
        order = np.argsort(points, kind="stable")
        self._points = points[order]
        self._weights = weights[order]
        self.count = float(weights.sum())

    @classmethod
    def of_levels(cls, levels: list[list[float]]) -> "Distribution":
        points = [np.asarray(level, np.float64) for level in levels]
        weights = [np.full(len(level), 2.0**at) for at, level in enumerate(levels)]
        empty = np.empty(0, np.float64)
        return cls(np.concatenate([empty, *points]), np.concatenate([empty, *weights]))

    @classmethod
    def of_document(cls, kll: Doc) -> "Distribution | None":
        """Of the `kll` member of a statistics file: its sketch, else the middles of its buckets; None: neither."""
        data = (kll.get("sketch") or {}).get("data")
        if data:
            return cls.of_levels(data)
        buckets = kll.get("buckets") or []
        if not buckets:
            return None
        middles = [(one["lower_bound"] + one["upper_bound"]) / 2 for one in buckets]
        return cls(np.array(middles, np.float64), np.array([one["count"] for one in buckets], np.float64))

    def buckets(self, low: float, high: float) -> list[Doc]:
        """How many numbers stand in each of ten intervals of one width between `low` and `high`."""
        edges = np.linspace(low, high, BUCKETS + 1)
        # Of equal bounds numpy would make an interval of its own; all numbers stand in the last one then.
        counts = np.zeros(BUCKETS) if low == high else np.histogram(self._points, edges, weights=self._weights)[0]
        if low == high:
            counts[-1] = self.count
        return [
            {"lower_bound": float(edges[at]), "upper_bound": float(edges[at + 1]), "count": float(counts[at])}
            for at in range(BUCKETS)
        ]

    def distance(self, other: "Distribution") -> float:
        """The largest difference of the two cumulative distributions, 0 to 1 (Kolmogorov-Smirnov)."""
        if not self.count or not other.count:
            return 0.0
        at = np.union1d(self._points, other._points)
        return float(np.abs(self._below(at) - other._below(at)).max())

    def _below(self, at: Floats) -> Floats:
        """The share of the numbers that are at most so large."""
        sums = np.concatenate([[0.0], np.cumsum(self._weights)])
        found: Floats = sums[np.searchsorted(self._points, at, side="right")] / self.count
        return found


def robust(distance: float, first: float, second: float) -> float:
    """The distance of two samples of these sizes beyond what chance explains, at least 0."""
    return max(0.0, distance - 1.8 * float(np.sqrt((first + second) / (first * second)))) if first and second else 0.0
