"""Decision trees of Spark ML, as arrays by node, the root first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.sparkml.bundle import Node


@dataclass(frozen=True, slots=True)
class Tree:
    """A node without a left child is a leaf. The others send a row left when its value is at most the threshold, or,
    where there are categories, when it is one of them (`inside`) or none of them."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    categories: tuple[tuple[frozenset[float], bool] | None, ...]
    """(categories, inside)"""
    values: NDArray[np.float64]
    """[nodes, outputs]; of leaves alone."""

    def leaves(self, rows: NDArray[np.float64]) -> NDArray[np.int64]:
        """In which leaf each row ends."""
        at = np.zeros(len(rows), np.int64)
        going = np.flatnonzero(self.left[at] >= 0)
        while len(going):
            here = at[going]
            asked = rows[going, self.feature[here]]
            goes = asked <= self.threshold[here]
            for node in np.unique(here).tolist():
                if (split := self.categories[node]) is not None:
                    held, inside = split
                    mine = here == node
                    goes[mine] = np.isin(asked[mine], list(held)) == inside
            at[going] = np.where(goes, self.left[here], self.right[here])
            going = going[self.left[at[going]] >= 0]
        return at


def read(node: Node) -> list[Tree]:
    """The trees of that operation. Raises AlgorithmError."""
    try:
        if "trees" not in node.held:
            node.held["trees"] = [_tree(one) for one in node.attributes["trees"]]
        found: list[Tree] = node.held["trees"]
        return found
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AlgorithmError(f"the trees of {node.name} cannot be read: {error!r}") from None


def _tree(about: dict[str, Any]) -> Tree:
    left, right, feature = (np.array(about[name], np.int64) for name in ("left", "right", "feature"))
    count = len(left)
    for at, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if one >= 0 and not (at < one < count and at < other < count):
            raise ValueError(f"the children of node {at} are {one} and {other}")
    threshold = np.array([0.0 if one is None else one for one in about["threshold"]], np.float64)
    splits: list[tuple[frozenset[float], bool] | None] = [None] * count
    for at, (held, inside) in ((int(at), one) for at, one in (about.get("categories") or {}).items()):
        splits[at] = frozenset(map(float, held)), bool(inside)
    values = np.array(about["values"], np.float64)
    if not (len(feature) == len(threshold) == len(values) == count) or values.ndim != 2:
        raise ValueError("its arrays are not of one length")
    return Tree(left, right, feature, threshold, tuple(splits), values)
