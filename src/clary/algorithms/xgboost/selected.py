"""Chosen content of an answer: what SAGEMAKER_INFERENCE_OUTPUT names, computed from the model's scores."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from clary.algorithms.xgboost.model import Predictor

CLASSIFICATION = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores")
REGRESSION = ("predicted_score",)
OF_OBJECTIVE: Mapping[str, tuple[str, ...]] = {
    "binary:logistic": CLASSIFICATION,
    "binary:hinge": CLASSIFICATION,
    "binary:logitraw": ("predicted_label", "labels", "raw_score", "raw_scores"),
    "multi:softmax": CLASSIFICATION,
    "multi:softprob": CLASSIFICATION,
}


def read_keys(text: str, objective: str) -> tuple[str, ...]:
    """The keys that the setting names, in its order; none when it is empty. Raises ValueError for a key that the
    model's objective cannot give."""
    keys = tuple(one for one in text.replace(" ", "").lower().split(",") if one)
    possible = OF_OBJECTIVE.get(objective, REGRESSION)
    for one in keys:
        if one not in possible:
            can = ", ".join(possible)
            raise ValueError(
                f"SAGEMAKER_INFERENCE_OUTPUT: objective {objective} cannot give '{one}'; it can give {can}"
            )
    return keys


def select(predictor: Predictor, features: Any, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    """One mapping a row, with the keys in their order."""
    if keys == REGRESSION:
        return [{"predicted_score": one} for one in predictor.predict(features).reshape(-1).tolist()]
    shares, raw = _scores(predictor, features)
    labels = list(range(shares.shape[1]))
    chosen = shares.argmax(axis=1)
    of_key: Mapping[str, Callable[[int], Any]] = {
        "predicted_label": lambda row: int(chosen[row]),
        "labels": lambda row: labels,
        "probability": lambda row: float(shares[row, -1] if len(labels) == 2 else shares[row].max()),
        "probabilities": lambda row: shares[row].tolist(),
        "raw_score": lambda row: float(raw[row, -1] if len(labels) == 2 else raw[row].max()),
        "raw_scores": lambda row: raw[row].tolist(),
    }
    return [{key: of_key[key](row) for key in keys} for row in range(len(shares))]


def _scores(predictor: Predictor, features: Any) -> tuple[Any, Any]:
    """The share of each class and its raw score, (rows, classes). multi:softmax answers only class numbers, so its
    shares come from the margins."""
    if predictor.objective.startswith("multi:"):
        margins = predictor.predict(features, margin=True).reshape(-1, predictor.classes)
        powers = np.exp(margins - margins.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        return shares, shares
    one = predictor.predict(features).reshape(-1, 1)
    if predictor.objective == "binary:logitraw":
        return np.hstack([one <= 0, one > 0]).astype(np.float32), np.hstack([1 - one, one])
    both = np.hstack([1 - one, one])
    return both, both
