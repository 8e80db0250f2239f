"""Kinds of hyperparameter values that only XGBoost has."""

import ast
from dataclasses import dataclass
from typing import Any

from clary.algorithms.kinds import wrong
from clary.algorithms.xgboost.metrics import OWN

NATIVE_METRICS = (
    "aft-nloglik", "auc", "aucpr", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik",
    "interval-regression-accuracy", "logloss", "mae", "map", "mape",
    "merror", "mlogloss", "mphe", "ndcg", "poisson-nloglik", "pre", "rmse", "rmsle", "tweedie-nloglik",
)  # fmt: skip
WITH_THRESHOLD = ("error", "map", "ndcg", "pre", "tweedie-nloglik")
"""Metrics that take a number after an @: a cut-off, a rank, a variance power."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """A comma-separated list of evaluation metrics, as a tuple of names."""

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        # Lists reach a container as JSON text when a client sends them so.
        plain = text.strip("[]").replace('"', "").replace("'", "")
        return tuple(self._one(name, one.strip()) for one in plain.split(","))

    def _one(self, name: str, metric: str) -> str:
        base, at, threshold = metric.partition("@")
        if at:
            if base not in WITH_THRESHOLD:
                wrong(name, metric, f"without @: only {', '.join(WITH_THRESHOLD)} take a threshold")
            try:
                float(threshold.rstrip("-"))  # ndcg@5- counts lists without a relevant row as 0
            except ValueError:
                wrong(name, metric, f"'{base}@' followed by a number")
        elif metric not in NATIVE_METRICS and metric not in OWN:
            wrong(name, metric, f"one of {', '.join(sorted((*NATIVE_METRICS, *OWN)))}")
        return metric


def _literal(name: str, text: str, allowed: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        wrong(name, text, allowed)


@dataclass(frozen=True, slots=True)
class Monotone:
    """(1,0,-1): one sign a column."""

    def parse(self, name: str, text: str) -> str:
        allowed = "a tuple with one of -1, 0, 1 for each column, for example (1,0,-1)"
        value = _literal(name, text, allowed)
        signs = value if isinstance(value, tuple | list) else (value,)
        if not signs or any(isinstance(one, bool) or one not in (-1, 0, 1) for one in signs):
            wrong(name, text, allowed)
        return "(" + ",".join(str(int(one)) for one in signs) + ")"


@dataclass(frozen=True, slots=True)
class Nested:
    """[[0,1],[2,3,4]]: groups of columns that may interact."""

    def parse(self, name: str, text: str) -> str:
        allowed = "a list of lists of column numbers, for example [[0,1],[2,3]]"
        value = _literal(name, text, allowed)
        if not isinstance(value, list) or not value:
            wrong(name, text, allowed)
        for group in value:
            if not isinstance(group, list) or any(type(one) is not int or one < 0 for one in group):
                wrong(name, text, allowed)
        return str(value).replace(" ", "")
