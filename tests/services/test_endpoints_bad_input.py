"""What is wrong with a model, its artifact or its role is said in the endpoint's FailureReason, on a real server. A
container that never answers /ping takes a minute at least: test_sagemaker_endpoints has it, on a clock of its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.kernel.resource import Doc
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST
from tests.services.test_sagemaker_endpoints import archive

pytestmark = [pytest.mark.slow, pytest.mark.server]

GOOD = """
def model_fn(directory):
    return None
def predict_fn(rows, model):
    return rows
"""
RAISES = """
print("reading the weights", flush=True)
def model_fn(directory):
    raise RuntimeError("weights of another version")
"""
LEAVES = """
import os
print("goodbye", flush=True)
os._exit(7)
"""


class Deployed:
    def __init__(self, clary: RealClary) -> None:
        self.sm, self.s3, self.iam = (clary.client(one) for one in ("sagemaker", "s3", "iam"))
        self.s3.create_bucket(Bucket="lake")
        self.clary = clary
        self.role = clary.role("serving")

    def model(self, name: str, image: str, role: str | None = None, **files: bytes) -> None:
        self.s3.put_object(Bucket="lake", Key=f"{name}.tar.gz", Body=archive(**files))
        container = {"Image": image, "ModelDataUrl": f"s3://lake/{name}.tar.gz"}
        self.sm.create_model(ModelName=name, ExecutionRoleArn=role or self.role, PrimaryContainer=container)

    def config(self, name: str, **more: Any) -> None:
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        self.sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{**variant, **more}])

    def program(self, name: str, code: str) -> None:
        self.model(name, SKLEARN, **{"code/inference.py": code.encode()})
        self.config(name)
        self.sm.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def ended(self, name: str, status: str = "Failed", seconds: float = 120) -> Doc:
        def holds() -> Doc | None:
            said: Doc = self.sm.describe_endpoint(EndpointName=name)
            assert said["EndpointStatus"] in (status, "Creating", "Updating", "RollingBack"), said
            return said if said["EndpointStatus"] == status else None

        found: Doc = until(holds, seconds, f"{name} is {status}")
        return found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    clary = RealClary(Path(tmp_path_factory.mktemp("bad")) / "home").up()
    try:
        made = Deployed(clary)
        # They fail side by side, while the tests look at one after the other.
        made.program("raises", RAISES)
        made.program("leaves", LEAVES)
        yield made
    finally:
        clary.sweep()


def test_an_artifact_deleted_between_configuration_and_endpoint(here: Deployed) -> None:
    here.model("early", SKLEARN, **{"code/inference.py": GOOD.encode()})
    here.config("early")
    here.s3.delete_object(Bucket="lake", Key="early.tar.gz")
    with pytest.raises(ClientError, match=r"Could not find model data at s3://lake/early\.tar\.gz"):
        here.sm.create_endpoint(EndpointName="early", EndpointConfigName="early")


def test_a_role_that_may_not_read_the_artifact(here: Deployed) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = here.iam.create_role(RoleName="poor", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    with pytest.raises(ClientError, match=r'the role ".*role/poor" exists.*"s3:GetObject" permissions'):
        here.model("poor", SKLEARN, role, **{"code/inference.py": GOOD.encode()})


def test_a_role_that_is_gone_when_the_endpoint_is_made(here: Deployed) -> None:
    role = here.clary.role("brief")
    here.model("brief", SKLEARN, role, **{"code/inference.py": GOOD.encode()})
    here.config("brief")
    here.iam.detach_role_policy(RoleName="brief", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    here.iam.delete_role(RoleName="brief")
    with pytest.raises(ClientError, match=r"Could not assume role .*role/brief"):
        here.sm.create_endpoint(EndpointName="brief", EndpointConfigName="brief")


def test_a_model_that_does_not_load(here: Deployed) -> None:
    here.model("nonsense", XGBOOST, **{"xgboost-model": b"no model at all"})
    here.config("nonsense")
    here.sm.create_endpoint(EndpointName="nonsense", EndpointConfigName="nonsense")
    why = here.ended("nonsense")["FailureReason"]
    assert "production variant v did not pass the ping health check" in why
    assert "xgboost-model" in why, "the server's last lines name the file"


def test_a_program_that_raises_while_it_loads(here: Deployed) -> None:
    why = here.ended("raises")["FailureReason"]
    assert "did not pass the ping health check" in why
    assert "weights of another version" in why


def test_a_server_that_crashes_again_and_again(here: Deployed) -> None:
    why = here.ended("leaves")["FailureReason"]
    assert "did not pass the ping health check" in why
    assert "goodbye" in why


def test_an_update_to_what_cannot_serve_is_taken_back_and_one_while_it_lasts_refused(here: Deployed) -> None:
    here.program("good", GOOD)
    here.ended("good", "InService")
    here.model("bad", SKLEARN, **{"code/inference.py": RAISES.encode()})
    here.config("bad")
    here.sm.update_endpoint(EndpointName="good", EndpointConfigName="bad")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        here.sm.update_endpoint(EndpointName="good", EndpointConfigName="bad")
    said = here.ended("good", "InService")
    assert said["EndpointConfigName"] == "good"
    assert "weights of another version" in said["FailureReason"]


def test_an_artifact_deleted_before_an_instance_is_replaced(here: Deployed) -> None:
    """The endpoint stays in service, as there is nothing to go back to; why it has too few instances is told at a
    change that cannot come true."""
    here.program("later", GOOD)
    here.ended("later", "InService")
    here.s3.delete_object(Bucket="lake", Key="later.tar.gz")
    wanted = [{"VariantName": "v", "DesiredInstanceCount": 2}]
    here.sm.update_endpoint_weights_and_capacities(EndpointName="later", DesiredWeightsAndCapacities=wanted)
    said = here.ended("later", "InService")
    assert said["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert said["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert "s3://lake/later.tar.gz" in said["FailureReason"]


def test_what_does_not_exist_is_named_in_awss_words(here: Deployed) -> None:
    with pytest.raises(ClientError, match='Could not find endpoint "arn:aws:sagemaker:us-east-1:'):
        here.sm.describe_endpoint(EndpointName="nobody")
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn:aws:sagemaker'):
        here.sm.create_endpoint(EndpointName="x", EndpointConfigName="nobody")
    runtime = here.clary.client("sagemaker-runtime")
    with pytest.raises(ClientError, match=r"Endpoint nobody of account .* not found") as refused:
        runtime.invoke_endpoint(EndpointName="nobody", Body=b"1")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
