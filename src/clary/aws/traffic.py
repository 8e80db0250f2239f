"""How many requests came, what became of them, and how long they took: two look-ups and a search a request."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: the upper edges of a histogram's buckets; behind the last stands one more."""


class Times:
    """A histogram of durations."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Called(NamedTuple):
    service: str
    operation: str
    """"" of a request that named none; the name of a door."""


class Traffic:
    """Since this process began. Of the gateway; inferences that a front answers never come here."""

    def __init__(self) -> None:
        self._answers: dict[tuple[Called, int], int] = {}
        self._times: dict[Called, Times] = {}

    def ended(self, called: Called, status: int, seconds: float) -> None:
        """One request is over; `status` 0: its client went away."""
        key = (called, status)
        self._answers[key] = self._answers.get(key, 0) + 1
        times = self._times.get(called)
        if times is None:
            times = self._times[called] = Times()
        times.add(seconds)

    def answers(self) -> Iterator[tuple[Called, int, int]]:
        """(what was called, status, how often)."""
        for (called, status), count in sorted(self._answers.items()):
            yield called, status, count

    def times(self) -> Iterator[tuple[Called, Times]]:
        yield from sorted(self._times.items())
