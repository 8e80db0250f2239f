"""A model quality analysis: its metrics, the constraints that they suggest, and what violates a baseline's."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clary.algorithms.contract import ClientError, Contract, say
from clary.algorithms.monitor import classification, judged, report
from clary.algorithms.monitor.classification import Confusion
from clary.algorithms.monitor.columns import NO_VALUE, Batch, Cells, Floats, floats, trim
from clary.algorithms.monitor.judged import INFERENCE, PROBABILITY, TRUTH
from clary.algorithms.monitor.ranks import Ranks
from clary.algorithms.monitor.regression import Errors
from clary.algorithms.monitor.settings import Problem, Quality, Settings
from clary.algorithms.monitor.statistics import VERSION

Doc = dict[str, Any]

SAMPLES: Final = 5
SAMPLED: Final = 0.8
ENOUGH: Final = 200
"""Rows from which on the standard deviation of a metric is told: that of SAMPLES random samples of SAMPLED of them."""
LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"
_NAMES: Final[dict[Problem, str]] = {
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
    "Regression": "regression",
}
_WORSE_ABOVE: Final = ("false_positive_rate", "false_negative_rate", "mae", "mse", "rmse")
_UNCONSTRAINED: Final = ("au_prc",)


class Measures:
    """The sums of one analysis, over all rows and over samples of them."""

    def __init__(self, quality: Quality) -> None:
        self.rows = 0
        self.left_out = 0
        self._quality = quality
        self._chance = np.random.default_rng(0)  # the same data gives the same deviations
        self._confusion = Confusion(SAMPLES + 1)
        self._ranks = Ranks(SAMPLES + 1)
        self._errors = Errors(SAMPLES + 1)

    def read(self, batches: Iterator[Batch]) -> "Measures":
        for batch in batches:
            whole, left_out = _complete(batch)
            self.left_out += left_out
            rows = len(whole[TRUTH])
            if rows:
                self.rows += rows
                self._add(whole, rows)
        return self

    def _add(self, batch: Batch, rows: int) -> None:
        taken = np.concatenate([np.ones((1, rows), bool), self._chance.random((SAMPLES, rows)) < SAMPLED])
        truth = batch[TRUTH]
        if self._quality.problem == "Regression":
            self._errors.add(_numbers(truth, TRUTH), _numbers(batch[INFERENCE], INFERENCE), taken)
            return
        scores = _numbers(batch[PROBABILITY], PROBABILITY) if PROBABILITY in batch else None
        predicted = batch.get(INFERENCE)
        if self._quality.problem == "BinaryClassification":
            truth = _binary(truth, TRUTH)
            if predicted is None:
                assert scores is not None
                predicted = pa.array(np.where(scores >= self._quality.threshold, "1", "0"))
            else:
                predicted = _binary(predicted, INFERENCE)
            if scores is not None:
                positive = pc.equal(truth, "1").to_numpy(zero_copy_only=False)
                self._ranks.add(scores, positive, taken)
        self._confusion.add(truth, predicted, taken)

    def document(self) -> Doc:
        """The member `..._metrics` of the statistics."""
        if self._quality.problem == "Regression":
            return self._told(self._errors.metrics())
        names, counts = self._confusion.ordered()
        if self._quality.problem == "MulticlassClassification":
            return {"confusion_matrix": classification.matrix(names, counts[0])} | self._told(
                classification.multiclass(counts)
            )
        counts = _two(names, counts)
        metrics, curves = classification.binary(["0", "1"], counts), Doc()
        if self._quality.probability is not None:
            areas, curves = classification.curves(self._ranks, SAMPLES + 1)
            metrics |= areas
        return {"confusion_matrix": classification.matrix(["0", "1"], counts[0])} | self._told(metrics) | curves

    def _told(self, metrics: dict[str, Floats]) -> Doc:
        return {
            name: {
                "value": float(values[0]),
                "standard_deviation": float(np.std(values[1:])) if self.rows >= ENOUGH else float("nan"),
            }
            for name, values in metrics.items()
        }


def run(contract: Contract, settings: Settings, quality: Quality) -> list[Doc]:
    """The violations; the analysis's files are written."""
    limits = report.read(settings.constraints)
    measures = Measures(quality).read(judged.batches(settings, quality))
    if not measures.rows:
        raise ClientError(
            "No row has all of what is needed: the truth, and the model's answer. See ground_truth_attribute, "
            "inference_attribute and probability_attribute."
        )
    say(f"Judged {measures.rows} rows; {measures.left_out} were left out, since a value of theirs is missing.")
    metrics, name = measures.document(), _NAMES[quality.problem]
    statistics = {"version": VERSION, "dataset": {"item_count": measures.rows}, f"{name}_metrics": metrics}
    report.write(settings.output, report.STATISTICS, statistics)
    suggested = {"version": VERSION, f"{name}_constraints": _suggested(metrics)}
    report.write(settings.output, report.CONSTRAINTS, suggested)
    found: list[Doc] = []
    if limits is not None:
        found = violations(metrics, limits.get(f"{name}_constraints"), name)
        report.write(settings.output, report.VIOLATIONS, {"violations": found})
    if settings.metrics:
        told = ({"MetricName": key, "Value": value} for key, value, _ in _values(metrics) if np.isfinite(value))
        report.publish(contract, settings.dimensions, told)
    return found


