"""The alarms of a target tracking policy: real ones of CloudWatch, with the policy as their action."""

from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import NotImplementedHere, ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.application_autoscaling.api import INSTANCES, PROVISIONED, variant_of
from clary.services.application_autoscaling.pace import MINUTE, Pace, Window

LOW_SHARE: Final = 0.9
"""Below this share of the target there is too much capacity."""
_SUMS: Final = ("Sum", "SampleCount")


@dataclass(frozen=True, slots=True)
class Predefined:
    """A metric that policies call by one word."""

    dimension: str
    metric: str
    statistic: str
    period: int = MINUTE
    """Seconds, at speed 1."""


PREDEFINED: Final = {
    "SageMakerVariantInvocationsPerInstance": Predefined(INSTANCES, "InvocationsPerInstance", "Sum"),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": Predefined(
        INSTANCES, "ConcurrentRequestsPerModel", "Average", 10
    ),
    "SageMakerVariantProvisionedConcurrencyUtilization": Predefined(
        PROVISIONED, "ServerlessProvisionedConcurrencyUtilization", "Maximum"
    ),
}


def predefined(type_: str, dimension: str) -> Predefined:
    """Raises ValidationException, NotImplementedHere."""
    found = PREDEFINED.get(type_)
    if found is None and type_.startswith("SageMakerInferenceComponent"):
        raise NotImplementedHere(f"The metric type {type_} is not served by Clary: there are no inference components.")
    if found is None or found.dimension != dimension:
        usable = ", ".join(name for name, one in PREDEFINED.items() if one.dimension == dimension)
        raise ValidationException(
            f"Metric type {type_} is not supported for the scalable dimension {dimension}: use {usable}"
        )
    return found


@dataclass(frozen=True, slots=True)
class Tracked:
    """The metric of a target tracking policy, in the form of PutMetricAlarm but for period and threshold."""

    members: Doc
    period: int
    """Seconds, at speed 1."""
    summed: bool
    """Its values grow with the period: of a shorter period less is expected."""

    def at(self, period: int) -> Doc:
        """With this period."""
        if "Metrics" not in self.members:
            return {**self.members, "Period": period}
        queries = [
            {**one, "MetricStat": {**one["MetricStat"], "Period": period}} if "MetricStat" in one else one
            for one in self.members["Metrics"]
        ]
        return {"Metrics": queries}

    def threshold(self, target: float, period: int) -> float:
        """What the target (for a whole period of AWS) is for that period."""
        return target * period / self.period if self.summed else target


def tracked(spec: Doc) -> Tracked:
    """The metric of the policy. Raises ValidationException, NotImplementedHere."""
    config: Doc = spec["TargetTrackingScalingPolicyConfiguration"]
    known = config.get("PredefinedMetricSpecification")
    if known is None:
        return _customized(config["CustomizedMetricSpecification"])
    one = predefined(known["PredefinedMetricType"], spec["ScalableDimension"])
    endpoint, variant = variant_of(spec["ResourceId"])
    named = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    members = {"Namespace": "AWS/SageMaker", "MetricName": one.metric, "Dimensions": named, "Statistic": one.statistic}
    return Tracked(members, one.period, one.statistic in _SUMS)


def _customized(given: Doc) -> Tracked:
    if "Metrics" not in given:
        members: Doc = {
            name: given[name] for name in ("Namespace", "MetricName", "Dimensions", "Unit") if name in given
        }
        return Tracked({**members, "Statistic": given["Statistic"]}, MINUTE, given["Statistic"] in _SUMS)
    queries: list[Doc] = []
    for one in given["Metrics"]:
        query: Doc = {name: one[name] for name in ("Id", "Expression", "Label", "ReturnData") if name in one}
        if "MetricStat" in one:
            query["MetricStat"] = {name: one["MetricStat"][name] for name in ("Metric", "Stat", "Unit")
                                   if name in one["MetricStat"]}  # fmt: skip
        queries.append(query)
    # What an expression makes of shorter periods is its own affair: its target stays.
    single = len(queries) == 1 and "MetricStat" in queries[0]
    return Tracked({"Metrics": queries}, MINUTE, single and queries[0]["MetricStat"]["Stat"] in _SUMS)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two alarms of a policy."""

    name: str
    window: Window
    threshold: float


def high(policy: Resource, pace: Pace) -> Side:
    """Its alarm that there is too little capacity."""
    metric = tracked(policy.spec)
    window = pace.scale_out(metric.period)
    return Side(policy.status["_high"], window, metric.threshold(_target(policy), window.period))


def low(policy: Resource, pace: Pace) -> Side | None:
    """Its alarm that there is too much; None: it never scales in."""
    if policy.spec["TargetTrackingScalingPolicyConfiguration"].get("DisableScaleIn"):
        return None
    metric = tracked(policy.spec)
    window = pace.scale_in(metric.period)
    return Side(policy.status["_low"], window, LOW_SHARE * metric.threshold(_target(policy), window.period))


def _target(policy: Resource) -> float:
    return float(policy.spec["TargetTrackingScalingPolicyConfiguration"]["TargetValue"])


async def put(ctx: Context, policy: Resource, pace: Pace) -> list[Doc]:
    """Both alarms are there, as the policy and the pace want them; what DescribeScalingPolicies shows of them. May be
    repeated. Raises ServiceError in the words of CloudWatch."""
    metric, shown = tracked(policy.spec), []
    sides: tuple[tuple[Side | None, str], ...] = (
        (high(policy, pace), "GreaterThanThreshold"),
        (low(policy, pace), "LessThanThreshold"),
    )
    for side, comparison in sides:
        if side is None:
            await ctx.call("cloudwatch", "DeleteAlarms", {"AlarmNames": [policy.status["_low"]]})
            continue
        params: dict[str, Any] = {
            "AlarmName": side.name,
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}.",
            "ActionsEnabled": True,
            "AlarmActions": [policy.arn],
            "EvaluationPeriods": side.window.points,
            "Threshold": side.threshold,
            "ComparisonOperator": comparison,
            **metric.at(side.window.period),
        }
        await ctx.call("cloudwatch", "PutMetricAlarm", params)
        shown.append({"AlarmName": side.name, "AlarmARN": ctx.arn("cloudwatch", f"alarm:{side.name}")})
    return shown


async def remove(ctx: Context, policy: Resource) -> None:
    """The alarms that the policy made are gone. One that a composite alarm looks at stays, and says so in the answer:
    raises ValidationException."""
    if "_high" not in policy.status:
        return
    try:
        await ctx.call("cloudwatch", "DeleteAlarms", {"AlarmNames": [policy.status["_high"], policy.status["_low"]]})
    except ServiceError as error:
        if error.error_code != "ValidationError":
            raise
        raise ValidationException(
            f"The alarms of the policy {policy.spec['PolicyName']!r} stay: {error.message}"
        ) from None
