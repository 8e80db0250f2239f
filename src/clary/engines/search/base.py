"""The port of model-based search: from what was tried and what came of it to the point that is worth trying next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Point = tuple[float, ...]
"""A value for each axis: in [0, 1], or, where the axis has categories, the category's number."""


@dataclass(frozen=True, slots=True)
class Question:
    axes: Sequence[int]
    """How many categories each axis has; 0: it is a number in [0, 1]."""
    tried: Sequence[tuple[Point, float]]
    """Points and what came of them; less is better."""
    running: Sequence[Point]
    """Points that are being tried now: the next one shall be elsewhere."""
    seed: int
    """The same question with the same seed has the same answer, in every process."""


class Search(Protocol):
    def lacks(self) -> str | None:
        """What must be installed before anything can be asked, in words; None: nothing."""
        ...

    async def next(self, question: Question) -> Point:
        """The point to try next. Raises SearchError."""
        ...


class SearchError(Exception):
    """No answer could be had; asking again may help."""
