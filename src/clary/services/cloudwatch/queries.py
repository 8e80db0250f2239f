"""MetricDataQueries: what GetMetricData and alarms on metric math ask, read and evaluated.

    queries = read(account, region, docs)
    found = Evaluation(store, account, region, queries, start, end, now)
    found.result(queries[0])      # the time series of the query, one or several

`read` refuses what is no query; `Evaluation` reads the store when a query is asked for, and then once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.kernel.metrics import MetricMatch, MetricName, MetricStore, Statistic
from clary.kernel.resource import Doc
from clary.services.cloudwatch import spans
from clary.services.cloudwatch.api import ValidationError
from clary.services.cloudwatch.expressions import search, syntax
from clary.services.cloudwatch.expressions.evaluate import evaluate
from clary.services.cloudwatch.expressions.syntax import BadExpression, Node
from clary.services.cloudwatch.expressions.values import Series, Value
from clary.services.cloudwatch.labels import defaults
from clary.services.cloudwatch.statistics import statistic

MOST_QUERIES: Final = 500
MOST_FOUND: Final = 500
"""Time series that one SEARCH answers."""
SEARCH_SECONDS: Final = 14 * 86_400
"""SEARCH finds metrics that were written to since."""
_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a request: of a metric (then `metric` and `statistic` are set) or of an expression."""

    id: str
    label: str | None
    """None: none was given."""
    returned: bool
    period: int | None
    """Seconds; None: an expression that names none."""
    metric: MetricName | None = None
    statistic: Statistic | None = None
    stat: str = ""
    """The statistic, as it was written."""
    unit: str | None = None
    node: Node | None = None
    foreign: bool = False
    """It asks for the metrics of another account."""


