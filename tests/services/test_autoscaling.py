"""Scalable targets, step scaling, tags, lists and the pace of it all, through boto3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import Principal
from clary.services.application_autoscaling import activities, at_speed
from clary.services.application_autoscaling.pace import Pace
from tests.autoscaling_house import NAMED, RESOURCE, ScalingHouse, scaling_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

POLICY_ARN = f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:{'0' * 8}-0000-0000-0000-{'0' * 12}"
NAMESPACE = {"ServiceNamespace": "sagemaker"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScalingHouse]:
    with scaling_house(tmp_path, monkeypatch) as made:
        yield made


def targets(house: ScalingHouse) -> list[Any]:
    return list(house.aas.describe_scalable_targets(**NAMESPACE)["ScalableTargets"])


def test_a_target_is_registered_changed_and_deregistered(house: ScalingHouse) -> None:
    arn = house.register(1, 4, Tags={"team": "ml"})
    assert arn.startswith(f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/")
    [one] = targets(house)
    assert (one["ScalableTargetARN"], one["MinCapacity"], one["MaxCapacity"]) == (arn, 1, 4)
    assert one["RoleARN"] == (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    )
    assert one["SuspendedState"] == dict.fromkeys(
        ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
    )
    assert house.aas.register_scalable_target(**NAMED, MaxCapacity=6)["ScalableTargetARN"] == arn
    [one] = targets(house)
    assert (one["MinCapacity"], one["MaxCapacity"]) == (1, 6)
    assert house.aas.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "ml"}
    house.aas.tag_resource(ResourceARN=arn, Tags={"stage": "prod"})
    house.aas.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert house.aas.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"stage": "prod"}
    house.track()
    house.aas.put_scheduled_action(
        **NAMED, ScheduledActionName="a", Schedule="rate(1 hour)", ScalableTargetAction={"MinCapacity": 2}
    )
    house.aas.deregister_scalable_target(**NAMED)
    assert targets(house) == [] and house.alarms() == []
    assert house.aas.describe_scaling_policies(**NAMESPACE)["ScalingPolicies"] == []
    assert house.aas.describe_scheduled_actions(**NAMESPACE)["ScheduledActions"] == []
    with refused("ObjectNotFoundException", "No scalable target found for service namespace: sagemaker"):
        house.aas.deregister_scalable_target(**NAMED)


def test_bounds_are_brought_about_at_once(house: ScalingHouse) -> None:
    house.endpoints.seconds = 20.0
    house.register(3, 5)
    [one] = house.activities()
    assert one["StatusCode"] == "InProgress" and "EndTime" not in one
    assert one["StatusMessage"].endswith("Waiting for change to be fulfilled by sagemaker.")
    house.advance(30)
    [one] = house.activities()
    assert (one["Cause"], one["StatusCode"]) == ("minimum capacity was set to 3", "Successful")
    house.register(1, 2)
    house.advance(30)
    assert house.activities()[-1]["Cause"] == "maximum capacity was set to 2"
    assert house.changes == [3, 2]
    house.register(1, 9)
    house.advance(600)
    assert house.changes == [3, 2]


def test_an_endpoint_that_is_not_in_service_yet_is_scaled_once_it_is(house: ScalingHouse) -> None:
    house.change("Updating")
    house.endpoints.seconds = None
    house.register(2, 5)
    assert house.changes == [] and house.activities() == []
    house.change("InService")
    house.settle()
    assert house.changes == [2]


def test_a_change_of_somebody_else_overrides(house: ScalingHouse) -> None:
    house.endpoints.seconds = None
    house.register(3, 5)
    house.change("InService", DesiredInstanceCount=4, CurrentInstanceCount=4)
    house.advance(10)
    [one] = house.activities()
    assert one["StatusCode"] == "Overridden"
    assert one["StatusMessage"] == ("Successfully set desired instance count to 3. Found it was later changed to 4.")


def test_a_change_that_is_rolled_back_is_unfulfilled(house: ScalingHouse) -> None:
    house.endpoints.seconds = None
    house.register(3, 5)
    row = house.wire.store.get(ACCOUNT, REGION, "endpoint", "e")
    variant = {"DesiredInstanceCount": 1, "CurrentInstanceCount": 1}
    house.wire.store.update(row, phase="InService", variant=variant, more={"FailureReason": "It broke."})
    house.settle()
    [one] = house.activities()
    assert one["StatusCode"] == "Unfulfilled" and "It broke." in one["StatusMessage"]


def test_what_sagemaker_refuses_has_failed(house: ScalingHouse) -> None:
    house.register(60, 100)
    [one] = house.activities()
    assert one["StatusCode"] == "Failed"
    assert one["StatusMessage"].startswith("Failed to set desired instance count to 60. Reason: The account-level")
    assert "Error Code: ValidationException" in one["StatusMessage"]
    house.advance(600)
    assert len(house.activities()) == 1


def test_an_endpoint_that_is_deleted_takes_its_targets_along(house: ScalingHouse) -> None:
    house.register()
    house.track()
    house.wire.store.delete(house.wire.store.get(ACCOUNT, REGION, "endpoint", "e"))
    house.settle()
    assert targets(house) == [] and house.alarms() == []


def test_a_target_without_its_role_waits_for_it(house: ScalingHouse) -> None:
    house.register(1, 5)
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    house.wire.client("iam").delete_service_linked_role(RoleName=name)
    row = house.wire.store.get(
        ACCOUNT, REGION, "scalable-target", targets(house)[0]["ResourceId"] + "|" + NAMED["ScalableDimension"]
    )
    house.wire.store.update(row, spec={**row.spec, "MinCapacity": 2}, due=house.clock.now(), _bring=True)
    house.settle()
    assert house.changes == []
    house.wire.client("iam").create_service_linked_role(
        AWSServiceName="sagemaker.application-autoscaling.amazonaws.com"
    )
    house.advance(70)
    assert house.changes == [2]


def test_the_policies_of_the_caller_count(house: ScalingHouse) -> None:
    iam = house.wire.client("iam")
    iam.create_user(UserName="ann")
    user = iam.get_user(UserName="ann")["User"]
    keys = house.wire.ring.issue(Principal(ACCOUNT, user["Arn"], user["UserId"], "user"), house.clock.now() + 900)
    ann = house.wire.client("application-autoscaling", keys=keys)
    bounds = {"MinCapacity": 1, "MaxCapacity": 2}

    def allow(*actions: str, **condition: Any) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.put_user_policy(UserName="ann", PolicyName=f"p{len(actions)}", PolicyDocument=document)

    with refused("AccessDeniedException", "application-autoscaling:RegisterScalableTarget"):
        ann.register_scalable_target(**NAMED, **bounds)
    narrow = {"StringEquals": {"application-autoscaling:scalable-dimension": NAMED["ScalableDimension"]}}
    allow("application-autoscaling:*", Condition=narrow)
    with refused("AccessDeniedException", "sagemaker:DescribeEndpoint"):
        ann.register_scalable_target(**NAMED, **bounds)
    allow("sagemaker:DescribeEndpoint", "iam:GetRole")
    with refused("AccessDeniedException", "iam:CreateServiceLinkedRole"):
        ann.register_scalable_target(**NAMED, **bounds)
    house.register(1, 2)
    ann.register_scalable_target(**NAMED, **bounds)  # the role is there now
    with refused("AccessDeniedException", "application-autoscaling:DescribeScalableTargets"):
        ann.describe_scalable_targets(**NAMESPACE)  # without the dimension its condition is not met


def alarm(house: ScalingHouse, arn: str, **more: Any) -> None:
    house.alarm(AlarmActions=[arn], **more)


def feed(house: ScalingHouse, value: float, minutes: int = 2) -> None:
    for _ in range(minutes):
        house.put(value)
        house.advance(60)


@pytest.mark.parametrize(
    ("kind", "count", "value", "wanted"),
    [
        ("ChangeInCapacity", 2, 7.0, 3),
        ("ChangeInCapacity", 2, 15.0, 3),
        ("ChangeInCapacity", 2, 15.1, 4),
        ("ExactCapacity", 4, 100.0, 2),
        ("PercentChangeInCapacity", 40, 6.0, 40),
        ("PercentChangeInCapacity", 10, 16.0, 10),
    ],
)
def test_steps(house: ScalingHouse, kind: str, count: int, value: float, wanted: int) -> None:
    house.change(DesiredInstanceCount=count, CurrentInstanceCount=count)
    house.register(1, 45)
    arn = house.step((0, 10.1, 1), (10.1, None, 2), AdjustmentType=kind, Cooldown=3600)
    alarm(house, arn)
    feed(house, value)
    grown = {40: 41, 10: 11}.get(count, wanted)  # one percent comes to one instance at least
    assert house.count() == grown


def test_percent_and_the_least_change(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=4, CurrentInstanceCount=4)
    house.register(1, 45)
    arn = house.step((0, None, 25), AdjustmentType="PercentChangeInCapacity", MinAdjustmentMagnitude=2, Cooldown=3600)
    alarm(house, arn)
    feed(house, 9.0)
    assert house.count() == 6


def test_steps_go_on_while_the_alarm_calls_and_wait_for_the_cooldown(house: ScalingHouse) -> None:
    house.register(1, 5)
    arn = house.step((0, None, 1), Cooldown=150)
    alarm(house, arn)
    [shown] = house.aas.describe_scaling_policies(**NAMESPACE)["ScalingPolicies"]
    assert [one["AlarmName"] for one in shown["Alarms"]] == ["a"]
    feed(house, 9.0, 3)
    assert house.changes == [2]
    feed(house, 9.0, 8)
    assert 3 <= len(house.changes) <= 4 and house.changes == list(range(2, 2 + len(house.changes)))
    assert house.activities()[0]["Cause"] == "monitor alarm a in state ALARM triggered policy s"
    house.aas.delete_scaling_policy(**NAMED, PolicyName="s")
    count = house.count()
    feed(house, 9.0, 4)
    assert house.count() == count and house.shown()["StateValue"] == "ALARM"


def test_a_larger_step_counts_what_the_cooldown_holds_as_part_of_it(house: ScalingHouse) -> None:
    house.register(1, 20)
    arn = house.step((0, 10, 2), (10, None, 5), Cooldown=3600)
    alarm(house, arn)
    feed(house, 9.0)
    assert house.changes == [3]
    feed(house, 90.0)
    assert house.changes == [3, 6]


def test_steps_inward_and_an_alarm_that_is_set_by_hand(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=5, CurrentInstanceCount=5)
    house.register(2, 20)
    arn = house.step((None, 0, -2))
    alarm(house, arn, ComparisonOperator="LessThanOrEqualToThreshold")
    house.set("a", "ALARM")
    assert house.changes == [3]
    [one] = house.cw.describe_alarm_history(AlarmName="a", HistoryItemType="Action")["AlarmHistoryItems"]
    assert one["HistorySummary"] == f"Successfully executed action {arn}"


def test_a_policy_may_be_the_action_of_ok(house: ScalingHouse) -> None:
    house.change(DesiredInstanceCount=5, CurrentInstanceCount=5)
    house.register(2, 20)
    arn = house.step((0, None, -1), (None, 0, -1), Cooldown=3600)
    house.alarm(OKActions=[arn])
    house.set("a", "OK")
    assert house.changes == [4]


def test_a_call_of_a_policy_that_is_gone_is_a_failed_action(house: ScalingHouse) -> None:
    arn = f"{POLICY_ARN}:resource/sagemaker/{RESOURCE}:policyName/none"
    house.alarm(AlarmActions=[arn])
    house.set("a", "ALARM")
    assert f"Failed to execute action {arn}" in house.history("a", "Action")[0]


def test_from_nothing_to_one_for_asynchronous_endpoints(house: ScalingHouse) -> None:
    row = house.wire.store.get(ACCOUNT, REGION, "endpoint", "e")
    house.wire.store.update(row, more={"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}}})
    house.register(0, 3)
    own = {"MetricName": "backlog", "Namespace": "N", "Statistic": "Average"}
    house.track(5.0, CustomizedMetricSpecification=own)
    for _ in range(18):
        house.put(0.0, name="backlog")
        house.advance(60)
    assert house.changes == [0]
    arn = house.step((0, None, 1))
    alarm(house, arn, MetricName="waiting", Threshold=1.0, ComparisonOperator="GreaterThanOrEqualToThreshold")
    house.put(1.0, name="waiting")
    house.advance(80)
    assert house.changes == [0, 1]


def test_lists_come_in_pages(house: ScalingHouse) -> None:
    house.register()
    for number in range(5):
        house.step((0, None, 1), name=f"s{number}")
    pages = house.aas.get_paginator("describe_scaling_policies").paginate(**NAMESPACE, PaginationConfig={"PageSize": 2})
    assert [[one["PolicyName"] for one in page["ScalingPolicies"]] for page in pages] == [
        ["s0", "s1"],
        ["s2", "s3"],
        ["s4"],
    ]
    found = house.aas.describe_scaling_policies(**NAMED, PolicyNames=["s3", "none"])["ScalingPolicies"]
    assert [one["PolicyName"] for one in found] == ["s3"]
    other = {**NAMESPACE, "ResourceId": "endpoint/other/variant/v"}
    assert house.aas.describe_scaling_policies(**other)["ScalingPolicies"] == []
    with refused("InvalidNextTokenException"):
        house.aas.describe_scaling_policies(**NAMESPACE, NextToken="x")
    with refused("ValidationException", "must also specify a resource ID"):
        house.aas.describe_scaling_policies(**NAMESPACE, ScalableDimension=NAMED["ScalableDimension"])
    with refused("ValidationException", "between 1 and 50"):
        house.aas.describe_scaling_policies(**NAMESPACE, MaxResults=51)


def test_activities_are_kept_for_six_weeks(house: ScalingHouse) -> None:
    house.register(2, 4)
    house.jump(41 * 86_400)
    house.register(3, 4)
    assert len(house.activities()) == 2
    house.jump(2 * 86_400)
    assert len(house.activities()) == 1
    house.wire.run(activities.tidy(house.wire.raw_store, house.clock))
    assert house.wire.store.count("scaling-activity", _everywhere()) == 1


def _everywhere() -> Any:
    from clary.kernel.store import Where

    return Where()


def test_alarms_follow_the_speed_of_the_home(house: ScalingHouse) -> None:
    house.register(1, 4)
    house.track()
    house.pace = Pace(30.0)
    house.wire.thread.call(house.start)
    house.wire.thread.call(at_speed, house.wire.raw_store, house.clock, house.pace)
    house.settle()
    high, low = house.alarms()
    assert (high["Period"], high["EvaluationPeriods"]) == (10, 1)
    assert high["Threshold"] == pytest.approx(200 / 6)
    assert (low["Period"], low["EvaluationPeriods"]) == (10, 3)
    assert low["Threshold"] == pytest.approx(30.0)
    house.load(590, 40)
    assert house.changes == [3]
    house.load(0, 60)
    assert house.changes == [3, 1]


@pytest.mark.parametrize(
    ("speed", "periods"),
    [(1.0, (60, 3, 15)), (2.0, (30, 3, 15)), (3.0, (20, 3, 15)), (10.0, (10, 2, 9)), (100.0, (10, 1, 1))],
)
def test_pace(speed: float, periods: tuple[int, int, int]) -> None:
    pace = Pace(speed)
    out, inward = pace.scale_out(60), pace.scale_in(60)
    assert (out.period, out.points, inward.points) == periods and inward.period == out.period
