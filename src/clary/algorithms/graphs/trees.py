"""Trees over columns of categories and numbers, as one TreeEnsemble of ONNX.

Where a tree asks a one-hot column (`safety=high < 0.5`), the graph's tree asks the category itself: which of a column's
categories go left is known, so a question about one of them is BRANCH_EQ on its code, and one that all answer alike is
no question at all."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.graphs.features import CannotCompile, Feature, Number, Table, Text
from clary.algorithms.graphs.nodes import FLOAT, ML
from clary.algorithms.graphs.source import HALF, Source


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as XGBoost keeps it: arrays by node, the root first. A node without a left child is a leaf, and its
    condition is its value; the others send a row left when its float32 value is less than the condition."""

    left: Sequence[int]
    right: Sequence[int]
    feature: Sequence[int]
    condition: NDArray[np.float32]
    default_left: Sequence[bool]
    group: int

    def splits(self) -> Iterator[int]:
        return (node for node, child in enumerate(self.left) if child >= 0)


@dataclass(frozen=True, slots=True)
class Question:
    """Who answers yes goes to the first child. `column` is of the ensemble's input."""

    mode: str
    column: int
    value: float
    missing_yes: bool
    yes_is_left: bool


def ensemble(source: Source, trees: Sequence[Tree], features: Sequence[Feature], zero_missing: bool, base: Any) -> str:
    """float32[N, groups]: for each group its base and the leaves of its trees, added in that order, as XGBoost adds.
    `zero_missing`: the model sees zeros as missing: it was given a sparse table in its own process. Raises
    CannotCompile."""
    if any(isinstance(one, Text) for one in features):
        raise CannotCompile("a column of text reaches the model, which takes numbers")
    asking = _Asking(source, features, zero_missing)
    for tree in trees:
        for node in tree.splits():
            asking.meet(tree, node)
    matrix = asking.settle()
    written = _Written()
    for group, value in enumerate(np.asarray(base, np.float32).tolist()):
        written.constant(value, group)
    for tree in trees:
        written.add(tree, asking)
    return source.graph.node(
        "TreeEnsembleRegressor", matrix, domain=ML, n_targets=len(base), post_transform="NONE", **written.attributes()
    )


class _Asking:
    """Which column of the ensemble's input answers each question."""

    def __init__(self, source: Source, features: Sequence[Feature], zero_missing: bool) -> None:
        self._source = source
        self._features = features
        self._zero_missing = zero_missing
        self._used: dict[int, None] = {}
        self._uncodable: set[Feature] = set()
        self._words: dict[str, int] = {}
        self._places: dict[Feature | int, int] = {}

    def meet(self, tree: Tree, node: int) -> None:
        """To be called for every split before any is asked for."""
        at = tree.feature[node]
        if at >= len(self._features):
            raise CannotCompile(f"the model asks for feature {at + 1}, but its rows have {len(self._features)}")
        self._used[at] = None
        feature = self._features[at]
        if self._by_value(feature) or feature in self._uncodable:
            return
        assert isinstance(feature, Table)
        if _one_question(feature, tree.condition[node], bool(tree.default_left[node]), self._zero_missing) is None:
            self._uncodable.add(feature)

    def _by_value(self, feature: Feature) -> bool:
        return not isinstance(feature, Table) or feature in self._uncodable

    def settle(self) -> str:
        """The ensemble's input, float32[N, columns]."""
        used = [self._features[at] for at in self._used]
        valued = list(dict.fromkeys(one for one in used if self._by_value(one)))
        if all(isinstance(one, Number) and not one.steps for one in self._features):
            valued = list(dict.fromkeys(self._features))  # as they are given: picking some costs a node more
        tables = [one for one in used if isinstance(one, Table) and one not in self._uncodable]
        coded = sorted({one.column for one in tables})
        if tables and not valued:
            coded = [at for at, one in enumerate(self._source.given) if one.kind == "string"]  # all, as above
        for key in (key for table in tables for key in table.keys):
            self._words.setdefault(key, len(self._words))
        self._places = {one: at for at, one in enumerate([*coded, *valued])}
        parts = [self._source.codes(coded, list(self._words))] if coded else []
        if valued or not parts:
            # A model whose trees are all leaves asks nothing, but the number of rows still comes from its input.
            parts.append(self._source.matrix(valued or self._features[:1], FLOAT))
        return parts[0] if len(parts) == 1 else self._source.graph.node("Concat", *parts, axis=1)

    def question(self, tree: Tree, node: int) -> Question | bool:
        """How the graph asks what that split asks; or, where there is one answer, whether it is left."""
        feature = self._features[tree.feature[node]]
        condition, default = tree.condition[node], bool(tree.default_left[node])
        if self._by_value(feature):
            if self._zero_missing:
                raise CannotCompile("a sparse table of numbers reaches the model, which sees its zeros as missing")
            return Question("BRANCH_LT", self._places[feature], float(condition), default, True)
        assert isinstance(feature, Table)
        asked = _one_question(feature, condition, default, self._zero_missing)
        assert asked is not None
        key, left = asked
        if key is None:
            return left
        return Question("BRANCH_EQ", self._places[feature.column], self._words[key] + HALF, False, left)


