"""Models of Spark ML: linear ones and trees, with their predictions, probabilities and raw predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.refused import Refused
from clary.algorithms.sparkml import trees
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.frame import Frame
from clary.algorithms.sparkml.numbers import floats

PREDICTION, PROBABILITY, RAW = "prediction", "probability", "raw_prediction"
Floats = NDArray[np.float64]


def _written(node: Node, frame: Frame, **made: Any) -> None:
    for port, values in made.items():
        if (name := node.output(port)) is not None:
            frame.columns[name] = values


def weights(node: Node) -> tuple[Floats, Floats]:
    """([features, outputs], [outputs]) of a linear model. Raises AlgorithmError."""
    matrix, intercepts = floats(node, "coefficients"), floats(node, "intercepts")
    if matrix.ndim != 2 or len(matrix) != len(intercepts):
        raise AlgorithmError(f"the coefficients of {node.name} do not fit its intercepts")
    return matrix.T.copy(), intercepts


def _margins(node: Node, frame: Frame) -> Floats:
    matrix, intercepts = weights(node)
    values = frame.vectors(node.name, node.inputs[0], len(matrix))
    return np.asarray(values @ matrix + intercepts)


def linear_regression(node: Node, frame: Frame) -> None:
    _written(node, frame, **{PREDICTION: _margins(node, frame)[:, 0]})


def linear_svc(node: Node, frame: Frame) -> None:
    margin = _margins(node, frame)[:, 0]
    above = (margin > float(node.attributes.get("threshold", 0.0))).astype(np.float64)
    _written(node, frame, **{RAW: np.stack([-margin, margin], axis=1), PREDICTION: above})


def logistic_regression(node: Node, frame: Frame) -> None:
    margins = _margins(node, frame)
    if margins.shape[1] == 1:
        raw = np.concatenate([-margins, margins], axis=1)
        shares = _both(1.0 / (1.0 + _power(-raw[:, 0])))
        bound = margin_bound(float(node.attributes.get("threshold", 0.5)))
        predicted = (raw[:, 1] > bound).astype(np.float64)
    else:
        raw = margins
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        predicted = chosen(node, raw, shares)
    _written(node, frame, **{RAW: raw, PROBABILITY: shares, PREDICTION: predicted})


def margin_bound(threshold: float) -> float:
    """The margin at which a binary model's answer changes."""
    if threshold in (0.0, 1.0):
        return -np.inf if threshold == 0.0 else np.inf
    return float(np.log(threshold / (1.0 - threshold)))


def _both(first: Floats) -> Floats:
    return np.stack([first, 1.0 - first], axis=1)


def _power(values: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.exp(values)


def chosen(node: Node, raw: Floats, shares: Floats) -> Floats:
    """The class that is answered: the one of the greatest share, each share by its threshold where there are such."""
    thresholds = node.attributes.get("thresholds") or None
    if thresholds is None:
        return np.asarray(raw.argmax(axis=1), np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = shares / np.array(thresholds, np.float64)
    return np.asarray(np.where(np.isnan(scaled), -np.inf, scaled).argmax(axis=1), np.float64)


def _leaves(node: Node, frame: Frame) -> list[Floats]:
    """Of each tree the values of the leaves: [N, outputs]."""
    rows = frame.vectors(node.name, node.inputs[0])
    found = trees.read(node)
    asked = max((int(one.feature.max(initial=0)) for one in found), default=0)
    if asked >= rows.shape[1]:
        raise Refused(400, f"{node.name} asks for number {asked} of vectors of {rows.shape[1]}.")
    return [one.values[one.leaves(rows)] for one in found]


def _shares(values: Floats) -> Floats:
    total = values.sum(axis=1, keepdims=True)
    return np.asarray(values) / np.where(total == 0, 1.0, total)


def tree_classifier(node: Node, frame: Frame) -> None:
    """One tree, whose counts are the raw prediction; or many, that vote with their shares."""
    found = _leaves(node, frame)
    raw = found[0] if node.op == "decision_tree_classifier" else np.sum([_shares(one) for one in found], axis=0)
    shares = _shares(raw)
    _written(node, frame, **{RAW: raw, PROBABILITY: shares, PREDICTION: chosen(node, raw, shares)})


def tree_regressor(node: Node, frame: Frame) -> None:
    """One tree, the mean of many, or their weighted sum."""
    total = _sum(node, _leaves(node, frame))
    if node.op == "random_forest_regression":
        total = total / len(node.attributes["trees"])
    _written(node, frame, **{PREDICTION: total})


def _sum(node: Node, found: list[Floats]) -> Floats:
    by = node.attributes.get("weights") or [1.0] * len(found)
    total = np.zeros(len(found[0]))
    for values, weight in zip(found, by, strict=True):
        total = total + values[:, 0] * float(weight)
    return total


def gbt_classifier(node: Node, frame: Frame) -> None:
    margin = _sum(node, _leaves(node, frame))
    raw = np.stack([-margin, margin], axis=1)
    shares = _both(1.0 / (1.0 + _power(-2.0 * raw[:, 0])))
    _written(node, frame, **{RAW: raw, PROBABILITY: shares, PREDICTION: chosen(node, raw, shares)})
