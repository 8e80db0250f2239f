"""Metrics read from a job's own log lines, by regular expression. What no line says has no value."""

import asyncio
import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogSink, LogStreamName

if TYPE_CHECKING:
    import regex

NEWEST_EVENTS = 5_000
"""How many of the newest lines are read with their times; a user's metric that none of them tells is sought in the log
from its beginning."""
LONGEST_LINE = 8_192
MATCH_SECONDS = 0.5
"""How long one expression may think about one line."""
MOST_METRICS = 40

_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_XGBOOST_METRICS = (
    "accuracy", "aft-nloglik", "auc", "aucpr", "balanced_accuracy", "cox-nloglik", "error", "f1", "f1_binary",
    "f1_macro", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss", "mae", "map", "mape",
    "merror", "mlogloss", "mphe", "mse", "ndcg", "poisson-nloglik", "precision", "precision_macro", "precision_micro",
    "r2", "recall", "recall_macro", "recall_micro", "rmse", "rmsle", "tweedie-nloglik",
)  # fmt: skip
XGBOOST: tuple[Doc, ...] = tuple(
    {"Name": f"{part}:{name}", "Regex": rf"#011{part}-{name}(?:@[-.0-9]+)?:{_NUMBER}"}
    for name in _XGBOOST_METRICS
    for part in ("train", "validation")
)
"""What the built-in XGBoost prints at each round, for example `[7]#011train-merror:0.03#011validation-merror:0.1`."""


class BadRegex(Exception):
    """A metric definition's expression cannot be compiled; the message says where."""


def compiled(definition: Doc) -> "regex.Pattern[str]":
    """Raises BadRegex."""
    import regex  # only here: a start need not pay for it

    try:
        return _pattern(definition["Regex"])
    except regex.error as error:
        raise BadRegex(f"the Regex of the metric {definition['Name']!r} is not valid: {error}") from None


@lru_cache(maxsize=512)
def _pattern(text: str) -> "regex.Pattern[str]":
    """Kept: jobs of one kind come with the same definitions, and the library's own look-up costs more than this."""
    import regex

    return regex.compile(text)


async def final(
    logs: LogSink, stream: LogStreamName, log_file: Path | None, built_in: Iterable[Doc], own: Iterable[Doc]
) -> list[Doc]:
    """FinalMetricDataList: the last value of each metric that any line told; [] when none did."""
    wanted = {one["Name"]: compiled(one) for one in (*built_in, *own)}
    events = logs.last(stream, NEWEST_EVENTS)
    found = await asyncio.to_thread(_in_events, wanted, events)
    rest = {one["Name"]: wanted[one["Name"]] for one in own if one["Name"] not in found}
    if rest and log_file is not None:
        found.update(await asyncio.to_thread(_in_file, rest, log_file))
    return list(found.values())[:MOST_METRICS]


def _in_events(wanted: dict[str, "regex.Pattern[str]"], events: list[LogEvent]) -> dict[str, Doc]:
    found: dict[str, Doc] = {}
    left = dict(wanted)
    for event in reversed(events):
        for name, pattern in list(left.items()):
            value = _value(pattern, event.message, left, name)
            if value is not None:
                found[name] = {"MetricName": name, "Value": value, "Timestamp": event.timestamp / 1000}
                del left[name]
        if not left:
            break
    return found


def _in_file(wanted: dict[str, "regex.Pattern[str]"], log_file: Path) -> dict[str, Doc]:
    """Values without a time: the file does not know when a line was printed."""
    found: dict[str, Doc] = {}
    left = dict(wanted)
    try:
        with log_file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                for name, pattern in list(left.items()):
                    value = _value(pattern, line, left, name)
                    if value is not None:
                        found[name] = {"MetricName": name, "Value": value}
    except FileNotFoundError:
        return {}
    return found


def told(patterns: "dict[str, regex.Pattern[str]]", line: str) -> Iterator[tuple[str, float]]:
    """(name, value) of each metric that the line tells. An expression that thinks too long is taken out of
    `patterns`."""
    for name, pattern in list(patterns.items()):
        value = _value(pattern, line, patterns, name)
        if value is not None and math.isfinite(value):
            yield name, value


def _value(pattern: "regex.Pattern[str]", line: str, left: dict[str, "regex.Pattern[str]"], name: str) -> float | None:
    """The last number that the expression finds in the line. An expression that thinks too long is given up."""
    try:
        matches = list(pattern.finditer(line[:LONGEST_LINE], timeout=MATCH_SECONDS))
    except TimeoutError:
        left.pop(name, None)
        return None
    if not matches:
        return None
    try:
        return float(matches[-1].group(1) if pattern.groups else matches[-1].group(0))
    except (TypeError, ValueError):
        return None
