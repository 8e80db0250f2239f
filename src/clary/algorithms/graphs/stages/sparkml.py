"""Operations of an MLeap bundle, as functions of one cell each."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clary.algorithms.graphs.bundles.values import Value, Values
from clary.algorithms.graphs.bundles.writing import OPERATIONS
from clary.algorithms.graphs.features import CannotCompile, Feature, Given, Number, Table, Text, stepped
from clary.algorithms.graphs.nodes import DOUBLE
from clary.algorithms.graphs.source import Source
from clary.algorithms.sparkml import categories, numbers, trees
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.schema import Schema


@dataclass
class Frame:
    """The columns while the operations pass: each is one feature, or several as a vector."""

    columns: dict[str, list[Feature]]
    allowed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Columns of the request whose unknown categories are refused, with the known ones."""
    modes: set[str] = field(default_factory=set)
    """What is done about them: "error", "skip"."""
    needed: set[int] = field(default_factory=set)
    """Columns of the request whose numbers must be there."""
    vectors: set[str] = field(default_factory=set)
    """Which columns are vectors, be they of one number."""

    def vector(self, name: str, features: list[Feature]) -> None:
        self.columns[name] = features
        self.vectors.add(name)


def given(schema: Schema | None) -> list[Given]:
    """The columns of a request. Raises CannotCompile."""
    if schema is None:
        raise CannotCompile("the container has no SAGEMAKER_SPARKML_SCHEMA: each request brings its own")
    for one in schema.inputs:
        if one.struct != "basic":
            raise CannotCompile(f"the column {one.name} is a {one.struct}, which is not compiled")
        if one.type == "boolean":
            raise CannotCompile(f"the column {one.name} is of type boolean, which is not compiled")
        if one.type == "float":
            raise CannotCompile(f"the column {one.name} is of type float, which is not compiled; double is")
    if schema.output.type not in ("double", "string"):
        raise CannotCompile(f"an output of type {schema.output.type} is not compiled; double and string are")
    return [Given(one.name, "string" if one.type == "string" else "float") for one in schema.inputs]


def transformed(nodes: Sequence[Node], schema: Schema, features: Sequence[Feature]) -> tuple[list[Node], Frame]:
    """(the operations that are none of one cell each, from the first one on; the columns before them). Raises
    CannotCompile."""
    frame = Frame({one.name: [feature] for one, feature in zip(schema.inputs, features, strict=True)})
    for at, node in enumerate(nodes):
        if node.op in TAIL:
            return list(nodes[at:]), frame
        _needs(node, frame)
        if node.op not in _OPERATIONS:
            raise CannotCompile(f"the operation {node.op} is not compiled")
        _OPERATIONS[node.op](node, frame)
    if schema.output.name not in frame.columns:
        raise CannotCompile(f"the schema's output {schema.output.name} is no column of the bundle")
    return [], frame


def _needs(node: Node, frame: Frame) -> None:
    for name in node.inputs:
        if name not in frame.columns:
            raise CannotCompile(f"{node.name} needs the column {name}, which is not in the schema")


MODELS = (
    "linear_regression", "logistic_regression", "linear_svc",
    "decision_tree_classifier", "random_forest_classifier", "gbt_classifier",
    "decision_tree_regression", "random_forest_regression", "gbt_regression",
)  # fmt: skip
TAIL = (*MODELS, "normalizer")
"""Operations of whole vectors: nothing but their like, and labels, may follow them."""
_AFTER = (*TAIL, "reverse_string_indexer", "vector_slicer", "standard_scaler", "robust_scaler", "min_max_scaler",
          "max_abs_scaler")  # fmt: skip


def asked(nodes: Sequence[Node], frame: Frame) -> list[str]:
    """The columns of the frame that these operations take. Raises CannotCompile for one that cannot follow."""
    made: set[str] = set()
    found: dict[str, None] = {}
    for node in nodes:
        if node.op not in _AFTER:
            raise CannotCompile(f"the operation {node.op} behind {nodes[0].op} is not compiled")
        for name in node.inputs:
            if name not in made:
                _needs(node, frame)
                found[name] = None
        made |= set(node.outputs)
    return list(found)


