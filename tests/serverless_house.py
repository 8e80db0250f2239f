"""Endpoints of a real `clary up` whose model is a few lines of Python: asynchronous ones, and serverless ones."""

import gzip
import io
import tarfile
from typing import Any

from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN

BUCKET = "lake"
PROGRAM = b"""
import os
import time


def model_fn(model_dir):
    return os.getpid()


def transform_fn(model, data, content_type, accept):
    text = data if isinstance(data, str) else bytes(data).decode()
    if text.startswith("sleep"):
        time.sleep(float(text.split()[1]))
    if text.startswith("fail"):
        raise ValueError("no such column")
    if text.startswith("die"):
        os.kill(model, 9)
    return f"{text}!", "text/plain"
"""


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue())


def prepare(clary: RealClary) -> str:
    """There is a bucket, a role that may use it and publish, and the model "echo"; the role's ARN."""
    s3 = clary.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=archive(**{"code__inference.py": PROGRAM}))
    role = clary.role("server")
    clary.client("iam").attach_role_policy(RoleName="server", PolicyArn="arn:aws:iam::aws:policy/AmazonSNSFullAccess")
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }
    clary.client("sagemaker").create_model(ModelName="echo", ExecutionRoleArn=role, PrimaryContainer=container)
    return role


def deploy(clary: RealClary, name: str, variant: dict[str, Any], **config: Any) -> None:
    """The endpoint is in service."""
    sagemaker = clary.client("sagemaker")
    variants = [{"VariantName": "AllTraffic", "ModelName": "echo", **variant}]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **config)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def settled() -> str:
        said = sagemaker.describe_endpoint(EndpointName=name)
        status: str = said["EndpointStatus"]
        assert status != "Failed", said["FailureReason"]
        return "" if status.endswith("ing") else status

    assert until(settled, 60.0) == "InService"


def instances(clary: RealClary, name: str) -> int:
    """How many of its only variant answer."""
    said = clary.client("sagemaker").describe_endpoint(EndpointName=name)
    count: int = said["ProductionVariants"][0]["CurrentInstanceCount"]
    return count
