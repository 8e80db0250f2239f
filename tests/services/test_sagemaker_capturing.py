"""Captured inferences come to S3 once, whole, in SageMaker's form and layout."""

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from clary.aws.errors import ServiceError, ValidationException
from clary.engines.serving.base import CaptureRule
from clary.engines.serving.captured import OPEN, WHOLE, Captured, Origin, frame
from clary.services.sagemaker.capturing import Shipper, rules
from clary.services.sagemaker.capturing.lines import line
from tests.jobs_house import archive
from tests.kernel.waiting import settle
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, XGBOOST, House

NOW = 1_700_000_000.25
"""2023-11-14 22:13:20."""
RULE = CaptureRule(100.0, True, True, "s3://lake/watch", ("text/csv",), ("application/json",))
ORIGIN = Origin(ACCOUNT, REGION, "cars", "blue", ROLE, RULE)
ONE = Captured(NOW, "e-1", "i-1", "t=1", "text/csv", "application/json; charset=utf-8", b"a,b\n", b'{"y": [1]}')
LOG_GROUP = "/aws/sagemaker/Endpoints/cars"


class Dock:
    """A shipper over a house's objects, and files for it."""

    def __init__(self, directory: Path) -> None:
        self.house = House(directory / "house")
        self.spool = directory / "captured"
        self.spool.mkdir()
        self.house.objects.write("lake", "seed", b"")
        self.shipper = self.another()

    def another(self) -> Shipper:
        """What a new process begins with."""
        house = self.house
        return Shipper(self.spool, 10.0, house.inside, house, house.logs, house.clock)

    def write(self, name: str, *frames: Captured, origin: Origin = ORIGIN, suffix: str = WHOLE) -> Path:
        path = self.spool / f"{name}{suffix}"
        path.write_bytes(origin.line() + b"".join(frame(*one) for one in frames))
        return path

    def objects(self) -> list[str]:
        return self.house.objects.keys("lake", "watch/")

    def stored(self) -> list[dict[str, Any]]:
        bodies = [self.house.objects.read("lake", key) for key in self.objects()]
        return [json.loads(one) for body in bodies for one in body.splitlines()]


@pytest.fixture
def dock(tmp_path: Path) -> Iterator[Dock]:
    made = Dock(tmp_path)
    yield made
    made.house.close()


def test_a_line_is_as_sagemaker_writes_it() -> None:
    assert json.loads(line(RULE, ONE)) == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "a,b\n",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "application/json; charset=utf-8",
                "mode": "OUTPUT",
                "data": '{"y": [1]}',
                "encoding": "JSON",
            },
        },
        "eventMetadata": {
            "eventId": "e-1",
            "customAttributes": ["t=1"],
            "inferenceId": "i-1",
            "inferenceTime": "2023-11-14T22:13:20Z",
        },
        "eventVersion": "0",
    }


def test_what_no_type_names_and_what_is_no_text_is_base64() -> None:
    bare = CaptureRule(100.0, True, False, "s3://lake/watch")
    said = json.loads(line(bare, ONE._replace(attributes="", inference="")))
    assert said["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": b64encode(b"a,b\n").decode(),
            "encoding": "BASE64",
        }
    }
    assert set(said["eventMetadata"]) == {"eventId", "inferenceTime"}
    torn = json.loads(line(RULE, ONE._replace(input=b"a,\xff")))["captureData"]["endpointInput"]
    assert (torn["encoding"], torn["data"]) == ("BASE64", b64encode(b"a,\xff").decode())


async def test_a_file_becomes_an_object_of_its_hour(dock: Dock) -> None:
    dock.write("m-0-abc", ONE, ONE._replace(at=NOW + 1, event="e-2"))
    assert await dock.shipper.ship() == 1
    [key] = dock.objects()
    name = key.rpartition("/")[2]
    assert key.startswith("watch/cars/blue/2023/11/14/22/") and name.startswith("13-20-250-")
    assert name.endswith(".jsonl") and len(name) == len("13-20-250-.jsonl") + 36
    assert [one["eventMetadata"]["eventId"] for one in dock.stored()] == ["e-1", "e-2"]
    assert list(dock.spool.iterdir()) == []
    assert await dock.shipper.ship() == 0


async def test_what_lies_in_two_hours_becomes_two_objects(dock: Dock) -> None:
    dock.write("m-0-abc", ONE, ONE._replace(at=NOW + 3600))
    assert await dock.shipper.ship() == 2
    assert [key.split("/")[3:7] for key in dock.objects()] == [["2023", "11", "14", "22"], ["2023", "11", "14", "23"]]


async def test_stored_and_not_removed_is_stored_once(dock: Dock) -> None:
    path = dock.write("m-0-abc", ONE, ONE._replace(at=NOW + 3600))
    kept = path.read_bytes()
    await dock.shipper.ship()
    path.write_bytes(kept)  # the process was killed before it could remove the file
    await dock.another().ship()
    assert len(dock.stored()) == 2


