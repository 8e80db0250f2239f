"""What a time series is called: default labels, and `${...}` in labels that are given."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from clary.services.cloudwatch.api import ValidationError
from clary.services.cloudwatch.expressions.values import Series

NO_VALUE: Final = "--"
_DYNAMIC: Final = re.compile(r"\$\{\s*(?:PROP\(\s*['\"](?P<property>[^'\"]+)['\"]\s*\)|(?P<name>[A-Z_]+))\s*\}")
_ZONE: Final = re.compile(r"([+-])(\d{2})(\d{2})")


def zone(text: str) -> timezone:
    """Of LabelOptions, for example "+0130". Raises ValidationError."""
    match = _ZONE.fullmatch(text)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        raise ValidationError(
            f"The value {text} for parameter LabelOptions.Timezone is invalid. Write + or - and four digits, as +0130."
        )
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset) if offset else UTC


def defaults(series: Sequence[Series]) -> list[str]:
    """What tells each from the others: dimension values and the metric's name, where they differ; else its name."""
    metrics = [one.metric for one in series if one.metric is not None]
    many_names = len({one.name for one in metrics}) > 1
    many_spaces = len({one.namespace for one in metrics}) > 1
    many_stats = len({one.stat for one in series if one.metric is not None}) > 1
    shared = set(metrics[0].dimensions).intersection(*(one.dimensions for one in metrics)) if metrics else set()
    found = []
    for one in series:
        if one.metric is None:
            found.append(one.label)
            continue
        parts = [one.metric.namespace] if many_spaces else []
        parts += [value for name, value in one.metric.dimensions if (name, value) not in shared]
        if many_names or not parts:
            parts.append(one.metric.name)
        if many_stats:
            parts.append(one.stat)
        found.append(" ".join(parts))
    return found


def filled(label: str, series: Series, default: str, region: str, now: float, where: timezone) -> str:
    """The label with every `${...}` that is known replaced."""

    def value(match: re.Match[str]) -> str:
        if match["property"] is not None:
            return _property(match["property"], series, region) or match[0]
        if match["name"] == "LABEL":
            return default
        known = _STATISTICS.get(match["name"])
        if known is None:
            return match[0]
        return known(_Facts(series, now, where)) if series.values else NO_VALUE

    return _DYNAMIC.sub(value, label)


def _property(name: str, series: Series, region: str) -> str | None:
    if name == "Period":
        return str(series.period)
    if name == "Region":
        return region
    if name == "Stat":
        return series.stat
    if series.metric is None:
        return ""
    if name.startswith("Dim."):
        return dict(series.metric.dimensions).get(name[4:], "")
    known = {
        "AccountId": series.metric.account,
        "MetricName": series.metric.name,
        "Namespace": series.metric.namespace,
    }
    return known.get(name)


class _Facts:
    """Of a series that has points."""

    def __init__(self, series: Series, now: float, where: timezone) -> None:
        self.times, self.values = series.times, series.values
        self._now = now
        self._where = where
        self.low = min(range(len(self.values)), key=self.values.__getitem__)
        self.high = max(range(len(self.values)), key=self.values.__getitem__)

    def time(self, at: int) -> str:
        return f"{datetime.fromtimestamp(self.times[at], self._where):%Y-%m-%d %H:%M:%S} " + (
            "UTC" if self._where is UTC else f"{datetime.fromtimestamp(0, self._where):%z}"
        )

    def relative(self, at: int) -> str:
        return _duration(abs(self._now - self.times[at]))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _duration(seconds: float) -> str:
    whole, parts = int(seconds), []
    for name, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts) or "0s"


_STATISTICS: Final[dict[str, Callable[[_Facts], str]]] = {
    "AVG": lambda it: _number(math.fsum(it.values) / len(it.values)),
    "DATAPOINT_COUNT": lambda it: str(len(it.values)),
    "FIRST": lambda it: _number(it.values[0]),
    "FIRST_LAST_RANGE": lambda it: _number(it.values[-1] - it.values[0]),
    "FIRST_LAST_TIME_RANGE": lambda it: _duration(it.times[-1] - it.times[0]),
    "FIRST_TIME": lambda it: it.time(0),
    "FIRST_TIME_RELATIVE": lambda it: it.relative(0),
    "LAST": lambda it: _number(it.values[-1]),
    "LAST_TIME": lambda it: it.time(-1),
    "LAST_TIME_RELATIVE": lambda it: it.relative(-1),
    "MAX": lambda it: _number(it.values[it.high]),
    "MAX_TIME": lambda it: it.time(it.high),
    "MAX_TIME_RELATIVE": lambda it: it.relative(it.high),
    "MIN": lambda it: _number(it.values[it.low]),
    "MIN_MAX_RANGE": lambda it: _number(it.values[it.high] - it.values[it.low]),
    "MIN_MAX_TIME_RANGE": lambda it: _duration(abs(it.times[it.high] - it.times[it.low])),
    "MIN_TIME": lambda it: it.time(it.low),
    "MIN_TIME_RELATIVE": lambda it: it.relative(it.low),
    "SUM": lambda it: _number(math.fsum(it.values)),
}
