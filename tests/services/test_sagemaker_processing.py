"""Processing jobs, driven by their reconciler over a scripted runner."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.engines.runners.base import Work
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import ResourceInUse
from tests.sagemaker_house import ACCOUNT, House, processing_request

OUTPUT = "processing/output/features"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "raw/car.csv", b"vhigh,2\n")
    yield made
    made.close()


async def status(house: House) -> dict[str, Any]:
    return await house.call("DescribeProcessingJob", ProcessingJobName="job")


def uid(house: House) -> str:
    return house.get("processing-job", "job").uid


async def test_a_job_runs_to_its_end(house: House) -> None:
    seen: list[Work] = []

    def prepares(uid: str, work: Work, root: Path) -> int:
        seen.append(work)
        (root / OUTPUT / "deep").mkdir()
        (root / OUTPUT / "train.csv").write_bytes((root / "processing/input/raw/car.csv").read_bytes().upper())
        (root / OUTPUT / "deep" / "x").write_bytes(b"x")
        (root / "output" / "message").write_text("1 row")
        return 0

    house.runner.behave = prepares
    await house.call("CreateProcessingJob", **processing_request(Environment={"A": "b"}))
    assert (await status(house))["ProcessingJobStatus"] == "InProgress"
    run = uid(house)
    await house.run(1.0)
    said = await status(house)
    assert said["ProcessingJobStatus"] == "Completed"
    assert said["ExitMessage"] == "1 row"
    assert said["ProcessingStartTime"] <= said["ProcessingEndTime"]
    assert "FailureReason" not in said
    assert house.objects.keys("lake", "features/") == ["features/deep/x", "features/train.csv"]
    assert house.objects.read("lake", "features/train.csv") == b"VHIGH,2\n"
    (work,) = seen
    assert work.command == ("python3", "/opt/ml/processing/input/code/script.py", "--seed", "7")
    assert work.cwd == "/"
    assert work.env["PROCESSING_JOB_NAME"] == "job"
    assert work.env["A"] == "b"
    assert "AWS_SESSION_TOKEN" in work.env
    config = json.loads(work.files["/opt/ml/config/processingjobconfig.json"])
    assert config["ProcessingJobName"] == "job"
    assert config["ProcessingInputs"][0]["S3Input"]["LocalPath"] == "/opt/ml/processing/input/raw"
    assert json.loads(work.files["/opt/ml/config/resourceconfig.json"])["hosts"] == ["algo-1"]
    assert house.runner.starts() == [run]
    assert await house.runner.uids() == []


async def test_a_failed_job_stores_nothing_and_says_why(house: House) -> None:
    def fails(uid: str, work: Work, root: Path) -> int:
        (root / OUTPUT / "half.csv").write_bytes(b"half")
        return 2

    house.runner.behave = fails
    await house.call("CreateProcessingJob", **processing_request())
    await house.run(1.0)
    said = await status(house)
    assert said["ProcessingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the container ended with exit code: 2")
    assert house.objects.keys("lake", "features/") == []


async def test_links_out_of_the_job_are_not_followed(house: House, tmp_path: Path) -> None:
    secret = tmp_path / "credentials.json"
    secret.write_text("secret")

    def steals(uid: str, work: Work, root: Path) -> int:
        (root / OUTPUT / "x").symlink_to(secret)
        (root / "output" / "message").symlink_to(secret)
        return 0

    house.runner.behave = steals
    await house.call("CreateProcessingJob", **processing_request())
    await house.run(1.0)
    said = await status(house)
    assert said["ProcessingJobStatus"] == "Failed"
    assert "is a link that leads out of the job" in said["FailureReason"]
    assert "ExitMessage" not in said
    assert house.objects.keys("lake", "features/") == []


async def test_links_inside_the_job_are_followed_as_the_job_saw_them(house: House) -> None:
    def links(uid: str, work: Work, root: Path) -> int:
        (root / "processing" / "elsewhere").write_bytes(b"here")
        (root / OUTPUT / "x").symlink_to("/opt/ml/processing/elsewhere")
        (root / OUTPUT / "y").symlink_to("../../elsewhere")
        return 0

    house.runner.behave = links
    await house.call("CreateProcessingJob", **processing_request())
    await house.run(1.0)
    assert house.objects.read("lake", "features/x") == house.objects.read("lake", "features/y") == b"here"


async def test_an_output_directory_that_is_a_link_out_stores_nothing(house: House, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("secret")

    def links(uid: str, work: Work, root: Path) -> int:
        (root / OUTPUT).rmdir()
        (root / OUTPUT).symlink_to(tmp_path / "elsewhere")
        return 0

    house.runner.behave = links
    await house.call("CreateProcessingJob", **processing_request())
    await house.run(1.0)
    assert house.objects.keys("lake", "features/") == []


async def test_stop_asks_politely(house: House) -> None:
    house.runner.stubborn = True
    await house.call("CreateProcessingJob", **processing_request())
    await house.run()
    await house.call("StopProcessingJob", ProcessingJobName="job")
    await house.run(100.0)
    assert (await status(house))["ProcessingJobStatus"] == "Stopping"
    await house.run(25.0)
    assert (await status(house))["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ValidationException, match="is in status Stopped"):
        await house.call("StopProcessingJob", ProcessingJobName="job")


async def test_a_job_that_runs_too_long_is_stopped_and_says_so(house: House) -> None:
    await house.call("CreateProcessingJob", **processing_request(StoppingCondition={"MaxRuntimeInSeconds": 5}))
    await house.run(7.0)
    said = await status(house)
    assert said["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds (5)" in said["FailureReason"]


async def test_an_unknown_image_or_a_missing_program_fails_the_job(house: House) -> None:
    spec = processing_request()["AppSpecification"]
    await house.call("CreateProcessingJob", **processing_request(AppSpecification={**spec, "ImageUri": "mine:1"}))
    await house.run()
    assert (await status(house))["FailureReason"].startswith("ClientError: the image mine:1 is not one of")
    only = {"ImageUri": spec["ImageUri"]}
    await house.call("CreateProcessingJob", **processing_request("two", AppSpecification=only))
    await house.run()
    said = await house.call("DescribeProcessingJob", ProcessingJobName="two")
    assert "ContainerEntrypoint" in said["FailureReason"]


async def test_names_are_unique(house: House) -> None:
    await house.call("CreateProcessingJob", **processing_request())
    with pytest.raises(ResourceInUse, match="already exists"):
        await house.call("CreateProcessingJob", **processing_request())
    with pytest.raises(ValidationException, match="Could not find requested job with name: other"):
        await house.call("DescribeProcessingJob", ProcessingJobName="other")


def with_input(**changed: Any) -> Doc:
    one = processing_request()["ProcessingInputs"][0]
    return {"ProcessingInputs": [{**one, "S3Input": {**one["S3Input"], **changed}}]}


def with_output(**changed: Any) -> Doc:
    one = processing_request()["ProcessingOutputConfig"]["Outputs"][0]
    return {"ProcessingOutputConfig": {"Outputs": [{**one, "S3Output": {**one["S3Output"], **changed}}]}}


@pytest.mark.parametrize(
    ("changed", "error", "word"),
    [
        (with_input(LocalPath="/etc"), ValidationException, "/opt/ml/processing"),
        (with_input(LocalPath="/opt/ml/processing/../model"), ValidationException, "/opt/ml/processing"),
        (with_input(LocalPath="/opt/ml/processing"), ValidationException, "/opt/ml/processing"),
        (with_input(LocalPath="/opt/ml/processing/a\0"), ValidationException, "NUL"),
        ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/"}, ValidationException, "Could not assume role"),
        (with_input(S3CompressionType="Gzip"), ValidationException, "Gzip"),
        (with_output(LocalPath="/tmp/x"), ValidationException, "/opt/ml/processing"),
        (
            {"ProcessingInputs": [{"InputName": "a", "DatasetDefinition": {"InputMode": "File"}}]},
            NotImplementedHere,
            "DatasetDefinition",
        ),
        (
            {"ProcessingInputs": processing_request()["ProcessingInputs"] * 2},
            ValidationException,
            "unique",
        ),
        (
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 255, "InstanceType": "t", "VolumeSizeInGB": 1}
                }
            },
            NotImplementedHere,
            "at most 254",
        ),
        (
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 2, "InstanceType": "t", "VolumeSizeInGB": 1}
                },
                "NetworkConfig": {"EnableNetworkIsolation": True},
            },
            NotImplementedHere,
            "EnableNetworkIsolation",
        ),
        (
            {"AppSpecification": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu"}},
            NotImplementedHere,
            "sagemaker-spark-processing",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(
    house: House, changed: Doc, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        await house.call("CreateProcessingJob", **{**processing_request(), **changed})
    assert house.count("processing-job") == 0


ENDS = {
    ("InProgress", "absent"): {"InProgress", "Failed"},
    ("InProgress", "running"): {"InProgress"},
    ("InProgress", "ended 0"): {"Completed"},
    ("InProgress", "ended 1"): {"Failed"},
    ("InProgress", "lost"): {"Failed"},
    ("Stopping", "absent"): {"Stopped"},
    ("Stopping", "running"): {"Stopping"},
    ("Stopping", "ended 0"): {"Stopped"},
    ("Stopping", "ended 1"): {"Stopped"},
    ("Stopping", "lost"): {"Stopped"},
}


@pytest.mark.parametrize("run", ["absent", "running", "ended 0", "ended 1", "lost"])
@pytest.mark.parametrize(
    ("phase", "members"),
    [
        ("InProgress", {}),
        ("InProgress", {"ProcessingStartTime": 1.0}),
        ("InProgress", {"ProcessingStartTime": 1.0, "_running": True}),
        ("Stopping", {"ProcessingStartTime": 1.0, "_running": True, "_stop_asked": 1.0}),
        ("Completed", {}),
        ("Failed", {}),
        ("Stopped", {}),
    ],
)
async def test_every_step_may_be_taken_twice(house: House, phase: str, members: Doc, run: str) -> None:
    house.runner.stubborn = True
    await house.call("CreateProcessingJob", **processing_request())
    job = house.store.update(house.get("processing-job", "job"), phase=phase, due=None, **members)
    if run != "absent":
        await house.runner.start(job.uid, Work(("true",), directories=("/opt/ml/output",)))
    if run.startswith("ended"):
        house.runner.end(job.uid, int(run[-1]))
    elif run == "lost":
        house.runner.lose(job.uid)
    reconciler = house.reconcilers["processing-job"]
    first, second = await reconciler(job), await reconciler(job)
    assert (first.kind, first.phase, first.status) == (second.kind, second.phase, second.status)
    if phase in ("Completed", "Failed", "Stopped"):
        assert first.kind == "rest"
        assert await house.runner.uids() == []
    else:
        assert (first.phase or phase) in ENDS[phase, run]
        assert first.after is not None