async def test_a_file_is_left_alone_while_its_writer_lives(dock: Dock, tmp_path: Path) -> None:
    path = dock.write("m-0-abc", ONE, suffix=OPEN)
    holder = await asyncio.create_subprocess_exec(
        *("python3", "-c"),
        f"import fcntl, os; fcntl.flock(os.open({str(path)!r}, os.O_RDWR), fcntl.LOCK_EX); print(flush=True); input()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    assert await dock.shipper.ship() == 0
    holder.kill()
    await holder.communicate()
    path.write_bytes(path.read_bytes()[:-3] + b"")  # it was killed in the middle of a frame
    dock.write("n-0-abc", ONE)
    assert await dock.shipper.ship() == 1
    assert list(dock.spool.iterdir()) == []


async def test_what_s3_refuses_is_kept_tried_again_and_told_to_the_owner(dock: Dock) -> None:
    dock.house.objects.broken = ServiceError("Access Denied", code="AccessDenied", status=403)
    dock.write("m-0-abc", ONE)
    for _ in range(3):
        assert await dock.shipper.ship() == 0
    [told] = dock.house.lines(LOG_GROUP)
    assert "could not be stored" in told and "Access Denied" in told and "s3://lake/watch/cars/blue/" in told
    dock.house.objects.broken = None
    assert await dock.shipper.ship() == 0, "it is not its time yet"
    dock.house.clock.advance(1.0)  # type: ignore[attr-defined]
    assert await dock.shipper.ship() == 1


@pytest.mark.parametrize("role", ["", "arn:aws:iam::123456789012:role/none"])
async def test_without_a_role_nothing_is_stored_and_in_the_end_it_is_dropped(dock: Dock, role: str) -> None:
    origin = Origin(ACCOUNT, REGION, "cars", "blue", role, RULE)
    path = dock.write("m-0-abc", ONE, ONE, origin=origin)
    old = dock.house.clock.now() - 1800
    os.utime(path, (old, old))
    assert await dock.shipper.ship() == 0 and path.exists()
    dock.house.clock.advance(1801.0)  # type: ignore[attr-defined]
    assert await dock.shipper.ship() == 0 and not path.exists()
    assert dock.shipper.dropped == 2
    kept, dropped = dock.house.lines(LOG_GROUP)
    assert "ole" in kept and dropped.startswith("2 captured inferences are dropped: for 1 h")


async def test_what_is_no_file_of_ours_does_not_stop_the_others(dock: Dock) -> None:
    (dock.spool / f"a{WHOLE}").write_bytes(b"nonsense\n")
    dead = dock.spool / "b.new"
    dead.write_bytes(b"")
    os.utime(dead, (1, 1))
    dock.write("m-0-abc", ONE)
    assert await dock.shipper.ship() == 1
    assert list(dock.spool.iterdir()) == []


async def test_it_goes_on_until_it_is_stopped(dock: Dock) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(dock.shipper.run(stop))
    await settle()
    dock.write("m-0-abc", ONE)
    stop.set()
    await task
    assert len(dock.stored()) == 1, "what was closed by then is shipped"


def test_a_config_becomes_a_rule_and_is_described_again() -> None:
    config = {
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "https://lake.s3.us-east-1.amazonaws.com/watch",
        "CaptureOptions": [{"CaptureMode": "Input"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/CSV"], "JsonContentTypes": ["application/json"]},
    }
    assert rules.rule(config) == CaptureRule(20.0, True, False, "s3://lake/watch", ("text/csv",), ("application/json",))
    assert rules.rule({**config, "EnableCapture": False}) is None and rules.rule(None) is None
    both = rules.rule({**config, "CaptureOptions": [{"CaptureMode": "InputAndOutput"}]})
    assert both is not None and both.inputs and both.outputs
    said = rules.described(config)["DataCaptureConfig"]
    assert (said["EnableCapture"], said["CaptureStatus"], said["CurrentSamplingPercentage"]) == (True, "Started", 20)
    assert rules.described({**config, "EnableCapture": False})["DataCaptureConfig"]["CaptureStatus"] == "Stopped"
    assert rules.described(None) == {}
    shape = get_session().get_service_model("sagemaker").shape_for("DataCaptureConfigSummary")
    assert set(shape.required_members) == set(said)


CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 30,
    "DestinationS3Uri": "s3://lake/watch",
    "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
}


async def deploy(house: House, config: str, capture: dict[str, Any], operation: str = "CreateEndpoint") -> None:
    variant = {"VariantName": "blue", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    await house.call(
        "CreateEndpointConfig", EndpointConfigName=config, ProductionVariants=[variant], DataCaptureConfig=capture
    )
    await house.call(operation, EndpointName="cars", EndpointConfigName=config)
    await house.run(700.0)


async def served(house: House) -> None:
    house.objects.write("lake", "model.tar.gz", archive(("xgboost-model", b"m")))
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    await house.call("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)


async def test_the_fronts_of_an_endpoint_follow_its_configuration(dock: Dock) -> None:
    house = dock.house
    await served(house)
    await deploy(house, "on", CAPTURE)
    [route] = house.serving.routes().values()
    assert route["capture"] == {
        "percentage": 30.0,
        "inputs": True,
        "outputs": True,
        "destination": "s3://lake/watch",
        "csv_types": [],
        "json_types": [],
    }
    assert route["variants"][0]["role"] == ROLE
    said = (await house.call("DescribeEndpoint", EndpointName="cars"))["DataCaptureConfig"]
    assert (said["CaptureStatus"], said["CurrentSamplingPercentage"]) == ("Started", 30)
    await deploy(house, "off", {**CAPTURE, "EnableCapture": False}, "UpdateEndpoint")
    [route] = house.serving.routes().values()
    assert route["capture"] is None
    said = (await house.call("DescribeEndpoint", EndpointName="cars"))["DataCaptureConfig"]
    assert (said["EnableCapture"], said["CaptureStatus"]) == (False, "Stopped")


async def test_what_cannot_be_stored_is_refused(dock: Dock) -> None:
    await dock.house.call("CreateModel", ModelName="m", PrimaryContainer={"Image": XGBOOST})
    with pytest.raises(ValidationException, match="no bucket"):
        await deploy(dock.house, "nowhere", {**CAPTURE, "DestinationS3Uri": "s3:///watch"})
    with pytest.raises(ValidationException, match="'m' has no ExecutionRoleArn"):
        await deploy(dock.house, "nobody", CAPTURE)