def read(account: str, region: str, docs: Sequence[Doc]) -> list[Query]:
    """The queries in their order. Raises ValidationError, NotImplementedHere."""
    if not docs:
        raise ValidationError("The parameter MetricDataQueries must have at least one member.")
    if len(docs) > MOST_QUERIES:
        raise ValidationError(f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.")
    queries = [_query(account, region, one, f"MetricDataQueries.member.{n}") for n, one in enumerate(docs, 1)]
    ids = [one.id for one in queries]
    if len(set(ids)) < len(ids):
        twice = sorted({one for one in ids if ids.count(one) > 1})
        raise ValidationError(f"The values for parameter id in MetricDataQueries are not unique: {', '.join(twice)}.")
    if not any(one.returned for one in queries):
        raise ValidationError("At least one of the MetricDataQueries must have ReturnData true.")
    return queries


def _query(account: str, region: str, doc: Doc, where: str) -> Query:
    name = doc["Id"]
    if not _ID.fullmatch(name):
        raise ValidationError(
            f"The value {name} for parameter {where}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    if ("MetricStat" in doc) == ("Expression" in doc):
        raise ValidationError(f"{where} must have either Expression or MetricStat, and not both.")
    label, returned, period = doc.get("Label"), doc.get("ReturnData", True), doc.get("Period")
    foreign = doc.get("AccountId", account) != account
    if "Expression" in doc:
        _check_period(period, f"{where}.Period")
        node = _expression(name, doc["Expression"])
        return Query(name, label, returned, period, node=node, foreign=foreign)
    stat = doc["MetricStat"]
    if period is not None and period != stat["Period"]:
        raise ValidationError(f"{where}.Period differs from {where}.MetricStat.Period: leave it out.")
    _check_period(stat["Period"], f"{where}.MetricStat.Period")
    metric = stat["Metric"]
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise ValidationError(f"The parameter {where}.MetricStat.Metric.{member} is required.")
    dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}
    named = MetricName(account, region, metric["Namespace"], metric["MetricName"], tuple(sorted(dimensions.items())))
    try:
        known = statistic(stat["Stat"])
    except ValueError as error:
        raise ValidationError(f"The value for parameter {where}.MetricStat.Stat is invalid: {error}") from None
    return Query(
        name,
        label,
        returned,
        stat["Period"],
        metric=named,
        statistic=known,
        stat=stat["Stat"],
        unit=stat.get("Unit"),
        foreign=foreign,
    )


def _check_period(period: int | None, where: str) -> None:
    if period is not None and not spans.allowed(period):
        raise ValidationError(
            f"The value {period} for parameter {where} is invalid. Use 1, 5, 10, 20, 30 or a multiple of 60 seconds."
        )


def _expression(name: str, text: str) -> Node:
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise NotImplementedHere("Queries of Metrics Insights (SELECT ...) are not served: use SEARCH.")
    try:
        return syntax.parse(text)
    except BadExpression as error:
        raise _in_expression(name, error) from None


def _in_expression(name: str, error: BadExpression) -> ValidationError:
    return ValidationError(f"Error in expression '{name}': {error}.")


class Evaluation:
    """The queries of one request over [start, end), epoch seconds; `start` is rounded as CloudWatch does, unless
    `aligned`. Calls read the store: they belong in a thread."""

    def __init__(
        self,
        store: MetricStore,
        account: str,
        region: str,
        queries: Sequence[Query],
        start: float,
        end: float,
        now: float,
        *,
        aligned: bool = False,
    ) -> None:
        self._store = store
        self._account = account
        self._region = region
        self._queries = {one.id: one for one in queries}
        self._start, self._end, self._now = start, end, now
        self._aligned = aligned
        self._known: dict[str, Value] = {}
        self._running: list[Query] = []
        self.crowded: set[str] = set()
        """Ids of queries whose SEARCH found more than it may answer."""

    def result(self, query: Query) -> list[Series]:
        """The time series of the query. Raises ValidationError: its expression cannot be computed."""
        try:
            value = self.value(query.id)
        except BadExpression as error:
            raise _in_expression(query.id, error) from None
        if isinstance(value, Series):
            # What is computed is no metric, even if it was one metric that it was computed of.
            return [value] if query.node is None else [Series(value.times, value.values, value.period, query.id)]
        if isinstance(value, list):
            return value
        raise ValidationError(
            f"Error in expression '{query.id}': The result is {'a text' if isinstance(value, str) else 'a number'}, "
            "and must be a time series or an array of them."
        )

    def start(self, period: int) -> int:
        """Where the periods begin."""
        return int(self._start) if self._aligned else spans.rounded(self._start, period, self._now)

    # What expressions may refer to: evaluate.Scope.

    def value(self, name: str) -> Value | None:
        query = self._queries.get(name)
        if query is None or name in self._known:
            return self._known.get(name)
        if query in self._running:
            raise BadExpression(f"The expression {name!r} refers to itself")
        if query.node is None:
            self._known[name] = self._metric(query)
            return self._known[name]
        self._running.append(query)
        try:
            value = evaluate(query.node, self)
        except BadExpression as error:
            if len(self._running) > 1:
                raise BadExpression(f"In {name!r}: {error}") from None
            raise
        finally:
            self._running.pop()
        self._known[name] = value
        return value

    def metrics(self) -> list[tuple[str, Series]]:
        found = []
        for name, query in self._queries.items():
            if query.metric is not None:
                value = self.value(name)
                if isinstance(value, Series):
                    found.append((name, value))
        return found

    def grid(self, period: int | None) -> range:
        period = period or self._period()
        start = self.start(period)
        return range(start, max(start, int(-(-self._end // 1))), period)

    def search(self, text: str, stat: str, period: int | None) -> list[Series]:
        wanted = search.parse(text)
        try:
            known = statistic(stat)
        except ValueError as error:
            raise BadExpression(str(error)) from None
        period = period or self._period()
        if not spans.allowed(period):
            raise BadExpression(f"{period} is no period: use 1, 5, 10, 20, 30 or a multiple of 60 seconds")
        match = MetricMatch(
            namespace=wanted.match.namespace,
            exactly=wanted.match.exactly,
            active_since=self._now - SEARCH_SECONDS,
        )
        found: list[Series] = []
        for metric in self._store.names(self._account, self._region, match):
            if not wanted.test(metric):
                continue
            if len(found) == MOST_FOUND:
                self.crowded.add(self._running[0].id)
                break
            found.append(self._series(metric, known, stat, period, None))
        return [replace(one, label=label) for one, label in zip(found, defaults(found), strict=True)]

    def _period(self) -> int:
        """Of an expression that names none: the shortest of the request's metrics, else 5 minutes."""
        own = next((one.period for one in reversed(self._running) if one.period is not None), None)
        metrics = [one.period for one in self._queries.values() if one.metric is not None and one.period is not None]
        return own or min(metrics, default=300)

    def _metric(self, query: Query) -> Series:
        if query.metric is None or query.statistic is None or query.period is None:
            raise TypeError(f"{query.id} is no query of a metric")
        if query.foreign:
            return Series([], [], query.period, "", query.metric, query.stat)
        found = self._series(query.metric, query.statistic, query.stat, query.period, query.unit)
        return replace(found, label=query.label or "")

    def _series(self, metric: MetricName, known: Statistic, stat: str, period: int, unit: str | None) -> Series:
        start = spans.clipped(self.start(period), period, self._now)
        end = int(-(-self._end // 1))
        if start >= end:
            return Series([], [], period, "", metric, stat)
        points = self._store.read(metric, (known,), start, end, period, unit)
        values = points.values[0]
        if None in values:
            kept = [(at, value) for at, value in zip(points.times, values, strict=True) if value is not None]
            return Series([at for at, _ in kept], [value for _, value in kept], period, "", metric, stat)
        return Series(points.times, values, period, "", metric, stat)  # type: ignore[arg-type]
