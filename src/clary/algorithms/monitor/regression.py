"""The errors of a regression, summed up batch after batch."""

import numpy as np
import numpy.typing as npt

from clary.algorithms.monitor.columns import Floats


class Errors:
    """Sums over the rows of each of several samples."""

    def __init__(self, samples: int) -> None:
        self._sums = np.zeros((samples, 5))
        """Rows, absolute errors, squared errors, truths and their squares, the last two relative to `_origin`."""
        self._origin = 0.0

    def add(self, truth: Floats, predicted: Floats, taken: npt.NDArray[np.bool_]) -> None:
        if not self._sums[0, 0]:
            self._origin = float(truth[0])  # near all truths, so that their squares do not cancel out
        error, away = predicted - truth, truth - self._origin
        terms = np.stack([np.ones_like(truth), np.abs(error), error**2, away, away**2], axis=1)
        self._sums += taken.astype(np.float64) @ terms

    def metrics(self) -> dict[str, Floats]:
        """Of each sample; r2 is NaN where all truths are equal."""
        rows, absolute, squared, away, squares = self._sums.T
        rows = np.where(rows > 0, rows, np.nan)  # a sample of few rows may have none
        spread = squares - away**2 / rows
        mse = squared / rows
        r2 = np.full(len(rows), np.nan)
        np.divide(squared, spread, out=r2, where=spread > 1e-12 * np.maximum(squares, 1e-300))
        return {"mae": absolute / rows, "mse": mse, "rmse": np.sqrt(mse), "r2": 1 - r2}
