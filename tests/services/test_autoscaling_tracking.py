"""Target tracking: alarms, proportion, cooldowns, bounds, activities."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.autoscaling_house import NAMED, RESOURCE, ScalingHouse, scaling_house
from tests.inprocess import ACCOUNT, REGION


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScalingHouse]:
    with scaling_house(tmp_path, monkeypatch) as made:
        yield made


def test_a_policy_makes_the_alarms_of_aws(house: ScalingHouse) -> None:
    house.register()
    made = house.track()
    start = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:"
    assert made["PolicyARN"].startswith(start)
    assert made["PolicyARN"].endswith(f":resource/sagemaker/{RESOURCE}:policyName/p")
    high, low = house.alarms()
    assert [one["AlarmName"] for one in made["Alarms"]] == [high["AlarmName"], low["AlarmName"]]
    assert high["AlarmName"].startswith(f"TargetTracking-{RESOURCE}-AlarmHigh-")
    assert low["AlarmName"].startswith(f"TargetTracking-{RESOURCE}-AlarmLow-")
    for one, comparison, threshold, points in (
        (high, "GreaterThanThreshold", 200.0, 3),
        (low, "LessThanThreshold", 180.0, 15),
    ):
        assert (one["ComparisonOperator"], one["Threshold"], one["EvaluationPeriods"]) == (
            comparison,
            threshold,
            points,
        )
        assert (one["Period"], one["Statistic"], one["Namespace"]) == (60, "Sum", "AWS/SageMaker")
        assert one["MetricName"] == "InvocationsPerInstance" and one["AlarmActions"] == [made["PolicyARN"]]
        assert {"Name": "EndpointName", "Value": "e"} in one["Dimensions"]
        assert one["AlarmDescription"] == (
            f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {made['PolicyARN']}."
        )
    [shown] = house.aas.describe_scaling_policies(**NAMED)["ScalingPolicies"]
    assert shown["PolicyARN"] == made["PolicyARN"] and shown["Alarms"] == made["Alarms"]
    assert shown["PolicyType"] == "TargetTrackingScaling"
    assert shown["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 200.0


def test_load_scales_out_in_proportion_and_idleness_scales_in(house: ScalingHouse) -> None:
    house.register(1, 10)
    house.track()
    house.endpoints.seconds = 30.0
    house.load(590, 300)
    assert house.count() == 3 and house.changes == [3]
    [done] = house.activities()
    high = house.alarms()[0]["AlarmName"]
    assert done["Cause"] == f"monitor alarm {high} in state ALARM triggered policy p"
    assert done["Description"] == "Setting desired instance count to 3."
    assert done["StatusCode"] == "Successful"
    assert done["StatusMessage"] == (
        "Successfully set desired instance count to 3. Change successfully fulfilled by sagemaker."
    )
    assert (done["EndTime"] - done["StartTime"]).total_seconds() >= 30
    assert done["ResourceId"] == RESOURCE and done["ServiceNamespace"] == "sagemaker"
    house.load(590, 600)
    assert house.changes == [3]  # 197 an instance: on the target
    house.load(0, 1080)
    assert house.changes == [3, 1] and house.count() == 1
    assert "AlarmLow" in house.activities()[-1]["Cause"]
    assert house.alarms()[1]["StateValue"] == "ALARM"  # it stays so, at the minimum, and nothing is done
    house.load(0, 300)
    assert house.changes == [3, 1]


def test_growing_load_is_followed_and_the_maximum_holds(house: ScalingHouse) -> None:
    house.register(1, 4)
    house.track()
    house.load(500, 240)
    assert house.changes == [3]
    house.load(3000, 480)
    assert house.changes == [3, 4] and house.count() == 4
    last = house.activities(all_=True)[-1]
    assert last["Description"] == "Attempting to scale due to alarm triggered" and last["StatusCode"] == "Failed"
    assert last["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 4, "CurrentCapacity": 4}]
    house.load(3000, 300)
    assert house.activities(all_=True)[-1] == last  # told once, not once a minute
    assert "NotScaledReasons" not in house.activities()[-1]
    house.register(1, 20)
    house.load(3000, 120)
    assert house.count() > 4


def test_a_scale_out_cools_down_but_for_a_larger_one(house: ScalingHouse) -> None:
    house.register(1, 20)
    house.track(ScaleOutCooldown=300)
    house.load(390, 240)
    assert house.changes == [2]
    house.load(700, 200)  # 350 of 2 instances; from the 1 that was before it comes to 2: no larger scale-out
    assert house.changes == [2]
    house.load(700, 240)  # the cooldown is over: 350 of 2 come to 4
    assert house.changes == [2, 4]
    house.load(8000, 240)  # while that cools down: 2000 an instance, of the 2 that were before
    assert house.changes == [2, 4, 20]


def test_a_scale_in_cools_down_and_a_scale_out_does_not_wait_for_it(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=8, CurrentInstanceCount=8)
    house.register(1, 10)
    house.track(ScaleInCooldown=1200)
    house.load(800, 1000)
    assert house.changes == [4]
    house.load(100, 900)
    assert house.changes == [4]
    house.load(1300, 240)
    assert house.changes == [4, 7]
    house.load(0, 1500)
    assert house.changes[-1] == 1


def test_what_is_below_the_target_by_less_than_an_instance_is_no_scale_in(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=2, CurrentInstanceCount=2)
    house.register(1, 10)
    house.track()
    house.load(320, 1000)
    assert house.changes == []
    last = house.activities(all_=True)[-1]
    assert last["NotScaledReasons"] == [{"Code": "AutoScalingAnticipatedFlapping", "CurrentCapacity": 2}]


def test_without_scale_in_there_is_one_alarm(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=3, CurrentInstanceCount=3)
    house.register(1, 10)
    house.track()
    house.track(DisableScaleIn=True)
    assert len(house.alarms()) == 1
    house.load(0, 1200)
    assert house.changes == []
    house.track()
    assert len(house.alarms()) == 2
    house.load(0, 120)
    assert house.changes == [1]


def test_of_several_policies_the_one_that_wants_most_counts(house: ScalingHouse) -> None:
    house.register(1, 10)
    house.track(200.0)
    house.track(100.0, name="q")
    house.load(390, 300)
    assert house.changes == [4]
    assert house.activities()[-1]["Cause"].endswith("triggered policy q")
    house.load(290, 1000)
    assert house.changes == [4, 3]  # both are ready to scale in: 2 and 3


def test_scale_in_waits_until_all_policies_are_ready(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=4, CurrentInstanceCount=4)
    house.register(1, 10)
    house.track(400.0)
    house.track(100.0, name="q")
    house.load(390, 1200)
    assert house.changes == []


def test_suspended_scaling_does_nothing_until_it_goes_on(house: ScalingHouse) -> None:
    house.register(1, 10, SuspendedState={"DynamicScalingOutSuspended": True})
    house.track()
    house.load(790, 300)
    assert house.changes == []
    house.register(1, 10, SuspendedState={"DynamicScalingOutSuspended": False, "DynamicScalingInSuspended": True})
    assert house.changes == [4]
    house.load(0, 1200)
    assert house.changes == [4]
    [target] = house.aas.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert target["SuspendedState"]["DynamicScalingInSuspended"] is True
    house.aas.register_scalable_target(**NAMED, SuspendedState={"DynamicScalingInSuspended": False})
    house.settle()
    assert house.changes == [4, 1]


def test_an_alarm_set_by_hand_moves_nothing(house: ScalingHouse) -> None:
    house.register()
    house.track()
    house.set(house.alarms()[0]["AlarmName"], "ALARM")
    assert house.changes == []


def test_a_metric_of_ones_own(house: ScalingHouse) -> None:
    house.register(1, 10)
    own = {"MetricName": "depth", "Namespace": "N", "Statistic": "Average"}
    house.track(10.0, CustomizedMetricSpecification=own)
    for _ in range(4):
        house.put(35.0, name="depth")
        house.advance(60)
    assert house.changes == [4]


def test_metric_math(house: ScalingHouse) -> None:
    house.register(1, 10)
    house.track(
        10.0,
        CustomizedMetricSpecification={
            "Metrics": [
                {
                    "Id": "m1",
                    "MetricStat": {"Metric": {"MetricName": "depth", "Namespace": "N"}, "Stat": "Sum"},
                    "ReturnData": False,
                },
                {"Id": "e1", "Expression": "m1 / 2", "ReturnData": True},
            ]
        },
    )
    high = house.alarms()[0]
    assert "MetricName" not in high and len(high["Metrics"]) == 2
    for _ in range(4):
        house.put(50.0, name="depth")
        house.advance(60)
    assert house.changes == [3]


def test_the_concurrency_of_serverless_variants(house: ScalingHouse) -> None:
    row = house.wire.store.get(ACCOUNT, REGION, "endpoint", "e")
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 20, "ProvisionedConcurrency": 2}
    house.wire.store.update(row, variant={"CurrentServerlessConfig": config})
    dimension = "sagemaker:variant:DesiredProvisionedConcurrency"
    house.register(1, 10, ScalableDimension=dimension)
    known = {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"}
    house.aas.put_scaling_policy(
        **{**NAMED, "ScalableDimension": dimension},
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 0.5, "PredefinedMetricSpecification": known},
    )
    high = house.alarms()[0]
    assert (high["MetricName"], high["Statistic"]) == ("ServerlessProvisionedConcurrencyUtilization", "Maximum")
    house.register(5, 10, ScalableDimension=dimension)
    assert house.changes == [5]
    assert house.activities()[-1]["Description"] == "Setting provisioned concurrency to 5."


def test_metrics_of_high_resolution_are_looked_at_every_ten_seconds(house: ScalingHouse) -> None:
    house.register()
    known = {"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"}
    house.track(5.0, PredefinedMetricSpecification=known)
    high, low = house.alarms()
    assert (high["Period"], high["EvaluationPeriods"]) == (10, 3)
    assert (low["Period"], low["EvaluationPeriods"]) == (10, 90)
    assert high["MetricName"] == "ConcurrentRequestsPerModel" and low["Threshold"] == 4.5


def test_an_alarm_that_called_while_the_endpoint_was_changed_is_heard_afterwards(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=3, CurrentInstanceCount=3)
    house.register(1, 10)
    house.track()
    house.load(450, 600)
    house.endpoints.seconds = None
    house.register(4, 10)  # under way for long
    house.register(1, 10)
    house.load(10, 900)
    assert house.alarms()[1]["StateValue"] == "ALARM" and house.changes == [4]
    house.endpoints.seconds = 0.0
    house.change("InService", CurrentInstanceCount=4)
    house.load(10, 1000)
    assert house.changes[-1] == 1
