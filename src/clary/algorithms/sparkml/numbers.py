"""Numbers and vectors, as Spark's scalers and its other transformers of numbers make them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.refused import Refused
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.categories import ERROR, KEEP, invalid
from clary.algorithms.sparkml.frame import Frame

Floats = NDArray[np.float64]


def listed(node: Node, attribute: str) -> list[Any]:
    """Raises AlgorithmError for an attribute that is no list."""
    found = node.attributes.get(attribute)
    if not isinstance(found, list):
        raise AlgorithmError(f"{node.name} has no list {attribute}")
    return found


def floats(node: Node, attribute: str) -> Floats:
    """Raises AlgorithmError."""
    try:
        return np.array(listed(node, attribute), np.float64)
    except ValueError:
        raise AlgorithmError(f"{attribute} of {node.name} is no list of numbers") from None


def assemble(node: Node, frame: Frame) -> None:
    """One vector of numbers and vectors. A single value that is missing is kept, or refused, or its row left out."""
    mode = invalid(node, KEEP)
    for name in node.inputs:
        values = frame.numbers(node.name, name)
        if mode == KEEP or values.ndim != 1 or not (missing := np.isnan(values)).any():
            continue
        refused = Refused(400, f"{frame.where(int(missing.argmax()), name)}: a value is missing.")
        if mode == ERROR:
            raise refused
        frame.keep(~missing, refused)
    parts = [frame.numbers(node.name, name) for name in node.inputs]
    frame.columns[node.outputs[0]] = np.concatenate([one.reshape(len(one), -1) for one in parts], axis=1)


def slice_vector(node: Node, frame: Frame) -> None:
    """Some numbers of each vector."""
    places = [int(one) for one in listed(node, "indices")]
    values = frame.vectors(node.name, node.inputs[0])
    if places and max(places) >= values.shape[1]:
        raise Refused(400, f"{node.name} takes number {max(places)} of vectors of {values.shape[1]}.")
    frame.columns[node.outputs[0]] = values[:, places]


def factors(deviation: list[float]) -> Floats:
    """What a column is multiplied by; a constant one becomes 0."""
    held = np.array(deviation, np.float64)
    return np.divide(1.0, held, out=np.zeros_like(held), where=held != 0)


def standard_scale(node: Node, frame: Frame) -> None:
    """Less the mean (of a robust_scaler: the median), by the deviation (the range)."""
    centre, spread = (node.attributes.get(one) or None for one in SCALED[node.op])
    size = len(centre or spread or ()) or None
    values = frame.vectors(node.name, node.inputs[0], size)
    if centre is not None:
        values = values - np.array(centre, np.float64)
    if spread is not None:
        values = values * factors(spread)
    frame.columns[node.outputs[0]] = values


SCALED = {"standard_scaler": ("mean", "std"), "robust_scaler": ("median", "range")}
"""(what is taken off, what is divided by)"""


def rescaling(node: Node) -> tuple[Floats, Floats, float, float]:
    """(least, factor, new least, what a constant column becomes) of a min_max_scaler: a factor of 0 says constant."""
    low, high = floats(node, "min"), floats(node, "max")
    least, most = (float(node.attributes.get(name, other)) for name, other in (("min_value", 0.0), ("max_value", 1.0)))
    span = high - low
    factor = np.divide(most - least, span, out=np.zeros_like(span), where=span != 0)
    return low, factor, least, (least + most) / 2


def min_max_scale(node: Node, frame: Frame) -> None:
    low, factor, least, constant = rescaling(node)
    values = frame.vectors(node.name, node.inputs[0], len(low))
    frame.columns[node.outputs[0]] = np.where(factor != 0, (values - low) * factor + least, constant)


def max_abs_factors(node: Node) -> Floats:
    most = floats(node, "max_abs")
    return np.divide(1.0, most, out=np.ones_like(most), where=most != 0)


def max_abs_scale(node: Node, frame: Frame) -> None:
    factor = max_abs_factors(node)
    frame.columns[node.outputs[0]] = frame.vectors(node.name, node.inputs[0], len(factor)) * factor


def normalize(node: Node, frame: Frame) -> None:
    """Vectors of length 1; those of length 0 stay."""
    power = float(node.attributes.get("p_norm", 2.0))
    values = frame.vectors(node.name, node.inputs[0])
    length = np.linalg.norm(values, ord=power, axis=1, keepdims=True) if values.shape[1] else np.zeros((len(values), 1))
    frame.columns[node.outputs[0]] = values / np.where(length == 0, 1.0, length)


def binarize(node: Node, frame: Frame) -> None:
    """1 above the threshold, else 0."""
    for name, out, threshold in zip(node.inputs, node.outputs, floats(node, "thresholds").tolist(), strict=True):
        frame.columns[out] = (frame.numbers(node.name, name) > threshold).astype(np.float64)


def splits_of(node: Node) -> list[Floats]:
    """The bounds of the buckets of each column. Raises AlgorithmError."""
    found = [np.array([float(one) for one in several], np.float64) for several in listed(node, "splits")]
    if len(found) != len(node.inputs) or any(len(one) < 3 or (np.diff(one) <= 0).any() for one in found):
        raise AlgorithmError(f"the splits of {node.name} do not rise, or are not for {len(node.inputs)} columns")
    return found


def bucketize(node: Node, frame: Frame) -> None:
    """The number of the bucket between two splits."""
    mode = invalid(node)
    for name, out, splits in zip(node.inputs, node.outputs, splits_of(node), strict=True):
        values = frame.numbers(node.name, name)
        missing = np.isnan(values)
        if mode != KEEP and missing.any():
            refused = Refused(
                400, f"{frame.where(int(missing.argmax()), name)}: a value is missing, which has no bucket."
            )
            if mode == ERROR:
                raise refused
            frame.keep(~missing, refused)
            values, missing = values[~missing], missing[~missing]
        outside = (values < splits[0]) | (values > splits[-1])
        if outside.any():
            first = int(outside.argmax())
            raise Refused(
                400,
                f"{frame.where(first, name)}: {values[first]:g} is in no bucket, which are from {splits[0]:g} "
                f"to {splits[-1]:g}.",
            )
        buckets = np.minimum(np.searchsorted(splits, values, side="right") - 1, len(splits) - 2)
        frame.columns[out] = np.where(missing, float(len(splits) - 1), buckets).astype(np.float64)


def impute(node: Node, frame: Frame) -> None:
    """Missing values become those that were learnt."""
    missing = float(node.attributes.get("missing_value", "nan"))
    for name, out, other in zip(node.inputs, node.outputs, floats(node, "surrogates").tolist(), strict=True):
        values = frame.numbers(node.name, name)
        frame.columns[out] = np.where(np.isnan(values) | (values == missing), other, values)