def _one_question(
    table: Table, condition: np.float32, default_left: bool, zero_missing: bool
) -> tuple[str | None, bool] | None:
    """(the category that goes another way than all others, whether it goes left); (None, whether all go left); None
    when it takes more than one question."""
    values = np.array([*table.values, math.nan if table.other is None else table.other], np.float64)
    with np.errstate(over="ignore"):
        small = values.astype(np.float32)
    missing = np.isnan(small) | (zero_missing & (small == 0))
    goes: list[bool] = np.where(missing, default_left, small < condition).tolist()
    if table.other is None:
        goes.pop()
    if all(goes) or not any(goes):
        return None, goes[0]
    for left in (True, False):
        ones = [at for at, one in enumerate(goes) if one is left]
        if len(ones) == 1 and ones[0] < len(table.keys):
            return table.keys[ones[0]], left
    return None


@dataclass
class _Written:
    """The attributes of the node, as they grow."""

    nodes: list[tuple[int, int, int, str, float, int, int, int]] = field(default_factory=list)
    """(tree, node, column, mode, value, child where yes, child where no, missing is yes)"""
    leaves: list[tuple[int, int, int, float]] = field(default_factory=list)
    """(tree, node, target, weight)"""
    _trees: int = 0
    _next: int = 0

    def constant(self, value: float, target: int) -> None:
        """A tree that is one leaf."""
        self._begin()
        self._leaf(value, target)

    def add(self, tree: Tree, asking: _Asking) -> None:
        self._begin()
        # An own stack: a tree may be deeper than Python's. Children get their numbers when they are written.
        waiting: list[tuple[int, int | None, int]] = [(0, None, 0)]
        while waiting:
            node, parent, side = waiting.pop()
            asked: Question | bool = True
            while tree.left[node] >= 0 and isinstance(asked := asking.question(tree, node), bool):
                node = tree.left[node] if asked else tree.right[node]
            here = self._next
            if parent is not None:
                self._link(parent, side, here)
            if tree.left[node] < 0:
                self._leaf(float(tree.condition[node]), tree.group)
                continue
            assert isinstance(asked, Question)
            at = len(self.nodes)
            self.nodes.append(
                (self._trees - 1, here, asked.column, asked.mode, asked.value, 0, 0, int(asked.missing_yes))
            )
            self._next += 1
            yes, no = tree.left[node], tree.right[node]
            if not asked.yes_is_left:
                yes, no = no, yes
            waiting += [(no, at, 6), (yes, at, 5)]

    def _begin(self) -> None:
        self._trees += 1
        self._next = 0

    def _leaf(self, value: float, target: int) -> None:
        self.nodes.append((self._trees - 1, self._next, 0, "LEAF", 0.0, 0, 0, 0))
        self.leaves.append((self._trees - 1, self._next, target, value))
        self._next += 1

    def _link(self, parent: int, side: int, child: int) -> None:
        changed = list(self.nodes[parent])
        changed[side] = child
        self.nodes[parent] = tuple(changed)  # type: ignore[assignment]

    def attributes(self) -> dict[str, Any]:
        trees, nodes, columns, modes, values, yes, no, missing = zip(*self.nodes, strict=True)
        of_trees, of_nodes, targets, weights = zip(*self.leaves, strict=True)
        return {
            "nodes_treeids": trees,
            "nodes_nodeids": nodes,
            "nodes_featureids": columns,
            "nodes_modes": modes,
            "nodes_values": values,
            "nodes_truenodeids": yes,
            "nodes_falsenodeids": no,
            "nodes_missing_value_tracks_true": missing,
            "target_treeids": of_trees,
            "target_nodeids": of_nodes,
            "target_ids": targets,
            "target_weights": weights,
        }
