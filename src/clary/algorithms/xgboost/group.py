"""What the hosts of one training say to each other: sums, lists, one host's bytes, all in the same order everywhere."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Group(Protocol):
    rank: int
    """0 is the host that prints, keeps checkpoints and saves the model."""
    size: int

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over all hosts, of arrays of one shape."""
        ...

    def gather(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """The lists of all hosts after each other, by rank."""
        ...

    def first(self, data: bytes) -> bytes:
        """What the host of rank 0 has."""
        ...


class Alone:
    """One host."""

    rank = 0
    size = 1

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values

    def gather(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        return values

    def first(self, data: bytes) -> bytes:
        return data


class Collective:
    """The hosts between which XGBoost's own communicator stands in this process."""

    def __init__(self, engine: Any) -> None:
        self._talk = engine.collective
        self.rank: int = self._talk.get_rank()
        self.size: int = self._talk.get_world_size()

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        exact = np.ascontiguousarray(values, np.float64)
        return np.asarray(self._talk.allreduce(exact, self._talk.Op.SUM)).reshape(exact.shape)

    def gather(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        sizes = np.zeros(self.size, np.int64)
        sizes[self.rank] = len(values)
        sizes = self._talk.allreduce(sizes, self._talk.Op.SUM)
        every = np.zeros(int(sizes.sum()), np.int64)
        if not len(every):
            return every
        start = int(sizes[: self.rank].sum())
        every[start : start + len(values)] = values
        return np.asarray(self._talk.allreduce(every, self._talk.Op.SUM))

    def first(self, data: bytes) -> bytes:
        return bytes(self._talk.broadcast(data if self.rank == 0 else None, 0))
