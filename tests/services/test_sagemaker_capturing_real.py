"""A real server with a real model: what is captured comes to S3, what is served becomes metrics, also across kills."""

import io
import json
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import RealClary, until
from tests.sagemaker_house import XGBOOST

pytestmark = [pytest.mark.slow, pytest.mark.server]
SETTINGS = {"CLARY_CAPTURE_SECONDS": "1", "CLARY_SERVING_METRICS_SECONDS": "1", "CLARY_COMPILE": "off"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """With an endpoint "cars" that captures everything."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        real.up()
        _deploy(real)
        yield real
        real.sweep()


def _deploy(real: RealClary) -> None:
    s3, sagemaker = real.client("s3"), real.client("sagemaker")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="model.tar.gz", Body=_model())
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=real.role("watcher"))
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://lake/watch",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    variant = {"VariantName": "blue", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant], DataCaptureConfig=capture)
    sagemaker.create_endpoint(EndpointName="cars", EndpointConfigName="c")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="cars", WaiterConfig={"Delay": 1})


def _model() -> bytes:
    import numpy
    import xgboost

    rows = numpy.arange(40.0).reshape(20, 2)
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, rows[:, 0]), num_boost_round=2)
    raw = bytes(booster.save_raw("ubj"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("xgboost-model")
        member.size = len(raw)
        tar.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def _lines(real: RealClary) -> dict[str, Any]:
    """Everything captured, by its event."""
    s3 = real.client("s3")
    found = {}
    for one in s3.list_objects_v2(Bucket="lake", Prefix="watch/cars/blue/").get("Contents", []):
        for line in s3.get_object(Bucket="lake", Key=one["Key"])["Body"].read().splitlines():
            said = json.loads(line)
            assert said["eventMetadata"]["eventId"] not in found, "captured once, stored once"
            found[said["eventMetadata"]["eventId"]] = said
    return found


def _invoked(real: RealClary) -> float:
    """Invocations of the last half hour, as CloudWatch has them."""
    now = time.time()
    told = real.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": "cars"}, {"Name": "VariantName", "Value": "blue"}],
        StartTime=now - 1800,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )
    return sum(one["Sum"] for one in told["Datapoints"])


def _pid(real: RealClary, module: str) -> int:
    """The process of this home that runs `module`."""
    [found] = [
        pid for pid in real.left_behind() if module.encode() in (Path("/proc") / str(pid) / "cmdline").read_bytes()
    ]
    return found


def test_what_passes_is_in_s3_and_in_cloudwatch(server: RealClary) -> None:
    runtime = server.client("sagemaker-runtime")
    said = server.client("sagemaker").describe_endpoint(EndpointName="cars")["DataCaptureConfig"]
    assert said == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": "s3://lake/watch",
        "KmsKeyId": "",
    }
    before, captured = _invoked(server), len(_lines(server))
    answer = runtime.invoke_endpoint(EndpointName="cars", Body=b"1,2", ContentType="text/csv", InferenceId="first")
    event = answer["ResponseMetadata"]["RequestId"]
    line = until(lambda: _lines(server).get(event), what="the line of the first inference")
    put, got = line["captureData"]["endpointInput"], line["captureData"]["endpointOutput"]
    assert (put["data"], put["encoding"], put["mode"]) == ("1,2", "CSV", "INPUT")
    assert (got["data"], got["encoding"], got["mode"]) == (answer["Body"].read().decode(), "CSV", "OUTPUT")
    assert line["eventMetadata"]["inferenceId"] == "first"
    with pytest.raises(Exception, match="ModelError"):
        runtime.invoke_endpoint(EndpointName="cars", Body=b"x", ContentType="image/png")
    until(lambda: _invoked(server) == before + 2, what="two invocations in CloudWatch")
    latency = server.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "p999",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SageMaker",
                        "MetricName": "ModelLatency",
                        "Dimensions": [
                            {"Name": "EndpointName", "Value": "cars"},
                            {"Name": "VariantName", "Value": "blue"},
                        ],
                    },
                    "Period": 60,
                    "Stat": "p99.9",
                },
            }
        ],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
    )["MetricDataResults"][0]["Values"]
    assert latency and all(0 < one < 60e6 for one in latency)
    assert len(_lines(server)) == captured + 1, "an error is counted, and not captured"


def test_kills_lose_a_look_at_most_and_tell_nothing_twice(server: RealClary) -> None:
    runtime = server.client("sagemaker-runtime")
    before, captured = _invoked(server), len(_lines(server))

    def invoke(times: int) -> None:
        for _ in range(times):
            runtime.invoke_endpoint(EndpointName="cars", Body=b"3,4", ContentType="text/csv")

    invoke(20)
    os.kill(_pid(server, "clary.processes.control"), signal.SIGKILL)
    invoke(20)
    until(lambda: _invoked(server) >= before + 20, what="what was served without a control process")
    # Of what a front has not told yet its own kill loses up to a second: so it has told everything before.
    until(lambda: len(_lines(server)) == captured + 40, what="every line, whoever was killed")
    told = _invoked(server)
    assert before + 20 <= told <= before + 40
    os.kill(_pid(server, "clary.processes.front"), signal.SIGKILL)
    invoke(1)
    until(lambda: len(_lines(server)) == captured + 41, what="the line of the new front")
    until(lambda: _invoked(server) == told + 1, what="the inference of the new front, and nothing of the old one's")
    page = subprocess.run(["curl", "-s", f"{server.url}/metrics"], capture_output=True, text=True, check=True).stdout
    assert 'clary_endpoint_invocations_total{region="us-east-1",endpoint="cars",variant="blue"} 1' in page
