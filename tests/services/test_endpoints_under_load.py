"""Everything that changes below an endpoint while sixteen connections never let up: not one request is lost."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy
import psutil
import pytest
import xgboost

from clary.aws.credentials import Keys
from clary.kernel.resource import Doc
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST
from tests.services.test_sagemaker_endpoints import archive
from tests.steady_load import CONNECTIONS, Load

pytestmark = [pytest.mark.slow, pytest.mark.server]

SCRIPT = """
def model_fn(directory):
    return open(directory + "/version").read()
def input_fn(body, content_type):
    return body
def predict_fn(body, model):
    return model
def output_fn(answer, accept):
    return answer, "text/csv"
"""


class Serving:
    """A server with a bucket, a role, and a native model for each version, which answers with its number."""

    def __init__(self, clary: RealClary) -> None:
        self.clary = clary
        self.sm = clary.client("sagemaker")
        self.cloudwatch = clary.client("cloudwatch")
        self.s3 = clary.client("s3")
        self.s3.create_bucket(Bucket="lake")
        self.role = clary.role("serving")
        said = json.loads((clary.home / "credentials.json").read_text())
        self.keys = Keys(said["AccessKeyId"], said["SecretAccessKey"])
        self._number = 0

    def config(self, version: str, count: int = 1) -> str:
        """The name of a new configuration whose model answers with `version`."""
        self._number += 1
        name = f"c{self._number}"
        packed = archive(**{"version": version.encode(), "code/inference.py": SCRIPT.encode()})
        self.s3.put_object(Bucket="lake", Key=f"{name}.tar.gz", Body=packed)
        container = {"Image": SKLEARN, "ModelDataUrl": f"s3://lake/{name}.tar.gz"}
        self.sm.create_model(ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.t2.medium", "InitialInstanceCount": count}
        self.sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def built_in_config(self, label: float, count: int = 1, *, compiled: bool = True) -> str:
        """The name of a new configuration whose model is XGBoost's, and answers with about `label`."""
        self._number += 1
        name = f"g{self._number}"
        rows = numpy.arange(40, dtype="f").reshape(20, 2)
        trained = xgboost.train({"base_score": label}, xgboost.DMatrix(rows, label=numpy.full(20, label)), 1)
        packed = archive(**{"xgboost-model": bytes(trained.save_raw("json"))})
        self.s3.put_object(Bucket="lake", Key=f"{name}.tar.gz", Body=packed)
        environ = {} if compiled else {"CLARY_COMPILE": "off"}
        container = {"Image": XGBOOST, "ModelDataUrl": f"s3://lake/{name}.tar.gz", "Environment": environ}
        self.sm.create_model(ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.t2.medium", "InitialInstanceCount": count}
        self.sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def update(self, version: str, count: int = 1, deployment: Doc | None = None) -> None:
        more = {} if deployment is None else {"DeploymentConfig": deployment}
        self.sm.update_endpoint(EndpointName="e", EndpointConfigName=self.config(version, count), **more)

    def scale(self, count: int, endpoint: str = "e") -> None:
        wanted = [{"VariantName": "v", "DesiredInstanceCount": count}]
        self.sm.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=wanted)
        self.settled(endpoint)

    def status(self, endpoint: str = "e") -> Any:
        return self.sm.describe_endpoint(EndpointName=endpoint)

    def settled(self, endpoint: str = "e") -> Any:
        """The endpoint once nothing is on its way."""
        until(
            lambda: not self.status(endpoint)["EndpointStatus"].endswith(("ing", "Back")), 120, "the endpoint settles"
        )
        said = self.status(endpoint)
        assert said["EndpointStatus"] == "InService", said
        return said

    def stage(self, status: str) -> None:
        """The new variant is in that stage."""

        def holds() -> bool:
            pending = self.status().get("PendingDeploymentSummary") or {"ProductionVariants": [{}]}
            return any(one["Status"] == status for one in pending["ProductionVariants"][0].get("VariantStatus", ()))

        until(holds, 60, status)

    def servers(self, program: str = "clary.algorithms.sklearn") -> list[int]:
        """The model servers' own processes, one an instance."""
        found = []
        for pid in self.clary.left_behind():
            with suppress(psutil.NoSuchProcess):
                known = psutil.Process(pid)
                for one in (known, *known.children(recursive=True)):  # not every command line tells of the home
                    if one.cmdline()[1:3] == ["-m", program] and one.pid not in found:
                        found.append(one.pid)
        return found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    clary = RealClary(Path(tmp_path_factory.mktemp("load")) / "home").up()
    try:
        made = Serving(clary)
        made.sm.create_endpoint(EndpointName="e", EndpointConfigName=made.config("1"))
        made.settled()
        yield made
        made.sm.delete_endpoint(EndpointName="e")
        until(lambda: not clary.client("sagemaker").list_endpoints()["Endpoints"], 60, "the endpoint is gone")
    finally:
        clary.sweep()


@pytest.fixture
def load(here: Serving) -> Iterator[Load]:
    with Load(here.clary.url, here.keys, "e") as made:
        yield made
    assert made.errors == []


