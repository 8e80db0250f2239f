"""Why a metric alarm is in its state, in CloudWatch's words and in its JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from clary.kernel.resource import Doc
from clary.services.cloudwatch.alarm_rows import ALARM, INSUFFICIENT, stamp
from clary.services.cloudwatch.alarm_states import BREACHES

_WORDS: Final = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED: Final = {"breaching": "Breaching", "notBreaching": "NonBreaching"}
_SHOWN: Final = 5
"""More points than these are counted, and only the newest of them shown."""
_LONGEST_REASON: Final = 1023
_LONGEST_DATA: Final = 4000


@dataclass(frozen=True, slots=True)
class Point:
    """A value that was evaluated."""

    at: int
    value: float
    samples: float | None = None
    """How many values it was made of, where that is known."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation saw."""

    spec: Doc
    state: str
    points: Sequence[Point]
    """That were there, the newest last."""
    missing: int
    """Places that were filled."""
    treat: str
    period: int
    now: float


def reason(seen: Evaluated) -> str:
    """StateReason."""
    if seen.state == INSUFFICIENT:
        return f"Insufficient Data: {_count(seen.missing, 'datapoint')} {_were(seen.missing)} unknown."
    tail = ""
    if seen.missing and seen.treat in _TREATED:
        filled = f"{_count(seen.missing, 'missing datapoint')} {_were(seen.missing)}"
        tail = f" and {filled} treated as [{_TREATED[seen.treat]}]"
    if not seen.points:
        return f"Threshold Crossed: no datapoints were received for {_count(seen.missing, 'period')}{tail}."
    return _crossed(seen, tail)[:_LONGEST_REASON]


def _crossed(seen: Evaluated, tail: str) -> str:
    spec, alarm = seen.spec, seen.state == ALARM
    points, least = list(seen.points), ""
    subject = _count(len(points), "datapoint")
    if "DatapointsToAlarm" in spec:
        breaches = BREACHES[spec["ComparisonOperator"]]
        among = len(points)
        points = [one for one in points if breaches(one.value, spec["Threshold"]) == alarm] or points
        wanted = spec["DatapointsToAlarm"]
        minimum = wanted if alarm else spec["EvaluationPeriods"] - wanted + 1
        way = "OK -> ALARM" if alarm else "ALARM -> OK"
        least = f" (minimum {_count(minimum, 'datapoint')} for {way} transition)"
        subject = f"{len(points)} out of the last {_count(among + seen.missing, 'datapoint', plural=True)}"
    shown = f" [{_listed(points[-_SHOWN:])}]" if len(points) <= _SHOWN else ""
    was = f"{_were(len(points))} {'' if alarm else 'not '}{_WORDS[spec['ComparisonOperator']]}"
    text = f"Threshold Crossed: {subject}{shown} {was} the threshold ({float(spec['Threshold'])}){tail}{least}."
    if not shown:
        crossed = " which crossed the threshold" if alarm else ""
        text += f" The most recent datapoints{crossed}: [{_listed(points[-_SHOWN:])}]."
    return text


def reason_data(seen: Evaluated) -> str:
    """StateReasonData: JSON."""
    spec = seen.spec
    data: dict[str, Any] = {"version": "1.0", "queryDate": stamp(seen.now)}
    if seen.points:
        data["startDate"] = stamp(seen.points[0].at)
    for member, name in (("Unit", "unit"), ("Statistic", "statistic"), ("ExtendedStatistic", "statistic")):
        if member in spec:
            data[name] = spec[member]
    data["period"] = seen.period
    data["recentDatapoints"] = [one.value for one in seen.points]
    data["threshold"] = float(spec["Threshold"])
    evaluated = [_evaluated(one) for one in seen.points]
    text = orjson.dumps({**data, "evaluatedDatapoints": evaluated}).decode()
    while len(text) > _LONGEST_DATA and evaluated:
        # The newest say most; what does not fit goes from the oldest on.
        evaluated = evaluated[max(len(evaluated) // 4, 1) :]
        data["recentDatapoints"] = data["recentDatapoints"][-max(len(evaluated), 1) :]
        text = orjson.dumps({**data, "evaluatedDatapoints": evaluated}).decode()
    return text


def _evaluated(one: Point) -> Doc:
    samples = {} if one.samples is None else {"sampleCount": one.samples}
    return {"timestamp": stamp(one.at), **samples, "value": one.value}


def _listed(points: Sequence[Point]) -> str:
    """The newest first."""
    return ", ".join(f"{one.value} ({datetime.fromtimestamp(one.at, UTC):%d/%m/%y %H:%M:%S})" for one in points[::-1])


def _count(number: int, word: str, *, plural: bool = False) -> str:
    return f"{number} {word}{'s' if number != 1 or plural else ''}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
