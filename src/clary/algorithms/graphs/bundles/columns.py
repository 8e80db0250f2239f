"""Operations of words, numbers and vectors, as nodes."""

import math

import numpy as np

from clary.algorithms.graphs.bundles.values import INT64, Value, Values
from clary.algorithms.graphs.nodes import ML
from clary.algorithms.sparkml import categories, numbers
from clary.algorithms.sparkml.bundle import Node

_TRUTH = {"true": 1.0, "false": 0.0}


def index(node: Node, values: Values) -> None:
    kept = categories.keeps(node)
    for name, out, labels in zip(node.inputs, node.outputs, categories.labels_of(node), strict=True):
        other = float(len(labels)) if kept else math.nan
        given = values.take(node, name)
        if given.kind == "text":
            codes = {one: float(at) for at, one in enumerate(labels)} or {"\0": math.nan}
            made = values.graph.node(
                "LabelEncoder",
                given.tensor,
                domain=ML,
                keys_strings=list(codes),
                values_floats=list(codes.values()),
                default_float=other,
            )
            values.held[out] = Value(values.doubles(made), "number")
            continue
        keys = [_TRUTH[one] if one in _TRUTH else float(one) for one in labels]
        same = values.doubles(values.equals(values.upright(values.number(node, name)), keys))
        known = values.graph.node("Greater", values.most(same), values.constant(0.5))
        values.held[out] = Value(values.where(known, values.greatest(same), values.constant(other)), "number")


def one_hot(node: Node, values: Values) -> None:
    graph = values.graph
    for at, (name, out) in enumerate(zip(node.inputs, node.outputs, strict=True)):
        count, size, kept = categories.hot(node, at)
        number = values.number(node, name)
        known = graph.node(
            "And",
            graph.node("GreaterOrEqual", number, values.constant(0.0)),
            graph.node("Less", number, values.constant(float(count))),
        )
        if kept:
            number = values.where(known, number, values.constant(float(count)))
        made = values.doubles(values.equals(values.upright(number), np.arange(size).tolist()))
        if not kept:
            made = values.where(values.upright(known), made, values.constant(math.nan))
        values.held[out] = Value(made, "vector", size)


def name(node: Node, values: Values) -> None:
    for column, out, labels in zip(node.inputs, node.outputs, categories.labels_of(node), strict=True):
        code = values.graph.cast(values.number(node, column), INT64)
        made = values.graph.node(
            "LabelEncoder",
            code,
            domain=ML,
            keys_int64s=list(range(len(labels))),
            values_strings=list(labels),
            default_string="",
        )
        values.held[out] = Value(made, "text")


def assemble(node: Node, values: Values) -> None:
    parts, width = [], 0
    for column in node.inputs:
        given = values.take(node, column)
        known = given.width if given.kind == "vector" else 1
        width = -1 if known is None or width < 0 else width + known
        parts.append(given.tensor if given.kind == "vector" else values.upright(values.number(node, column)))
    whole = parts[0] if len(parts) == 1 else values.graph.node("Concat", *parts, axis=1)
    values.held[node.outputs[0]] = Value(whole, "vector", width if width >= 0 else None)


def slice_vector(node: Node, values: Values) -> None:
    places = [int(one) for one in numbers.listed(node, "indices")]
    picked = values.graph.constant(np.array(places, np.int64))
    made = values.graph.node("Gather", values.vector(node, node.inputs[0]).tensor, picked, axis=1)
    values.held[node.outputs[0]] = Value(made, "vector", len(places))


def _changed(node: Node, values: Values, made: str) -> None:
    values.held[node.outputs[0]] = Value(made, "vector", values.vector(node, node.inputs[0]).width)


def standard_scale(node: Node, values: Values) -> None:
    centre, spread = (node.attributes.get(one) or None for one in numbers.SCALED[node.op])
    made = values.vector(node, node.inputs[0]).tensor
    if centre is not None:
        made = values.graph.node("Sub", made, values.constant([centre]))
    if spread is not None:
        made = values.graph.node("Mul", made, values.constant([numbers.factors(spread)]))
    _changed(node, values, made)


def min_max_scale(node: Node, values: Values) -> None:
    low, factor, least, constant = numbers.rescaling(node)
    graph = values.graph
    made = graph.node("Mul", graph.node("Sub", values.vector(node, node.inputs[0]).tensor, values.constant([low])),
                      values.constant([factor]))  # fmt: skip
    made = graph.node("Add", made, values.constant(least))
    _changed(node, values, values.where(graph.constant(np.array([factor != 0])), made, values.constant(constant)))


def max_abs_scale(node: Node, values: Values) -> None:
    by = values.constant([numbers.max_abs_factors(node)])
    _changed(node, values, values.graph.node("Mul", values.vector(node, node.inputs[0]).tensor, by))


def normalize(node: Node, values: Values) -> None:
    graph, power = values.graph, float(node.attributes.get("p_norm", 2.0))
    given = values.vector(node, node.inputs[0]).tensor
    sizes = graph.node("Abs", given)
    if math.isinf(power):
        length = values.most(sizes, keep=True)
    else:
        total = values.total(graph.node("Pow", sizes, values.constant(power)), keep=True)
        length = graph.node("Pow", total, values.constant(1 / power))
    nothing = graph.node("Equal", length, values.constant(0.0))
    _changed(node, values, graph.node("Div", given, values.where(nothing, values.constant(1.0), length)))


def binarize(node: Node, values: Values) -> None:
    given = numbers.floats(node, "thresholds").tolist()
    for column, out, threshold in zip(node.inputs, node.outputs, given, strict=True):
        held = values.take(node, column)
        above = values.graph.node("Greater", held.tensor, values.constant(threshold))
        values.held[out] = Value(values.doubles(above), held.kind, held.width)


def bucketize(node: Node, values: Values) -> None:
    graph = values.graph
    kept = categories.keeps(node)
    for column, out, splits in zip(node.inputs, node.outputs, numbers.splits_of(node), strict=True):
        number = values.number(node, column)
        above = graph.node("GreaterOrEqual", values.upright(number), values.constant([splits[1:-1]]))
        bucket = values.total(values.doubles(above))
        outside = graph.node(
            "Or",
            graph.node("Less", number, values.constant(splits[0])),
            graph.node("Greater", number, values.constant(splits[-1])),
        )
        bucket = values.where(outside, values.constant(math.nan), bucket)
        missing = values.constant(float(len(splits) - 1) if kept else math.nan)
        values.held[out] = Value(values.where(graph.node("IsNaN", number), missing, bucket), "number")


def impute(node: Node, values: Values) -> None:
    graph = values.graph
    absent = float(node.attributes.get("missing_value", "nan"))
    surrogates = numbers.floats(node, "surrogates").tolist()
    for column, out, other in zip(node.inputs, node.outputs, surrogates, strict=True):
        number = values.number(node, column)
        missing = graph.node("IsNaN", number)
        if not math.isnan(absent):
            missing = graph.node("Or", missing, graph.node("Equal", number, values.constant(absent)))
        values.held[out] = Value(values.where(missing, values.constant(other), number), "number")