def routing(kind: str, wait: int, **more: Any) -> Doc:
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **more}}
    }


def answered(load: Load, more: int) -> set[str]:
    """Who answers now. What was sent before is let pass: each connection may have one request on its way."""
    load.see(2 * CONNECTIONS)
    return set(load.see(more))


def test_scaling_out_and_in_and_an_update_at_once(here: Serving, load: Load) -> None:
    (before,) = load.see(50)
    here.scale(3)
    assert answered(load, 200) == {before}
    here.scale(1)
    load.see(200)
    here.update("2")
    assert here.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert answered(load, 500) == {"2"}


def test_a_canary_gets_its_share_then_all(here: Serving, load: Load) -> None:
    (before,) = load.see(50)
    size = {"Type": "CAPACITY_PERCENT", "Value": 20}
    here.update("canary", deployment=routing("CANARY", 2, CanarySize=size))
    here.stage("Baking")
    seen = load.see(1000)
    share = seen["canary"] / seen.total()
    assert 0.14 < share < 0.26, "more than 4 standard deviations from 20 %"
    assert seen.keys() == {before, "canary"}
    here.settled()
    assert answered(load, 200) == {"canary"}


def test_an_alarm_takes_a_linear_update_back(here: Serving, load: Load) -> None:
    (before,) = load.see(50)
    here.cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    here.update("linear", deployment={**routing("LINEAR", 60, LinearStepSize=size), **watched})
    here.stage("Baking")
    assert load.see(400)["linear"] > 0
    here.cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    said = here.settled()
    assert "alarm 'errors'" in said["FailureReason"]
    assert answered(load, 200) == {before}


def test_a_rolling_update(here: Serving, load: Load) -> None:
    here.scale(2)
    size = {"Type": "INSTANCE_COUNT", "Value": 1}
    here.update("rolled", 2, {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 0}})
    said = here.settled()
    assert said["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert answered(load, 200) == {"rolled"}


def test_a_native_instance_killed_loses_at_most_what_it_had_read(here: Serving) -> None:
    """Whether a model has worked on a request that it had read, nobody can know: it is not sent again, and its caller
    hears of it. All others are answered."""
    if here.status()["ProductionVariants"][0]["CurrentInstanceCount"] < 2:
        here.scale(2)
    with Load(here.clary.url, here.keys, "e") as load:
        load.see(200)
        os.kill(here.servers()[0], signal.SIGKILL)
        until(lambda: here.status()["ProductionVariants"][0]["CurrentInstanceCount"] == 1, 30, "the death is seen")
        until(lambda: here.status()["ProductionVariants"][0]["CurrentInstanceCount"] == 2, 60, "it is replaced")
    assert len(load.errors) <= CONNECTIONS, load.errors
    assert all(error.startswith("424") for error in load.errors), load.errors


def test_a_built_in_server_killed_loses_nothing(here: Serving) -> None:
    """Its answers are functions of the request alone, and it says so: what it had read is sent to another."""
    here.sm.create_endpoint(EndpointName="b", EndpointConfigName=here.built_in_config(1.0, 2, compiled=False))
    here.settled("b")
    with Load(here.clary.url, here.keys, "b", b"1,2") as load:
        load.see(200)
        os.kill(here.servers("clary.algorithms.xgboost")[0], signal.SIGKILL)
        until(lambda: here.status("b")["ProductionVariants"][0]["CurrentInstanceCount"] == 1, 30, "the death is seen")
        until(lambda: here.status("b")["ProductionVariants"][0]["CurrentInstanceCount"] == 2, 60, "it is replaced")
    assert load.errors == []
    here.sm.delete_endpoint(EndpointName="b")


def test_a_compiled_model_is_scaled_updated_and_killed_without_a_loss(here: Serving) -> None:
    """A graph is a pure function: what a killed worker had read is sent to another."""
    here.sm.create_endpoint(EndpointName="g", EndpointConfigName=here.built_in_config(1.0, 2))
    said = here.settled("g")
    assert "ResolvedImage" in said["ProductionVariants"][0]["DeployedImages"][0], "it is compiled"
    with Load(here.clary.url, here.keys, "g", b"1,2") as load:
        assert {float(one) for one in load.see(200)} == {1.0}
        (victim, *_) = here.servers("clary.algorithms.graphs.worker")
        os.kill(victim, signal.SIGKILL)
        load.see(2000)
        until(lambda: here.status("g")["ProductionVariants"][0]["CurrentInstanceCount"] == 2, 60, "two again")
        here.scale(3, "g")
        here.scale(1, "g")
        load.see(500)
        size = {"Type": "CAPACITY_PERCENT", "Value": 50}
        deployment = routing("LINEAR", 1, LinearStepSize=size)
        again = here.built_in_config(2.0)
        here.sm.update_endpoint(EndpointName="g", EndpointConfigName=again, DeploymentConfig=deployment)
        here.settled("g")
        assert {float(one) for one in load.see(500)} == {2.0}
    assert load.errors == []
    here.sm.delete_endpoint(EndpointName="g")
