"""The functions of metric math."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from clary.services.cloudwatch.expressions.syntax import BadExpression
from clary.services.cloudwatch.expressions.values import Series, Value, across, attempt

if TYPE_CHECKING:
    from clary.services.cloudwatch.expressions.evaluate import Scope

_NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one call was given. Each accessor raises BadExpression with the position of what is wrong."""

    function: str
    values: list[Value]
    positions: list[int]
    position: int
    """Of the function itself."""

    def count(self, least: int, most: int) -> int:
        given = len(self.values)
        if not least <= given <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise BadExpression(f"{self.function} takes {wanted} arguments and was given {given}", self.position)
        return given

    def scalar(self, number: int) -> float:
        value = self.values[number]
        if not isinstance(value, float | int):
            raise BadExpression(f"{self.function} takes a number here", self.positions[number])
        return value

    def whole(self, number: int) -> int:
        value = self.scalar(number)
        if math.isnan(value) or value != int(value) or value < 0:
            raise BadExpression(f"{self.function} takes a whole number from 0 here", self.positions[number])
        return int(value)

    def series(self, number: int) -> Series:
        value = self.values[number]
        if not isinstance(value, Series):
            raise BadExpression(f"{self.function} takes one time series here", self.positions[number])
        return value

    def array(self, number: int) -> list[Series]:
        value = self.values[number]
        if not isinstance(value, list):
            raise BadExpression(f"{self.function} takes an array of time series here", self.positions[number])
        return value

    def word(self, number: int, *words: str) -> str:
        value = self.values[number]
        if not isinstance(value, str) or value not in words:
            raise BadExpression(f"{self.function} takes {' or '.join(words)} here", self.positions[number])
        return value

    def text(self, number: int) -> str:
        value = self.values[number]
        if not isinstance(value, str):
            raise BadExpression(f"{self.function} takes a text in quotes here", self.positions[number])
        return value


Compute = Callable[[Arguments, "Scope"], Value]


@dataclass(frozen=True, slots=True)
class Function:
    compute: Compute
    words: tuple[str, ...] = ()
    """Names that are no ids but mean themselves."""
    texts: tuple[int, ...] = ()
    """Which arguments may be texts in quotes."""


def _each(function: Callable[[Series, "Scope"], Series]) -> Function:
    """Of a time series, or of every one of an array."""

    def compute(given: Arguments, scope: "Scope") -> Value:
        given.count(1, 1)
        value = given.values[0]
        if isinstance(value, list):
            return [function(one, scope) for one in value]
        return function(given.series(0), scope)

    return Function(compute)


def _pointwise(function: Callable[[float], float]) -> Function:
    return _each(lambda series, scope: series.mapped(function))


def _reduced(
    of_values: Callable[[Sequence[float]], float],
    of_array: Callable[[list[Series]], Series] | None = None,
    empty: float = _NAN,
) -> Function:
    """A scalar of a time series; a time series of an array."""

    def compute(given: Arguments, scope: "Scope") -> Value:
        given.count(1, 1)
        value = given.values[0]
        if isinstance(value, list):
            return of_array(value) if of_array is not None else across(of_values, value)
        values = given.series(0).values
        made = attempt(of_values, values) if values else empty  # type: ignore[arg-type]
        return _NAN if made is None else made

    return Function(compute)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _average_across(array: list[Series]) -> Series:
    # A value that is missing counts as 0.
    return across(lambda values: math.fsum(values) / len(array), array)


def _steps(function: Callable[[int, float], float | None]) -> Callable[[Series, "Scope"], Series]:
    """`function` of the seconds and the difference between each point and the one before."""

    def compute(series: Series, scope: "Scope") -> Series:
        times, values = [], []
        for i in range(1, len(series.times)):
            made = function(series.times[i] - series.times[i - 1], series.values[i] - series.values[i - 1])
            if made is not None and math.isfinite(made):
                times.append(series.times[i])
                values.append(made)
        return series.of(times, values)

    return compute


