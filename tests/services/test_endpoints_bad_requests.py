"""What is wrong with a request is said to who sent it, in AWS's codes, by the car evaluation pipeline on a real server:
compiled, with what the front and the control plane have to say."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.algorithms.graphs import cars
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST

pytestmark = [pytest.mark.slow, pytest.mark.server]
ROW = b"vhigh,vhigh,2,2,small,low\n"
CSV = "text/csv"


@pytest.fixture(scope="module")
def clary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    place = tmp_path_factory.mktemp("bad")
    made = RealClary(place).up()
    try:
        role, s3, sagemaker = made.role("serving"), made.client("s3"), made.client("sagemaker")
        s3.create_bucket(Bucket="lake")
        containers = []
        for number, stage in enumerate(cars.artifacts(place / "model", settings={"handle_unknown": "error"})):
            s3.put_object(Bucket="lake", Key=f"{number}.tar.gz", Body=_archive(stage.folder))
            image = XGBOOST if stage.image == "xgboost" else SKLEARN
            containers.append({"Image": image, "ModelDataUrl": f"s3://lake/{number}.tar.gz"})
        sagemaker.create_model(ModelName="cars", ExecutionRoleArn=role, Containers=containers)
        variant = {"VariantName": "v", "ModelName": "cars", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName="cars", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="cars", EndpointConfigName="cars")
        until(lambda: _status(sagemaker) == "InService", 120, "the endpoint serves")
        said = sagemaker.describe_endpoint(EndpointName="cars")
        assert said["ProductionVariants"][0]["DeployedImages"][0]["ResolvedImage"].startswith("clary/compiled@")
        yield made
    finally:
        made.sweep()


def _status(sagemaker: Any) -> str:
    return str(sagemaker.describe_endpoint(EndpointName="cars")["EndpointStatus"])


def _archive(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for one in folder.iterdir():
            tar.add(one, one.name)
    return packed.getvalue()


def refused(clary: RealClary, **given: Any) -> dict[str, Any]:
    """The error of an InvokeEndpoint."""
    with pytest.raises(ClientError) as caught:
        clary.client("sagemaker-runtime").invoke_endpoint(
            **{"EndpointName": "cars", "ContentType": CSV, "Body": ROW, **given}
        )
    return caught.value.response  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"ContentType": "image/png"}, 415, ["image/png"]),
        ({"Accept": "image/png"}, 406, ["image/png"]),
        ({"Body": b"vhigh,vhigh,2,2,small\n"}, 400, ["6", "5"]),
        ({"Body": b"vhigh,vhigh,2,2,small,low,low\n"}, 400, ["6", "7"]),
        ({"Body": b""}, 400, []),
        ({"Body": b"vhigh,vhigh,2,2,small,none\n"}, 422, ["none", "high", "low", "med"]),
        ({"Body": ROW + b"cheap,vhigh,2,2,small,low\n"}, 422, ["cheap", "vhigh"]),
    ],
    ids=["content type", "accept", "too few", "too many", "empty", "category", "one row of two"],
)
def test_the_model_says_what_is_wrong(clary: RealClary, given: dict[str, Any], status: int, words: list[str]) -> None:
    """A ModelError with the model's own status, and a message that says what to do."""
    said = refused(clary, **given)
    assert (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]) == ("ModelError", 424)
    assert said["OriginalStatusCode"] == status
    assert all(word in said["OriginalMessage"] for word in words), said["OriginalMessage"]
    assert said["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/cars")


def test_the_front_says_what_is_wrong(clary: RealClary) -> None:
    none = refused(clary, EndpointName="none")
    assert (none["Error"]["Code"], none["ResponseMetadata"]["HTTPStatusCode"]) == ("ValidationError", 400)
    assert "Endpoint none of account" in none["Error"]["Message"]
    variant = refused(clary, TargetVariant="other")
    assert (variant["Error"]["Code"], variant["ResponseMetadata"]["HTTPStatusCode"]) == ("ValidationError", 400)
    long = refused(clary, Body=b"x" * (25 * 1024 * 1024 + 1))
    assert long["ResponseMetadata"]["HTTPStatusCode"] == 413
    model = refused(clary, TargetModel="a.tar.gz")
    assert model["ResponseMetadata"]["HTTPStatusCode"] == 400 and "multi-model" in model["Error"]["Message"]


def test_seven_megabytes_are_a_body_like_any_other(clary: RealClary) -> None:
    """AWS's bound was 6 MB once, and is 25 MB now."""
    rows = 7_000_000 // len(ROW)
    answer = clary.client("sagemaker-runtime").invoke_endpoint(EndpointName="cars", ContentType=CSV, Body=ROW * rows)
    assert answer["Body"].read().split() == [b"unacc"] * rows


def test_who_may_not_is_told_so(clary: RealClary) -> None:
    iam = clary.client("iam")
    iam.create_user(UserName="guest")
    keys = iam.create_access_key(UserName="guest")["AccessKey"]
    guest = clary.client(
        "sagemaker-runtime",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )
    ask = {"EndpointName": "cars", "ContentType": CSV, "Body": ROW}
    with pytest.raises(ClientError, match="AccessDenied"):
        guest.invoke_endpoint(**ask)
    allow = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="guest", PolicyName="invoke", PolicyDocument=document)

    def answered() -> bool:
        try:
            return bool(guest.invoke_endpoint(**ask)["Body"].read() == b"unacc\n")
        except ClientError:
            return False

    until(answered, 10, "the policy counts")