def written(nodes: Sequence[Node], frame: Frame, source: Source, names: Sequence[str], output: str) -> Value:
    """The output column after these operations, as a tensor. Raises CannotCompile."""
    held = {}
    for name in names:
        if name not in frame.vectors:
            raise CannotCompile(f"{nodes[0].name} takes the column {name}, which is no vector")
        held[name] = Value(source.matrix(frame.columns[name], DOUBLE), "vector", len(frame.columns[name]))
    values = Values(source.graph, held)
    for node in nodes:
        OPERATIONS[node.op](node, values)
    if output not in values.held:
        raise CannotCompile(f"the schema's output {output} is made before {nodes[0].name}, which is not compiled")
    return values.held[output]


def thresholds(nodes: Sequence[Node], names: Sequence[str]) -> dict[int, set[float]]:
    """For each number of the first vector the values at which a tree goes another way."""
    found: dict[int, set[float]] = {}
    for node in nodes:
        if "trees" in node.attributes and node.inputs[0] == names[0]:
            for tree in trees.read(node):
                for feature, bound, left in zip(tree.feature, tree.threshold, tree.left, strict=True):
                    if left >= 0:
                        found.setdefault(int(feature), set()).add(float(bound))
    return found


def narrowed(given: Sequence[Given], frame: Frame) -> list[Given]:
    """The columns with the categories that they must be of. Raises CannotCompile."""
    if len(frame.modes) > 1:
        raise CannotCompile("some columns refuse unknown categories, and others leave the row out")
    skipped = categories.SKIP in frame.modes
    if skipped and frame.needed:
        raise CannotCompile("some columns leave rows of unknown categories out, and others refuse missing numbers")
    named = [
        replace(one, allowed=frame.allowed[at], strict=True, skipped=skipped) if at in frame.allowed else one
        for at, one in enumerate(given)
    ]
    return [replace(one, needed=True) if at in frame.needed else one for at, one in enumerate(named)]


def labels(nodes: Sequence[Node], schema: Schema | None) -> list[str] | None:
    """The labels of a bundle that only names classes: one number in, its label out; None: it does something else."""
    if schema is None or len(nodes) != 1 or nodes[0].op != "reverse_string_indexer" or len(schema.inputs) != 1:
        return None
    node, (column,) = nodes[0], schema.inputs
    if node.inputs != (column.name,) or node.outputs != (schema.output.name,) or column.struct != "basic":
        return None
    return categories.labels_of(node)[0] if column.type in ("double", "int", "integer", "long") else None


def _single(node: Node, frame: Frame, name: str) -> Feature:
    found = frame.columns[name]
    if len(found) != 1 or name in frame.vectors:
        raise CannotCompile(f"{node.name} takes a vector for one value")
    return found[0]


def _index(node: Node, frame: Frame) -> None:
    for name, out, known in zip(node.inputs, node.outputs, categories.labels_of(node), strict=True):
        feature = _single(node, frame, name)
        if not isinstance(feature, Text):
            raise CannotCompile("a string_indexer of numbers is not compiled; make the column a string")
        kept = categories.keeps(node)
        if not kept:
            frame.modes.add(categories.invalid(node))
            before = frame.allowed.get(feature.column, tuple(known))
            frame.allowed[feature.column] = tuple(one for one in before if one in known)
        # As in the native server, the last of equal labels counts.
        codes = {one: float(at) for at, one in enumerate(known)}
        other = float(len(known)) if kept else None
        frame.columns[out] = [Table(feature.column, tuple(codes), tuple(codes.values()), other)]


def _one_hot(node: Node, frame: Frame) -> None:
    for at, (name, out) in enumerate(zip(node.inputs, node.outputs, strict=True)):
        feature = _single(node, frame, name)
        if not isinstance(feature, Table):
            raise CannotCompile("a one_hot_encoder of numbers is not compiled")
        count, size, kept = categories.hot(node, at)
        vectors = [categories.one_hot(one, count, size, kept) for one in feature.values]
        other = None if feature.other is None else categories.one_hot(feature.other, count, size, kept)
        made: list[Feature] = [
            replace(
                feature,
                values=tuple(vector[place] for vector in vectors),
                other=None if other is None else other[place],
            )
            for place in range(size)
        ]
        frame.vector(out, made)


