"""Statistics that need to know how values are spread: percentiles, and means, counts and sums between bounds."""

import math

from clary.kernel.metrics import Statistic

Pairs = list[tuple[float, float]]
"""(value, count), by rising value."""


def of_spread(statistic: Statistic, values: list[float], pairs: Pairs) -> float | None:
    """Of values that were seen once each, and (value, count) of others; together not none. None: a value is below zero,
    or nothing lies between the bounds."""
    if statistic.kind == "percentile" and not pairs:
        return _nearest(sorted(values), statistic.low or 0.0)
    ordered = sorted([*((value, 1.0) for value in values), *pairs])
    if ordered[0][0] < 0:
        return None
    total = math.fsum(count for _, count in ordered)
    if statistic.kind == "percentile":
        return ranked(ordered, total, statistic.low or 0.0)
    inside = _between_values(statistic, ordered) if statistic.absolute else _between_ranks(statistic, ordered, total)
    count = math.fsum(seen for _, seen in inside)
    match statistic.kind:
        case "TC":
            return count
        case "TS":
            return math.fsum(value * seen for value, seen in inside)
        case "PR":
            return 100 * count / total
        case "WM":
            return _winsorized(statistic, ordered, total)
    return math.fsum(value * seen for value, seen in inside) / count if count else None


def _nearest(ordered: list[float], percent: float) -> float | None:
    """`ranked`, of values that were seen once each."""
    if ordered[0] < 0:
        return None
    wanted = len(ordered) * percent / 100
    return ordered[max(0, math.ceil(wanted * (1 - 1e-12)) - 1)]


def ranked(ordered: Pairs, total: float, percent: float) -> float:
    """The smallest value that is not below `percent` of all: the nearest rank."""
    wanted = total * percent / 100
    # A sum of counts may miss the whole by a rounding error.
    wanted -= abs(wanted) * 1e-12
    seen = 0.0
    for value, count in ordered:
        seen += count
        if seen >= wanted:
            return value
    return ordered[-1][0]


def _between_values(statistic: Statistic, ordered: Pairs) -> Pairs:
    """Above the lower bound, up to the upper one."""
    low = -math.inf if statistic.low is None else statistic.low
    high = math.inf if statistic.high is None else statistic.high
    return [(value, count) for value, count in ordered if low < value <= high]


def _between_ranks(statistic: Statistic, ordered: Pairs, total: float) -> Pairs:
    """Without the lowest and the highest so many percent; of a value at the edge, the part of its count inside."""
    low = total * (statistic.low or 0.0) / 100
    high = total * (100.0 if statistic.high is None else statistic.high) / 100
    inside, seen = [], 0.0
    for value, count in ordered:
        part = min(seen + count, high) - max(seen, low)
        seen += count
        if part > 0:
            inside.append((value, part))
    return inside


def _winsorized(statistic: Statistic, ordered: Pairs, total: float) -> float:
    low: float = ordered[0][0]
    high: float = ordered[-1][0]
    if statistic.absolute:
        low = low if statistic.low is None else statistic.low
        high = high if statistic.high is None else statistic.high
    else:
        low = low if statistic.low is None else ranked(ordered, total, statistic.low)
        high = high if statistic.high is None else ranked(ordered, total, statistic.high)
    return math.fsum(min(max(value, low), high) * count for value, count in ordered) / total
