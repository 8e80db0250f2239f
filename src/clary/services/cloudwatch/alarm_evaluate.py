"""Metric alarms as they become true: each is a row that is due at its next evaluation.

An alarm is evaluated once a minute, one of short periods every 10 seconds, one that spans more than a day every hour:
over the periods that end at the last whole such moment, as AWS does. It is done a settling delay later, so that what
was written at the end of a period is there; and each alarm a little later still by its uid, so that a thousand of them
do not come at once.

A stop is no missing data: periods without data that the server did not live through are unseen, and never decide.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from clary.aws.errors import NotImplementedHere, ServiceError
from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricName, MetricStore, Statistic
from clary.kernel.reconcile import Step, again, move
from clary.kernel.resource import Doc, Resource
from clary.services.cloudwatch import queries, spans
from clary.services.cloudwatch.alarm_reasons import Evaluated, Point, reason, reason_data
from clary.services.cloudwatch.alarm_rows import transition
from clary.services.cloudwatch.alarm_states import BREACHES, EXTRA, MISSING, UNSEEN, Treat, decide, few_samples
from clary.services.cloudwatch.alarm_states import Point as Known
from clary.services.cloudwatch.statistics import statistic

_COUNT: Final = Statistic("SampleCount")
_LATE_SECONDS: Final = 30.0
"""Who looks so much later than was planned was stopped meanwhile, or the clock was put forward."""

Stops = list[list[float]]
"""Spans of time [from, to) that the server did not live through."""


class MetricAlarms:
    """Desired: the state is what the metric makes it. Every look may be repeated: it writes nothing but the row."""

    def __init__(self, metrics: MetricStore, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, row: Resource) -> Step:
        now, spec = self._clock.now(), row.spec
        every = interval(spec)
        settle = settling(every)
        end = int((now - settle) // every) * every
        after = next_look(row.uid, every, now) - now
        period, needed = period_of(spec), int(spec["EvaluationPeriods"])
        start = end - (needed + EXTRA) * period
        stops = _stops(row, now, every, start)
        kept: Doc = {} if stops == row.status.get("_stops", []) else {"_stops": stops or None}
        try:
            points = await asyncio.to_thread(self._points, row, start, end, period)
        except ServiceError as error:
            return again(after, **kept, **_troubled(row, error, now))
        found = {one.at: one for one in points}
        breaches = BREACHES[spec["ComparisonOperator"]]
        known: list[Known] = []
        for at in range(start, end, period):
            if at in found:
                known.append(breaches(found[at].value, spec["Threshold"]))
            else:
                known.append(UNSEEN if _within(at, at + period, stops) else MISSING)
        treat: Treat = "ignore" if spec.get("Namespace") == "AWS/DynamoDB" else spec.get("TreatMissingData", "missing")
        state = decide(known, needed, int(spec.get("DatapointsToAlarm", needed)), treat)
        looked = points[-needed:]
        if _too_few(spec, looked):
            state = None
        kept |= _untroubled(row, now)
        if state is None or state == row.phase:
            return again(after, **kept)
        seen = Evaluated(spec, state, looked, needed - len(looked), treat, period, now)
        # One write: the state, why, and that its actions are due. What follows from it follows from its outbox line.
        return move(state, after=after, **{**kept, **transition(row, reason(seen), reason_data(seen), now)})

    def give_up(self, row: Resource, error: Exception) -> Step:
        """Never: the alarm says that it cannot be evaluated, and is looked at again."""
        return again(60.0, **_troubled(row, error, self._clock.now()))

    def _points(self, row: Resource, start: int, end: int, period: int) -> list[Point]:
        """Those that are there, by rising time. In a thread."""
        spec = row.spec
        if "Metrics" in spec:
            return self._computed(row, start, end)
        named = tuple(sorted((one["Name"], one["Value"]) for one in spec.get("Dimensions", ())))
        metric = MetricName(row.account, row.region, spec["Namespace"], spec["MetricName"], named)
        wanted = statistic(spec.get("Statistic") or spec["ExtendedStatistic"])
        found = self._metrics.read(metric, (wanted, _COUNT), start, end, period, spec.get("Unit"))
        return [
            Point(at, value, samples)
            for at, value, samples in zip(found.times, *found.values, strict=True)
            if value is not None
        ]

    def _computed(self, row: Resource, start: int, end: int) -> list[Point]:
        read = queries.read(row.account, row.region, row.spec["Metrics"])
        now = self._clock.now()
        asked = queries.Evaluation(self._metrics, row.account, row.region, read, start, end, now, aligned=True)
        [returned] = [one for one in read if one.returned]
        [series] = asked.result(returned)
        return [Point(at, value) for at, value in zip(series.times, series.values, strict=True) if start <= at < end]


def period_of(spec: Doc) -> int:
    """Seconds."""
    if "Metrics" not in spec:
        return int(spec["Period"])
    found = [one["MetricStat"]["Period"] for one in spec["Metrics"] if "MetricStat" in one]
    return int(found[0])


def interval(spec: Doc) -> int:
    """The alarm is evaluated every so many seconds."""
    period = period_of(spec)
    if period < 60:
        return 10
    return 60 if period * int(spec["EvaluationPeriods"]) <= spans.DAY else 3600


def settling(every: int) -> float:
    """A period is looked at so many seconds after its end at the earliest."""
    return 1.0 if every < 60 else 2.0


def next_look(uid: str, every: int, now: float) -> float:
    """When the alarm of that uid is evaluated next: always the same place within `every` seconds."""
    # In 16 groups: those that are due together cost less than each for itself.
    offset = settling(every) + int(uid[0], 16) / 16 * min(every / 10, 60)
    return (now - offset) // every * every + every + offset


def _stops(row: Resource, now: float, every: int, start: int) -> Stops:
    """What the server slept through, as far as the evaluation reaches back."""
    known: Stops = [one for one in row.status.get("_stops", []) if one[1] > start and one[1] <= now]
    if row.due is not None and now - row.due > _LATE_SECONDS:
        # It may have ended right after its last look.
        known.append([max(row.due - every, row.created), now])
    return known


def _within(start: float, end: float, stops: Stops) -> bool:
    return any(down < end and start < up for down, up in stops)


def _too_few(spec: Doc, points: Sequence[Point]) -> bool:
    if spec.get("EvaluateLowSampleCountPercentile") != "ignore" or not points:
        return False
    return few_samples(spec["ExtendedStatistic"].lower(), sum(one.samples or 0.0 for one in points))


def _troubled(row: Resource, error: Exception, now: float) -> Doc:
    """What cannot be evaluated says so and keeps its state."""
    wrong = isinstance(error, ServiceError) and (error.http_status < 500 or isinstance(error, NotImplementedHere))
    state = "EVALUATION_ERROR" if wrong else "EVALUATION_FAILURE"
    if row.status.get("EvaluationState") == state:
        return {}
    said = error.message if isinstance(error, ServiceError) else "The metrics could not be read."
    before = row.status.get("_reason", row.status["StateReason"])
    return {"EvaluationState": state, "StateReason": said[:1023], "StateUpdatedTimestamp": now, "_reason": before}


def _untroubled(row: Resource, now: float) -> Doc:
    """It could be evaluated: what was said of its state before is said again."""
    if "EvaluationState" not in row.status:
        return {}
    said = row.status.get("_reason", row.status["StateReason"])
    return {"EvaluationState": None, "StateReason": said, "_reason": None, "StateUpdatedTimestamp": now}