def _running_sum(series: Series, scope: "Scope") -> Series:
    total, values = 0.0, []
    for value in series.values:
        total += value
        values.append(total)
    if values and not math.isfinite(total):
        return series.of([], [])
    return series.of(list(series.times), values)


def _calendar(function: Callable[[datetime], float]) -> Function:
    """At every time of the request, of the time itself (UTC)."""

    def compute(given: Arguments, scope: "Scope") -> Value:
        given.count(1, 1)
        series = given.series(0)
        times = list(scope.grid(series.period))
        return series.of(times, [float(function(datetime.fromtimestamp(time, UTC))) for time in times])

    return Function(compute)


def _fill(given: Arguments, scope: "Scope") -> Value:
    given.count(2, 2)
    value, filler = given.values
    if isinstance(filler, list) or (isinstance(filler, str) and filler not in ("REPEAT", "LINEAR")):
        raise BadExpression("FILL takes a number, a time series, REPEAT or LINEAR here", given.positions[1])
    if isinstance(value, list):
        return [_filled(one, filler, scope) for one in value]
    return _filled(given.series(0), filler, scope)


def _filled(series: Series, filler: float | Series | str, scope: "Scope") -> Series:
    there = series.points()
    grid = [time for time in scope.grid(series.period) if time not in there]
    if filler == "REPEAT":
        more = _repeated(there, grid)
    elif filler == "LINEAR":
        more = _linear(series, grid)
    elif isinstance(filler, Series):
        others = filler.points()
        more = {time: others[time] for time in grid if time in others}
    else:
        more = {} if isinstance(filler, str) or math.isnan(filler) else dict.fromkeys(grid, float(filler))
    whole = {**there, **more}
    times = sorted(whole)
    return series.of(times, [whole[time] for time in times])


def _repeated(there: dict[int, float], grid: list[int]) -> dict[int, float]:
    """The last value before each gap; nothing before the first value."""
    found, last = {}, None
    missing = set(grid)
    for time in sorted(missing | there.keys()):
        if time not in missing:
            last = there[time]
        elif last is not None:
            found[time] = last
    return found


def _linear(series: Series, grid: list[int]) -> dict[int, float]:
    """On the line between the values around each gap; nothing outside the first and the last value."""
    found: dict[int, float] = {}
    times, values, at = series.times, series.values, 0
    for time in grid:
        while at < len(times) and times[at] < time:
            at += 1
        if 0 < at < len(times):
            share = (time - times[at - 1]) / (times[at] - times[at - 1])
            found[time] = values[at - 1] + (values[at] - values[at - 1]) * share
    return found


def _if(given: Arguments, scope: "Scope") -> Value:
    count = given.count(2, 3)
    condition, yes = given.values[0], _branch(given, 1)
    no = _branch(given, 2) if count == 3 else None
    if isinstance(condition, float | int):
        chosen = yes if condition and not math.isnan(condition) else no
        if chosen is None:
            return Series([], [], scope.grid(None).step)
        return chosen
    test = given.series(0)
    on = yes.points() if isinstance(yes, Series) else None
    off = no.points() if isinstance(no, Series) else None
    times, values = [], []
    for time, value in zip(test.times, test.values, strict=True):
        # What is missing where the condition holds counts as 0; where it does not hold, the point is dropped.
        made: Series | float | None = no if off is None else off.get(time)
        if value:
            made = yes if on is None else on.get(time, 0.0)
        if isinstance(made, float | int) and math.isfinite(made):
            times.append(time)
            values.append(float(made))
    return test.of(times, values)


def _branch(given: Arguments, number: int) -> Series | float:
    value = given.values[number]
    if isinstance(value, list | str):
        raise BadExpression("IF takes a number or one time series here", given.positions[number])
    return value


def _metrics(given: Arguments, scope: "Scope") -> Value:
    part = given.text(0) if given.count(0, 1) else ""
    return [series for name, series in scope.metrics() if part in name]


def _metric_count(given: Arguments, scope: "Scope") -> Value:
    given.count(1, 1)
    return float(len(given.array(0)))


