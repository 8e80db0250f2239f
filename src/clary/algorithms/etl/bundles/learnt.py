"""Parameters of Spark's fitted stages as plain values."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from clary.algorithms.sparkml.models import PREDICTION, PROBABILITY, RAW


class CannotSave(Exception):
    """A stage that a bundle cannot hold; the message names it and says what to do."""


class Columns(NamedTuple):
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ports: tuple[str, ...] = ()


def columns(stage: Any) -> Columns:
    """inputCols and outputCols, or inputCol and outputCol."""
    if stage.hasParam("inputCols") and stage.isSet("inputCols"):
        return Columns(tuple(stage.getInputCols()), tuple(stage.getOutputCols()))
    return Columns((stage.getInputCol(),), (stage.getOutputCol(),))


_PORTS: Final = ((PREDICTION, "predictionCol"), (PROBABILITY, "probabilityCol"), (RAW, "rawPredictionCol"))


def model_columns(stage: Any) -> Columns:
    """The features of a model, and what it writes. Raises CannotSave for what only Spark can write."""
    for odd in ("leafCol", "varianceCol"):
        if stage.hasParam(odd) and stage.isDefined(odd) and stage.getOrDefault(odd):
            raise CannotSave(f"{stage.uid} ({type(stage).__name__}) writes {odd}, which a bundle cannot: unset it.")
    found = [
        (port, stage.getOrDefault(name))
        for port, name in _PORTS
        if stage.hasParam(name) and stage.isDefined(name) and stage.getOrDefault(name)
    ]
    if not found:
        raise CannotSave(f"{stage.uid} ({type(stage).__name__}) writes no column: set predictionCol.")
    return Columns((stage.getFeaturesCol(),), tuple(one for _, one in found), tuple(port for port, _ in found))


def invalid(stage: Any) -> str:
    return str(stage.getOrDefault("handleInvalid"))


def floats(vector: Any) -> list[float]:
    return [float(one) for one in vector.toArray()]


def linear(stage: Any) -> dict[str, Any]:
    # A Huber model's scale is no part of what it answers.
    return {"coefficients": [floats(stage.coefficients)], "intercepts": [float(stage.intercept)]}


def linear_svc(stage: Any) -> dict[str, Any]:
    return linear(stage) | {"threshold": float(stage.getOrDefault("threshold"))}


def logistic(stage: Any) -> dict[str, Any]:
    about: dict[str, Any] = {
        "coefficients": stage.coefficientMatrix.toArray().tolist(),
        "intercepts": floats(stage.interceptVector),
    }
    if len(about["intercepts"]) == 1:
        return about | {"threshold": float(stage.getThreshold())}
    return about | _thresholds(stage)


def _thresholds(stage: Any) -> dict[str, Any]:
    if stage.hasParam("thresholds") and stage.isDefined("thresholds"):
        return {"thresholds": [float(one) for one in stage.getThresholds()]}
    return {}


def tree(stage: Any) -> dict[str, Any]:
    return {"trees": [_tree(stage._java_obj, _counts(stage))], "features": stage.numFeatures} | _thresholds(stage)


def forest(stage: Any) -> dict[str, Any]:
    held = [_tree(one, _counts(stage)) for one in stage._java_obj.trees()]
    return {"trees": held, "features": stage.numFeatures} | _thresholds(stage)


def boosted(stage: Any) -> dict[str, Any]:
    held = [_tree(one, False) for one in stage._java_obj.trees()]
    weights = [float(one) for one in stage.treeWeights]
    return {"trees": held, "weights": weights, "features": stage.numFeatures} | _thresholds(stage)


def _counts(stage: Any) -> bool:
    """Leaves of a classifier hold how many rows of each class came there."""
    return bool(stage.hasParam("probabilityCol"))


_STATS: Final = re.compile(r"stats = \[([^\]]*)\]")


def _tree(model: Any, counts: bool) -> Mapping[str, Any]:
    """The tree of the JVM as arrays by node, the root first, a parent before its children."""
    left: list[int] = []
    right: list[int] = []
    feature: list[int] = []
    threshold: list[float | None] = []
    categories: dict[str, Any] = {}
    values: list[list[float]] = []
    # An own stack: a tree may be deeper than Python's.
    waiting: list[tuple[Any, int, list[int]]] = [(model.rootNode(), -1, left)]
    while waiting:
        node, parent, side = waiting.pop()
        here = len(left)
        if parent >= 0:
            side[parent] = here
        for held, empty in ((left, -1), (right, -1), (feature, 0)):
            held.append(empty)
        threshold.append(None)
        if node.getClass().getSimpleName() == "LeafNode":
            values.append(_stats(node) if counts else [float(node.prediction())])
            continue
        values.append([])
        split = node.split()
        feature[here] = int(split.featureIndex())
        if split.getClass().getSimpleName() == "ContinuousSplit":
            threshold[here] = float(split.threshold())
        else:
            categories[str(here)] = _categories(split)
        waiting += [(node.rightChild(), here, right), (node.leftChild(), here, left)]
    width = max(map(len, values))
    return {
        "left": left,
        "right": right,
        "feature": feature,
        "threshold": threshold,
        "categories": categories,
        "values": [one or [0.0] * width for one in values],
    }


def _stats(leaf: Any) -> list[float]:
    """One question to the JVM, and not one for each number."""
    found = _STATS.search(leaf.impurityStats().toString())
    if found is None:
        raise CannotSave("the counts of a leaf cannot be read from this version of Spark")
    return [float(one) for one in found.group(1).split(",")]


def _categories(split: Any) -> list[Any]:
    """([categories], whether they go left): the smaller side, as Spark itself keeps it."""
    left, right = ([float(one) for one in side] for side in (split.leftCategories(), split.rightCategories()))
    if len(left) <= int(split.numCategories()) // 2:
        return [left, True]
    return [right, False]
