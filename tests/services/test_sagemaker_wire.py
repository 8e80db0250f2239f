"""SageMaker over boto3: every answer of its modelled shape, every refusal with AWS's code and words."""

import asyncio
import gzip
import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.authorize import IdentityPolicies
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.telemetry.segments import SegmentLogs
from clary.jobs import outputs
from clary.jobs.locations import Location
from clary.kernel.clock import ManualClock
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.services import iam, s3, sagemaker
from tests.inprocess import URL, InProcess, make_role
from tests.memory_runner import MemoryRunner
from tests.memory_serving import MemoryServing
from tests.sagemaker_house import ROLE, SKLEARN, XGBOOST, processing_request, training_request


class Wire:
    """A gateway over SageMaker and S3, whose controller moves when the test says so."""

    def __init__(self, directory: Path) -> None:
        # Signatures are checked against it, and botocore sends times in whole seconds.
        self.clock = ManualClock(float(int(time.time())))
        self.objects = DiskObjects(directory / "objects", self.clock)
        self.logs = SegmentLogs(directory / "logs", self.clock)
        self.runner = MemoryRunner(directory / "runs", self.clock)
        ports = {BucketStore: self.objects, ObjectStore: self.objects}
        self.inside = InProcess(directory, [iam.service, sagemaker.service, s3.service], clock=self.clock, ports=ports)
        make_role(self.inside)
        self.sagemaker = self.inside.client("sagemaker")
        self.s3 = self.inside.client("s3")
        engines = sagemaker.Engines(
            runner=self.runner,
            serving=MemoryServing(directory / "serving"),
            objects=self.objects,
            logs=self.logs,
            keys=self.inside.ring,
            clock=self.clock,
            store=self.inside.raw_store,
            inside=self.inside.gateway.inside,
            identities=self.inside.ports[IdentityPolicies],
            endpoint_url=URL,
            scratch=directory / "scratch",
        )
        self.controller: Controller = self.inside.thread.call(
            Controller, self.inside.raw_store, self.clock, sagemaker.reconcilers(engines), sagemaker.MACHINES
        )

    def go(self, looks: int = 8) -> None:
        async def tick() -> None:
            for _ in range(looks):
                await self.controller.tick()
                self.clock.advance(0.5)
                await asyncio.sleep(0)

        self.inside.run(tick())

    def close(self) -> None:
        self.inside.close()
        self.objects.close()
        self.logs.close()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    made = Wire(tmp_path)
    try:
        made.s3.create_bucket(Bucket="lake")
        made.s3.put_object(Bucket="lake", Key="data/train/a.csv", Body=b"1,2\n")
        made.s3.put_object(Bucket="lake", Key="raw/car.csv", Body=b"x\n")
        made.s3.put_object(Bucket="lake", Key="model.tar.gz", Body=tar())
        yield made
    finally:
        made.close()


def tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w"):
        pass
    return gzip.compress(packed.getvalue())


