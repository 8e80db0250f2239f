"""Models of linear learner and k-means: named numbers, calculated in 64 bits as their servers do."""

from typing import Any, NamedTuple

import numpy as np

from clary.algorithms.graphs.features import Feature
from clary.algorithms.graphs.nodes import DOUBLE, FLOAT, INT64, Graph
from clary.algorithms.graphs.source import Source
from clary.algorithms.kmeans.model import Clusters
from clary.algorithms.linear_learner.model import LinearModel

Output = tuple[str, str, int, int | None]


class Named(NamedTuple):
    """What such a model answers: (name, tensor, type, numbers a row), in the order of its answers."""

    outputs: list[Output]
    classes: str | None = None
    """The tensor of class numbers, int64[N], where there is one."""


def linear(source: Source, model: LinearModel, features: list[Feature]) -> Named:
    """Scores, and of a classifier the labels. Raises CannotCompile."""
    graph = source.graph
    values = graph.cast(source.matrix(features, FLOAT), DOUBLE)
    weights, bias = graph.constant(np.asarray(model.weights, np.float64)), graph.constant(np.asarray(model.bias))
    scores = graph.cast(graph.node("Add", graph.node("MatMul", values, weights), bias), FLOAT)
    if model.predictor == "multiclass_classifier":
        shares = _softmax(graph, scores)
        label = graph.node("ArgMax", shares, axis=1, keepdims=0)
        return Named([("score", shares, FLOAT, model.weights.shape[1]), ("predicted_label", label, INT64, None)], label)
    score = graph.node("Squeeze", scores, graph.constant(np.array([1], np.int64)))
    if model.predictor == "regressor":
        return Named([("score", score, FLOAT, None)])
    if model.loss == "logistic":
        score = _sigmoid(graph, score)
    label = graph.cast(graph.node("Greater", score, graph.constant(np.float32(model.threshold))), INT64)
    return Named([("score", score, FLOAT, None), ("predicted_label", label, INT64, None)], label)


def _sigmoid(graph: Graph, scores: str) -> str:
    """Without overflow: the power is of a number below zero."""
    one = graph.constant(np.float64(1))
    wide = graph.cast(scores, DOUBLE)
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", wide)))
    above = graph.node("Add", small, one)
    positive = graph.node("GreaterOrEqual", scores, graph.constant(np.float32(0)))
    return graph.cast(graph.node("Div", graph.node("Where", positive, one, small), above), FLOAT)


def _softmax(graph: Graph, scores: str) -> str:
    axis = graph.constant(np.array([1], np.int64))
    wide = graph.cast(scores, DOUBLE)
    high = graph.node("Exp", graph.node("Sub", wide, graph.node("ReduceMax", wide, axis, keepdims=1)))
    return graph.cast(graph.node("Div", high, graph.node("ReduceSum", high, axis, keepdims=1)), FLOAT)


def clusters(source: Source, model: Clusters, features: list[Feature]) -> Named:
    """The nearest center and the distance to it. Raises CannotCompile."""
    graph = source.graph
    axis = graph.constant(np.array([1], np.int64))
    values = graph.cast(source.matrix(features, FLOAT), DOUBLE)
    own = graph.node("ReduceSum", graph.node("Mul", values, values), axis, keepdims=0)
    twice = graph.constant(np.ascontiguousarray(2 * model.centers.T))
    lengths = graph.constant((model.centers**2).sum(axis=1))
    distances = graph.node("Sub", lengths, graph.node("MatMul", values, twice))
    nearest = graph.node("ArgMin", distances, axis=1, keepdims=0)
    least = graph.node("ReduceMin", distances, axis, keepdims=0)
    squared = graph.node("Max", graph.node("Add", least, own), graph.constant(np.float64(0)))
    return Named(
        [
            ("closest_cluster", graph.cast(nearest, DOUBLE), DOUBLE, None),
            ("distance_to_cluster", graph.node("Sqrt", squared), DOUBLE, None),
        ]
    )


def named(source: Source, predictor: Any, features: list[Feature]) -> Named:
    """What that predictor answers. Raises CannotCompile."""
    if isinstance(predictor, Clusters):
        return clusters(source, predictor, features)
    return linear(source, predictor, features)
