"""A trained linear model as the server holds it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import Contract
from clary.algorithms.linear_learner.losses import sigmoid, softmax
from clary.algorithms.tabular import artifact

ALGORITHM = "linear-learner"


@dataclass(frozen=True, slots=True)
class LinearModel:
    weights: NDArray[np.float64]
    """(features, outputs)"""
    bias: NDArray[np.float64]
    predictor: str
    loss: str
    threshold: float

    @property
    def columns(self) -> int:
        return len(self.weights)

    def answer(self, features: Any) -> list[dict[str, Any]]:
        scores = np.asarray(features @ self.weights + self.bias, np.float32)
        if self.predictor == "regressor":
            return [{"score": one} for one in scores[:, 0].tolist()]
        if self.predictor == "binary_classifier":
            answered = sigmoid(scores[:, 0]) if self.loss == "logistic" else scores[:, 0]
            chosen = answered > self.threshold
            return [
                {"score": score, "predicted_label": int(label)}
                for score, label in zip(answered.tolist(), chosen.tolist(), strict=True)
            ]
        shares = softmax(scores)
        return [
            {"score": score, "predicted_label": label}
            for score, label in zip(shares.tolist(), shares.argmax(axis=1).tolist(), strict=True)
        ]


def load(contract: Contract) -> LinearModel:
    """Raises AlgorithmError that says what stands in the model directory and why it does not load."""
    about, arrays = artifact.load(contract.model_dir, ALGORITHM)
    return LinearModel(arrays["weights"], arrays["bias"], about["predictor_type"], about["loss"], about["threshold"])
