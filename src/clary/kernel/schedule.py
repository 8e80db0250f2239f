"""When a schedule fires next: rate(), cron() and at() as Amazon EventBridge and SageMaker write them, in UTC."""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {
    **{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6},
    **{"JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12},
}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199


def next_after(expression: str, epoch: float) -> float | None:
    """The first moment later than `epoch` (epoch seconds) at which `expression` fires; None: never again.

    rate() counts from `epoch`. Raises ValueError that names the field which does not parse."""
    return parse(expression)(epoch)


def parse(expression: str) -> Callable[[float], float | None]:
    """`next_after` of one expression, parsed once. Raises ValueError."""
    match = re.fullmatch(r"\s*(rate|cron|at)\((.*)\)\s*", expression)
    if match is None:
        raise ValueError(f"{expression!r}: a schedule is rate(value unit), cron(six fields) or at(yyyy-mm-ddThh:mm:ss)")
    kind, inner = match.groups()
    if kind == "rate":
        return _rate(inner)
    return _at(inner) if kind == "at" else _cron(inner)


def _rate(inner: str) -> Callable[[float], float]:
    match = re.fullmatch(r"\s*(\d+)\s+(minute|hour|day)(s?)\s*", inner)
    if match is None:
        raise ValueError(f"rate({inner}): a rate is a whole number and minute(s), hour(s) or day(s)")
    value, unit, plural = int(match[1]), match[2], match[3]
    if value == 0:
        raise ValueError(f"rate({inner}): the value must be greater than 0")
    if (value == 1) == bool(plural):
        raise ValueError(f"rate({inner}): the unit is {unit!r} for the value 1 and {unit + 's'!r} for others")
    return lambda epoch: epoch + value * _UNITS[unit]


def _at(inner: str) -> Callable[[float], float | None]:
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inner.strip()) is None:
        raise ValueError(f"at({inner}): a moment is written yyyy-mm-ddThh:mm:ss")
    try:
        moment = datetime.fromisoformat(inner.strip()).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise ValueError(f"at({inner}): {error}") from None
    return lambda epoch: moment if moment > epoch else None


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: dict[str, int]
    wraps: bool = False
    """A range may run over the end: FRI-MON."""

    def parse(self, text: str) -> tuple[int, ...]:
        """The values that `text` names, rising. Raises ValueError."""
        values: set[int] = set()
        for part in text.split(","):
            values.update(self._part(part))
        return tuple(sorted(values))

    def _part(self, part: str) -> Iterator[int]:
        base, slash, step_text = part.partition("/")
        step = 1
        if slash:
            if not step_text.isdecimal() or int(step_text) == 0:
                raise self.wrong(part, "the increment behind '/' is a whole number greater than 0")
            step = int(step_text)
        if base == "*":
            return iter(range(self.low, self.high + 1, step))
        low_text, dash, high_text = base.partition("-")
        low = self.value(low_text, part)
        if not dash:
            return iter(range(low, self.high + 1, step) if slash else (low,))
        high = self.value(high_text, part)
        if low <= high:
            return iter(range(low, high + 1, step))
        if not self.wraps:
            raise self.wrong(part, "the range ends before it begins")
        size = self.high - self.low + 1
        return ((value - self.low) % size + self.low for value in range(low, high + size + 1, step))

    def value(self, text: str, part: str) -> int:
        number = self.words.get(text.upper())
        if number is None and text.isdecimal() and len(text) <= 4:
            number = int(text)
        if number is None or not self.low <= number <= self.high:
            raise self.wrong(part, f"values are {self.low} to {self.high}")
        return number

    def wrong(self, part: str, why: str) -> ValueError:
        return ValueError(f"cron: the field {self.name} does not understand {part!r}: {why}")


