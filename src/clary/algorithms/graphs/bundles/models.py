"""Linear models and trees of Spark ML, as nodes. All sums are in 64 bits, as Spark's are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import numpy_helper

from clary.algorithms.graphs.bundles.values import INT64, Value, Values
from clary.algorithms.graphs.nodes import ML
from clary.algorithms.sparkml import models, trees
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.models import PREDICTION, PROBABILITY, RAW
from clary.algorithms.sparkml.trees import Tree


def _written(node: Node, values: Values, width: int, **made: str) -> None:
    for port, tensor in made.items():
        if (column := node.output(port)) is not None:
            single = port == PREDICTION
            values.held[column] = Value(tensor, "number" if single else "vector", None if single else width)


def _margins(node: Node, values: Values) -> tuple[str, int]:
    matrix, intercepts = models.weights(node)
    product = values.graph.node("MatMul", values.vector(node, node.inputs[0]).tensor, values.constant(matrix))
    return values.graph.node("Add", product, values.constant([intercepts])), len(intercepts)


def linear_regression(node: Node, values: Values) -> None:
    _written(node, values, 1, **{PREDICTION: values.flat(_margins(node, values)[0])})


def _mirrored(values: Values, margin: str) -> str:
    """[N, 2] of [N, 1]: the margin of each class of two."""
    return values.graph.node("Concat", values.graph.node("Neg", margin), margin, axis=1)


def _above(values: Values, margin: str, bound: float) -> str:
    return values.doubles(values.graph.node("Greater", values.flat(margin), values.constant(bound)))


def _sigmoid(values: Values, margin: str, by: float) -> str:
    """[N, 2] of [N, 1]: the shares of both classes."""
    graph = values.graph
    power = graph.node("Exp", graph.node("Mul", margin, values.constant(by)))
    first = graph.node("Div", values.constant(1.0), graph.node("Add", power, values.constant(1.0)))
    return graph.node("Concat", first, graph.node("Sub", values.constant(1.0), first), axis=1)


def linear_svc(node: Node, values: Values) -> None:
    margin, _ = _margins(node, values)
    predicted = _above(values, margin, float(node.attributes.get("threshold", 0.0)))
    _written(node, values, 2, **{RAW: _mirrored(values, margin), PREDICTION: predicted})


def logistic_regression(node: Node, values: Values) -> None:
    graph = values.graph
    margins, width = _margins(node, values)
    if width == 1:
        bound = models.margin_bound(float(node.attributes.get("threshold", 0.5)))
        made = {
            RAW: _mirrored(values, margins),
            PROBABILITY: _sigmoid(values, margins, 1.0),
            PREDICTION: _above(values, margins, bound),
        }
        _written(node, values, 2, **made)
        return
    powers = graph.node("Exp", graph.node("Sub", margins, values.most(margins, keep=True)))
    shares = graph.node("Div", powers, values.total(powers, keep=True))
    made = {RAW: margins, PROBABILITY: shares, PREDICTION: _chosen(node, values, margins, shares)}
    _written(node, values, width, **made)


def _chosen(node: Node, values: Values, raw: str, shares: str) -> str:
    thresholds = node.attributes.get("thresholds") or None
    if thresholds is None:
        return values.greatest(raw)
    scaled = values.graph.node("Div", shares, values.constant([thresholds]))
    nothing = values.graph.node("IsNaN", scaled)
    return values.greatest(values.where(nothing, values.constant(-np.inf), scaled))


def tree_classifier(node: Node, values: Values) -> None:
    held = trees.read(node)
    width = held[0].values.shape[1]
    tables = [one.values for one in held]
    if node.op != "decision_tree_classifier":
        tables = [_rows_of_one(one) for one in tables]
    raw = values.total(_leaves(node, values, held, tables), axis=1)
    total = values.total(raw, keep=True)
    nothing = values.graph.node("Equal", total, values.constant(0.0))
    shares = values.graph.node("Div", raw, values.where(nothing, values.constant(1.0), total))
    _written(node, values, width, **{RAW: raw, PROBABILITY: shares, PREDICTION: _chosen(node, values, raw, shares)})


def _rows_of_one(table: Any) -> Any:
    total = table.sum(axis=1, keepdims=True)
    return table / np.where(total == 0, 1.0, total)


def _weighted(node: Node, values: Values) -> str:
    """[N, 1]: the sum of the trees' answers."""
    held = trees.read(node)
    by = node.attributes.get("weights") or [1.0] * len(held)
    tables = [one.values * float(weight) for one, weight in zip(held, by, strict=True)]
    return values.total(_leaves(node, values, held, tables), axis=1)


