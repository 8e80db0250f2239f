"""The road of a car from raw file to answered request, step by step, with boto3 and nothing else.

    python workshop.py            # plays every step, asks for one car, and leaves nothing behind
    python workshop.py --keep     # leaves the endpoint `pipeline-car-evaluation` and all that it is made of

Glue prepares the data with Spark (prepare.py) and keeps what it did as two bundles; XGBoost is trained on the result;
the endpoint is a pipeline of three containers: words to features, features to a number, the number to a word. So what
was done to the training data is done to each request, by the same parameters.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

HERE = Path(__file__).resolve().parent
ATTRIBUTES = ("buying", "maint", "doors", "persons", "lug_boot", "safety")
CAR = "low,low,5more,more,big,high"
HYPERPARAMETERS = {"objective": "multi:softmax", "num_class": "4", "num_round": "10", "seed": "7"}
REGISTRIES = {"us-east-1": ("811284229777", "683313688378"), "eu-west-1": ("685385470294", "141502667606")}
LOOK_SECONDS = 0.2
FEATURES_SCHEMA = {
    "input": [{"name": name, "type": "string"} for name in ATTRIBUTES],
    "output": {"name": "features", "type": "double", "struct": "vector"},
}
LABELS_SCHEMA = {
    "input": [{"name": "prediction", "type": "double"}],
    "output": {"name": "category", "type": "string"},
}


class Failed(Exception):
    """A step did not end as it should; the message carries what the service said."""


@dataclass
class Workshop:
    """One run. What has a name in it is called `name`, or begins so."""

    client: Callable[[str], Any]
    """Makes a client of boto3, for example boto3.client."""
    region: str
    bucket: str
    name: str = "car-evaluation"
    endpoint: str = "pipeline-car-evaluation"
    script: Path = HERE / "prepare.py"
    """What the Glue job runs."""
    say: Callable[[str], None] = field(default=lambda status: None)
    """Told what a service says of a step while it works."""

    def __post_init__(self) -> None:
        self.s3, self.iam, self.glue = self.client("s3"), self.client("iam"), self.client("glue")
        self.sagemaker, self.runtime = self.client("sagemaker"), self.client("sagemaker-runtime")
        account, of_containers = REGISTRIES.get(self.region, REGISTRIES["us-east-1"])
        self.xgboost = f"{account}.dkr.ecr.{self.region}.amazonaws.com/xgboost:latest"
        self.sparkml = f"{of_containers}.dkr.ecr.{self.region}.amazonaws.com/sagemaker-sparkml-serving:2.2"

    def make_role(self) -> str:
        """The ARN of the role that Glue and SageMaker act as: everything in the bucket, and their logs."""
        services = ["glue.amazonaws.com", "sagemaker.amazonaws.com"]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        places = [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]
        data = {"Effect": "Allow", "Action": "s3:*", "Resource": places}
        try:
            self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=_policy(trust))
        except ClientError as error:
            unless(error, "EntityAlreadyExists")
        self.iam.put_role_policy(RoleName=self.name, PolicyName="data", PolicyDocument=_policy(data))
        return str(self.iam.get_role(RoleName=self.name)["Role"]["Arn"])

    def make_bucket(self) -> None:
        where = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        try:
            self.s3.create_bucket(Bucket=self.bucket, **({"CreateBucketConfiguration": where} if where else {}))
        except ClientError as error:
            unless(error, "BucketAlreadyOwnedByYou")

    def upload(self, raw: bytes) -> None:
        """The raw file and the job's script stand in the bucket."""
        self.s3.put_object(Bucket=self.bucket, Key="raw/car.data", Body=raw)
        self.s3.put_object(Bucket=self.bucket, Key="code/prepare.py", Body=self.script.read_bytes())

    def prepare(self, role: str) -> dict[str, Any]:
        """The Glue job has run: features/ and bundles/ stand in the bucket. Answers the run as GetJobRun tells it."""
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/code/prepare.py", "PythonVersion": "3"}
        job = {"Role": role, "Command": command, "GlueVersion": "4.0", "WorkerType": "G.1X", "NumberOfWorkers": 2}
        try:
            self.glue.create_job(Name=self.name, **job)
        except ClientError as error:
            unless(error, "AlreadyExistsException")
        arguments = {"INPUT": "raw/car.data", "OUTPUT": "features", "MODEL": "bundles"}
        given = {f"--S3_{part}_BUCKET": self.bucket for part in arguments}
        given |= {f"--S3_{part}_KEY_PREFIX": key for part, key in arguments.items()}
        run = self.glue.start_job_run(JobName=self.name, Arguments=given)["JobRunId"]
        look = lambda: self.glue.get_job_run(JobName=self.name, RunId=run)["JobRun"]  # noqa: E731
        return self.until(look, "JobRunState", "SUCCEEDED", "ErrorMessage")

    def train(self, role: str, job: str) -> dict[str, Any]:
        """The training job `job` is completed. Answers it as DescribeTrainingJob tells it."""
        channels = []
        for name in ("train", "validation"):
            uri = f"s3://{self.bucket}/features/{name}/part"
            source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
            channels.append({"ChannelName": name, "ContentType": "csv", "DataSource": {"S3DataSource": source}})
        self.sagemaker.create_training_job(
            TrainingJobName=job,
            RoleArn=role,
            AlgorithmSpecification={"TrainingImage": self.xgboost, "TrainingInputMode": "File"},
            HyperParameters=HYPERPARAMETERS,
            InputDataConfig=channels,
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/models"},
            ResourceConfig={"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 20},
            StoppingCondition={"MaxRuntimeInSeconds": 86400},
        )
        look = lambda: self.sagemaker.describe_training_job(TrainingJobName=job)  # noqa: E731
        return self.until(look, "TrainingJobStatus", "Completed", "FailureReason")

    def deploy(self, role: str, trained: dict[str, Any]) -> None:
        """The endpoint is in service: three containers, one after the other, for each request."""
        containers = [
            self._bundle("features", FEATURES_SCHEMA),
            {"Image": self.xgboost, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]},
            self._bundle("labels", LABELS_SCHEMA),
        ]
        self.sagemaker.create_model(ModelName=self.endpoint, ExecutionRoleArn=role, Containers=containers)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": self.endpoint,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m4.xlarge",
            "InitialVariantWeight": 1,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=self.endpoint, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=self.endpoint, EndpointConfigName=self.endpoint)
        look = lambda: self.sagemaker.describe_endpoint(EndpointName=self.endpoint)  # noqa: E731
        self.until(look, "EndpointStatus", "InService", "FailureReason")

    def _bundle(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "Image": self.sparkml,
            "ModelDataUrl": f"s3://{self.bucket}/bundles/{name}/model.tar.gz",
            "Environment": {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(schema)},
        }

    def ask(self, car: str) -> str:
        """The class of a car: unacc, acc, good or vgood. `car`: six words, comma-separated."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.endpoint, ContentType="text/csv", Accept="text/csv", Body=car
        )
        return str(answer["Body"].read().decode().strip())

    def clean_up(self) -> None:
        """Nothing of it is left, wherever it stopped; the training job stays in the list."""
        made: tuple[tuple[Callable[..., Any], dict[str, str]], ...] = (
            (self.sagemaker.delete_endpoint, {"EndpointName": self.endpoint}),
            (self.sagemaker.delete_endpoint_config, {"EndpointConfigName": self.endpoint}),
            (self.sagemaker.delete_model, {"ModelName": self.endpoint}),
            (self.glue.delete_job, {"JobName": self.name}),
            (self._delete_bucket, {}),
            (self.iam.delete_role_policy, {"RoleName": self.name, "PolicyName": "data"}),
            (self.iam.delete_role, {"RoleName": self.name}),
        )
        for delete, which in made:
            try:
                delete(**which)
            except ClientError as error:
                unless(error, "ValidationException", "NoSuchBucket", "NoSuchEntity", "EntityNotFoundException")

    def _delete_bucket(self) -> None:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            if found := [{"Key": one["Key"]} for one in page.get("Contents", [])]:
                self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": found, "Quiet": True})
        self.s3.delete_bucket(Bucket=self.bucket)

    def until(self, look: Callable[[], dict[str, Any]], status: str, wanted: str, why: str) -> dict[str, Any]:
        """What `look` answers once its status is the wanted one. Raises Failed, with what the service says of it."""
        while True:
            said = look()
            if said[status] == wanted:
                return said
            if said[status].upper() in ("FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"):
                raise Failed(f"{status} is {said[status]}: {said.get(why, 'no reason given')}")
            self.say(said.get("SecondaryStatus", said[status]))
            time.sleep(LOOK_SECONDS)


def unless(error: ClientError, *expected: str) -> None:
    """Raised again unless its code is one of those."""
    if error.response["Error"]["Code"] not in expected:
        raise error


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def made_up() -> bytes:
    """The published file, from the rules that it follows."""
    from data import csv  # beside this file

    return str(csv()).encode()


def main() -> None:
    import boto3

    parser = argparse.ArgumentParser(description="Car evaluation, from raw file to answered request.")
    parser.add_argument("--data", type=Path, help="the published file; without it, the rules that it follows")
    parser.add_argument("--keep", action="store_true", help="leave everything as it is, to look at")
    asked = parser.parse_args()
    session = boto3.Session()
    account = session.client("sts").get_caller_identity()["Account"]
    region = session.region_name or "us-east-1"
    shop = Workshop(session.client, region, f"car-evaluation-{region}-{account}")
    try:
        shop.make_bucket()
        role = shop.make_role()
        shop.upload(asked.data.read_bytes() if asked.data else made_up())
        print("Glue prepares the data ...")
        print(f"... for {shop.prepare(role)['ExecutionTime']} s; XGBoost is trained ...")
        trained = shop.train(role, f"car-evaluation-{time.strftime('%Y%m%d-%H%M%S')}")
        for metric in trained.get("FinalMetricDataList", []):
            print(f"    {metric['MetricName']} {metric['Value']:.4f}")
        print("... and deployed")
        shop.deploy(role, trained)
        print(f"{CAR} -> {shop.ask(CAR)}")
    finally:
        if not asked.keep:
            shop.clean_up()


if __name__ == "__main__":
    main()