_MINUTES = _Field("minutes", 0, 59, {})
_HOURS = _Field("hours", 0, 23, {})
_DAY_OF_MONTH = _Field("day-of-month", 1, 31, {})
_MONTH = _Field("month", 1, 12, _MONTHS, wraps=True)
_DAY_OF_WEEK = _Field("day-of-week", 1, 7, _DAYS, wraps=True)
_YEAR = _Field("year", _FIRST_YEAR, _LAST_YEAR, {})

Days = Callable[[int, int], set[int]]
"""The days of (year, month) that a field picks."""


def _cron(inner: str) -> Callable[[float], float | None]:
    fields = inner.split()
    if len(fields) != 6:
        raise ValueError(
            f"cron({inner}): six fields are needed (minutes hours day-of-month month day-of-week year),"
            f" not {len(fields)}"
        )
    minutes, hours = _MINUTES.parse(fields[0]), _HOURS.parse(fields[1])
    months, years = _MONTH.parse(fields[3]), _YEAR.parse(fields[5])
    days = _days(fields[2], fields[4])

    def after(epoch: float) -> float | None:
        # Seconds never count: the first minute that begins later than `epoch`.
        start = datetime.fromtimestamp((epoch // 60 + 1) * 60, UTC)
        now = (start.hour, start.minute)
        for day in _dates(years, months, days, start.date()):
            for hour in hours:
                for minute in minutes:
                    if day > start.date() or (hour, minute) >= now:
                        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp()
        return None

    return after


def _dates(years: tuple[int, ...], months: tuple[int, ...], days: Days, first: date) -> Iterator[date]:
    for year in years:
        for month in months:
            if (year, month) >= (first.year, first.month):
                for day in sorted(days(year, month)):
                    if (found := date(year, month, day)) >= first:
                        yield found


def _days(of_month: str, of_week: str) -> Days:
    if (of_month == "?") == (of_week == "?"):
        raise ValueError(
            "cron: exactly one of the fields day-of-month and day-of-week must be '?'"
            f" (day-of-month is {of_month!r}, day-of-week is {of_week!r})"
        )
    return _week_days(of_week) if of_month == "?" else _month_days(of_month)


def _month_days(text: str) -> Days:
    if text == "L":
        return lambda year, month: {_length(year, month)}
    if text == "LW":
        return lambda year, month: {_nearest_weekday(year, month, _length(year, month))}
    if text.endswith("W"):
        target = _DAY_OF_MONTH.value(text[:-1], text)
        return lambda year, month: {_nearest_weekday(year, month, target)} if target <= _length(year, month) else set()
    values = _DAY_OF_MONTH.parse(text)
    return lambda year, month: {day for day in values if day <= _length(year, month)}


def _week_days(text: str) -> Days:
    if text == "L":
        text = "7"
    elif text.endswith(("L", "l")) and len(text) > 1:
        last = _DAY_OF_WEEK.value(text[:-1], text)
        return lambda year, month: {_falls_on(year, month, last)[-1]}
    if "#" in text:
        name, _, count = text.partition("#")
        weekday = _DAY_OF_WEEK.value(name, text)
        if count not in ("1", "2", "3", "4", "5"):
            raise _DAY_OF_WEEK.wrong(text, "the number behind '#' is 1 to 5")
        return lambda year, month: set(_falls_on(year, month, weekday)[int(count) - 1 : int(count)])
    values = _DAY_OF_WEEK.parse(text)
    return lambda year, month: {day for weekday in values for day in _falls_on(year, month, weekday)}


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _falls_on(year: int, month: int, weekday: int) -> list[int]:
    """The days of the month that are `weekday` (1 Sunday ... 7 Saturday)."""
    first = (date(year, month, 1).isoweekday() % 7) + 1
    return list(range(1 + (weekday - first) % 7, _length(year, month) + 1, 7))


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The weekday nearest to `day` that does not leave the month."""
    at = date(year, month, day).isoweekday()
    if at == 6:
        return day - 1 if day > 1 else day + 2
    if at == 7:
        return day + 1 if day < _length(year, month) else day - 2
    return day
