"""Features and labels on one scale: learnt from a sample of all hosts, undone in the weights once training is over."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.linear_learner.hyperparameters import Hyperparameters
from clary.algorithms.recordio.batches import Batch
from clary.algorithms.tabular.group import Group

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scaler:
    """A row is scaled as (features - shift) / scale, and so is its label."""

    shift: Floats
    """0 for sparse features, which would not be sparse otherwise."""
    scale: Floats
    label_shift: float
    label_scale: float

    def features(self, rows: Any) -> Any:
        if isinstance(rows, np.ndarray):
            return (rows - self.shift) / self.scale
        scaled = rows.copy()
        scaled.data /= self.scale[scaled.indices]
        return scaled

    def labels(self, labels: Floats) -> Floats:
        return ((labels - self.label_shift) / self.label_scale).astype(np.float32)

    def original(self, weights: Floats, bias: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights (features, outputs) and biases for rows and labels as they are in the data."""
        plain = weights.astype(np.float64) / self.scale[:, None] * self.label_scale
        return plain, bias.astype(np.float64) * self.label_scale + self.label_shift - self.shift @ plain


def learn(table: Batch, wanted: Hyperparameters, group: Group) -> Scaler:
    """From the first num_point_for_scaler rows of each host."""
    rows = table.features[: wanted["num_point_for_scaler"]]
    labels = np.zeros(0) if table.labels is None else table.labels[: wanted["num_point_for_scaler"]].astype(np.float64)
    dense = isinstance(rows, np.ndarray)
    squares = (rows.astype(np.float64) ** 2).sum(axis=0) if dense else rows.multiply(rows).sum(axis=0)
    own = np.concatenate(
        [
            [rows.shape[0], float(not dense), labels.sum(), (labels**2).sum()],
            np.asarray(rows.sum(axis=0, dtype=np.float64)).reshape(-1),
            np.asarray(squares).reshape(-1),
        ]
    )
    every = group.sum(own)
    count, sparse, label_sum, label_squares = every[:4]
    sums, squares = np.split(every[4:], 2)
    mean = sums / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
    unbias = wanted["unbias_data"]
    shift = mean if not sparse and unbias is not False else np.zeros_like(mean)
    # A column that never changes says nothing; dividing by its spread would only blow up noise.
    scale = np.where(spread > 1e-7 * np.maximum(np.abs(mean), 1e-30), spread, 1.0)
    if wanted["normalize_data"] is False:
        scale, shift = np.ones_like(scale), shift if unbias and not sparse else np.zeros_like(shift)
    label_mean = label_sum / count
    label_spread = float(np.sqrt(max(label_squares / count - label_mean**2, 0.0)))
    of_label = wanted.regression
    return Scaler(
        shift.astype(np.float32),
        scale.astype(np.float32),
        float(label_mean) if of_label and wanted["unbias_label"] is not False else 0.0,
        label_spread if of_label and wanted["normalize_label"] is not False and label_spread > 0 else 1.0,
    )
