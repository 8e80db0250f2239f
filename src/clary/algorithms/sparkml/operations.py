"""The operations of a bundle, on columns of many rows at once: what MLeap and Spark make of them."""

from collections.abc import Callable, Mapping
from typing import Final

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.sparkml import categories, models, numbers, trees
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.frame import Columns, Frame

Operation = Callable[[Node, Frame], None]
"""Puts its outputs into the frame. Raises Refused for rows that it cannot take."""
OPERATIONS: Final[Mapping[str, Operation]] = {
    "string_indexer": categories.index,
    "one_hot_encoder": categories.one_hot_encode,
    "reverse_string_indexer": categories.name,
    "vector_assembler": numbers.assemble,
    "vector_slicer": numbers.slice_vector,
    "standard_scaler": numbers.standard_scale,
    "robust_scaler": numbers.standard_scale,
    "min_max_scaler": numbers.min_max_scale,
    "max_abs_scaler": numbers.max_abs_scale,
    "normalizer": numbers.normalize,
    "binarizer": numbers.binarize,
    "bucketizer": numbers.bucketize,
    "imputer": numbers.impute,
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


def _hot(node: Node) -> None:
    for at in range(len(node.inputs)):
        categories.hot(node, at)


_TREES: Final = tuple(name for name in OPERATIONS if name.startswith(("decision_tree", "random_forest", "gbt")))
_READ: Final[Mapping[str, Callable[[Node], object]]] = {
    "string_indexer": lambda node: (categories.labels_of(node), categories.invalid(node)),
    "one_hot_encoder": _hot,
    "reverse_string_indexer": categories.labels_of,
    "vector_assembler": lambda node: categories.invalid(node, categories.KEEP),
    "vector_slicer": lambda node: numbers.listed(node, "indices"),
    "min_max_scaler": numbers.rescaling,
    "max_abs_scaler": numbers.max_abs_factors,
    "binarizer": lambda node: numbers.floats(node, "thresholds"),
    "bucketizer": lambda node: (numbers.splits_of(node), categories.invalid(node)),
    "imputer": lambda node: numbers.floats(node, "surrogates"),
    **dict.fromkeys(("linear_regression", "logistic_regression", "linear_svc"), models.weights),
    **dict.fromkeys(_TREES, trees.read),
}
"""What of an operation can be broken is read once before there are requests."""


def check(nodes: list[Node]) -> None:
    """Every operation is known here, and can be read. Raises AlgorithmError that names the first one that is not."""
    for node in nodes:
        if node.op not in OPERATIONS:
            raise AlgorithmError(
                f"the operation {node.op} of {node.name} is not known; known are {', '.join(OPERATIONS)}"
            )
        if not node.inputs or not node.outputs:
            raise AlgorithmError(f"{node.name} ({node.op}) has no columns")
        try:
            if (read := _READ.get(node.op)) is not None:
                read(node)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise AlgorithmError(f"{node.name} ({node.op}) cannot be read: {error!r}") from None


def run(nodes: list[Node], columns: Columns, places: Mapping[str, int]) -> Columns:
    """All columns after all operations, without the rows that an operation leaves out. `places`: where a column stands
    in the request, from 1. Raises Refused, also when no row is left."""
    count = len(next(iter(columns.values()))) if columns else 0
    frame = Frame(dict(columns), places, list(range(1, count + 1)))
    apply(nodes, frame)
    if not frame.rows and frame.left_out is not None:
        raise frame.left_out
    return frame.columns


def apply(nodes: list[Node], frame: Frame) -> None:
    """The operations have passed over the frame, or no row of it is left. Raises Refused."""
    for node in nodes:
        OPERATIONS[node.op](node, frame)
        if not frame.rows:
            return
