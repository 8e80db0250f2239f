"""Centers on their way: more of them than are wanted, moved by each mini-batch, reduced to k at the end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

BLOCK = 1 << 24
"""Distances that are held at a time."""


class Centers:
    """Extra centers with the weight of the rows that moved them."""

    def __init__(self, count: int, method: str, half_life: int, chance: np.random.Generator) -> None:
        self._count = count
        self._method = method
        self._half_life = half_life
        self._chance = chance
        self.places: Doubles | None = None
        self.weights: Doubles = np.zeros(0)

    def move(self, rows: Any) -> None:
        """Every row has pulled its nearest center: each center is the weighted mean of its rows. With a half-life, a
        row weighs half as much once so many others have come after it."""
        if self.places is None:
            self.places = choose(rows, self._count, self._method, self._chance)
            self.weights = np.zeros(len(self.places))
        elif len(self.places) < self._count:
            # The batches before had fewer rows than there shall be centers.
            extra = choose(rows, self._count - len(self.places), self._method, self._chance)
            self.places = np.concatenate([self.places, extra])
            self.weights = np.concatenate([self.weights, np.zeros(len(extra))])
        nearest, _ = assign(rows, self.places)
        sums, counts = added(rows, nearest, len(self.places))
        if self._half_life:
            self.weights *= 0.5 ** (rows.shape[0] / self._half_life)
        total = self.weights + counts
        moved = counts > 0
        self.places[moved] = (self.places[moved] * self.weights[moved, None] + sums[moved]) / total[moved, None]
        self.weights = total


def added(rows: Any, nearest: NDArray[np.int64], count: int) -> tuple[Doubles, Doubles]:
    """For each center the sum of its rows, and how many they are."""
    from scipy.sparse import csr_matrix

    size = rows.shape[0]
    belongs = csr_matrix((np.ones(size), nearest, np.arange(size + 1)), shape=(size, count))
    sums = belongs.T @ rows
    return np.asarray(sums if isinstance(sums, np.ndarray) else sums.toarray(), np.float64), np.bincount(
        nearest, minlength=count
    ).astype(np.float64)


def choose(rows: Any, count: int, method: str, chance: np.random.Generator) -> Doubles:
    """Up to `count` of the rows: by chance, or each with a chance that grows with its squared distance to those before
    it (k-means++)."""
    size = rows.shape[0]
    if method == "random" or count >= size:
        return _dense(rows[chance.permutation(size)[:count]])
    places = [_dense(rows[[int(chance.integers(size))]])]
    distances = assign(rows, places[0])[1]
    while len(places) < count and distances.sum() > 0:
        # An own sum of shares: numbers' own would miss 1 by rounding.
        picked = int(np.searchsorted(np.cumsum(distances), chance.random() * distances.sum(), side="right"))
        places.append(_dense(rows[[min(picked, size - 1)]]))
        distances = np.minimum(distances, assign(rows, places[-1])[1])
    return np.concatenate(places)


def assign(rows: Any, places: Doubles) -> tuple[NDArray[np.int64], Doubles]:
    """(nearest center, squared distance to it) of every row."""
    nearest = np.empty(rows.shape[0], np.int64)
    squared = np.empty(rows.shape[0])
    lengths = (places**2).sum(axis=1)
    step = max(1, BLOCK // max(1, len(places)))
    for begin in range(0, rows.shape[0], step):
        part = rows[begin : begin + step]
        own = (
            (part.astype(np.float64) ** 2).sum(axis=1)
            if isinstance(part, np.ndarray)
            else part.multiply(part).sum(axis=1)
        )
        distances = lengths - 2 * np.asarray(part @ places.T)
        chosen = distances.argmin(axis=1)
        nearest[begin : begin + step] = chosen
        squared[begin : begin + step] = distances[np.arange(len(chosen)), chosen] + np.asarray(own).reshape(-1)
    # Rounding may leave a little less than nothing.
    return nearest, np.maximum(squared, 0)


def _dense(rows: Any) -> Doubles:
    return np.asarray(rows if isinstance(rows, np.ndarray) else rows.toarray(), np.float64)