def refused(call: Any, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    said = caught.value.response
    return said["Error"]["Code"], said["Error"]["Message"], said["ResponseMetadata"]["HTTPStatusCode"]


def test_a_training_job_through_all_its_statuses(wire: Wire) -> None:
    def trains(uid: str, work: Any, root: Path) -> int:
        (root / "model" / "m").write_bytes(b"m")
        (root / "output" / "data" / "report").write_bytes(b"r")
        (root.parent / "log").write_text("[0]#011train-merror:0.5\n")
        return 0

    made = wire.sagemaker.create_training_job(**training_request(DebugHookConfig={"S3OutputPath": "s3://lake/d"}))
    assert made["TrainingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:training-job/job"
    wire.sagemaker.describe_training_job(TrainingJobName="job")
    wire.go()
    assert wire.sagemaker.describe_training_job(TrainingJobName="job")["SecondaryStatus"] == "Training"
    (uid,) = wire.runner.starts()
    trains(uid, None, wire.runner.root(uid))
    wire.runner.end(uid, 0)
    wire.go()
    said = wire.sagemaker.describe_training_job(TrainingJobName="job")
    assert said["TrainingJobStatus"] == "Completed"
    assert said["FinalMetricDataList"][0]["MetricName"] == "train:merror"
    assert said["CreationTime"] <= said["TrainingStartTime"] <= said["TrainingEndTime"] <= said["LastModifiedTime"]
    keys = [one["Key"] for one in wire.s3.list_objects_v2(Bucket="lake", Prefix="models/")["Contents"]]
    assert keys == ["models/job/output/model.tar.gz", "models/job/output/output.tar.gz"]
    waiter = wire.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="job")


def test_a_processing_job_through_all_its_statuses(wire: Wire) -> None:
    made = wire.sagemaker.create_processing_job(**processing_request())
    assert made["ProcessingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:processing-job/job"
    wire.go()
    (uid,) = wire.runner.starts()
    (wire.runner.root(uid) / "processing/output/features/a.csv").write_bytes(b"1")
    wire.runner.end(uid, 0)
    wire.go()
    said = wire.sagemaker.describe_processing_job(ProcessingJobName="job")
    assert said["ProcessingJobStatus"] == "Completed"
    assert said["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert wire.s3.get_object(Bucket="lake", Key="features/a.csv")["Body"].read() == b"1"
    wire.sagemaker.get_waiter("processing_job_completed_or_stopped").wait(ProcessingJobName="job")
    (summary,) = wire.sagemaker.list_processing_jobs(StatusEquals="Completed")["ProcessingJobSummaries"]
    assert summary["ProcessingJobName"] == "job"


def deploy(wire: Wire) -> None:
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    tags = [{"Key": "team", "Value": "blue"}]
    made = wire.sagemaker.create_model(
        ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tags, VpcConfig=vpc()
    )
    assert made["ModelArn"] == "arn:aws:sagemaker:us-east-1:123456789012:model/m"
    made = wire.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant], Tags=tags)
    assert made["EndpointConfigArn"] == "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c"
    made = wire.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c", Tags=tags)
    assert made["EndpointArn"] == "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"


def vpc() -> dict[str, Any]:
    return {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}


def test_an_endpoint_from_model_to_deletion(wire: Wire) -> None:
    deploy(wire)
    assert wire.sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "Creating"
    wire.go()
    wire.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="e")
    assert wire.sagemaker.describe_model(ModelName="m")["PrimaryContainer"]["Mode"] == "SingleModel"
    config = wire.sagemaker.describe_endpoint_config(EndpointConfigName="c")
    assert config["ProductionVariants"][0]["InitialVariantWeight"] == 1.0
    wire.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="e",
        DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredWeight": 2, "DesiredInstanceCount": 2}],
    )
    wire.go()
    said = wire.sagemaker.describe_endpoint(EndpointName="e")
    assert said["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    update = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    }
    wire.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="c", DeploymentConfig=update)
    assert "PendingDeploymentSummary" in wire.sagemaker.describe_endpoint(EndpointName="e")
    wire.go()
    assert wire.sagemaker.describe_endpoint(EndpointName="e")["LastDeploymentConfig"] == update
    assert [one["EndpointName"] for one in wire.sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]] == [
        "e"
    ]
    assert [one["ModelName"] for one in wire.sagemaker.list_models()["Models"]] == ["m"]
    configs = wire.sagemaker.list_endpoint_configs(NameContains="C")["EndpointConfigs"]
    assert [one["EndpointConfigName"] for one in configs] == ["c"]
    wire.sagemaker.delete_endpoint(EndpointName="e")
    wire.go()
    wire.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="e")
    wire.sagemaker.delete_endpoint_config(EndpointConfigName="c")
    wire.sagemaker.delete_model(ModelName="m")
    assert wire.inside.store.events(0, 1000)


