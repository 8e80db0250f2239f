"""What a compiler knows of a pipeline on its way: the columns of a request, and what the stages have made of them.

Every stage that is compiled works column by column, so each feature is a function of one cell: a table of categories,
or a few steps of arithmetic on a number. That is what makes one graph of several containers possible, and what lets
trees ask for the category itself where their model asked for a one-hot column."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray


class CannotCompile(Exception):
    """The native servers serve; the message is a sentence that says why, for the owner of the model."""


@dataclass(frozen=True, slots=True)
class Given:
    """One column of a request."""

    name: str = ""
    kind: Literal["string", "float"] = "float"
    allowed: tuple[str, ...] | None = None
    strict: bool = False
    """A category that is not allowed is refused before the graph runs."""
    skipped: bool = False
    """Of a strict column: its row is left out instead, as Spark's handleInvalid=skip does."""
    needed: bool = False
    """So is a row without this number."""

    def plan(self) -> dict[str, object]:
        said: dict[str, object] = {
            "name": self.name,
            "kind": self.kind,
            "allowed": None if self.allowed is None else list(self.allowed),
            "unknown": "skip" if self.skipped else "error" if self.strict else "pass",
        }
        return said | {"missing": "error"} if self.needed else said


Step = tuple[Literal["add", "subtract", "multiply", "divide", "fill", "least", "most", "above"], float]
"""Arithmetic of one number in 64 bits; "fill" is for a missing one, "least" and "most" are bounds, and "above" makes 1
of what is more, and 0 of all else."""


@dataclass(frozen=True, slots=True)
class Text:
    """A cell of text as it stands, or, where it is one of `filled`, another one."""

    column: int
    filled: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the request after some steps."""

    column: int
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A number for each category of a cell."""

    column: int
    keys: tuple[str, ...]
    values: tuple[float, ...]
    other: float | None
    """Of every category that is not there; None: the graph never sees one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        # By the bits of the values: NaN is a value here, and -0.0 is not 0.0.
        values = np.array([*self.values, math.nan if self.other is None else self.other], np.float64).tobytes()
        return self.column, self.keys, values, self.other is None


Feature = Text | Number | Table


def stepped(feature: Feature, *steps: Step) -> Feature:
    """The feature after the steps. Raises CannotCompile for text."""
    if isinstance(feature, Text):
        raise CannotCompile("a column of text is calculated with")
    if isinstance(feature, Number):
        return replace(feature, steps=(*feature.steps, *steps))
    values = calculated(np.array(feature.values, np.float64), steps).tolist()
    other = feature.other
    if other is not None:
        other = float(calculated(np.array([other], np.float64), steps)[0])
    return replace(feature, values=tuple(values), other=other)


def calculated(values: NDArray[np.float64], steps: Sequence[Step]) -> NDArray[np.float64]:
    """What the steps make of the values."""
    with np.errstate(all="ignore"):
        for verb, by in steps:
            match verb:
                case "add":
                    values = values + by
                case "subtract":
                    values = values - by
                case "multiply":
                    values = values * by
                case "divide":
                    values = values / by
                case "fill":
                    values = np.where(np.isnan(values), by, values)
                case "least":
                    values = np.maximum(values, by)
                case "most":
                    values = np.minimum(values, by)
                case "above":
                    values = (values > by).astype(np.float64)
    return values
