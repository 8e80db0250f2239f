"""What is known of one column, batch after batch, in memory that does not grow with the rows."""

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from clary.algorithms.monitor.columns import Column, Floats
from clary.algorithms.monitor.sketch import Sketch

MOST_CATEGORIES: Final = 1024
"""Of a column with more different values they are not counted one by one."""
KEPT: Final = 16_384
"""So many different values are counted exactly; beyond that the count is estimated, to 1 %."""
_HASHES: Final = 2.0**64


class Distinct:
    """How many different values there were: the least KEPT hashes of them."""

    def __init__(self) -> None:
        self._kept = np.empty(0, np.uint64)

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        if len(self._kept) == KEPT:
            hashes = hashes[hashes < self._kept[-1]]
        if len(hashes):
            found = np.sort(np.concatenate([self._kept, hashes]))
            self._kept = found[np.concatenate([[True], found[1:] != found[:-1]])][:KEPT]

    def count(self) -> int:
        if len(self._kept) < KEPT:
            return len(self._kept)
        return round((KEPT - 1) * _HASHES / float(self._kept[-1]))


class Feature:
    """The sums of one column. `watched` are values that are counted however many others there are."""

    def __init__(self, name: str, watched: Collection[str] = ()) -> None:
        self.name = name
        self.missing = 0
        self.integral = 0
        self.fractional = 0
        self.texts = 0
        self.mean = 0.0
        self.low = np.inf
        self.high = -np.inf
        self.sum = 0.0
        self.sketch = Sketch()
        self.counts: Counter[str] = Counter()
        self.counted = True
        """`counts` holds every value."""
        self._squares = 0.0
        self._distinct = Distinct()
        self._watched = frozenset(watched)

    @property
    def numbers(self) -> int:
        return self.integral + self.fractional

    @property
    def present(self) -> int:
        return self.numbers + self.texts

    @property
    def rows(self) -> int:
        return self.present + self.missing

    @property
    def inferred_type(self) -> str:
        if self.texts:
            return "String"
        if self.fractional:
            return "Fractional"
        return "Integral" if self.integral else "Unknown"

    @property
    def deviation(self) -> float:
        """The standard deviation of the numbers, of all of them and not of a sample."""
        return float(np.sqrt(self._squares / self.numbers)) if self.numbers else 0.0

    @property
    def distinct(self) -> int:
        """How many different values there were; exact while all of them are counted one by one."""
        return len(self.counts) if self.counted else self._distinct.count()

    def add(self, column: Column) -> None:
        self._count(column)
        self.missing += column.missing
        self.texts += len(column.texts)
        numbers = column.numbers
        if len(numbers):
            self._sum(numbers)
            self.integral += column.integral
            self.fractional += len(numbers) - column.integral

    def _sum(self, numbers: Floats) -> None:
        """Mean and squares of both parts together, without the sum of squares that would cancel out."""
        had, came = self.numbers, len(numbers)
        mean = float(numbers.mean())
        apart = mean - self.mean
        self._squares += float(((numbers - mean) ** 2).sum()) + apart * apart * had * came / (had + came)
        self.mean += apart * came / (had + came)
        self.sum += float(numbers.sum())
        self.low = min(self.low, float(numbers.min()))
        self.high = max(self.high, float(numbers.max()))
        self.sketch.add(numbers)

    def _count(self, column: Column) -> None:
        self._distinct.add(_mixed(column.numbers))
        if len(column.texts):
            texts = pc.unique(column.texts).cast(pa.binary()).to_pylist()
            self._distinct.add(np.fromiter((xxhash.xxh3_64_intdigest(one) for one in texts), np.uint64, len(texts)))
        if self.counted or self._watched:
            self._categories(column)

    def _categories(self, column: Column) -> None:
        values = column.values
        if values is None:  # numbers by their type: they are written only where they may be categories
            if len(np.unique(column.numbers[: 2 * MOST_CATEGORIES])) > MOST_CATEGORIES and not self._watched:
                self.counted, self.counts = False, Counter()
                return
            values = pa.array(list(map(_written, column.numbers.tolist())), pa.string())
        if not self.counted:
            values = values.filter(pc.is_in(values, value_set=pa.array(sorted(self._watched), pa.string())))
        for one in pc.value_counts(values).to_pylist():
            self.counts[one["values"]] += one["counts"]
        if self.counted and len(self.counts) > MOST_CATEGORIES:
            self.counted = False
            self.counts = Counter({one: times for one, times in self.counts.items() if one in self._watched})


def _written(number: float) -> str:
    return repr(int(number)) if number.is_integer() else repr(number)


def _mixed(numbers: Floats) -> npt.NDArray[np.uint64]:
    """A hash of each number, spread evenly over 64 bits (the finish of SplitMix64)."""
    bits = (numbers + 0.0).view(np.uint64)  # both zeros are one
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return found


def watched(baseline: dict[str, Any] | None) -> dict[str, set[str]]:
    """By feature: the values that a baseline's statistics or constraints name."""
    found: dict[str, set[str]] = {}
    for one in (baseline or {}).get("features") or []:
        buckets = (((one.get("string_statistics") or {}).get("distribution") or {}).get("categorical") or {}).get(
            "buckets"
        ) or []
        domain = (one.get("string_constraints") or {}).get("domains") or []
        found[one["name"]] = {str(bucket["value"]) for bucket in buckets} | {str(value) for value in domain}
    return found