def tree_regressor(node: Node, values: Values) -> None:
    total = _weighted(node, values)
    if node.op == "random_forest_regression":
        total = values.graph.node("Div", total, values.constant(float(len(trees.read(node)))))
    _written(node, values, 1, **{PREDICTION: values.flat(total)})


def gbt_classifier(node: Node, values: Values) -> None:
    margin = _weighted(node, values)
    raw, shares = _mirrored(values, margin), _sigmoid(values, margin, 2.0)
    _written(node, values, 2, **{RAW: raw, PROBABILITY: shares, PREDICTION: _chosen(node, values, raw, shares)})


def _leaves(node: Node, values: Values, held: Sequence[Tree], tables: Sequence[Any]) -> str:
    """float64[N, trees, outputs]: what each tree's leaf holds. The ensemble answers only in which leaf a row ends: a
    whole number survives its 32 bits, the leaf's values would not."""
    graph = values.graph
    vector = values.vector(node, node.inputs[0]).tensor
    columns = [vector]
    asked: dict[tuple[int, frozenset[float], bool], int] = {}
    width = int(node.attributes.get("features") or 1 + max(int(one.feature.max(initial=0)) for one in held))
    for tree in held:
        for at, split in enumerate(tree.categories):
            if split is not None and (question := (int(tree.feature[at]), *split)) not in asked:
                asked[question] = width + len(asked)
                columns.append(_membership(values, vector, *question))
    matrix = vector if len(columns) == 1 else graph.node("Concat", *columns, axis=1)
    leaf = graph.node(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML,
        n_targets=len(held),
        post_transform="NONE",
        **_attributes(held, asked),
    )
    rows = [table[tree.left < 0] for tree, table in zip(held, tables, strict=True)]
    return graph.node("Gather", values.constant(np.concatenate(rows)), graph.cast(leaf, INT64), axis=0)


def _membership(values: Values, vector: str, feature: int, held: frozenset[float], inside: bool) -> str:
    """[N, 1]: 0 for the rows that go left."""
    graph = values.graph
    picked = graph.node("Gather", vector, graph.constant(np.array([feature], np.int64)), axis=1)
    found = values.most(values.doubles(values.equals(picked, sorted(held))), keep=True)
    return graph.node("Sub", values.constant(1.0), found) if inside else found


def _attributes(held: Sequence[Tree], asked: dict[Any, int]) -> dict[str, Any]:
    nodes: list[tuple[int, int, int, str, float, int, int]] = []
    leaves: list[tuple[int, int, int, float]] = []
    for number, tree in enumerate(held):
        for at, (left, right) in enumerate(zip(tree.left.tolist(), tree.right.tolist(), strict=True)):
            if left < 0:
                nodes.append((number, at, 0, "LEAF", 0.0, 0, 0))
                leaves.append((number, at, number, float(len(leaves))))
                continue
            split, feature = tree.categories[at], int(tree.feature[at])
            column = feature if split is None else asked[(feature, *split)]
            bound = float(tree.threshold[at]) if split is None else 0.5
            nodes.append((number, at, column, "BRANCH_LEQ", bound, left, right))
    of_trees, numbers, columns, modes, bounds, yes, no = zip(*nodes, strict=True)
    leaf_trees, leaf_nodes, targets, weights = zip(*leaves, strict=True)
    return {
        "nodes_treeids": of_trees,
        "nodes_nodeids": numbers,
        "nodes_featureids": columns,
        "nodes_modes": modes,
        "nodes_values_as_tensor": numpy_helper.from_array(np.array(bounds, np.float64), "bounds"),
        "nodes_truenodeids": yes,
        "nodes_falsenodeids": no,
        "target_treeids": leaf_trees,
        "target_nodeids": leaf_nodes,
        "target_ids": targets,
        "target_weights_as_tensor": numpy_helper.from_array(np.array(weights, np.float64), "weights"),
    }
