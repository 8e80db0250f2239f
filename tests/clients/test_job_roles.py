"""Jobs on a real server may do what their role may, and no more: inputs, outputs, and what their own code asks."""

import json
from typing import Any

import pytest

from tests.real import TRUST, RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
SCRIPT = """
import json, pathlib
import boto3
from botocore.exceptions import ClientError

def tried(call, **params):
    try:
        call(**params)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"

s3 = boto3.client("s3")
said = {
    "who": boto3.client("sts").get_caller_identity()["Arn"].split(":", 5)[5],
    "own": tried(s3.get_object, Bucket="lake", Key="in/x.py"),
    "secret": tried(s3.get_object, Bucket="lake", Key="secret/x"),
    "buckets": tried(s3.list_buckets),
    "jobs": tried(boto3.client("sagemaker").list_training_jobs),
}
pathlib.Path("/opt/ml/processing/output/said.json").write_text(json.dumps(said))
"""


@pytest.fixture(scope="module")
def lake(server: RealClary) -> RealClary:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="in/x.py", Body=SCRIPT.encode())
    s3.put_object(Bucket="lake", Key="secret/x", Body=b"x")
    return server


def role(server: RealClary, name: str, **allowed: str) -> str:
    """A role that may do each action (s3:<name>) on its resource of the bucket."""
    iam = server.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    statements = [
        {"Effect": "Allow", "Action": f"s3:{action}", "Resource": f"arn:aws:s3:::lake{resource}"}
        for action, resource in allowed.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return arn


def run(server: RealClary, name: str, role_arn: str) -> dict[str, Any]:
    """What Describe says of the job at its end."""
    sagemaker = server.client("sagemaker")
    local = {"S3DataType": "S3Prefix", "S3InputMode": "File", "LocalPath": "/opt/ml/processing/input/code"}
    out = {"S3Uri": f"s3://lake/out/{name}", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role_arn,
        AppSpecification={
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/x.py"],
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        ProcessingInputs=[{"InputName": "code", "S3Input": {"S3Uri": "s3://lake/in/x.py", **local}}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": out}]},
    )

    def ended() -> dict[str, Any] | None:
        said: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
        return said if said["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(ended, 90, f"the job {name} ends")
    return found


def test_a_job_may_what_its_role_may(lake: RealClary) -> None:
    arn = role(lake, "careful", ListBucket="", GetObject="/in/*", PutObject="/out/*")
    ended = run(lake, "careful", arn)
    assert ended["ProcessingJobStatus"] == "Completed", ended
    said = json.loads(lake.client("s3").get_object(Bucket="lake", Key="out/careful/said.json")["Body"].read())
    assert said == {
        "who": "assumed-role/careful/SageMaker",
        "own": "allowed",
        "secret": "AccessDenied",
        "buckets": "AccessDenied",
        "jobs": "AccessDeniedException",
    }


def test_a_job_whose_role_may_not_read_its_input_fails(lake: RealClary) -> None:
    for name, allowed in (("lists", {"ListBucket": ""}), ("nothing", {"GetObject": "/other/*"})):
        ended = run(lake, name, role(lake, name, **allowed))
        assert ended["ProcessingJobStatus"] == "Failed"
        why = ended["FailureReason"]
        assert why.startswith("ClientError: Data download failed: AccessDenied (403) when reading s3://lake/in/x.py")
        assert f"assumed-role/{name}/SageMaker is not authorized to perform: s3:" in why


def test_a_job_whose_role_may_not_write_its_output_fails(lake: RealClary) -> None:
    arn = role(lake, "reader", ListBucket="", GetObject="/in/*", PutObject="/elsewhere/*")
    ended = run(lake, "reader", arn)
    assert ended["ProcessingJobStatus"] == "Failed"
    assert "could not be stored" in ended["FailureReason"]
    assert (
        "is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::lake/out/reader"
        in (ended["FailureReason"])
    )