def test_what_is_missing_and_what_is_there(wire: Wire) -> None:
    client = wire.sagemaker
    arn = "arn:aws:sagemaker:us-east-1:123456789012"
    assert refused(client.describe_training_job, TrainingJobName="x") == (
        "ValidationException", "Requested resource not found.", 400,
    )  # fmt: skip
    assert refused(client.describe_processing_job, ProcessingJobName="x")[:2] == (
        "ValidationException", "Could not find requested job with name: x",
    )  # fmt: skip
    for call, member, what in (
        (client.describe_model, "ModelName", "model"),
        (client.delete_model, "ModelName", "model"),
        (client.describe_endpoint_config, "EndpointConfigName", "endpoint configuration"),
        (client.delete_endpoint_config, "EndpointConfigName", "endpoint configuration"),
        (client.describe_endpoint, "EndpointName", "endpoint"),
        (client.delete_endpoint, "EndpointName", "endpoint"),
    ):
        kind = what.replace(" configuration", "-config")
        assert refused(call, **{member: "x"})[:2] == ("ValidationException", f'Could not find {what} "{arn}:{kind}/x".')
    client.create_training_job(**training_request())
    code, message, _ = refused(client.create_training_job, **training_request())
    assert code == "ResourceInUse"
    assert f"already exists ({arn}:training-job/job)" in message
    code, message, status = refused(
        client.create_training_job,
        **training_request(
            "two", ResourceConfig={"InstanceCount": 300, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        ),
    )
    assert (code, status) == ("NotImplemented", 501)
    assert "InstanceCount" in message


def test_tags_live_with_their_resource(wire: Wire) -> None:
    deploy(wire)
    client = wire.sagemaker
    arn = client.describe_model(ModelName="m")["ModelArn"]
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    said = client.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "red"}])
    assert said["Tags"] == [{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "red"}]
    client.delete_tags(ResourceArn=arn, TagKeys=["team", "nothing"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
    endpoint = client.describe_endpoint(EndpointName="e")["EndpointArn"]
    assert client.list_tags(ResourceArn=endpoint)["Tags"] == [{"Key": "team", "Value": "blue"}]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    assert "at most 50" in refused(client.add_tags, ResourceArn=arn, Tags=many)[1]
    assert "reserved" in refused(client.add_tags, ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": ""}])[1]
    assert "Could not find" in refused(client.list_tags, ResourceArn=arn[:-1] + "nothing")[1]
    # A model made again under the old name starts with its own tags.
    client.delete_model(ModelName="m")
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    client.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    assert client.list_tags(ResourceArn=arn)["Tags"] == []


def test_lists_filter_sort_and_page(wire: Wire) -> None:
    client = wire.sagemaker
    for number in range(25):
        client.create_training_job(**training_request(f"{'odd' if number % 2 else 'even'}-{number:02d}"))
        wire.clock.advance(10.0)
    client.stop_training_job(TrainingJobName="even-04")

    def listed(**asked: Any) -> list[str]:
        pages = client.get_paginator("list_training_jobs").paginate(**asked)
        return [one["TrainingJobName"] for page in pages for one in page["TrainingJobSummaries"]]

    everything = listed()
    assert everything == sorted(everything, key=lambda name: name[-2:])
    assert len(client.list_training_jobs()["TrainingJobSummaries"]) == 10
    assert listed(SortOrder="Descending") == everything[::-1]
    assert listed(SortBy="Name") == sorted(everything)
    assert listed(SortBy="Name", SortOrder="Descending", MaxResults=100) == sorted(everything)[::-1]
    assert listed(NameContains="ODD") == [name for name in everything if name.startswith("odd")]
    assert listed(StatusEquals="Stopping") == ["even-04"]
    assert set(listed(SortBy="Status")) == set(everything)
    assert listed(SortBy="Status", SortOrder="Descending")[0] == "even-04"
    first = client.describe_training_job(TrainingJobName="even-00")["CreationTime"]
    sixth = client.describe_training_job(TrainingJobName="odd-05")["CreationTime"]
    assert listed(CreationTimeAfter=first, CreationTimeBefore=sixth) == everything[1:5]
    stopped = client.describe_training_job(TrainingJobName="even-04")["LastModifiedTime"]
    assert listed(LastModifiedTimeAfter=sixth)[0] != "even-00"
    assert "even-04" not in listed(LastModifiedTimeBefore=stopped)
    assert listed(WarmPoolStatusEquals="InUse") == []
    token = client.list_training_jobs(MaxResults=3)["NextToken"]
    assert len(client.list_training_jobs(MaxResults=3, NextToken=token)["TrainingJobSummaries"]) == 3
    code, message, _ = refused(client.list_training_jobs, NameContains="x", NextToken=token)
    assert (code, message[:17]) == ("ValidationException", "Invalid NextToken")
    assert refused(client.list_training_jobs, NextToken="nonsense")[0] == "ValidationException"


def test_constraints_are_checked_in_awss_words(wire: Wire) -> None:
    code, message, _ = refused(wire.sagemaker.create_training_job, **training_request("bad_name!"))
    assert code == "ValidationException"
    assert "1 validation error detected: Value 'bad_name!' at 'trainingJobName' failed to satisfy constraint" in message


def test_a_large_artifact_goes_up_in_parts(wire: Wire, tmp_path: Path) -> None:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(bytes(range(256)) * 4096 * 11 + b"end")  # 11 MiB and a little: three parts of at most 5 MiB.
    ctx = wire.inside.context()
    wire.inside.run(outputs.upload(ctx, file, Location("lake", "big"), part_bytes=5 << 20))
    said = wire.s3.get_object(Bucket="lake", Key="big")
    assert said["ETag"].endswith('-3"')
    assert said["Body"].read() == file.read_bytes()


def test_a_job_in_a_region_of_its_own(wire: Wire) -> None:
    wire.sagemaker.create_processing_job(**processing_request())
    elsewhere = wire.inside.client("sagemaker", region="eu-west-1")
    assert elsewhere.list_processing_jobs()["ProcessingJobSummaries"] == []
    request = processing_request(AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["true"]})
    assert ":eu-west-1:" in elsewhere.create_processing_job(**request)["ProcessingJobArn"]
