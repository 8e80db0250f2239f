"""Confusion matrices, and the metrics of binary and multiclass classifiers that AWS publishes of them."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor.columns import Cells, Floats, trim
from clary.algorithms.monitor.ranks import Ranks, thinned

Doc = dict[str, Any]
Taken = npt.NDArray[np.bool_]
Metrics = dict[str, Floats]
"""By name: the metric of each sample, that of all rows first."""

MOST_LABELS: Final = 1000
_BETAS: Final = (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0))
_TRUTHS: Final = {"true": "true", "false": "false", "true.": "true", "false.": "false"}


def label(text: str) -> str:
    """One spelling for what means the same: 1 and 1.0, True and true."""
    lower = text.lower()
    if lower in _TRUTHS:
        return _TRUTHS[lower]
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if np.isfinite(number) and number == int(number) else text


class Confusion:
    """How many rows of which label were taken for which, in each of several samples."""

    def __init__(self, samples: int) -> None:
        self._labels: dict[str, int] = {}
        self._counts = np.zeros((samples, 0, 0), np.int64)

    def add(self, truth: Cells, predicted: Cells, taken: Taken) -> None:
        rows, columns = self._codes(truth), self._codes(predicted)
        self._grow()
        size = len(self._labels)
        for sample, mask in enumerate(taken):
            flat = np.bincount(rows[mask] * size + columns[mask], minlength=size * size)
            self._counts[sample] += flat.reshape(size, size)

    def ordered(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """The labels in order, and samples x truth x predicted in it."""
        names = sorted(self._labels, key=_order)
        at = [self._labels[name] for name in names]
        return names, self._counts[:, at][:, :, at]

    def _codes(self, cells: Cells) -> npt.NDArray[np.intp]:
        coded = trim(cells).dictionary_encode()
        codes = np.array([self._code(label(one)) for one in coded.dictionary.to_pylist()], np.intp)
        found: npt.NDArray[np.intp] = codes[coded.indices.to_numpy()]
        return found

    def _code(self, name: str) -> int:
        code = self._labels.setdefault(name, len(self._labels))
        if code >= MOST_LABELS:
            raise ClientError(
                f"There are more than {MOST_LABELS} different labels: is this a problem of regression, or "
                "inference_attribute or ground_truth_attribute the wrong column?"
            )
        return code

    def _grow(self) -> None:
        more = len(self._labels) - self._counts.shape[1]
        self._counts = np.pad(self._counts, ((0, 0), (0, more), (0, more)))


def _order(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), ""
    except ValueError:
        return 1, 0.0, name


def matrix(names: list[str], counts: npt.NDArray[np.int64]) -> Doc:
    """The confusion matrix of one sample: by true label, then by predicted one."""
    return {
        name: {other: int(counts[row, column]) for column, other in enumerate(names)} for row, name in enumerate(names)
    }


def _share(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """0 where there is nothing to take a share of."""
    found: Floats = np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
    return found


def _f(precision: Floats, recall: Floats, beta: float) -> Floats:
    return _share((1 + beta * beta) * precision * recall, beta * beta * precision + recall)


def binary(names: list[str], counts: npt.NDArray[np.int64]) -> Metrics:
    """Of two labels, the second of which is positive. The constant classifier that is compared with says positive of
    every row: of all constant ones it alone has a recall, precision and F score."""
    (right_no, wrong_yes), (wrong_no, right_yes) = np.moveaxis(counts.astype(np.float64), 0, -1)
    positive, negative = right_yes + wrong_no, right_no + wrong_yes
    recall, precision = _share(right_yes, positive), _share(right_yes, right_yes + wrong_yes)
    prevalence = _share(positive, positive + negative)
    always = _share(positive, positive)
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": _share(right_yes + right_no, positive + negative),
        "recall_best_constant_classifier": always,
        "precision_best_constant_classifier": prevalence,
        "accuracy_best_constant_classifier": prevalence,
        "true_positive_rate": recall,
        "true_negative_rate": _share(right_no, negative),
        "false_positive_rate": _share(wrong_yes, negative),
        "false_negative_rate": _share(wrong_no, positive),
        **{name: _f(precision, recall, beta) for name, beta in _BETAS},
        **{f"{name}_best_constant_classifier": _f(prevalence, always, beta) for name, beta in _BETAS},
    }


def curves(ranks: Ranks, samples: int) -> tuple[Metrics, Doc]:
    """The areas below the curves, and the curves themselves."""
    areas = np.array([ranks.areas(sample) for sample in range(samples)])
    wrong, right, precision = ranks.curves(0)
    wrong_told, right_told = thinned(np.append(wrong, 1.0), np.append(right, 1.0))
    precisions, recalls = thinned(precision, right)
    return {"auc": areas[:, 0], "au_prc": areas[:, 1]}, {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": wrong_told,
            "true_positive_rates": right_told,
        },
        "precision_recall_curve": {"precisions": precisions, "recalls": recalls},
    }


def multiclass(counts: npt.NDArray[np.int64]) -> Metrics:
    """Each label's metric weighted by how often the label is true. The constant classifier that is compared with says
    the most frequent label of every row."""
    table = counts.astype(np.float64)
    constant = np.zeros_like(table)
    often = int(table[0].sum(axis=1).argmax())
    constant[:, :, often] = table.sum(axis=2)
    found = _weighted(table)
    return found | {f"{name}_best_constant_classifier": value for name, value in _weighted(constant).items()}


def _weighted(table: Floats) -> Metrics:
    right = np.diagonal(table, axis1=1, axis2=2)
    true, told = table.sum(axis=2), table.sum(axis=1)
    rows = true.sum(axis=1)
    weights = _share(true, rows[:, None])
    recall, precision = _share(right, true), _share(right, told)
    return {
        "accuracy": _share(right.sum(axis=1), rows),
        "weighted_recall": (weights * recall).sum(axis=1),
        "weighted_precision": (weights * precision).sum(axis=1),
        **{f"weighted_{name}": (weights * _f(precision, recall, beta)).sum(axis=1) for name, beta in _BETAS},
    }
