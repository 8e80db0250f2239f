"""On a real server whose clock of scaling runs a hundred times faster: load brings instances, idleness takes them away,
and not one request is lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.autoscaling_house import NAMED
from tests.real import RealClary, until
from tests.services.test_endpoints_under_load import Serving
from tests.steady_load import Load

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(240)]

PER_MINUTE = 6000.0
"""The target: a hundred requests a second and instance. The load is several times that, the light one a fraction."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    clary = RealClary(Path(tmp_path_factory.mktemp("scaling")) / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLARY_AUTOSCALING_SPEED", "100")
        clary.up()
        try:
            made = Serving(clary)
            made.sm.create_endpoint(EndpointName="e", EndpointConfigName=made.config("1"))
            made.settled()
            yield made
        finally:
            clary.sweep()


def aws(here: Serving, *words: str) -> Any:
    """What the AWS CLI says."""
    line = [sys.executable, "-m", "awscli", "application-autoscaling", *words, "--output", "json"]
    done = subprocess.run(line, env=here.clary.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def instances(here: Serving) -> int:
    return int(here.status()["ProductionVariants"][0]["CurrentInstanceCount"])


def test_load_scales_out_and_idleness_scales_in_without_a_lost_request(here: Serving) -> None:
    named = ("--service-namespace", "sagemaker", "--resource-id", NAMED["ResourceId"])
    dimension = ("--scalable-dimension", NAMED["ScalableDimension"])
    aws(here, "register-scalable-target", *named, *dimension, "--min-capacity", "1", "--max-capacity", "3")
    scaling = here.clary.client("application-autoscaling")
    policy = scaling.put_scaling_policy(
        **NAMED,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": PER_MINUTE,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    )
    high, low = (one["AlarmName"] for one in policy["Alarms"])
    said = here.cloudwatch.describe_alarms(AlarmNames=[high, low])["MetricAlarms"]
    assert [(one["Period"], one["EvaluationPeriods"], one["Threshold"]) for one in said] == [
        (10, 1, PER_MINUTE / 6),
        (10, 1, 0.9 * PER_MINUTE / 6),
    ]
    with Load(here.clary.url, here.keys, "e") as load:
        until(lambda: instances(here) > 1, 90, "more instances")
        load.see(200)
    assert load.errors == []
    here.clary.kill()
    here.clary.up()
    runtime = here.clary.client("sagemaker-runtime")

    def alone() -> bool:
        answer = runtime.invoke_endpoint(EndpointName="e", Body=b"1", ContentType="text/csv", Accept="text/csv")
        assert answer["Body"].read() == b"1"
        return instances(here) == 1

    until(alone, 90, "one instance")
    found = aws(here, "describe-scaling-activities", *named)["ScalingActivities"]
    assert {one["StatusCode"] for one in found} <= {"Successful", "InProgress"}, found
    causes = [one["Cause"] for one in found]
    assert any(f"alarm {high} in state ALARM triggered policy requests" in one for one in causes)
    assert any(f"alarm {low} in state ALARM triggered policy requests" in one for one in causes)
    here.sm.delete_endpoint(EndpointName="e")
    until(lambda: not scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"], 60)
    assert here.cloudwatch.describe_alarms()["MetricAlarms"] == []
