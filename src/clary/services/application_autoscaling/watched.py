"""What the alarms of a policy say now, and what the policy makes of it.

Nothing is remembered of an alarm's call: a look asks which alarms are in a state that has the policy as an action, and
what their metric is. So a call that is heard twice, or late, or by a successor, comes to the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.application_autoscaling import alarms, decide, policies
from clary.services.application_autoscaling.decide import Proposal
from clary.services.application_autoscaling.policy_checks import TRACKING

_ACTIONS: Final = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_ABOVE: Final = ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")


@dataclass(frozen=True, slots=True)
class Base:
    """What policies count from."""

    current: int
    before: int
    """The capacity before a scale-out, while that cools down (and before those that followed it meanwhile): what it
    added counts as part of the next."""
    earlier: int
    """The capacity before the last activity."""
    ended: float
    """When the last activity ended: what was measured before that was measured at the earlier capacity."""


async def proposals(ctx: Context, policy: Resource, base: Base) -> list[Proposal | None]:
    """What the policy wants, for each of its alarms that calls; None: nothing yet, for its metric does not say."""
    if policy.spec["PolicyType"] == TRACKING:
        return await _tracking(ctx, policy, base)
    return await _steps(ctx, policy, base)


def shrinks(policy: Resource) -> bool:
    """It tracks a target, and scales in."""
    config: Doc = policy.spec.get("TargetTrackingScalingPolicyConfiguration", {})
    return policy.spec["PolicyType"] == TRACKING and not config.get("DisableScaleIn")


async def _tracking(ctx: Context, policy: Resource, base: Base) -> list[Proposal | None]:
    config: Doc = policy.spec["TargetTrackingScalingPolicyConfiguration"]
    metric = alarms.tracked(policy.spec)
    names = [policy.status["_high"], policy.status["_low"]]
    said = await ctx.call("cloudwatch", "DescribeAlarms", {"AlarmNames": names})
    found: list[Proposal | None] = []
    for alarm in said["MetricAlarms"]:
        if alarm["StateValue"] != "ALARM" or not alarm["ActionsEnabled"]:
            continue
        inward = alarm["AlarmName"] == policy.status["_low"]
        points = await _points(ctx, alarm)
        fresh = [value for at, value in points if at >= base.ended]
        if not points or (inward and not fresh):
            # It was set by hand, and there is nothing to be in proportion to; or it tells of another capacity.
            found.append(None)
            continue
        target = metric.threshold(float(config["TargetValue"]), alarms_period(alarm))
        # Out of caution the highest value counts, both ways.
        if fresh:
            value, counted = max(fresh), base.current if inward else base.before
        else:
            value, counted = max(one for _, one in points), base.earlier
        wanted = decide.proportional(counted, value, target)
        cooldown = float(config.get("ScaleInCooldown" if inward else "ScaleOutCooldown", decide.COOLDOWN))
        found.append(Proposal(policy.arn, True, _cause(alarm, policy), wanted, inward, cooldown))
    return found


async def _steps(ctx: Context, policy: Resource, base: Base) -> list[Proposal | None]:
    config: Doc = policy.spec["StepScalingPolicyConfiguration"]
    found: list[Proposal | None] = []
    for alarm in await policies.alarms_of(ctx, policy):
        if not alarm["ActionsEnabled"] or policy.arn not in alarm[_ACTIONS[alarm["StateValue"]]]:
            continue
        points = await _points(ctx, alarm)
        value = decide.aggregated([one for _, one in points], config.get("MetricAggregationType", "Average"))
        above = alarm["ComparisonOperator"] in _ABOVE
        change = decide.step_of(config, value, alarm["Threshold"], above)
        if change is None:
            found.append(None)
            continue
        counted = base.before if change > 0 and config["AdjustmentType"] != "ExactCapacity" else base.current
        wanted = decide.adjusted(config, counted, change)
        inward = wanted < base.current if config["AdjustmentType"] == "ExactCapacity" else change < 0
        cooldown = float(config.get("Cooldown", decide.COOLDOWN))
        found.append(Proposal(policy.arn, False, _cause(alarm, policy), wanted, inward, cooldown))
    return found


def _cause(alarm: Doc, policy: Resource) -> str:
    """In AWS's words."""
    name, state = alarm["AlarmName"], alarm["StateValue"]
    return f"monitor alarm {name} in state {state} triggered policy {policy.spec['PolicyName']}"


def alarms_period(alarm: Doc) -> int:
    """Seconds."""
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    return next(int(one["MetricStat"]["Period"]) for one in alarm["Metrics"] if "MetricStat" in one)


async def _points(ctx: Context, alarm: Doc) -> Sequence[tuple[float, float]]:
    """(time, value) of the alarm's metric in the window that it looks at, as far as there is data."""
    period, now = alarms_period(alarm), ctx.clock.now()
    end = math.floor((now - 1.0) / period) * period
    start = end - int(alarm["EvaluationPeriods"]) * period
    queries = alarm.get("Metrics") or [{"Id": "m", "MetricStat": _stat(alarm)}]
    [returned] = [one["Id"] for one in queries if one.get("ReturnData", True)]
    asked = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end, "ScanBy": "TimestampAscending"}
    said = await ctx.call("cloudwatch", "GetMetricData", asked)
    for one in said["MetricDataResults"]:
        if one["Id"] == returned:
            return list(zip(one["Timestamps"], one["Values"], strict=True))
    return []


def _stat(alarm: Doc) -> Doc:
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions") if alarm.get(name)}
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"]}
    return {**stat, "Unit": alarm["Unit"]} if "Unit" in alarm else stat