_FILLS = ("fill", "above")
"""Steps that make a number of a missing one."""


def _assemble(node: Node, frame: Frame) -> None:
    mode = categories.invalid(node, categories.KEEP)
    made = []
    for name in node.inputs:
        features = frame.columns[name]
        made += features
        single = features[0] if len(features) == 1 else None
        if mode == categories.KEEP or not isinstance(single, Number) or name in frame.vectors:
            continue
        if any(verb in _FILLS for verb, _ in single.steps):
            continue
        if mode == categories.SKIP:
            raise CannotCompile(f"{node.name} leaves rows of missing numbers out, which is not compiled")
        frame.needed.add(single.column)
    if not all(isinstance(one, Number | Table) for one in made):
        raise CannotCompile(f"{node.name} puts numbers together, but a column holds text")
    frame.vector(node.outputs[0], made)


def _slice(node: Node, frame: Frame) -> None:
    features, places = frame.columns[node.inputs[0]], [int(one) for one in numbers.listed(node, "indices")]
    if places and max(places) >= len(features):
        raise CannotCompile(f"{node.name} takes number {max(places)} of vectors of {len(features)}")
    frame.vector(node.outputs[0], [features[at] for at in places])


def _scale(node: Node, frame: Frame) -> None:
    features = frame.columns[node.inputs[0]]
    centre: Any
    spread: Any
    centre, spread = (node.attributes.get(one) or None for one in numbers.SCALED[node.op])
    if centre is not None:
        features = [stepped(one, ("subtract", float(by))) for one, by in _both(node, features, centre)]
    if spread is not None:
        scales = numbers.factors(spread).tolist()
        features = [stepped(one, ("multiply", by)) for one, by in _both(node, features, scales)]
    frame.vector(node.outputs[0], features)


def _both(node: Node, features: Sequence[Feature], values: Sequence[float]) -> list[tuple[Feature, float]]:
    if len(features) != len(values):
        raise CannotCompile(f"{node.name} takes vectors of {len(values)} numbers, but is given {len(features)}")
    return list(zip(features, values, strict=True))


def _min_max(node: Node, frame: Frame) -> None:
    low, factor, least, constant = numbers.rescaling(node)
    made = []
    starts = _both(node, frame.columns[node.inputs[0]], low.tolist())
    for (one, start), by in zip(starts, factor.tolist(), strict=True):
        if by:
            made.append(stepped(one, ("subtract", start), ("multiply", by), ("add", least)))
        else:
            made.append(stepped(one, ("fill", 0.0), ("multiply", 0.0), ("add", constant)))
    frame.vector(node.outputs[0], made)


def _max_abs(node: Node, frame: Frame) -> None:
    pairs = _both(node, frame.columns[node.inputs[0]], numbers.max_abs_factors(node).tolist())
    frame.vector(node.outputs[0], [stepped(one, ("multiply", by)) for one, by in pairs])


def _impute(node: Node, frame: Frame) -> None:
    if not math.isnan(float(node.attributes.get("missing_value", "nan"))):
        raise CannotCompile(f"{node.name} takes a number for a missing value, which is not compiled")
    for name, out, other in zip(node.inputs, node.outputs, numbers.floats(node, "surrogates").tolist(), strict=True):
        frame.columns[out] = [stepped(_single(node, frame, name), ("fill", other))]


def _binarize(node: Node, frame: Frame) -> None:
    for name, out, bound in zip(node.inputs, node.outputs, numbers.floats(node, "thresholds").tolist(), strict=True):
        frame.columns[out] = [stepped(one, ("above", bound)) for one in frame.columns[name]]
        frame.vectors |= {out} if name in frame.vectors else set()


_OPERATIONS: dict[str, Callable[[Node, Frame], None]] = {
    "string_indexer": _index,
    "one_hot_encoder": _one_hot,
    "vector_assembler": _assemble,
    "vector_slicer": _slice,
    "standard_scaler": _scale,
    "robust_scaler": _scale,
    "min_max_scaler": _min_max,
    "max_abs_scaler": _max_abs,
    "imputer": _impute,
    "binarizer": _binarize,
}
