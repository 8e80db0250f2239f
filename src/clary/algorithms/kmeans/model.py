"""Trained centers as the server holds them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import Contract
from clary.algorithms.kmeans.centers import assign
from clary.algorithms.tabular import artifact

ALGORITHM = "k-means"


@dataclass(frozen=True, slots=True)
class Clusters:
    centers: NDArray[np.float64]

    @property
    def columns(self) -> int:
        return int(self.centers.shape[1])

    def answer(self, features: Any) -> list[dict[str, Any]]:
        nearest, squared = assign(features, self.centers)
        return [
            {"closest_cluster": float(cluster), "distance_to_cluster": distance}
            for cluster, distance in zip(nearest.tolist(), np.sqrt(squared).tolist(), strict=True)
        ]


def load(contract: Contract) -> Clusters:
    """Raises AlgorithmError that says what stands in the model directory and why it does not load."""
    _, arrays = artifact.load(contract.model_dir, ALGORITHM)
    return Clusters(arrays["centers"])
