"""The kinds of hyperparameter values. Each reads a string and says what it would have taken when it cannot."""

import ast
import math
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from clary.algorithms.contract import ClientError
from clary.algorithms.xgboost.metrics import OWN

NATIVE_METRICS = (
    "aft-nloglik", "auc", "aucpr", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik",
    "interval-regression-accuracy", "logloss", "mae", "map", "mape",
    "merror", "mlogloss", "mphe", "ndcg", "poisson-nloglik", "pre", "rmse", "rmsle", "tweedie-nloglik",
)  # fmt: skip
WITH_THRESHOLD = ("error", "map", "ndcg", "pre", "tweedie-nloglik")
"""Metrics that take a number after an @: a cut-off, a rank, a variance power."""


class Kind(Protocol):
    def parse(self, name: str, text: str) -> Any:
        """The value. Raises ClientError that names the hyperparameter, what was given and what is allowed."""
        ...


def wrong(name: str, text: str, allowed: str) -> NoReturn:
    raise ClientError(f"Hyperparameter {name}: '{text}' is not allowed; it must be {allowed}.")


@dataclass(frozen=True, slots=True)
class Integer:
    low: int
    high: int | None = None

    def parse(self, name: str, text: str) -> int:
        allowed = (
            f"an integer of at least {self.low}" if self.high is None else f"an integer in [{self.low}, {self.high}]"
        )
        try:
            number = float(text)
            # "5.0" is what a tuner or a JSON client may make of 5.
            value = int(text) if text.lstrip("+-").isdigit() else int(number)
        except (ValueError, OverflowError):
            wrong(name, text, allowed)
        if value != number or value < self.low or (self.high is not None and value > self.high):
            wrong(name, text, allowed)
        return value


@dataclass(frozen=True, slots=True)
class Real:
    """A number in an interval; `low`/`high` belong to it, `above`/`below` do not."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def parse(self, name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )
        if not inside:
            wrong(name, text, f"a number in {self._interval()}")
        return value

    def _interval(self) -> str:
        left = f"[{self.low:g}" if self.low is not None else f"({self.above:g}" if self.above is not None else "(-inf"
        right = (
            f"{self.high:g}]" if self.high is not None else f"{self.below:g})" if self.below is not None else "+inf)"
        )
        return f"{left}, {right}"


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[str, ...]

    def parse(self, name: str, text: str) -> str:
        if text not in self.values:
            wrong(name, text, f"one of {', '.join(self.values)}")
        return text


@dataclass(frozen=True, slots=True)
class Words:
    """A comma-separated list, kept as the text that XGBoost reads; any text when no words are named."""

    values: tuple[str, ...] = ()

    def parse(self, name: str, text: str) -> str:
        words = [one.strip() for one in text.split(",")]
        if not text or (self.values and any(one not in self.values for one in words)):
            wrong(name, text, f"a comma-separated list of {', '.join(self.values)}" if self.values else "a name")
        return ",".join(words)


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
