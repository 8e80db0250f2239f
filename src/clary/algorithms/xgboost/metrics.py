"""The evaluation metrics that AWS's container adds to XGBoost's own. Labels and predicted classes in
(numbers, for mse and r2), one number out."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Metric = Callable[[Values, Values], float]


def decided(labels: Values, predictions: Values, objective: str) -> Values:
    """Predictions as class numbers: the most probable class, or what an objective of two classes says at its cut."""
    if predictions.ndim == 2 and predictions.shape[1] > 1:
        return np.asarray(predictions.argmax(axis=1), np.float32)
    values = predictions.reshape(-1)
    if objective.startswith("multi:"):
        return values
    if float(labels.max(initial=0)) > 1:
        return np.rint(values)
    return (values > (0 if objective == "binary:logitraw" else 0.5)).astype(np.float32)


def classes(labels: Values, predictions: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return labels.astype(np.int64), predictions.astype(np.int64)


def _shares(
    labels: Values, predictions: Values
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and F1 of each class that occurs; 0 where undefined."""
    true, chosen = classes(labels, predictions)
    names = np.union1d(true, chosen)
    hit = np.array([np.sum((true == one) & (chosen == one)) for one in names], dtype=np.float64)
    picked = np.array([np.sum(chosen == one) for one in names], dtype=np.float64)
    real = np.array([np.sum(true == one) for one in names], dtype=np.float64)
    precision = np.divide(hit, picked, out=np.zeros_like(hit), where=picked > 0)
    recall = np.divide(hit, real, out=np.zeros_like(hit), where=real > 0)
    both = precision + recall
    return precision, recall, np.divide(2 * precision * recall, both, out=np.zeros_like(hit), where=both > 0)


def accuracy(labels: Values, predictions: Values) -> float:
    true, chosen = classes(labels, predictions)
    return float(np.mean(true == chosen))


def balanced_accuracy(labels: Values, predictions: Values) -> float:
    true, _ = classes(labels, predictions)
    _, recall, _ = _shares(labels, predictions)
    # Only classes that occur among the labels have a recall.
    return float(recall.sum() / max(1, len(np.unique(true))))


def f1_macro(labels: Values, predictions: Values) -> float:
    return float(_shares(labels, predictions)[2].mean())


def precision_macro(labels: Values, predictions: Values) -> float:
    return float(_shares(labels, predictions)[0].mean())


def recall_macro(labels: Values, predictions: Values) -> float:
    return float(_shares(labels, predictions)[1].mean())


def _positive(labels: Values, predictions: Values) -> tuple[float, float, float]:
    """Hits, predicted and real ones of class 1."""
    true, chosen = classes(labels, predictions)
    if true.max(initial=0) > 1 or chosen.max(initial=0) > 1:
        raise ValueError("label has more than two classes: use f1_macro, precision_macro or recall_macro")
    return float(np.sum((true == 1) & (chosen == 1))), float(np.sum(chosen == 1)), float(np.sum(true == 1))


def precision(labels: Values, predictions: Values) -> float:
    hit, picked, _ = _positive(labels, predictions)
    return hit / picked if picked else 0.0


def recall(labels: Values, predictions: Values) -> float:
    hit, _, real = _positive(labels, predictions)
    return hit / real if real else 0.0


def f1(labels: Values, predictions: Values) -> float:
    """F1 of class 1 for two classes, the mean over classes for more."""
    true, chosen = classes(labels, predictions)
    if true.max(initial=0) > 1 or chosen.max(initial=0) > 1:
        return f1_macro(labels, predictions)
    return f1_binary(labels, predictions)


def f1_binary(labels: Values, predictions: Values) -> float:
    hit, picked, real = _positive(labels, predictions)
    return 2 * hit / (picked + real) if picked + real else 0.0


def mse(labels: Values, predictions: Values) -> float:
    return float(np.mean((labels.astype(np.float64) - predictions.reshape(-1)) ** 2))


def r2(labels: Values, predictions: Values) -> float:
    spread = float(np.sum((labels.astype(np.float64) - labels.mean(dtype=np.float64)) ** 2))
    return 1 - mse(labels, predictions) * len(labels) / spread if spread else 0.0


OWN: Mapping[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "f1_binary": f1_binary,
    "f1_macro": f1_macro,
    "mse": mse,
    "precision": precision,
    "precision_macro": precision_macro,
    "precision_micro": accuracy,  # with one label a row, micro-averaged precision and recall are the accuracy
    "r2": r2,
    "recall": recall,
    "recall_macro": recall_macro,
    "recall_micro": accuracy,
}

OF_NUMBERS = ("mse", "r2")
"""Metrics of the predicted numbers; all others of OWN are of the classes that they stand for."""

MAXIMIZE = frozenset(
    ("auc", "aucpr", "map", "ndcg", "pre", "accuracy", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "precision",
     "precision_macro", "precision_micro", "r2", "recall", "recall_macro", "recall_micro")
)  # fmt: skip
"""Metrics of which more is better; all others are losses."""
