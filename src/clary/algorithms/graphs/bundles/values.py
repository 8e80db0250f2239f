"""Columns of a bundle while its graph is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.graphs.nodes import DOUBLE, FLOAT, INT64, Graph
from clary.algorithms.sparkml.bundle import Node

Kind = Literal["text", "number", "vector"]


@dataclass(frozen=True, slots=True)
class Value:
    tensor: str
    kind: Kind
    """string[N], float64[N], or float64[N, width]."""
    width: int | None = None
    """None: not known, of a vector that was given."""


@dataclass
class Values:
    graph: Graph
    held: dict[str, Value] = field(default_factory=dict)

    def number(self, node: Node, name: str) -> str:
        """float64[N] Raises AlgorithmError."""
        return self._of(node, name, "number").tensor

    def vector(self, node: Node, name: str) -> Value:
        """Raises AlgorithmError."""
        return self._of(node, name, "vector")

    def take(self, node: Node, name: str) -> Value:
        if name not in self.held:
            raise AlgorithmError(f"{node.name} needs the column {name}, which nothing makes")
        return self.held[name]

    def _of(self, node: Node, name: str, kind: Kind) -> Value:
        found = self.take(node, name)
        if found.kind != kind:
            raise AlgorithmError(f"{node.name} takes a {kind}, but the column {name} is a {found.kind}")
        return found

    def constant(self, value: Any) -> str:
        return self.graph.constant(np.asarray(value, np.float64))

    def upright(self, tensor: str) -> str:
        """[N, 1] of [N]"""
        return self.graph.node("Unsqueeze", tensor, self.graph.constant(np.array([1], np.int64)))

    def flat(self, tensor: str) -> str:
        """[N] of [N, 1]"""
        return self.graph.node("Squeeze", tensor, self.graph.constant(np.array([1], np.int64)))

    def total(self, tensor: str, *, axis: int = 1, keep: bool = False) -> str:
        return self.graph.node("ReduceSum", tensor, self.graph.constant(np.array([axis], np.int64)), keepdims=int(keep))

    def most(self, tensor: str, *, keep: bool = False) -> str:
        return self.graph.node("ReduceMax", tensor, self.graph.constant(np.array([1], np.int64)), keepdims=int(keep))

    def doubles(self, tensor: str) -> str:
        return self.graph.cast(tensor, DOUBLE)

    def where(self, condition: str, yes: str, no: str) -> str:
        return self.graph.node("Where", condition, yes, no)

    def equals(self, tensor: str, values: Sequence[float]) -> str:
        """bool[N, len(values)] of float64[N, 1]"""
        return self.graph.node("Equal", tensor, self.constant([list(values)]))

    def greatest(self, tensor: str) -> str:
        """float64[N]: the place of the greatest number of each row."""
        return self.doubles(self.graph.node("ArgMax", tensor, axis=1, keepdims=0))


__all__ = ["DOUBLE", "FLOAT", "INT64", "Kind", "Value", "Values"]
