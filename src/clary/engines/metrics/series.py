"""The table of series: which number a metric and a unit have."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import orjson

from clary.engines.metrics.file import refusals
from clary.kernel.metrics import MetricMatch, MetricName, Sample, Summary

PAGE: Final = 500
MOST_KNOWN: Final = 50_000
_WHICH: Final = "account = ? AND region = ? AND namespace = ? AND name = ? AND dimensions = ?"


@dataclass(frozen=True, slots=True)
class Page:
    found: list[MetricName]
    last: MetricName | None
    """Where the next page goes on; None: there is none."""


class SeriesTable:
    """Numbers of series that were used of late. Its owner holds the lock of the connection."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[MetricName, str], int] = {}

    def forget(self) -> None:
        self._numbers.clear()

    def number(self, db: sqlite3.Connection, sample: Sample | Summary) -> int:
        """Of the sample's series, made within the transaction that runs if there was none."""
        key = (sample.metric, sample.unit)
        number = self._numbers.get(key)
        if number is None:
            if len(self._numbers) >= MOST_KNOWN:
                self.forget()
            number = self._numbers[key] = _found_or_made(db, sample.metric, sample.unit)
        return number

    def of_metric(self, db: sqlite3.Connection, metric: MetricName) -> dict[str, int]:
        """Its numbers by unit."""
        with refusals():
            return dict(db.execute(f"SELECT unit, id FROM series WHERE {_WHICH}", _key(metric)))

    def page(
        self,
        db: sqlite3.Connection,
        account: str,
        region: str,
        match: MetricMatch,
        after: MetricName | None,
        seen: Callable[[int], int],
    ) -> Page:
        """`seen` tells of newer values than the table knows."""
        where, given = ["account = ?", "region = ?"], [account, region]
        for column, value in (("namespace", match.namespace), ("name", match.name)):
            if value is not None:
                where.append(f"{column} = ?")
                given.append(value)
        if after is not None:
            where.append("(namespace, name, dimensions) > (?, ?, ?)")
            given += [after.namespace, after.name, _text(after)]
        sql = (
            f"SELECT namespace, name, dimensions, id, seen FROM series WHERE {' AND '.join(where)} "
            "ORDER BY namespace, name, dimensions, unit LIMIT ?"
        )
        with refusals():
            rows = db.execute(sql, [*given, PAGE]).fetchall()
        groups = [(key, list(group)) for key, group in groupby(rows, key=lambda row: row[:3])]
        if len(rows) == PAGE and len(groups) > 1:
            groups.pop()  # its units may go on behind the page
        found, last = [], None
        for (namespace, name, text), units in groups:
            dimensions = tuple((key, value) for key, value in orjson.loads(text))
            last = MetricName(account, region, namespace, name, dimensions)
            newest = max(max(row[4], seen(row[3])) for row in units)
            if _matches(match, last, newest):
                found.append(last)
        return Page(found, last if len(rows) == PAGE else None)


def _found_or_made(db: sqlite3.Connection, metric: MetricName, unit: str) -> int:
    row = db.execute(f"SELECT id FROM series WHERE {_WHICH} AND unit = ?", (*_key(metric), unit)).fetchone()
    if row is not None:
        return int(row[0])
    made = db.execute(
        "INSERT INTO series (account, region, namespace, name, dimensions, unit, seen) VALUES (?, ?, ?, ?, ?, ?, 0)",
        (*_key(metric), unit),
    )
    return int(made.lastrowid or 0)


def _matches(match: MetricMatch, metric: MetricName, newest: float) -> bool:
    if match.active_since is not None and newest < match.active_since:
        return False
    if match.exactly is not None and tuple(name for name, _ in metric.dimensions) != match.exactly:
        return False
    given = dict(metric.dimensions)
    return all(name in given and value in (None, given[name]) for name, value in match.dimensions)


def _key(metric: MetricName) -> tuple[str, str, str, str, str]:
    return metric.account, metric.region, metric.namespace, metric.name, _text(metric)


def _text(metric: MetricName) -> str:
    return orjson.dumps(metric.dimensions).decode()