def _period(given: Arguments, scope: "Scope") -> Value:
    given.count(1, 1)
    return float(given.series(0).period)


def _time_series(given: Arguments, scope: "Scope") -> Value:
    given.count(1, 1)
    value, grid = given.scalar(0), scope.grid(None)
    if math.isnan(value):
        return Series([], [], grid.step)
    return Series(list(grid), [float(value)] * len(grid), grid.step)


def _slice(given: Arguments, scope: "Scope") -> Value:
    count = given.count(2, 3)
    return given.array(0)[given.whole(1) : given.whole(2) if count == 3 else None]


_ORDERS: Final[dict[str, Callable[[Sequence[float]], float]]] = {"AVG": _mean, "MIN": min, "MAX": max, "SUM": math.fsum}


def _sort(given: Arguments, scope: "Scope") -> Value:
    count = given.count(3, 4)
    array, key = given.array(0), _ORDERS[given.word(1, *_ORDERS)]
    descending = given.word(2, "ASC", "DESC") == "DESC"
    full = sorted((one for one in array if one.values), key=lambda one: key(one.values), reverse=descending)
    ordered = [*full, *(one for one in array if not one.values)]
    return ordered[: given.whole(3)] if count == 4 else ordered


def _end(at: int) -> Function:
    def compute(given: Arguments, scope: "Scope") -> Value:
        given.count(1, 1)
        array = given.array(0)
        return array[at] if array else Series([], [], scope.grid(None).step)

    return Function(compute)


def _remove_empty(given: Arguments, scope: "Scope") -> Value:
    given.count(1, 1)
    return [one for one in given.array(0) if one.values]


def _search(given: Arguments, scope: "Scope") -> Value:
    count = given.count(2, 3)
    period = given.whole(2) if count == 3 else None
    try:
        return scope.search(given.text(0), given.text(1), period)
    except BadExpression as error:
        # Positions are told from the begin of the whole expression: behind the quote that opens the text.
        at = given.positions[0] + error.position if error.position else given.position
        raise BadExpression(str(error).rpartition(" at position ")[0] or str(error), at) from None


FUNCTIONS: Final[dict[str, Function]] = {
    "ABS": _pointwise(abs),
    "AVG": _reduced(_mean, _average_across),
    "CEIL": _pointwise(math.ceil),
    "DATAPOINT_COUNT": _reduced(len, empty=0.0),
    "DATE": _calendar(lambda time: time.day),
    "DAY": _calendar(lambda time: time.isoweekday()),
    "DIFF": _each(_steps(lambda seconds, change: change)),
    "DIFF_TIME": _each(_steps(lambda seconds, change: float(seconds))),
    "EPOCH": _calendar(lambda time: time.timestamp()),
    "FILL": Function(_fill, words=("REPEAT", "LINEAR")),
    "FIRST": _end(0),
    "FLOOR": _pointwise(math.floor),
    "HOUR": _calendar(lambda time: time.hour),
    "IF": Function(_if),
    "LAST": _end(-1),
    "LOG": _pointwise(math.log),
    "LOG10": _pointwise(math.log10),
    "MAX": _reduced(max),
    "METRICS": Function(_metrics, texts=(0,)),
    "METRIC_COUNT": Function(_metric_count),
    "MIN": _reduced(min),
    "MINUTE": _calendar(lambda time: time.minute),
    "MONTH": _calendar(lambda time: time.month),
    "PERIOD": Function(_period),
    "RATE": _each(_steps(lambda seconds, change: change / seconds)),
    "REMOVE_EMPTY": Function(_remove_empty),
    "RUNNING_SUM": _each(_running_sum),
    "SEARCH": Function(_search, texts=(0, 1)),
    "SLICE": Function(_slice),
    "SORT": Function(_sort, words=("AVG", "MIN", "MAX", "SUM", "ASC", "DESC")),
    "STDDEV": _reduced(_deviation),
    "SUM": _reduced(math.fsum, empty=0.0),
    "TIME_SERIES": Function(_time_series),
    "YEAR": _calendar(lambda time: time.year),
}
