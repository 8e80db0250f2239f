"""Buckets of any step, summed up into the periods that a reader asks for."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from clary.engines.metrics.bucket import pairs_of
from clary.engines.metrics.chunk import Columns, once_each, spread
from clary.engines.metrics.spreads import of_spread
from clary.kernel.metrics import Points, Statistic

Spread = tuple[list[float], list[tuple[float, float]]] | None
"""Values that were seen once each, and (value, count) of the others. None: not known."""


@dataclass(frozen=True, slots=True)
class Span:
    """The periods that are asked for: [start + n * period, start + (n + 1) * period), those that begin before end."""

    start: int
    end: int
    period: int

    @property
    def limit(self) -> int:
        """Where the last period ends."""
        return self.start - (self.start - self.end) // self.period * self.period

    def begin(self, at: int) -> int:
        """Of the period that `at` lies in."""
        return at - (at - self.start) % self.period


@dataclass(slots=True)
class Windows:
    """Periods that hold data, by rising time, in columns."""

    times: list[int] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    """Both [] unless they were asked for."""
    spreads: list[Spread] = field(default_factory=list)
    """[] unless it was asked for."""

    def extend(self, more: "Windows") -> None:
        """`more` is wholly later."""
        for name in ("times", "counts", "sums", "lows", "highs", "spreads"):
            getattr(self, name).extend(getattr(more, name))

    def fold(self, more: "Windows", at: int, i: int) -> None:
        """The period `at` also holds what the period `i` of `more` holds."""
        self.counts[at] += more.counts[i]
        self.sums[at] += more.sums[i]
        if self.lows:
            self.lows[at] = min(self.lows[at], more.lows[i])
            self.highs[at] = max(self.highs[at], more.highs[i])
        if self.spreads:
            mine, theirs = self.spreads[at], more.spreads[i]
            if mine is None or theirs is None:
                self.spreads[at] = None
            else:
                self.spreads[at] = (mine[0] + theirs[0], mine[1] + theirs[1])

    def one(self, i: int) -> "Windows":
        return self.part(i, i + 1)

    def part(self, low: int, high: int) -> "Windows":
        cut = slice(low, high)
        return Windows(
            self.times[cut], self.counts[cut], self.sums[cut], self.lows[cut], self.highs[cut], self.spreads[cut]
        )


def summed(columns: Columns, step: int, span: Span, *, extremes: bool, spreads: bool) -> Windows:
    """The columns in the periods of `span`; lows and highs, and spreads, only if they are asked for."""
    starts = columns.starts
    low, high = bisect_left(starts, span.start), bisect_left(starts, span.limit)
    counts, sums, lows, highs = columns.counts, columns.sums, columns.lows, columns.highs
    found = Windows()
    if low >= high:
        return found
    if columns.dense and step == span.period:
        first = span.begin(starts[low])
        found.times = list(range(first, first + (high - low) * step, step))
        found.counts = [1.0] * (high - low) if counts is None else list(counts[low:high])
        found.sums = list(sums[low:high])
        if extremes:
            found.lows, found.highs = list(lows[low:high]), list(highs[low:high])
        if spreads:
            found.spreads = [_spread(columns, i, i + 1) for i in range(low, high)]
        return found
    for time, i, j in _cuts(columns, step, span, low, high):
        found.times.append(time)
        found.counts.append(float(j - i) if counts is None else sum(counts[i:j]))
        found.sums.append(sum(sums[i:j]))
        if extremes:
            found.lows.append(min(lows[i:j]))
            found.highs.append(max(highs[i:j]))
        if spreads:
            found.spreads.append(_spread(columns, i, j))
    return found


def _cuts(columns: Columns, step: int, span: Span, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """(begin of the period, first bucket in it, first bucket behind it)."""
    starts = columns.starts
    if columns.dense and span.period % step == 0:
        width = span.period // step
        time = span.begin(starts[low])
        i = low
        j = low + width - (starts[low] - time) // step
        while i < high:
            yield time, i, min(j, high)
            time, i, j = time + span.period, j, j + width
        return
    i = low
    while i < high:
        time = span.begin(starts[i])
        j = bisect_left(starts, time + span.period, i, high)
        yield time, i, j
        i = j


def _spread(columns: Columns, low: int, high: int) -> Spread:
    if columns.spreads is None and columns.counts is None and columns.lows is columns.sums:
        return list(columns.sums[low:high]), []
    values: list[float] = []
    found: list[tuple[float, float]] = []
    for i in range(low, high):
        count = 1.0 if columns.counts is None else columns.counts[i]
        data = columns.spreads[i] if columns.spreads is not None else b""
        if (single := once_each(data)) is not None:
            values += single
            continue
        pairs = pairs_of(count, columns.lows[i], columns.highs[i], spread(data))
        if pairs is None:
            return None
        found += pairs
    return values, found


def merged(pieces: Sequence[Windows]) -> Windows:
    """All the pieces together; where two hold the same period, it holds both."""
    whole = Windows()
    for piece in sorted((one for one in pieces if one.times), key=lambda one: one.times[0]):
        if not whole.times or piece.times[0] > whole.times[-1]:
            whole.extend(piece)
        elif piece.times[0] == whole.times[-1]:
            whole.fold(piece, len(whole.times) - 1, 0)
            whole.extend(piece.part(1, len(piece.times)))
        else:
            whole = _interleaved(whole, piece)
    return whole


def _interleaved(one: Windows, other: Windows) -> Windows:
    found, i, j = Windows(), 0, 0
    while i < len(one.times) and j < len(other.times):
        if one.times[i] < other.times[j]:
            found.extend(one.one(i))
            i += 1
        elif one.times[i] > other.times[j]:
            found.extend(other.one(j))
            j += 1
        else:
            found.extend(one.one(i))
            found.fold(other, len(found.times) - 1, j)
            i, j = i + 1, j + 1
    found.extend(one.part(i, len(one.times)))
    found.extend(other.part(j, len(other.times)))
    return found


def points(windows: Windows, statistics: Iterable[Statistic]) -> Points:
    return Points(windows.times, [_column(windows, one) for one in statistics])


def needs_extremes(statistics: Iterable[Statistic]) -> bool:
    return any(one.kind in ("Minimum", "Maximum") for one in statistics)


def needs_spreads(statistics: Iterable[Statistic]) -> bool:
    return any(one.kind not in ("SampleCount", "Sum", "Average", "Minimum", "Maximum") for one in statistics)


def _column(windows: Windows, statistic: Statistic) -> list[float | None]:
    match statistic.kind:
        case "SampleCount":
            return list(windows.counts)
        case "Sum":
            return list(windows.sums)
        case "Minimum":
            return list(windows.lows)
        case "Maximum":
            return list(windows.highs)
        case "Average":
            return [total / count for total, count in zip(windows.sums, windows.counts, strict=True)]
    return [None if one is None else of_spread(statistic, *one) for one in windows.spreads]
