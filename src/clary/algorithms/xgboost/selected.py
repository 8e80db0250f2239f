"""Chosen content of an answer: what SAGEMAKER_INFERENCE_OUTPUT names, computed from the model's scores."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from clary.algorithms.contract import say
from clary.algorithms.xgboost.model import Predictor

LABELS = ("predicted_label", "labels")
RAW = ("raw_score", "raw_scores")
CLASSIFICATION = (*LABELS, "probability", "probabilities", *RAW)
REGRESSION = ("predicted_score",)
KEYS = (*CLASSIFICATION, *REGRESSION)
OF_OBJECTIVE: Mapping[str, tuple[str, ...]] = {
    "binary:logistic": CLASSIFICATION,
    "binary:hinge": (*LABELS, *RAW),
    "binary:logitraw": (*LABELS, *RAW),
    "multi:softmax": CLASSIFICATION,
    "multi:softprob": CLASSIFICATION,
}
DIRECT = ("binary:hinge", "multi:softmax")
"""Objectives whose score is the label itself, a float: so AWS's container answers it."""


def read_keys(text: str, objective: str) -> tuple[str, ...]:
    """The keys that the setting names, in its order; none when it is empty. Raises ValueError for a word that is none.
    A key that the model's objective cannot give is named in the log, and answered with NaN."""
    keys = tuple(one for one in text.replace(" ", "").lower().split(",") if one)
    for one in keys:
        if one not in KEYS:
            raise ValueError(f"SAGEMAKER_INFERENCE_OUTPUT: '{one}' is not one of {', '.join(KEYS)}")
    possible = OF_OBJECTIVE.get(objective, REGRESSION)
    wrong = [one for one in keys if one not in possible]
    if wrong:
        say(
            f"SAGEMAKER_INFERENCE_OUTPUT: objective {objective} cannot give {', '.join(wrong)}, which will be nan; "
            f"it can give {', '.join(possible)}",
            level="WARNING",
        )
    return keys


def select(predictor: Predictor, features: Any, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    """One mapping a row, with the keys in their order."""
    possible = OF_OBJECTIVE.get(predictor.objective, REGRESSION)
    if possible == REGRESSION:
        scores = predictor.predict(features).reshape(-1).tolist()
        return [{key: one if key in REGRESSION else math.nan for key in keys} for one in scores]
    shares, raw = _scores(predictor, features)
    labels = list(range(shares.shape[1]))
    chosen = shares.argmax(axis=1)
    kind = float if predictor.objective in DIRECT else int
    of_key: Mapping[str, Callable[[int], Any]] = {
        "predicted_label": lambda row: kind(chosen[row]),
        "labels": lambda row: labels,
        "probability": lambda row: float(shares[row, -1] if len(labels) == 2 else shares[row].max()),
        "probabilities": lambda row: shares[row].tolist(),
        "raw_score": lambda row: float(raw[row, -1] if len(labels) == 2 else raw[row].max()),
        "raw_scores": lambda row: raw[row].tolist(),
    }
    return [{key: of_key[key](row) if key in possible else math.nan for key in keys} for row in range(len(shares))]


def _scores(predictor: Predictor, features: Any) -> tuple[Any, Any]:
    """The share of each class and its raw score, (rows, classes). multi:softmax answers only class numbers, so its
    shares come from the margins."""
    if predictor.objective == "multi:softprob":
        shares = predictor.predict(features).reshape(-1, predictor.classes)
        return shares, shares
    if predictor.objective == "multi:softmax":
        margins = predictor.predict(features, margin=True).reshape(-1, predictor.classes)
        powers = np.exp(margins - margins.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        return shares, shares
    one = predictor.predict(features).reshape(-1, 1)
    if predictor.objective == "binary:logitraw":
        return np.hstack([one <= 0, one > 0]).astype(np.float32), np.hstack([1 - one, one])
    both = np.hstack([1 - one, one])
    return both, both
