"""Scores of positive and negative rows in order: the curves of a binary classifier and the areas below them."""

from typing import Final

import numpy as np
import numpy.typing as npt

from clary.algorithms.monitor.columns import Floats

MOST: Final = 1 << 17
"""So many different scores are kept; beyond that they are rounded to GRID, which moves an area by less than 1e-4."""
GRID: Final = 1 << 16
POINTS: Final = 1000
"""Points of a curve that is written."""

Counts = npt.NDArray[np.int64]


class Ranks:
    """How many negative and positive rows had which score, in each of several samples."""

    def __init__(self, samples: int) -> None:
        self._scores: Floats = np.empty(0, np.float64)
        self._counts: Counts = np.empty((0, 2, samples), np.int64)

    def add(self, scores: Floats, positive: npt.NDArray[np.bool_], taken: npt.NDArray[np.bool_]) -> None:
        """`taken` says of each sample and row whether the row is in it."""
        came = np.zeros((len(scores), 2, len(taken)), np.int64)
        came[np.arange(len(scores)), positive.astype(np.intp), :] = taken.T
        self._merge(np.concatenate([self._scores, scores]), np.concatenate([self._counts, came]))
        if len(self._scores) > MOST:
            self._merge(np.round(self._scores * GRID) / GRID, self._counts)

    def _merge(self, scores: Floats, counts: Counts) -> None:
        self._scores, where = np.unique(scores, return_inverse=True)
        self._counts = np.zeros((len(self._scores), *counts.shape[1:]), np.int64)
        np.add.at(self._counts, where, counts)

    def curves(self, sample: int) -> tuple[Floats, Floats, Floats]:
        """From the highest threshold to the lowest, beginning with none positive: the shares of the negative and of the
        positive rows that count as positive, and the precision. NaN where there are no such rows."""
        sums = np.cumsum(self._counts[::-1, :, sample], axis=0)
        sums = np.concatenate([np.zeros((1, 2), np.int64), sums])
        wrong, right = sums[:, 0].astype(np.float64), sums[:, 1].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = right / (right + wrong)
            shares = wrong / wrong[-1], right / right[-1]
        if len(precision) > 1:
            precision[0] = precision[1]
        return *shares, precision

    def areas(self, sample: int) -> tuple[float, float]:
        """Below the receiver operating characteristic, and below precision over recall."""
        wrong, right, precision = self.curves(sample)
        return float(np.trapezoid(right, wrong)), float(np.trapezoid(precision, right))


def thinned(*curves: Floats) -> list[list[float]]:
    """The curves with at most POINTS points each, the ends among them."""
    length = len(curves[0])
    if length <= POINTS:
        return [curve.tolist() for curve in curves]
    at = np.unique(np.linspace(0, length - 1, POINTS).astype(np.intp))
    return [curve[at].tolist() for curve in curves]
