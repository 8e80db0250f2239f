"""What scaling refuses, and how, through boto3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.autoscaling_house import NAMED, RESOURCE, ScalingHouse, scaling_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

POLICY_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{'0' * 8}-0000-0000-0000-{'0' * 12}"
NAMESPACE = {"ServiceNamespace": "sagemaker"}
INVOCATIONS = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScalingHouse]:
    with scaling_house(tmp_path, monkeypatch) as made:
        yield made


def targets(house: ScalingHouse) -> list[Any]:
    return list(house.aas.describe_scalable_targets(**NAMESPACE)["ScalableTargets"])


@pytest.mark.parametrize(
    ("type_", "config", "code", "words"),
    [
        (
            "TargetTrackingScaling",
            {"TargetValue": 1.0},
            "ValidationException",
            "either a PredefinedMetricSpecification",
        ),
        (
            "TargetTrackingScaling",
            {"TargetValue": 0.0, "PredefinedMetricSpecification": INVOCATIONS},
            "ValidationException",
            "greater than 0",
        ),
        (
            "TargetTrackingScaling",
            {
                "TargetValue": 1.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            },
            "ValidationException",
            "is not supported for the scalable dimension",
        ),
        (
            "TargetTrackingScaling",
            {
                "TargetValue": 1.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"
                },
            },
            "NotImplemented",
            "inference components",
        ),
        (
            "TargetTrackingScaling",
            {"TargetValue": 1.0, "CustomizedMetricSpecification": {"MetricName": "m"}},
            "ValidationException",
            "needs Namespace, Statistic",
        ),
        (
            "TargetTrackingScaling",
            {
                "TargetValue": 1.0,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "e", "Expression": "m +", "ReturnData": True}]},
            },
            "ValidationException",
            "makes no alarm",
        ),
        ("StepScaling", {"StepAdjustments": [{"ScalingAdjustment": 1}]}, "ValidationException", "AdjustmentType"),
        ("StepScaling", {"AdjustmentType": "ChangeInCapacity"}, "ValidationException", "At least one StepAdjustment"),
        (
            "StepScaling",
            {
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [
                    {"ScalingAdjustment": 1, "MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0},
                    {"ScalingAdjustment": 2, "MetricIntervalLowerBound": 15.0},
                ],
            },
            "ValidationException",
            "can't have a gap",
        ),
        (
            "StepScaling",
            {
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [
                    {"ScalingAdjustment": 1, "MetricIntervalLowerBound": 0.0},
                    {"ScalingAdjustment": 2, "MetricIntervalLowerBound": 15.0},
                ],
            },
            "ValidationException",
            "can't overlap",
        ),
        (
            "StepScaling",
            {
                "AdjustmentType": "ChangeInCapacity",
                "MinAdjustmentMagnitude": 2,
                "StepAdjustments": [{"ScalingAdjustment": 1}],
            },
            "ValidationException",
            "MinAdjustmentMagnitude",
        ),
        ("PredictiveScaling", {}, "NotImplemented", "Predictive scaling"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(
    house: ScalingHouse, type_: str, config: dict[str, Any], code: str, words: str
) -> None:
    house.register()
    member = f"{type_}PolicyConfiguration"
    given = {member: config} if config else {}
    with refused(code, words):
        house.aas.put_scaling_policy(**NAMED, PolicyName="p", PolicyType=type_, **given)
    assert house.aas.describe_scaling_policies(**NAMESPACE)["ScalingPolicies"] == [] and house.alarms() == []


def test_a_change_that_is_refused_leaves_the_policy_as_it_was(house: ScalingHouse) -> None:
    house.register()
    house.track()
    with refused("ValidationException", "makes no alarm"):
        house.track(CustomizedMetricSpecification={"Metrics": [{"Id": "e", "Expression": "m +", "ReturnData": True}]})
    house.settle()
    [one] = house.aas.describe_scaling_policies(**NAMESPACE)["ScalingPolicies"]
    known = one["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
    assert known == INVOCATIONS and len(house.alarms()) == 2
    with refused("ValidationException", "cannot be changed"):
        house.step((0, None, 1), name="p")


def test_what_is_not_there_or_not_scaled_here_is_refused(house: ScalingHouse) -> None:
    bounds = {"MinCapacity": 1, "MaxCapacity": 2}
    aas = house.aas
    with refused("ValidationException", 'Could not find endpoint "arn:aws:sagemaker'):
        aas.register_scalable_target(**{**NAMED, "ResourceId": "endpoint/none/variant/v"}, **bounds)
    with refused("ValidationException", 'Could not find variant "w"'):
        aas.register_scalable_target(**{**NAMED, "ResourceId": "endpoint/e/variant/w"}, **bounds)
    with refused("ValidationException", "Unsupported resource ID"):
        aas.register_scalable_target(**{**NAMED, "ResourceId": "service/e"}, **bounds)
    with refused("NotImplemented", "'ecs'"):
        aas.register_scalable_target(**{**NAMED, "ServiceNamespace": "ecs"}, **bounds)
    with refused("NotImplemented", "DesiredCopyCount"):
        dimension = "sagemaker:inference-component:DesiredCopyCount"
        aas.register_scalable_target(**{**NAMED, "ScalableDimension": dimension}, **bounds)
    with refused("ValidationException", "is not serverless"):
        dimension = "sagemaker:variant:DesiredProvisionedConcurrency"
        aas.register_scalable_target(**{**NAMED, "ScalableDimension": dimension}, **bounds)
    with refused("ValidationException", "MaxCapacity is required"):
        aas.register_scalable_target(**NAMED, MinCapacity=1)
    with refused("ValidationException", "cannot be less than minimum"):
        aas.register_scalable_target(**NAMED, MinCapacity=3, MaxCapacity=2)
    with refused("ValidationException", "only asynchronous endpoints"):
        aas.register_scalable_target(**NAMED, MinCapacity=0, MaxCapacity=2)
    with refused("ObjectNotFoundException", "No scalable target registered for service namespace: sagemaker"):
        house.track()
    house.register()
    with refused("ObjectNotFoundException", "No scaling policy found", "policy name: p"):
        aas.delete_scaling_policy(**NAMED, PolicyName="p")
    with refused("ObjectNotFoundException", "No scheduled action found"):
        aas.delete_scheduled_action(**NAMED, ScheduledActionName="p")
    with refused("ResourceNotFoundException"):
        aas.list_tags_for_resource(ResourceARN=targets(house)[0]["ScalableTargetARN"] + "x")


def test_composite_alarms_call_no_policies(house: ScalingHouse) -> None:
    arn = f"{POLICY_ARN}:resource/sagemaker/{RESOURCE}:policyName/p"
    with refused("ValidationError", "composite alarms cannot have scaling policies"):
        house.cw.put_composite_alarm(AlarmName="c", AlarmRule="TRUE", AlarmActions=[arn])
