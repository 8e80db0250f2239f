"""Words and the numbers of categories, as Spark's StringIndexer, OneHotEncoder and IndexToString make them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.refused import Refused
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.frame import Frame

ERROR, SKIP, KEEP = "error", "skip", "keep"
INVALID = "handle_invalid"


def labels_of(node: Node) -> list[list[str]]:
    """The labels of each column of a string_indexer or a reverse_string_indexer. Raises AlgorithmError."""
    about = node.attributes
    if isinstance(several := about.get("labels_array"), list):
        if len(several) != len(node.inputs):
            raise AlgorithmError(f"{node.name} has labels for {len(several)} columns, but takes {len(node.inputs)}")
        return [[str(label) for label in one] for one in several]
    if isinstance(found := about.get("labels"), list):
        return [[str(one) for one in found]] * len(node.inputs)
    several = [about.get(f"labels{at}", about.get(f"labels_{at}")) for at in range(len(node.inputs))]
    if not all(isinstance(one, list) for one in several):
        raise AlgorithmError(f"{node.name} has no labels")
    return [[str(label) for label in one or ()] for one in several]


def invalid(node: Node, otherwise: str = ERROR) -> str:
    """What is done about a value that the operation cannot take: ERROR, SKIP (the row is left out), or KEEP."""
    said = str(node.attributes.get(INVALID, otherwise)).removeprefix("HANDLE_INVALID_").lower()
    if said not in (ERROR, SKIP, KEEP):
        raise AlgorithmError(f"handle_invalid of {node.name} is {said}; it must be {ERROR}, {SKIP} or {KEEP}")
    return said


def keeps(node: Node) -> bool:
    """Unknown categories are kept as one more."""
    return invalid(node) == KEEP


def hot(node: Node, at: int) -> tuple[int, int, bool]:
    """(categories, size of the vector, whether unknown ones are kept) of a column of a one_hot_encoder."""
    about = node.attributes
    sizes = about.get("category_sizes")
    count = int(sizes[at]) if isinstance(sizes, list) else int(about["size"])
    dropped, kept = bool(about.get("drop_last", True)), keeps(node)
    return count, count - int(dropped) + int(kept), kept


def index(node: Node, frame: Frame) -> None:
    """The number of each label."""
    mode = invalid(node)
    for name, out, labels in zip(node.inputs, node.outputs, labels_of(node), strict=True):
        known = {label: float(at) for at, label in enumerate(labels)}
        words = _words(frame.take(node.name, name))
        values = [known.get(word) for word in words]
        if None in values and mode != KEEP:
            first = values.index(None)
            refused = frame.unknown(first, name, words[first], labels)
            if mode == ERROR:
                raise refused
            frame.keep(np.array([one is not None for one in values]), refused)
            values = [one for one in values if one is not None]
        frame.columns[out] = np.array([float(len(labels)) if one is None else one for one in values], np.float64)


def _words(column: NDArray[Any]) -> list[str]:
    if column.ndim != 1:
        raise Refused(400, "A vector is no category.")
    if column.dtype == object:
        return [str(one) for one in column.tolist()]
    if column.dtype == np.bool_:
        return ["true" if one else "false" for one in column.tolist()]
    if column.dtype.kind == "i":
        return list(map(str, column.tolist()))
    return [java_text(one) for one in column.tolist()]


def java_text(value: float) -> str:
    """The number as Spark casts a double to text: 2.0, 1.0E7, 1.0E-4."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits = ("-", repr(-value)) if value < 0 else ("", repr(value))
    mantissa, _, power = digits.partition("e")
    whole, _, part = mantissa.partition(".")
    at = len(whole) - 1 + int(power or 0)
    figures = (whole + part).lstrip("0")
    if whole == "0":
        at = -(len(part) - len(part.lstrip("0"))) - 1
    figures = figures.rstrip("0") or "0"
    return f"{sign}{figures[0]}.{figures[1:] or '0'}E{at}"


def one_hot_encode(node: Node, frame: Frame) -> None:
    """The vector of each number of a category."""
    for at, (name, out) in enumerate(zip(node.inputs, node.outputs, strict=True)):
        count, size, kept = hot(node, at)
        values = frame.numbers(node.name, name)
        if values.ndim != 1:
            raise Refused(400, f"{node.name} takes the numbers of categories, but the column {name} holds vectors.")
        made = [one_hot(one, count, size, kept) for one in values.tolist()]
        frame.columns[out] = np.array(made, np.float64).reshape(-1, size)


def one_hot(value: float, count: int, size: int, kept: bool) -> list[float]:
    """The vector of that category's number. Raises Refused."""
    whole = value == value and float(value).is_integer()
    if not whole or not 0 <= value < count:
        if not kept or not whole:
            raise Refused(400, f"{value:g} is no number of a category, which are 0 to {count - 1}.")
        value = count
    return [float(at == value) for at in range(size)]


def name(node: Node, frame: Frame) -> None:
    """The label of each number."""
    for column, out, labels in zip(node.inputs, node.outputs, labels_of(node), strict=True):
        values = frame.numbers(node.name, column).tolist()
        for at, one in enumerate(values):
            if not (one == one and float(one).is_integer() and 0 <= one < len(labels)):
                raise Refused(
                    400,
                    f"{frame.where(at, column)}: {one:g} is no number of a label, which are 0 to {len(labels) - 1}.",
                )
        frame.columns[out] = np.array([labels[int(one)] for one in values], object)
