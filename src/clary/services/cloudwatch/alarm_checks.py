"""What PutMetricAlarm takes: CloudWatch's rules, each refusal with what to do."""

import math
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.metrics import MetricStore
from clary.kernel.resource import Doc
from clary.services.cloudwatch import queries, spans
from clary.services.cloudwatch.alarm_states import BREACHES
from clary.services.cloudwatch.api import (
    InvalidParameterCombinationException,
    MissingRequiredParameterException,
    ValidationError,
    metric_of,
)
from clary.services.cloudwatch.expressions.syntax import Array, Binary, Call, Negative, Node
from clary.services.cloudwatch.statistics import statistic

_SHORT: Final = (10, 20, 30)
MOST_METRICS: Final = 10
"""Metrics that one expression may be made of."""
_OF_ONE: Final = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_BANDS: Final = frozenset(
    {"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
)
_REFUSED: Final = {
    "EvaluationCriteria": "PromQL alarms",
    "EvaluationInterval": "PromQL alarms",
    "ThresholdMetricId": "anomaly detection",
    "WarmUpConfiguration": "warm-up periods of alarms",
    "ActionConfiguration": "propagating an alarm's tags into its notifications",
}
_TREATS: Final = ("breaching", "notBreaching", "ignore", "missing")


def check(ctx: Context, req: Doc) -> None:
    """Raises ValidationError, MissingRequiredParameterException, InvalidParameterCombinationException,
    InvalidParameterValueException, NotImplementedHere."""
    _check_refused(req)
    check_name(req["AlarmName"])
    period = _check_math(ctx, req) if "Metrics" in req else _check_metric(ctx, req)
    _check_threshold(req)
    _check_periods(req, period)
    for member, known in (
        ("TreatMissingData", _TREATS),
        ("EvaluateLowSampleCountPercentile", ("evaluate", "ignore")),
    ):
        if req.get(member, known[0]) not in known:
            raise ValidationError(
                f"The value {req[member]!r} for parameter {member} is invalid. Use {', '.join(known)}."
            )
    if "EvaluateLowSampleCountPercentile" in req and not _percentile(req):
        raise ValidationError("The parameter EvaluateLowSampleCountPercentile is for alarms on percentiles only.")


def check_name(name: str) -> None:
    """Raises ValidationError."""
    if not name.strip() or any(ord(one) < 32 or ord(one) == 127 for one in name):
        raise ValidationError("The parameter AlarmName must not be blank, nor have control characters in it.")


def _check_refused(req: Doc) -> None:
    for member, what in _REFUSED.items():
        if member in req:
            raise NotImplementedHere(f"The parameter {member} is not served by Clary: {what} are not here.")
    if "WallClockWindow" in req.get("EvaluationWindow", {}):
        raise NotImplementedHere("EvaluationWindow.WallClockWindow is not served by Clary: windows slide.")
    if req.get("ComparisonOperator") in _BANDS:
        raise NotImplementedHere(
            f"The ComparisonOperator {req['ComparisonOperator']} is not served by Clary: it is for anomaly detection."
        )


def _check_metric(ctx: Context, req: Doc) -> int:
    for member in ("MetricName", "Namespace", "Period"):
        if member not in req:
            raise MissingRequiredParameterException(
                f"The parameter {member} is required, unless the alarm is on Metrics."
            )
    given = [member for member in ("Statistic", "ExtendedStatistic") if member in req]
    if len(given) != 1:
        raise InvalidParameterCombinationException("Give either Statistic or ExtendedStatistic, and not both.")
    if "ExtendedStatistic" in req:
        try:
            statistic(req["ExtendedStatistic"])
        except ValueError as error:
            raise ValidationError(f"The value for parameter ExtendedStatistic is invalid: {error}") from None
    metric_of(ctx, req["Namespace"], req["MetricName"], req.get("Dimensions", []))
    period: int = req["Period"]
    _check_period(period, "Period")
    return period


def _check_period(period: int, where: str) -> None:
    if period not in _SHORT and period % 60:
        raise ValidationError(
            f"The value {period} for parameter {where} is invalid. Use 10, 20, 30 or a multiple of 60 seconds."
        )


def _check_math(ctx: Context, req: Doc) -> int:
    for member in _OF_ONE:
        if member in req:
            raise InvalidParameterCombinationException(
                f"The parameters Metrics and {member} are mutually exclusive: {member} stands within Metrics."
            )
    docs = req["Metrics"]
    read = queries.read(ctx.account, ctx.region, docs)
    returned = [one.id for one in read if one.returned]
    if len(returned) != 1:
        raise ValidationError(
            f"Exactly one element of the Metrics list should return data, and {len(returned)} do: "
            f"{', '.join(returned)}."
        )
    metrics = [one for one in read if one.metric is not None]
    if not metrics:
        raise ValidationError("The Metrics list must have at least one MetricStat.")
    if len(metrics) > MOST_METRICS:
        raise ValidationError(f"The Metrics list must not have more than {MOST_METRICS} MetricStats.")
    for one in read:
        if one.foreign:
            raise NotImplementedHere(f"The metric {one.id} is of another account: Clary has one account.")
        if one.node is not None and _searches(one.node):
            raise ValidationError(f"Error in expression '{one.id}': SEARCH cannot be used in an alarm.")
    periods = {one.period for one in read if one.period is not None}
    if len(periods) > 1:
        raise ValidationError(f"All of the Metrics must be of one Period; these are of {sorted(periods)}.")
    period = int(periods.pop() or 0)
    _check_period(period, "Metrics.member.1.MetricStat.Period")
    return period


def try_out(ctx: Context, req: Doc) -> None:
    """The expression of the request can be computed, and makes one time series. Reads the metrics: in a thread. Raises
    ValidationError."""
    read = queries.read(ctx.account, ctx.region, req["Metrics"])
    now = ctx.clock.now()
    period = next(one.period or 60 for one in read if one.metric is not None)
    start = (now // 60) * 60 - 3 * period
    found = queries.Evaluation(
        ctx.port(MetricStore), ctx.account, ctx.region, read, start, start + 2 * period, now, aligned=True
    )
    [returned] = [one for one in read if one.returned]
    many = len(found.result(returned))
    if many != 1:
        raise ValidationError(
            f"Error in expression '{returned.id}': The expression of an alarm must make one time series, not {many}."
        )


def _searches(node: Node) -> bool:
    waiting = [node]
    while waiting:
        match waiting.pop():
            case Call(function, arguments):
                if function == "SEARCH":
                    return True
                waiting += arguments
            case Array(items):
                waiting += items
            case Negative(operand):
                waiting.append(operand)
            case Binary(_, left, right):
                waiting += (left, right)
    return False


def _check_threshold(req: Doc) -> None:
    for member in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if member not in req:
            raise MissingRequiredParameterException(f"The parameter {member} is required.")
    if req["ComparisonOperator"] not in BREACHES:
        raise ValidationError(f"The value {req['ComparisonOperator']!r} for parameter ComparisonOperator is invalid.")
    if not math.isfinite(req["Threshold"]):
        raise ValidationError(f"The value {req['Threshold']} for parameter Threshold is invalid: it must be a number.")


def _check_periods(req: Doc, period: int) -> None:
    needed, breaching = req["EvaluationPeriods"], req.get("DatapointsToAlarm", req["EvaluationPeriods"])
    if breaching > needed:
        raise ValidationError(
            f"DatapointsToAlarm ({breaching}) must be less than or equal to EvaluationPeriods ({needed})."
        )
    span = needed * period
    if span > 7 * spans.DAY:
        raise ValidationError(
            f"Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= "
            f"{7 * spans.DAY}): {needed} * {period} is {span}."
        )
    if period < spans.HOUR and span > spans.DAY:
        raise ValidationError(
            f"Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= {spans.DAY}) "
            f"unless Period is an hour or more: {needed} * {period} is {span}."
        )


def _percentile(req: Doc) -> bool:
    stat = str(req.get("ExtendedStatistic", ""))
    return stat[:1] in ("p", "P") and stat[:2].lower() != "pr"
