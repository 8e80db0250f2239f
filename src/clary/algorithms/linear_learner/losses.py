"""Losses of linear models: from raw scores and labels, the loss of every row and its slope. All models at once."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Loss = Callable[[Floats, Floats, Mapping[str, Any]], tuple[Floats, Floats]]
"""(scores, labels, hyperparameters) -> (losses, slopes of the losses by the scores). Scores are (rows, models), for
softmax (rows, models, classes); labels (rows, 1); losses (rows, models); slopes have the scores' shape."""

OF_PREDICTOR: Mapping[str, tuple[str, ...]] = {
    "binary_classifier": ("logistic", "hinge_loss"),
    "multiclass_classifier": ("softmax_loss",),
    "regressor": (
        "squared_loss",
        "absolute_loss",
        "eps_insensitive_squared_loss",
        "eps_insensitive_absolute_loss",
        "quantile_loss",
        "huber_loss",
    ),
}
DEFAULT = {
    "binary_classifier": "logistic",
    "multiclass_classifier": "softmax_loss",
    "regressor": "squared_loss",
}
METRIC = {
    "logistic": "binary_classification_cross_entropy",
    "softmax_loss": "multiclass_cross_entropy",
    "squared_loss": "mse",
}
"""What AWS's log calls a loss, where that is not its own name."""


def logistic(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    signs = 2 * labels - 1
    margins = signs * scores
    return np.logaddexp(0, -margins), -signs * sigmoid(-margins)


def hinge(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    signs = 2 * labels - 1
    short = wanted["margin"] - signs * scores
    return np.maximum(short, 0), -signs * (short > 0)


def softmax_loss(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    shares = softmax(scores)
    rows, chosen = np.arange(len(scores)), labels[:, 0].astype(np.int64)
    losses = -np.log(np.maximum(shares[rows, :, chosen], 1e-30))
    shares[rows, :, chosen] -= 1
    return losses, shares


def squared(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    off = scores - labels
    return off**2, 2 * off


def absolute(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    off = scores - labels
    return np.abs(off), np.sign(off)


def eps_squared(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    off = scores - labels
    beyond = np.maximum(np.abs(off) - wanted["loss_insensitivity"], 0)
    return beyond**2, 2 * beyond * np.sign(off)


def eps_absolute(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    off = scores - labels
    beyond = np.abs(off) - wanted["loss_insensitivity"]
    return np.maximum(beyond, 0), np.sign(off) * (beyond > 0)


def quantile(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    off = labels - scores
    part = np.where(off > 0, np.float32(wanted["quantile"]), np.float32(wanted["quantile"] - 1))
    return part * off, -part


def huber(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> tuple[Floats, Floats]:
    off = scores - labels
    delta = np.float32(wanted["huber_delta"])
    inside = np.abs(off) <= delta
    return np.where(inside, off**2 / 2, delta * (np.abs(off) - delta / 2)), np.clip(off, -delta, delta)


LOSS: Mapping[str, Loss] = {
    "logistic": logistic,
    "hinge_loss": hinge,
    "softmax_loss": softmax_loss,
    "squared_loss": squared,
    "absolute_loss": absolute,
    "eps_insensitive_squared_loss": eps_squared,
    "eps_insensitive_absolute_loss": eps_absolute,
    "quantile_loss": quantile,
    "huber_loss": huber,
}


def sigmoid(scores: Floats) -> Floats:
    """Without overflow, whatever the scores."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1 / (1 + small), small / (1 + small)).astype(np.float32, copy=False)


def softmax(scores: Floats) -> Floats:
    """Shares that add up to 1 along the last axis."""
    high = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = high / high.sum(axis=-1, keepdims=True)
    return shares