def _values(metrics: Doc) -> Iterator[tuple[str, float, float]]:
    for name, told in metrics.items():
        if "value" in told:
            yield name, told["value"], told["standard_deviation"]


def _suggested(metrics: Doc) -> Doc:
    """As good as this, or better."""
    return {
        name: {"threshold": value, "comparison_operator": GREATER if name in _WORSE_ABOVE else LESS}
        for name, value, _ in _values(metrics)
        if not name.endswith("_best_constant_classifier") and name not in _UNCONSTRAINED and np.isfinite(value)
    }


def violations(metrics: Doc, constraints: Any, name: str) -> list[Doc]:
    """Raises ClientError when the constraints are of another kind of problem, or name what was not measured."""
    if not isinstance(constraints, dict):
        raise ClientError(f"baseline_constraints has no {name}_constraints: it is of another problem_type.")
    measured = {metric: (value, deviation) for metric, value, deviation in _values(metrics)}
    found = []
    for metric, limit in constraints.items():
        if metric not in measured:
            raise ClientError(
                f"baseline_constraints limits {metric}, which was not measured: with which attributes was the baseline "
                "made? (Areas below curves need probability_attribute.)"
            )
        operator, threshold = limit.get("comparison_operator"), float(limit["threshold"])
        if operator not in (LESS, GREATER):
            raise ClientError(f"baseline_constraints, {metric}: comparison_operator {operator!r} is unknown.")
        value, deviation = measured[metric]
        # What cannot be told (NaN) is not as good as what was asked for.
        if not (value >= threshold if operator == LESS else value <= threshold):
            what = f"Metric {metric} with {value} +/- {deviation} was {operator} '{threshold}'"
            found.append({"constraint_check_type": operator, "description": what, "metric_name": metric})
    return found


def _complete(batch: Batch) -> tuple[Batch, int]:
    """The rows that have all values, and how many have not."""
    whole = pa.array(np.ones(len(batch[TRUTH]), bool))
    for cells in batch.values():
        is_text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
        there = pc.invert(pc.is_in(trim(cells), value_set=_NOTHING)) if is_text else pc.is_valid(cells)
        whole = pc.and_(whole, there)
    kept = {name: cells.filter(whole) for name, cells in batch.items()}
    return kept, len(whole) - len(kept[TRUTH])


_NOTHING: Final = pa.array([*NO_VALUE, None], pa.string())
_POSITIVE: Final = {"1": "1", "0": "0", "true": "1", "false": "0"}


def _numbers(cells: Cells, what: str) -> Floats:
    try:
        return floats(cells)
    except pa.ArrowInvalid as error:
        raise ClientError(f"The {what} must be a number in every row: {error}") from None


def _binary(cells: Cells, what: str) -> Cells:
    """The labels as "0" and "1". Raises ClientError for any other."""
    coded = trim(cells).dictionary_encode()
    named = []
    for one in coded.dictionary.to_pylist():
        known = _POSITIVE.get(classification.label(one))
        if known is None:
            raise ClientError(
                f"The {what} of a binary classification must be 0 or 1 (or true or false), and one is {one!r}. Is it a "
                "problem of another type, or the column another?"
            )
        named.append(known)
    return pa.array(named, pa.string()).take(coded.indices)


def _two(names: list[str], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The matrix of "0" and "1", also where one of them never came up."""
    if names == ["0", "1"]:
        return counts
    full = np.zeros((len(counts), 2, 2), np.int64)
    at = [int(name) for name in names]
    for row, true in enumerate(at):
        for column, told in enumerate(at):
            full[:, true, told] = counts[:, row, column]
    return full
