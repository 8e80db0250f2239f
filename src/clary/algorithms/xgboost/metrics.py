"""The evaluation metrics that AWS's container adds to XGBoost's own: of the classes that predictions stand for, or, for
mse and r2, of the numbers. On several hosts each is that of the rows of all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.xgboost.group import Alone, Group

Values = NDArray[np.float32]
Numbers = NDArray[np.float64]


def decided(labels: Values, predictions: Values, objective: str) -> Values:
    """Predictions as class numbers: the most probable class, or what an objective of two classes says at its cut."""
    if predictions.ndim == 2 and predictions.shape[1] > 1:
        return np.asarray(predictions.argmax(axis=1), np.float32)
    values = predictions.reshape(-1)
    if objective.startswith("multi:"):
        return values
    if float(labels.max(initial=0)) > 1:
        return np.rint(values)
    return (values > (0 if objective == "binary:logitraw" else 0.5)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each class that occurs was hit, chosen and true."""

    names: NDArray[np.int64]
    hit: Numbers
    picked: Numbers
    real: Numbers

    @classmethod
    def count(cls, labels: Values, chosen: Values, group: Group) -> "Tally":
        true, said = labels.astype(np.int64), chosen.astype(np.int64)
        names = np.unique(group.gather(np.union1d(true, said)))
        place = {"real": np.searchsorted(names, true), "picked": np.searchsorted(names, said)}
        right = place["real"][true == said]
        counts = [np.bincount(one, minlength=len(names)) for one in (right, place["picked"], place["real"])]
        hit, picked, real = group.sum(np.array(counts, np.float64))
        return cls(names, hit, picked, real)

    @property
    def precision(self) -> Numbers:
        """Of each class; 0 where it was never chosen."""
        return _share(self.hit, self.picked)

    @property
    def recall(self) -> Numbers:
        return _share(self.hit, self.real)

    @property
    def f1(self) -> Numbers:
        return _share(2 * self.hit, self.picked + self.real)

    def positive(self, shares: Numbers) -> float:
        """What is said of class 1. Raises ValueError when there are more than two classes."""
        if self.names.max(initial=0) > 1:
            raise ValueError("label has more than two classes: use f1_macro, precision_macro or recall_macro")
        return float(shares[self.names == 1].sum())


def _share(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def accuracy(tally: Tally) -> float:
    return float(tally.hit.sum() / max(1.0, float(tally.real.sum())))


def balanced_accuracy(tally: Tally) -> float:
    # Only classes that occur among the labels have a recall.
    return float(tally.recall.sum() / max(1, int((tally.real > 0).sum())))


def f1(tally: Tally) -> float:
    """F1 of class 1 for two classes, the mean over classes for more."""
    return float(tally.f1.mean()) if tally.names.max(initial=0) > 1 else tally.positive(tally.f1)


OF_CLASSES: Mapping[str, Callable[[Tally], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "f1_binary": lambda tally: tally.positive(tally.f1),
    "f1_macro": lambda tally: float(tally.f1.mean()),
    "precision": lambda tally: tally.positive(tally.precision),
    "precision_macro": lambda tally: float(tally.precision.mean()),
    "precision_micro": accuracy,  # with one label a row, micro-averaged precision and recall are the accuracy
    "recall": lambda tally: tally.positive(tally.recall),
    "recall_macro": lambda tally: float(tally.recall.mean()),
    "recall_micro": accuracy,
}


def mse(labels: Values, predictions: Values, group: Group) -> float:
    total, count = group.sum(np.array([np.sum(_squares(labels, predictions)), len(labels)], np.float64))
    return float(total / max(1.0, count))


def r2(labels: Values, predictions: Values, group: Group) -> float:
    exact = labels.astype(np.float64)
    total, count = group.sum(np.array([exact.sum(), len(exact)]))
    spread, error = group.sum(
        np.array([np.sum((exact - total / max(1.0, count)) ** 2), np.sum(_squares(labels, predictions))])
    )
    return float(1 - error / spread) if spread else 0.0


def _squares(labels: Values, predictions: Values) -> Numbers:
    return np.asarray((labels.astype(np.float64) - predictions.reshape(-1)) ** 2)


OF_NUMBERS: Mapping[str, Callable[[Values, Values, Group], float]] = {"mse": mse, "r2": r2}
"""Metrics of the predicted numbers."""

OWN = frozenset((*OF_CLASSES, *OF_NUMBERS))

MAXIMIZE = frozenset(("auc", "aucpr", "map", "ndcg", "pre", "r2", "interval-regression-accuracy", *OF_CLASSES))
"""Metrics of which more is better; all others are losses."""


def own(names: Sequence[str], objective: str, group: Group | None = None) -> Any:
    """The container's own metrics of those names, as the one function that XGBoost takes."""
    together = group or Alone()

    def evaluate(predictions: Any, data: Any) -> list[tuple[str, float]]:
        labels, numbers = data.get_label(), np.asarray(predictions, np.float32)
        tally = None
        if any(name in OF_CLASSES for name in names):
            tally = Tally.count(labels, decided(labels, numbers, objective), together)
        return [
            (
                name,
                OF_CLASSES[name](tally)
                if tally and name in OF_CLASSES
                else OF_NUMBERS[name](labels, numbers, together),
            )
            for name in names
        ]

    return evaluate
