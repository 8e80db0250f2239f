"""The operations of a bundle, on columns of many rows at once: what MLeap and Spark make of them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.refused import Refused
from clary.algorithms.sklearn.columns import unknown
from clary.algorithms.sparkml.bundle import Node

Columns = dict[str, NDArray[Any]]
"""Columns by name: [N] of numbers (float64) or text (objects), or [N, size] for vectors."""


def check(nodes: list[Node]) -> None:
    """Every operation is known here. Raises AlgorithmError that names the first one that is not."""
    for node in nodes:
        if node.op not in OPERATIONS:
            raise AlgorithmError(
                f"the operation {node.op} of {node.name} is not known; known are {', '.join(OPERATIONS)}"
            )


def run(nodes: list[Node], columns: Columns, places: Mapping[str, int]) -> Columns:
    """All columns after all operations. `places`: where a column stands in the request, from 1. Raises Refused."""
    held = dict(columns)
    for node in nodes:
        for name in node.inputs:
            if name not in held:
                raise Refused(400, f"{node.name} needs the column {name}, which is not in the schema.")
        held.update(OPERATIONS[node.op](node, held, places))
    return held


def labels_of(node: Node) -> list[list[str]]:
    """The labels of each column of a string_indexer or a reverse_string_indexer. Raises AlgorithmError."""
    about = node.attributes
    if isinstance(found := about.get("labels"), list):
        return [[str(one) for one in found]] * len(node.inputs)
    several = [about.get(f"labels{at}", about.get(f"labels_{at}")) for at in range(len(node.inputs))]
    if not all(isinstance(one, list) for one in several):
        raise AlgorithmError(f"{node.name} has no labels")
    return [[str(label) for label in one or ()] for one in several]


def keeps(node: Node) -> bool:
    """Unknown categories are kept as one more; else they are an error: a row cannot be left out of an answer."""
    return str(node.attributes.get("handle_invalid", "error")) in ("keep", "HANDLE_INVALID_KEEP")


def hot(node: Node, at: int) -> tuple[int, int, bool]:
    """(categories, size of the vector, whether unknown ones are kept) of a column of a one_hot_encoder."""
    about = node.attributes
    sizes = about.get("category_sizes")
    count = int(sizes[at]) if isinstance(sizes, list) else int(about["size"])
    dropped, kept = bool(about.get("drop_last", True)), keeps(node)
    return count, count - int(dropped) + int(kept), kept


def _index(node: Node, held: Columns, places: Mapping[str, int]) -> Columns:
    made: Columns = {}
    for name, out, labels in zip(node.inputs, node.outputs, labels_of(node), strict=True):
        known = {label: float(at) for at, label in enumerate(labels)}
        words = [one if isinstance(one, str) else _text(one) for one in held[name].tolist()]
        kept = float(len(labels)) if keeps(node) else None
        for row, word in enumerate(words, 1):
            if kept is None and word not in known:
                raise unknown(row, places.get(name, 1), name, word, labels)
        made[out] = np.array([known.get(word, kept) for word in words], np.float64)
    return made


def _text(number: float) -> str:
    """Spark writes whole numbers of a double column as 2.0."""
    return str(float(number))


def _one_hot(node: Node, held: Columns, places: Mapping[str, int]) -> Columns:
    made: Columns = {}
    for at, (name, out) in enumerate(zip(node.inputs, node.outputs, strict=True)):
        count, size, kept = hot(node, at)
        made[out] = np.array([one_hot(one, count, size, kept) for one in held[name].tolist()]).reshape(-1, size)
    return made


def one_hot(value: float, count: int, size: int, kept: bool) -> list[float]:
    """The vector of that category's number. Raises Refused."""
    whole = value == value and float(value).is_integer()
    if not whole or not 0 <= value < count + int(kept):
        if not kept or not whole:
            raise Refused(400, f"{value:g} is no number of a category, which are 0 to {count - 1}.")
        value = count
    return [float(at == value) for at in range(size)]


def _assemble(node: Node, held: Columns, places: Mapping[str, int]) -> Columns:
    parts = [held[name].reshape(len(held[name]), -1) for name in node.inputs]
    if any(one.dtype == object for one in parts):
        raise Refused(400, f"{node.name} puts numbers together, but a column holds text.")
    return {node.outputs[0]: np.concatenate(parts, axis=1).astype(np.float64)}


def _label(node: Node, held: Columns, places: Mapping[str, int]) -> Columns:
    (labels,) = labels_of(node)
    values = held[node.inputs[0]].tolist()
    for row, one in enumerate(values, 1):
        if not (one == one and float(one).is_integer() and 0 <= one < len(labels)):
            raise Refused(400, f"Row {row}: {one:g} is no number of a label, which are 0 to {len(labels) - 1}.")
    return {node.outputs[0]: np.array([labels[int(one)] for one in values], object)}


def _scale(node: Node, held: Columns, places: Mapping[str, int]) -> Columns:
    values = held[node.inputs[0]]
    mean, deviation = (node.attributes.get(one) or None for one in ("mean", "std"))
    if mean is not None:
        values = values - np.array(mean, np.float64)
    if deviation is not None:
        values = values * factors(deviation)
    return {node.outputs[0]: values}


def factors(deviation: list[float]) -> NDArray[np.float64]:
    """What a column is multiplied by; a constant one becomes 0."""
    held = np.array(deviation, np.float64)
    return np.divide(1.0, held, out=np.zeros_like(held), where=held != 0)


Operation = Callable[[Node, Columns, Mapping[str, int]], Columns]
OPERATIONS: Final[Mapping[str, Operation]] = {
    "string_indexer": _index,
    "one_hot_encoder": _one_hot,
    "vector_assembler": _assemble,
    "reverse_string_indexer": _label,
    "standard_scaler": _scale,
}
