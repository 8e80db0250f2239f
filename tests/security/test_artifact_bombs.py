"""Artifacts that were made to cost much, through real jobs and deployments: each fails in words, and costs little."""

import gzip
import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.real import RealClary, files_below, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
MEGABYTE = 1 << 20
MEMORY_BYTES = 1 << 30
"""What one job may use."""
GROWTH_BYTES = 200 * MEGABYTE
"""More than this neither the memory of the server nor its home's disk may have grown by, afterwards."""
ZEROS = gzip.compress(bytes(64 * MEGABYTE), 9)
"""A gzip file of several members is what they all hold, one after the other: a bomb of any size is quickly made."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLARY_MAX_RUN_MEMORY_BYTES", str(MEMORY_BYTES))
        real.up()
        real.role("worker")
        real.client("s3").create_bucket(Bucket="lake")
        yield real
        real.sweep()


@pytest.fixture(autouse=True)
def as_before(lake: RealClary) -> Iterator[None]:
    """The same processes serve afterwards, and neither memory nor disk stays taken."""
    processes, memory, disk = _processes(lake), _resident(lake), _stored(lake)
    yield
    assert lake.client("sts").get_caller_identity()["Account"]
    assert _processes(lake) == processes
    assert _resident(lake) - memory < GROWTH_BYTES
    until(lambda: _stored(lake) - disk < GROWTH_BYTES, what="the disk is as before")
    assert not [one for one in files_below(lake.home.parent) if "escaped" in one.name]


def _processes(server: RealClary) -> set[int]:
    assert server.process is not None
    return {one.pid for one in psutil.Process(server.process.pid).children()}


def _resident(server: RealClary) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in _processes(server))


def _stored(server: RealClary) -> int:
    found = 0
    for path in files_below(server.home / "runs"):
        with suppress(FileNotFoundError):
            found += 512 * path.lstat().st_blocks
    return found


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT))


END = gzip.compress(bytes(1024))
MODELS = {
    "huge content": (
        header("xgboost-model", 48 * 64 * MEGABYTE) + 48 * ZEROS + END,
        r"it holds 3,221,225,472 bytes or more, and an archive of [\d,]+ bytes may unpack to 1,[\d,]+",
    ),
    "many files of some size": (
        40 * (header("xgboost-model", 64 * MEGABYTE) + ZEROS) + END,
        r"it holds [1-2],[\d,]+ bytes or more, and an archive of [\d,]+ bytes may unpack to 1,",
    ),
    "a million members": (
        1000 * gzip.compress(1000 * gzip.decompress(header("xgboost-model"))) + END,
        "holds more than 100,000 files and directories",
    ),
    "a header of gigabytes": (
        header("x", 16 * 64 * MEGABYTE, b"x") + 16 * ZEROS + END,
        "headers of more than 32,768 bytes",
    ),
    "an archive in its packing twice": (gzip.compress(header("xgboost-model") + END), "is not a readable .tar.gz"),
    "a path that climbs": (header("../../escaped") + END, "'../../escaped' would be written outside"),
    "a path from the root": (header("/tmp/escaped") + END, "'/tmp/escaped' would be written outside"),
    "a link that points out": (
        header("out", 0, tarfile.SYMTYPE, "/etc/passwd") + END,
        "'out' links to '/etc/passwd', outside of its directory",
    ),
    "a path through a link": (
        header("here", 0, tarfile.SYMTYPE, ".") + header("here/escaped") + END,
        "'here/escaped' would be written through 'here'",
    ),
    "a hard link that points out": (
        header("out", 0, tarfile.LNKTYPE, "../../../credentials.json") + END,
        "outside of its directory",
    ),
    "a device": (header("disk", 0, tarfile.BLKTYPE) + END, "'disk' is a device or a pipe"),
}


@pytest.mark.parametrize(("body", "words"), MODELS.values(), ids=MODELS)
@pytest.mark.timeout(300)
def test_a_model_that_is_a_bomb_fails_its_endpoint(
    lake: RealClary, request: pytest.FixtureRequest, body: bytes, words: str
) -> None:
    name = re.sub(r"[^a-z]+", "-", request.node.callspec.id)
    lake.client("s3").put_object(Bucket="lake", Key=f"models/{name}/model.tar.gz", Body=body)
    role = lake.client("iam").get_role(RoleName="worker")["Role"]["Arn"]
    sagemaker = lake.client("sagemaker")
    # The compiler unpacks it as the endpoint does: of the one that takes a minute, once is enough.
    environ = {"CLARY_COMPILE": "off"} if "million" in name else {}
    source = {"Image": XGBOOST, "ModelDataUrl": f"s3://lake/models/{name}/model.tar.gz"}
    container = {**source, "Environment": environ}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def ended() -> dict[str, Any] | None:
        said: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        return said if said["EndpointStatus"] != "Creating" else None

    said = until(ended, 200, f"the endpoint {name} fails")
    assert said["EndpointStatus"] == "Failed"
    assert re.search(words, said["FailureReason"]), said["FailureReason"]
    assert str(lake.home) not in said["FailureReason"]
    sagemaker.delete_endpoint(EndpointName=name)
    lake.client("s3").delete_object(Bucket="lake", Key=f"models/{name}/model.tar.gz")


def train(server: RealClary, name: str, image: str, channel: str, **algorithm: Any) -> dict[str, Any]:
    """What Describe says of the training job at its end."""
    sagemaker = server.client("sagemaker")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{name}/"}
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=server.client("iam").get_role(RoleName="worker")["Role"]["Arn"],
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File", **algorithm},
        HyperParameters={"num_round": "1"},
        InputDataConfig=[{"ChannelName": channel, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://lake/out"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )

    def ended() -> dict[str, Any] | None:
        said: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        return said if said["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(ended, 110, f"the job {name} ends")
    return found


@pytest.mark.timeout(200)
def test_a_channel_that_is_a_bomb_costs_its_job_alone(lake: RealClary) -> None:
    rows = gzip.compress(b"1,0.5,0.25\n" * 6_000_000, 9)
    lake.client("s3").put_object(Bucket="lake", Key="rows/train.csv.gz", Body=40 * rows)
    said = train(lake, "rows", XGBOOST, "train")
    assert said["TrainingJobStatus"] == "Failed"
    assert "memory" in said["FailureReason"], said["FailureReason"]


def test_a_model_of_holes_is_not_stored(lake: RealClary) -> None:
    script = b"import os\nwith open('/opt/ml/model/model', 'wb') as file: file.truncate(1 << 40)\n"
    lake.client("s3").put_object(Bucket="lake", Key="holes/x.py", Body=script)
    entry = {"ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/x.py"]}
    said = train(lake, "holes", SKLEARN, "code", **entry)
    assert said["TrainingJobStatus"] == "Failed"
    why = "model and what stands before it come to 1,099,511,627,776 bytes, of which the disk holds"
    assert why in said["FailureReason"], said["FailureReason"]


def test_an_archive_as_input_is_a_file_and_stays_one(lake: RealClary) -> None:
    """Nobody unpacks a channel for its job: the bomb costs the bytes that it has."""
    body = header("model", 48 * 64 * MEGABYTE) + 48 * ZEROS + END
    lake.client("s3").put_object(Bucket="lake", Key="packed/model.tar.gz", Body=body)
    script = b"import os, sys\nsys.exit('it has %d bytes' % os.stat('/opt/ml/input/data/code/model.tar.gz').st_size)\n"
    lake.client("s3").put_object(Bucket="lake", Key="packed/x.py", Body=script)
    entry = {"ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/x.py"]}
    said = train(lake, "packed", SKLEARN, "code", **entry)
    assert f"it has {len(body)} bytes" in said["FailureReason"]
