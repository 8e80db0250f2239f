"""Rows in memory: features, labels, and weights or query groups where the data has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError

Floats = NDArray[np.float32]


@dataclass(slots=True)
class Rows:
    features: Any
    """float32, (rows, columns): a numpy array with NaN where a cell is empty, or a scipy CSR matrix."""
    labels: Floats
    weights: Floats | None = None
    groups: NDArray[np.int64] | None = None
    """The query of each row (libsvm's qid), for ranking."""
    source: str = ""
    """The file, for messages."""

    @property
    def count(self) -> int:
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        return int(self.features.shape[1])

    @property
    def sparse(self) -> bool:
        return not isinstance(self.features, np.ndarray)

    def take(self, places: NDArray[np.int64]) -> "Rows":
        """Those rows, in that order."""
        return Rows(
            self.features[places],
            self.labels[places],
            None if self.weights is None else self.weights[places],
            None if self.groups is None else self.groups[places],
            self.source,
        )

    @classmethod
    def together(cls, parts: "Sequence[Rows]") -> "Rows | None":
        """All parts under each other; None of none. Raises ClientError when they do not fit."""
        if len(parts) < 2:
            return parts[0] if parts else None
        first = parts[0]
        for part in parts[1:]:
            if part.width != first.width and not first.sparse:
                raise ClientError(
                    f"File {part.source} has {part.width} feature columns, but {first.source} has {first.width}."
                )
            for given, word in ((part.weights, "weights"), (part.groups, "qid")):
                if (given is None) != (getattr(first, "groups" if word == "qid" else word) is None):
                    raise ClientError(f"Files {first.source} and {part.source}: only one of them has {word}.")
        return cls(
            _stack([part.features for part in parts]),
            np.concatenate([part.labels for part in parts]),
            None
            if first.weights is None
            else np.concatenate([part.weights for part in parts if part.weights is not None]),
            None
            if first.groups is None
            else np.concatenate([part.groups for part in parts if part.groups is not None]),
        )


def _stack(parts: list[Any]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    from scipy.sparse import vstack

    width = max(part.shape[1] for part in parts)
    for part in parts:
        part.resize(part.shape[0], width)
    return vstack(parts, format="csr")


def split(name: str, table: Floats, *, weights: bool = False) -> Rows:
    """A dense table whose first column is the label (and whose second is the weight). Raises ClientError when no column
    of features is left."""
    skip = 2 if weights else 1
    if table.shape[1] <= skip:
        raise ClientError(
            f"File {name} has {table.shape[1]} column(s): the first is the label"
            f"{', the second the weight' if weights else ''}, so no features are left."
        )
    labels, features = table[:, 0].copy(), table[:, skip:]
    return Rows(np.ascontiguousarray(features), labels, table[:, 1].copy() if weights else None, source=name)
