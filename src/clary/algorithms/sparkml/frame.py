"""The rows of a request while the operations pass over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.refused import Refused
from clary.algorithms.sklearn.columns import unknown

Columns = dict[str, NDArray[Any]]
"""Columns by name: [N] of numbers (float64; int64 and bool where Spark has such), of text (objects), or [N, size] for
vectors."""


@dataclass
class Frame:
    columns: Columns
    places: Mapping[str, int]
    """Where a column stands in the request, from 1."""
    rows: list[int] = field(default_factory=list)
    """Which rows of the request are left, from 1."""
    left_out: Refused | None = None
    """Why the first row that is not there any more is not."""

    def take(self, node: str, name: str) -> NDArray[Any]:
        """Raises Refused 400."""
        if name not in self.columns:
            raise Refused(400, f"{node} needs the column {name}, which is not in the schema.")
        return self.columns[name]

    def numbers(self, node: str, name: str) -> NDArray[np.float64]:
        """[N] or [N, size] in 64 bits. Raises Refused 400."""
        found = self.take(node, name)
        if found.dtype == object:
            raise Refused(400, f"{node} takes numbers, but the column {name} holds text.")
        return found.astype(np.float64)

    def vectors(self, node: str, name: str, size: int | None = None) -> NDArray[np.float64]:
        """[N, size]. Raises Refused 400 for vectors of another size."""
        found = self.numbers(node, name)
        if found.ndim != 2:
            raise Refused(400, f"{node} takes vectors, but the column {name} holds single values.")
        if size is not None and found.shape[1] != size:
            raise Refused(400, f"{node} takes vectors of {size} numbers, but those of {name} have {found.shape[1]}.")
        return found

    def keep(self, good: NDArray[np.bool_], why: Refused) -> None:
        """Rows that are not good are left out from here on, for that reason."""
        if good.all():
            return
        self.left_out = self.left_out or why
        self.columns = {name: one[good] for name, one in self.columns.items()}
        self.rows = [row for row, one in zip(self.rows, good.tolist(), strict=True) if one]

    def where(self, at: int, name: str) -> str:
        """Of the row at that place among those that are left: "Row 3, column 2 (safety)"."""
        place = self.places.get(name)
        return f"Row {self.rows[at]}, column {name if place is None else f'{place} ({name})'}"

    def unknown(self, at: int, name: str, word: str, allowed: list[str]) -> Refused:
        """The refusal of a category that the model was not fitted with."""
        return unknown(self.rows[at], self.places.get(name), name, word, allowed, status=400)
