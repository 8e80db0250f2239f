"""What is kept of the values of one metric in one bucket of time: count, sum, extremes, and how they are spread.

The spread is exact while there are few different values, and a logarithmic histogram behind that (the idea of DDSketch:
bin n holds the values in (GAMMA**(n-1), GAMMA**n]). A value read from a bin is within ERROR of the true one, so is any
percentile, and merging bins loses nothing more."""

import math
from collections.abc import Iterable
from typing import Final

EXACT: Final = 64
"""Up to so many different values are kept as they are."""
MOST_BINS: Final = 2048
"""When the values span more (17 orders of magnitude), the lowest bins become one: only low percentiles suffer."""
GAMMA: Final = 1.02
ERROR: Final = (GAMMA - 1) / (GAMMA + 1)
"""The relative error of a value that is read from a bin: below 1 %."""
ZERO: Final = -(2**31)
"""The bin of 0."""
_SCALE: Final = 1 / math.log(GAMMA)
_MIDDLE: Final = 2 / (1 + GAMMA)


class Bins(dict[float, float]):
    """Counts by the number of their bin."""


Spread = dict[float, float] | None
"""Counts by value, or by bin. None: all values are the same, or, when low < high, the spread is not known."""


class Bucket:
    """Never empty. `add` is on the way of every value that is counted."""

    __slots__ = ("count", "high", "low", "spread", "sum")

    def __init__(self, count: float, total: float, low: float, high: float, spread: Spread = None) -> None:
        self.count = count
        self.sum = total
        self.low = low
        self.high = high
        self.spread: Spread = spread

    def add(self, value: float, count: float = 1.0) -> None:
        spread = self.spread
        if spread is not None:
            if type(spread) is dict:  # and no Bins
                spread[value] = spread.get(value, 0.0) + count
                if len(spread) > EXACT:
                    self.spread = binned(spread)
            elif value < 0:
                self.spread = None
            else:
                number = bin_of(value)
                spread[number] = spread.get(number, 0.0) + count
                if len(spread) > MOST_BINS:
                    _collapse(spread)
        elif self.low == self.high and value != self.low:
            self.spread = {self.low: self.count, value: count}
        self.count += count
        self.sum += value * count
        if value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value

    def merge(self, other: "Bucket") -> None:
        """Holds the values of both. `other` is not changed."""
        self.spread = _merged(self, other)
        self.count += other.count
        self.sum += other.sum
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    def pairs(self) -> Iterable[tuple[float, float]] | None:
        """(value, count); values of bins are their middle, within ERROR of the true ones. None: not known."""
        return pairs_of(self.count, self.low, self.high, self.spread)


def pairs_of(count: float, low: float, high: float, spread: Spread) -> Iterable[tuple[float, float]] | None:
    if spread is None:
        return ((low, count),) if low == high else None
    if isinstance(spread, Bins):
        return [(min(max(middle(number), low), high), seen) for number, seen in spread.items()]
    return spread.items()


def bin_of(value: float) -> int:
    """Of a value that is not below zero."""
    return math.ceil(math.log(value) * _SCALE) if value > 0 else ZERO


def middle(number: float) -> float:
    """The value that is within ERROR of all values in the bin."""
    if number == ZERO:
        return 0.0
    try:
        return float(GAMMA**number) * _MIDDLE
    except OverflowError:
        return math.inf


def binned(exact: dict[float, float]) -> Bins | None:
    """None: there is a value below zero, and bins know none."""
    bins = Bins()
    for value, count in exact.items():
        if value < 0:
            return None
        number = bin_of(value)
        bins[number] = bins.get(number, 0.0) + count
    return bins


def _merged(one: Bucket, other: Bucket) -> Spread:
    if one.spread is None and other.spread is None and one.low == one.high == other.low == other.high:
        return None
    left, right = _known(one), _known(other)
    if left is None or right is None:
        return None
    if not isinstance(left, Bins) and not isinstance(right, Bins):
        exact = dict(left)
        _add(exact, right)
        return exact if len(exact) <= EXACT else binned(exact)
    bins = left if isinstance(left, Bins) else binned(left)
    more = right if isinstance(right, Bins) else binned(right)
    if bins is None or more is None:
        return None
    together = Bins(bins)
    _add(together, more)
    if len(together) > MOST_BINS:
        _collapse(together)
    return together


def _known(bucket: Bucket) -> Spread:
    """The spread, with the single value that it leaves unsaid."""
    if bucket.spread is None and bucket.low == bucket.high:
        return {bucket.low: bucket.count}
    return bucket.spread


def _add(into: dict[float, float], more: dict[float, float]) -> None:
    """Both are of one kind."""
    for key, count in more.items():
        into[key] = into.get(key, 0.0) + count


def _collapse(bins: dict[float, float]) -> None:
    """The lowest bins become one, but that of 0, which is known exactly."""
    numbers = sorted(number for number in bins if number != ZERO)
    spare = numbers[: len(numbers) - MOST_BINS // 2]
    bins[spare[-1]] = sum(bins.pop(number) for number in spare)
