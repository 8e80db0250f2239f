"""The input of a graph, and its columns as tensors: cells of text, codes of categories, numbers after their steps."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from clary.algorithms.graphs.features import CannotCompile, Feature, Given, Number, Table
from clary.algorithms.graphs.nodes import DOUBLE, FLOAT, INPUT, ML, STRING, Graph

UNKNOWN_CODE: Final = -1.0
HALF: Final = 0.5
"""Codes of categories are 0.5, 1.5, ...: ONNX Runtime packs questions for small whole numbers (BRANCH_EQ) into sets of
bits, and mixes up whose they are when several trees of one column ask for the same number (seen in 1.31)."""
_VERBS: Final = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "least": "Max", "most": "Min"}


class Source:
    """What the nodes of a graph read. Each part is added to the graph when it is first asked for."""

    def __init__(self, graph: Graph, given: Sequence[Given], features: Sequence[Feature], *, double: bool) -> None:
        """`double`: numbers are needed in 64 bits, also where nothing is calculated with them."""
        self.graph = graph
        self.given = given
        self.double = double or any(isinstance(one, Number) and one.steps for one in features)
        self.kind = _kind(given, features, self.double)
        self._cells: str | None = None

    @property
    def signature(self) -> tuple[int, list[int | str]]:
        """Type and shape of the graph's input."""
        if self.kind == "lines":
            return STRING, ["N"]
        of = {"strings": STRING, "floats": FLOAT, "doubles": DOUBLE}[self.kind]
        return of, ["N", len(self.given)]

    def cells(self) -> str:
        """string[N, C]"""
        if self._cells is None:
            self._cells = self.graph.node("StringSplit", INPUT, outputs=2, delimiter=",") if self._lines else INPUT
        return self._cells

    @property
    def _lines(self) -> bool:
        return self.kind == "lines"

    def picked(self, tensor: str, places: Sequence[int], of: int) -> str:
        """Those of the `of` columns of a tensor, in that order."""
        if list(places) == list(range(of)):
            return tensor
        return self.graph.node("Gather", tensor, self.graph.constant(np.array(places, np.int64)), axis=1)

    def codes(self, columns: Sequence[int], words: Sequence[str]) -> str:
        """float32[N, len(columns)]: of each cell the code of its word, or UNKNOWN_CODE."""
        return self.graph.node(
            "LabelEncoder",
            self.picked(self.cells(), columns, len(self.given)),
            domain=ML,
            keys_strings=list(words),
            values_floats=[place + HALF for place in range(len(words))],
            default_float=UNKNOWN_CODE,
        )

    def matrix(self, features: Sequence[Feature], of: int) -> str:
        """FLOAT or DOUBLE [N, len(features)]: the values of the features. Raises CannotCompile for text."""
        order: list[int] = []
        found: list[str] = []
        groups: dict[tuple[str, ...], list[int]] = {}
        for at, one in enumerate(features):
            groups.setdefault(_group(one), []).append(at)
        for places in groups.values():
            order += places
            numbers = [one for at in places if isinstance(one := features[at], Number)]
            tables = [one for at in places if isinstance(one := features[at], Table)]
            found.append(self._numbers(numbers, of) if numbers else self._tables(tables, of))
        whole = found[0] if len(found) == 1 else self.graph.node("Concat", *found, axis=1)
        back = np.argsort(np.array(order), kind="stable").tolist()
        return self.picked(whole, back, len(features))

    def _numbers(self, features: Sequence[Number], of: int) -> str:
        """Numbers whose steps are of the same verbs."""
        graph = self.graph
        places = [one.column for one in features]
        if self.kind in ("floats", "doubles"):
            values = self.picked(INPUT, places, len(self.given))
        else:
            values = graph.cast(self.picked(self.cells(), places, len(self.given)), DOUBLE)
        held = FLOAT if self.kind == "floats" else DOUBLE
        for at, (verb, _) in enumerate(features[0].steps):
            by = graph.constant(np.array([[one.steps[at][1] for one in features]], np.float64))
            if verb == "fill":
                values = graph.node("Where", graph.node("IsNaN", values), by, values)
            elif verb == "above":
                values = graph.cast(graph.node("Greater", values, by), DOUBLE)
            else:
                values = graph.node(_VERBS[verb], values, by)
        return values if held == of else graph.cast(values, of)

    def _tables(self, tables: Sequence[Table], of: int) -> str:
        """Features of one column's categories: its code picks their row."""
        graph = self.graph
        keys = list(dict.fromkeys(key for table in tables for key in table.keys))
        rows = np.zeros((len(keys) + 1, len(tables)), np.float64)
        for at, table in enumerate(tables):
            rows[:, at] = 0.0 if table.other is None else table.other
            for key, value in zip(table.keys, table.values, strict=True):
                rows[keys.index(key), at] = value
        picked = self.picked(self.cells(), [tables[0].column], len(self.given))
        code = graph.node(
            "LabelEncoder",
            graph.node("Squeeze", picked, graph.constant(np.array([1], np.int64))),
            domain=ML,
            keys_strings=keys,
            values_int64s=list(range(len(keys))),
            default_int64=len(keys),
        )
        with np.errstate(over="ignore"):
            held = rows.astype(np.float32) if of == FLOAT else rows
        return graph.node("Gather", graph.constant(held), code, axis=0)


def _kind(given: Sequence[Given], features: Sequence[Feature], double: bool) -> str:
    if all(one.kind == "float" for one in given):
        return "doubles" if double else "floats"
    if any(one.kind == "float" for one in given):
        return "strings"
    words = {key for one in features if isinstance(one, Table) for key in one.keys}
    words.update(word for one in given for word in one.allowed or ())
    # A line is split at its commas, whatever stands in quotes; and the columns must all be there.
    clean = not any(set(word) & set(',"\r\n\x1f') for word in words)
    return "lines" if clean and len(given) > 1 else "strings"


def _group(feature: Feature) -> tuple[str, ...]:
    """Features of one group are made together: numbers by the same steps, and those of one column's categories."""
    if isinstance(feature, Number):
        return "number", *(verb for verb, _ in feature.steps)
    if isinstance(feature, Table):
        return "table", str(feature.column)
    raise CannotCompile("a column of text reaches the model, which takes numbers")
