"""Latencies counted in slots of equal relative width: bounded memory, mergeable, percentiles within half a percent."""

from collections.abc import Iterable, Mapping

BITS = 7
HALF = 1 << BITS
"""Slots an octave. A slot is at most 1/128 of its value wide, so its middle is within 0.4 % of what was recorded."""


def slot(microseconds: int) -> int:
    """The slot of a latency: below 128 us one a microsecond, from there on 128 a doubling."""
    if microseconds < HALF:
        return max(microseconds, 0)
    shift = microseconds.bit_length() - BITS - 1
    return (shift << BITS) + (microseconds >> shift)


def middle(number: int) -> float:
    """The latency in the middle of a slot, in microseconds."""
    if number < 2 * HALF:
        return float(number)
    shift = (number >> BITS) - 1
    return float(((number - (shift << BITS)) << shift) + ((1 << shift) - 1) / 2)


class Histogram:
    """How often each latency was seen, in microseconds; smallest, largest and sum exactly."""

    __slots__ = ("counts", "largest", "smallest", "sum", "total")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.total = 0
        self.sum = 0
        self.largest = 0
        self.smallest = 0

    def record(self, microseconds: int) -> None:
        number = slot(microseconds)
        self.counts[number] = self.counts.get(number, 0) + 1
        if microseconds > self.largest:
            self.largest = microseconds
        if not self.total or microseconds < self.smallest:
            self.smallest = microseconds
        self.total += 1
        self.sum += microseconds

    def merge(self, other: "Histogram") -> None:
        """Everything that the other has seen has been seen here as well."""
        if not other.total:
            return
        for number, count in other.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count
        self.largest = max(self.largest, other.largest)
        self.smallest = min(self.smallest, other.smallest) if self.total else other.smallest
        self.total += other.total
        self.sum += other.sum

    def percentiles(self, wanted: Iterable[float]) -> list[float]:
        """For each share (0.99), in ascending order: the latency in microseconds that so many do not exceed (nearest
        rank, within 0.4 %). Zeros when nothing was recorded."""
        asked = list(wanted)
        found: list[float] = []
        seen = 0
        for number in sorted(self.counts):
            seen += self.counts[number]
            while len(found) < len(asked) and seen >= asked[len(found)] * self.total - 1e-9:
                found.append(min(max(middle(number), self.smallest), self.largest))
        return found + [float(self.largest)] * (len(asked) - len(found))

    @property
    def mean(self) -> float:
        return self.sum / self.total if self.total else 0.0

    def packed(self) -> list[object]:
        """As it goes from process to process."""
        counts = [number for pair in self.counts.items() for number in pair]
        return [self.total, self.sum, self.smallest, self.largest, counts]

    @classmethod
    def unpacked(cls, packed: list[object]) -> "Histogram":
        made = cls()
        made.total, made.sum, made.smallest, made.largest, counts = packed  # type: ignore[assignment]
        made.counts = dict(zip(counts[::2], counts[1::2], strict=True))  # type: ignore[index]
        return made


def merged(several: Iterable[Histogram]) -> Histogram:
    whole = Histogram()
    for one in several:
        whole.merge(one)
    return whole


PERCENTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


def figures(histogram: Histogram) -> dict[str, float]:
    """The latency as it is told: milliseconds."""
    shares = dict(zip(PERCENTILES, histogram.percentiles(PERCENTILES.values()), strict=True))
    whole = {"min": histogram.smallest, "mean": histogram.mean, **shares, "max": histogram.largest}
    return {name: round(value / 1e3, 3) for name, value in whole.items()}
