"""A trained machine as the server holds it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from clary.algorithms.contract import Contract
from clary.algorithms.factorization_machines.machine import Machine
from clary.algorithms.tabular import artifact

ALGORITHM = "factorization-machines"


@dataclass(frozen=True, slots=True)
class Predictor:
    machine: Machine
    classifies: bool

    @property
    def columns(self) -> int:
        return self.machine.columns

    def answer(self, features: Any) -> list[dict[str, Any]]:
        scores = self.machine.scores(features)
        if not self.classifies:
            return [{"score": one} for one in scores.tolist()]
        shares = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
        return [{"score": one, "predicted_label": float(one > 0.5)} for one in shares.tolist()]


def load(contract: Contract) -> Predictor:
    """Raises AlgorithmError that says what stands in the model directory and why it does not load."""
    about, arrays = artifact.load(contract.model_dir, ALGORITHM)
    machine = Machine(arrays["bias"], arrays["linear"], arrays["factors"])
    return Predictor(machine, about["predictor_type"] == "binary_classifier")
