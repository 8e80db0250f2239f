"""What happened in each second of a run: answers by variant with their latencies, errors by kind."""

from collections import Counter
from typing import Any

from clary.stress.histogram import Histogram, merged

MOST = 1200
"""Windows that are kept. A longer run has wider ones: two seconds, four, and so on."""
KINDS = 64
"""Kinds of errors that are told apart; the rest is counted together."""
OTHERS = "other errors"


class Window:
    """One stretch of time, counted by when the answers came."""

    __slots__ = ("compared", "errors", "right", "variants")

    def __init__(self) -> None:
        self.variants: dict[str, Histogram] = {}
        self.errors: Counter[str] = Counter()
        self.compared: Counter[str] = Counter()
        """Answers that were held against a known label, by variant; and those of them that were right."""
        self.right: Counter[str] = Counter()

    @property
    def answered(self) -> int:
        return sum(one.total for one in self.variants.values())

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    def latency(self) -> Histogram:
        return merged(self.variants.values())

    def merge(self, other: "Window") -> None:
        for variant, histogram in other.variants.items():
            self.variants.setdefault(variant, Histogram()).merge(histogram)
        for kind, count in other.errors.items():
            known = kind in self.errors or len(self.errors) < KINDS
            self.errors[kind if known else OTHERS] += count
        self.compared.update(other.compared)
        self.right.update(other.right)

    def packed(self) -> dict[str, Any]:
        return {
            "variants": {name: one.packed() for name, one in self.variants.items()},
            "errors": self.errors,
            "compared": self.compared,
            "right": self.right,
        }

    @classmethod
    def unpacked(cls, packed: dict[str, Any]) -> "Window":
        made = cls()
        made.variants = {name: Histogram.unpacked(one) for name, one in packed["variants"].items()}
        made.errors = Counter(packed["errors"])
        made.compared = Counter(packed["compared"])
        made.right = Counter(packed["right"])
        return made


class Series:
    """Windows in a row from a common start, one a second; wider once there are too many."""

    def __init__(self) -> None:
        self.width = 1
        self.windows: dict[int, Window] = {}

    def add(self, second: int, window: Window) -> None:
        """The window of this second (counted from the start) has been counted in."""
        while second // self.width >= MOST:
            self._widen()
        self.windows.setdefault(second // self.width, Window()).merge(window)

    def _widen(self) -> None:
        narrow, self.windows = self.windows, {}
        self.width *= 2
        for number, window in narrow.items():
            self.windows.setdefault(number // 2, Window()).merge(window)

    def whole(self) -> Window:
        """Everything together."""
        total = Window()
        for window in self.windows.values():
            total.merge(window)
        return total
