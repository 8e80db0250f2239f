"""What PutScalingPolicy takes: each refusal says what to do."""

import math
from itertools import pairwise
from typing import Final

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.kernel.resource import Doc
from clary.services.application_autoscaling.alarms import predefined

STEP: Final = "StepScaling"
TRACKING: Final = "TargetTrackingScaling"
CONFIGS: Final = {
    STEP: "StepScalingPolicyConfiguration",
    TRACKING: "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScaling": "PredictiveScalingPolicyConfiguration",
}
_MOST_STEPS: Final = 20
_OF_ONE: Final = ("MetricName", "Namespace", "Statistic")


def type_of(req: Doc) -> str:
    """The type of the policy that the request makes. Raises ValidationException, NotImplementedHere."""
    given = [name for name, member in CONFIGS.items() if member in req]
    type_ = req.get("PolicyType") or (given[0] if given else STEP)
    if type_ == "PredictiveScaling":
        raise NotImplementedHere("Predictive scaling is not served by Clary: use target tracking or step scaling.")
    if given != [type_]:
        raise ValidationException(f"A policy of the type {type_} needs {CONFIGS[type_]}, and no other configuration")
    return str(type_)


def check(spec: Doc) -> None:
    """Raises ValidationException, NotImplementedHere."""
    if spec["PolicyType"] == STEP:
        _check_step(spec["StepScalingPolicyConfiguration"])
    else:
        _check_tracking(spec["TargetTrackingScalingPolicyConfiguration"], spec["ScalableDimension"])


def _require(true: bool, message: str) -> None:
    if not true:
        raise ValidationException(message)


def _check_tracking(config: Doc, dimension: str) -> None:
    both = [one for one in ("PredefinedMetricSpecification", "CustomizedMetricSpecification") if one in config]
    _require(
        len(both) == 1,
        "You must specify either a PredefinedMetricSpecification or a CustomizedMetricSpecification, and not both",
    )
    target = config["TargetValue"]
    _require(0 < target <= 2.0**360 and math.isfinite(target), f"TargetValue must be greater than 0, not {target}")
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        _require(config.get(member, 0) >= 0, f"{member} must not be negative")
    if "PredefinedMetricSpecification" in config:
        given = config["PredefinedMetricSpecification"]
        predefined(given["PredefinedMetricType"], dimension)
        _require("ResourceLabel" not in given, "ResourceLabel does not go with this metric type: leave it out")
        return
    custom: Doc = config["CustomizedMetricSpecification"]
    if "Metrics" in custom:
        others = [one for one in (*_OF_ONE, "Dimensions", "Unit") if one in custom]
        _require(not others, f"Metrics does not go with {', '.join(others)}: these stand within Metrics")
        return
    missing = [one for one in _OF_ONE if one not in custom]
    _require(not missing, f"CustomizedMetricSpecification needs {', '.join(missing)}, or Metrics")


def _check_step(config: Doc) -> None:
    kind, steps = config.get("AdjustmentType"), config.get("StepAdjustments")
    _require(kind is not None, "AdjustmentType is required in StepScalingPolicyConfiguration")
    _require(bool(steps), "At least one StepAdjustment is required in StepScalingPolicyConfiguration")
    assert steps is not None
    _require(len(steps) <= _MOST_STEPS, f"There may be {_MOST_STEPS} StepAdjustments at most, not {len(steps)}")
    _require(config.get("Cooldown", 0) >= 0, "Cooldown must not be negative")
    if "MinAdjustmentMagnitude" in config:
        _require(
            kind == "PercentChangeInCapacity",
            "MinAdjustmentMagnitude goes with PercentChangeInCapacity only: leave it out",
        )
        _require(config["MinAdjustmentMagnitude"] > 0, "MinAdjustmentMagnitude must be greater than 0")
    if kind == "ExactCapacity":
        _require(
            all(one["ScalingAdjustment"] >= 0 for one in steps),
            "ScalingAdjustment of ExactCapacity must not be negative",
        )
    _check_bounds(steps)


def _check_bounds(steps: list[Doc]) -> None:
    spans = sorted(
        (one.get("MetricIntervalLowerBound", -math.inf), one.get("MetricIntervalUpperBound", math.inf)) for one in steps
    )
    for lower, upper in spans:
        _require(
            lower < upper, f"The upper bound of a StepAdjustment ({upper}) must be greater than its lower ({lower})"
        )
    for (_, end), (start, _) in pairwise(spans):
        _require(end <= start, f"StepAdjustment intervals can't overlap: one ends at {end}, the next begins at {start}")
        _require(end == start, f"StepAdjustment intervals can't have a gap: from {end} to {start} there is none")
    if spans[0][0] > 0:
        raise ValidationException("One StepAdjustment must begin at the alarm's threshold: a lower bound of 0 or less")
    if spans[-1][1] < 0:
        raise ValidationException("One StepAdjustment must end at the alarm's threshold: an upper bound of 0 or more")
