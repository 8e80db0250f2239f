"""What the demonstrations share: making things once, waiting for them, removing them."""

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from clary.cli.demo.stage import Line

IMAGES = "683313688378.dkr.ecr.{region}.amazonaws.com"
SKLEARN_IMAGE = f"{IMAGES}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST_IMAGE = f"{IMAGES}/sagemaker-xgboost:1.7-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.1


class DemoFailed(Exception):
    """A step did not end as it should; the message carries what the service said."""


def until(line: Line, describe: Callable[[], dict[str, Any]], field: str, wanted: str) -> dict[str, Any]:
    """The description once it shows `wanted`. Raises DemoFailed with the service's reason otherwise."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        said = describe()
        phase = said[field]
        if phase == wanted:
            return said
        if phase in ("Failed", "Stopped", "OutOfService"):
            raise DemoFailed(f"{field} is {phase}: {said.get('FailureReason', 'no reason given')}")
        line.say(said.get("SecondaryStatus", phase))
        time.sleep(LOOK_SECONDS)
    raise DemoFailed(f"{field} did not become {wanted} within {PATIENCE_SECONDS:.0f} s")


def until_endpoint_is_gone(line: Line, sagemaker: Any, name: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            line.say(sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"])
        except ClientError as error:
            if "Could not find" in str(error):
                return
            raise
        time.sleep(LOOK_SECONDS)
    raise DemoFailed("the endpoint was not deleted in time")


def role_for(iam: Any, name: str, bucket: str) -> str:
    """The ARN of a role that jobs and model servers act as: it may do everything in the bucket, and nothing else."""
    once(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    arn: str = iam.get_role(RoleName=name)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=policy)
    return arn


def make_bucket(s3: Any, name: str, region: str) -> None:
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    once(s3.create_bucket, Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))


def remove_bucket_and_role(s3: Any, bucket: str, iam: Any, role: str) -> None:
    """Neither is there any more, nor anything that was in them."""
    unless_missing(_empty_bucket, {"s3": s3, "bucket": bucket})
    unless_missing(s3.delete_bucket, {"Bucket": bucket})
    unless_missing(iam.delete_role_policy, {"RoleName": role, "PolicyName": "data"})
    unless_missing(iam.delete_role, {"RoleName": role})


def _empty_bucket(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": one["Key"]} for one in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def once(create: Callable[..., Any], **request: Any) -> None:
    """It exists, made by us. Its name is this run's own, so "already there" can only be the answer to an earlier try
    whose answer was lost on the way (a server killed between its commit and its word)."""
    try:
        create(**request)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        already = ("ResourceInUse", "EntityAlreadyExists", "BucketAlreadyOwnedByYou")
        if code not in already and not (code == "ValidationException" and "already exist" in message):
            raise


def unless_missing(delete: Callable[..., Any], request: dict[str, Any]) -> None:
    try:
        delete(**request)
    except ClientError as error:
        missing = ("NoSuchEntity", "NoSuchBucket", "NoSuchKey", "ResourceNotFound")
        said = ("Could not find", "does not exist")
        if error.response["Error"]["Code"] not in missing and not any(one in str(error) for one in said):
            raise
