"""An asynchronous endpoint on a real server: no instance when nothing waits, and one again for a request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.autoscaling_house import NAMED
from tests.real import RealClary, until
from tests.services.test_endpoints_under_load import Serving

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(240)]

OUT = {"S3OutputPath": "s3://lake/out/"}
BACKLOG = {"Namespace": "AWS/SageMaker", "Dimensions": [{"Name": "EndpointName", "Value": "e"}]}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    monkeypatch.setenv("CLARY_AUTOSCALING_SPEED", "100")
    clary = RealClary(tmp_path / "home")
    clary.up()
    try:
        made = Serving(clary)
        model = made.config("1")
        variant = {
            "VariantName": "v",
            "ModelName": model,
            "InstanceType": "ml.t2.medium",
            "InitialInstanceCount": 1,
        }
        made.sm.create_endpoint_config(
            EndpointConfigName="async", ProductionVariants=[variant], AsyncInferenceConfig={"OutputConfig": OUT}
        )
        made.sm.create_endpoint(EndpointName="e", EndpointConfigName="async")
        made.settled()
        yield made
    finally:
        clary.sweep()


def instances(here: Serving) -> int:
    return int(here.status()["ProductionVariants"][0]["CurrentInstanceCount"])


def policy(scaling: Any, name: str, **configuration: Any) -> str:
    kind = next(iter(configuration)).removesuffix("PolicyConfiguration")
    return str(scaling.put_scaling_policy(**NAMED, PolicyName=name, PolicyType=kind, **configuration)["PolicyARN"])


def test_no_instance_when_nothing_waits_and_one_when_something_does(here: Serving) -> None:
    scaling = here.clary.client("application-autoscaling")
    scaling.register_scalable_target(**NAMED, MinCapacity=0, MaxCapacity=2)
    tracked = {**BACKLOG, "MetricName": "ApproximateBacklogSizePerInstance", "Statistic": "Average"}
    policy(
        scaling,
        "backlog",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 5.0, "CustomizedMetricSpecification": tracked},
    )
    one_more = policy(
        scaling,
        "from-zero",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )
    here.cloudwatch.put_metric_alarm(
        **BACKLOG,
        AlarmName="waits-for-nobody",
        MetricName="HasBacklogWithoutCapacity",
        Statistic="Average",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing",
        AlarmActions=[one_more],
    )
    until(lambda: instances(here) == 0, 90, "no instance")
    here.s3.put_object(Bucket="lake", Key="in.csv", Body=b"1")
    runtime = here.clary.client("sagemaker-runtime")
    asked = runtime.invoke_endpoint_async(EndpointName="e", InputLocation="s3://lake/in.csv", ContentType="text/csv")
    key = asked["OutputLocation"].removeprefix("s3://lake/")

    def answered() -> bool:
        found = here.s3.list_objects_v2(Bucket="lake", Prefix=key)
        return bool(found["KeyCount"])

    until(answered, 90, "the answer")
    assert here.s3.get_object(Bucket="lake", Key=key)["Body"].read() == b"1"
    until(lambda: instances(here) == 0, 90, "no instance again")
    found = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    causes = [one["Cause"] for one in found if one["StatusCode"] == "Successful"]
    assert any("triggered policy from-zero" in one for one in causes), causes
    assert any("triggered policy backlog" in one for one in causes), causes
