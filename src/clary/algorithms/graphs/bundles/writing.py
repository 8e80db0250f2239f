"""The graph of a bundle."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.graphs.bundles import columns, models
from clary.algorithms.graphs.bundles.values import Kind, Value, Values
from clary.algorithms.graphs.nodes import DOUBLE, STRING, Graph
from clary.algorithms.sparkml.bundle import Node

OPERATIONS: Final[Mapping[str, Callable[[Node, Values], None]]] = {
    "string_indexer": columns.index,
    "one_hot_encoder": columns.one_hot,
    "reverse_string_indexer": columns.name,
    "vector_assembler": columns.assemble,
    "vector_slicer": columns.slice_vector,
    "standard_scaler": columns.standard_scale,
    "robust_scaler": columns.standard_scale,
    "min_max_scaler": columns.min_max_scale,
    "max_abs_scaler": columns.max_abs_scale,
    "normalizer": columns.normalize,
    "binarizer": columns.binarize,
    "bucketizer": columns.bucketize,
    "imputer": columns.impute,
    "linear_regression": models.linear_regression,
    "logistic_regression": models.logistic_regression,
    "linear_svc": models.linear_svc,
    "decision_tree_classifier": models.tree_classifier,
    "random_forest_classifier": models.tree_classifier,
    "gbt_classifier": models.gbt_classifier,
    "decision_tree_regression": models.tree_regressor,
    "random_forest_regression": models.tree_regressor,
    "gbt_regression": models.tree_regressor,
}


def graph(nodes: Sequence[Node], inputs: Mapping[str, Kind]) -> Any:
    """The ModelProto: inputs and outputs are called as the columns are. `inputs`: what each given column is. Raises
    AlgorithmError for operations that do not fit together."""
    made = Graph(prefix="~")
    values = Values(made, {name: Value(name, kind) for name, kind in inputs.items()})
    outputs: dict[str, None] = {}
    for node in nodes:
        if node.op not in OPERATIONS:
            raise AlgorithmError(f"the operation {node.op} of {node.name} has no graph")
        OPERATIONS[node.op](node, values)
        outputs |= dict.fromkeys(node.outputs)
    given = [
        (name, STRING if kind == "text" else DOUBLE, ["N"] if kind != "vector" else ["N", f"size of {name}"])
        for name, kind in inputs.items()
    ]
    return made.named(given, [(name, *_said(name, values.held[name])) for name in outputs])


def _said(name: str, value: Value) -> tuple[str, int, int | str | None]:
    if value.kind == "vector":
        return value.tensor, DOUBLE, f"size of {name}" if value.width is None else value.width
    return value.tensor, STRING if value.kind == "text" else DOUBLE, None
