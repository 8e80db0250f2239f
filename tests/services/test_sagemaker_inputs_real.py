"""Inputs as real jobs read them: pipes with what feeds them, shards on several hosts, links that are no copies."""

import gzip
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.kernel.telemetry import LogStreamName
from tests.inprocess import ACCOUNT, REGION
from tests.real import until
from tests.sagemaker_house import ROLE, XGBOOST
from tests.services.test_sagemaker_real import Machine, cluster, ended

pytestmark = pytest.mark.slow

READ = """
import os
def lines(epoch):
    with open(f"/opt/ml/input/data/train_{epoch}", "rb") as pipe:
        return sorted(pipe.read().decode().split())
print("epochs", *lines(0), "|", *lines(1), flush=True)
"""
WAIT = """
import time
with open("/opt/ml/input/data/train_0", "rb") as pipe:
    assert len(pipe.read()) == 8_000_000
with open("/opt/ml/input/data/train_1", "rb") as pipe:
    pipe.read(1)
    open("/opt/ml/model/up", "w").close()
    while pipe.read(65536): time.sleep(0.01)
print("took the cut for the end")
"""
MEET = """
import os, socket, sys, pathlib
host = socket.gethostname()
out = pathlib.Path("/opt/ml/processing/output")
found = sorted(path.name for path in pathlib.Path("/opt/ml/processing/input").iterdir())
(out / host).write_text(" ".join(found))
print("early", flush=True)
if host == "algo-1":
    listener = socket.create_server(("algo-1", 7000))
    told = listener.accept()[0].makefile().readline()
    (out / "told").write_text(told)
else:
    while True:
        try:
            talk = socket.create_connection(("algo-1", 7000), timeout=30)
            break
        except ConnectionRefusedError:
            pass
    talk.sendall(b"from " + host.encode() + b"\\n")
"""
HOLD = "import time, os; open('/opt/ml/processing/up', 'w'); time.sleep(600)"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.s3.create_bucket(Bucket="lake")
        for name in "abc":
            made.s3.put_object(
                Bucket="lake", Key=f"zipped/{name}.gz", Body=gzip.compress(f"{name}1 {name}2\n".encode())
            )
            made.s3.put_object(Bucket="lake", Key=f"raw/{name}.csv", Body=name.encode())
        made.s3.put_object(Bucket="lake", Key="broken/a.gz", Body=gzip.compress(b"x" * 99_999)[:-9])
        made.s3.put_object(Bucket="lake", Key="large/a.csv", Body=b"1234567\n" * 1_000_000)
        yield made
    finally:
        made.close()


def train(machine: Machine, name: str, code: str, prefix: str, count: int = 1, **channel: Any) -> None:
    machine.s3.put_object(Bucket="lake", Key=f"code/{name}/x.py", Body=code.encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{prefix}", "S3DataDistributionType": "ShardedByS3Key"}
    script = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/code/{name}/"}
    machine.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={
            "TrainingImage": XGBOOST,
            "TrainingInputMode": "Pipe",
            "ContainerEntrypoint": ["python3", "-S", "/opt/ml/input/data/code/x.py"],
        },
        InputDataConfig=[
            {"ChannelName": "train", "DataSource": {"S3DataSource": source}, **channel},
            {"ChannelName": "code", "DataSource": {"S3DataSource": script}, "InputMode": "File"},
        ],
        OutputDataConfig={"S3OutputPath": "s3://lake/models"},
        ResourceConfig={**cluster(), "InstanceCount": count},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def process(machine: Machine, name: str, code: str, count: int = 1, mode: str = "EndOfJob") -> None:
    machine.s3.put_object(Bucket="lake", Key=f"code/{name}/x.py", Body=code.encode())
    given = {"S3Uri": "s3://lake/raw/", "LocalPath": "/opt/ml/processing/input", "S3DataType": "S3Prefix"}
    script = {"S3Uri": f"s3://lake/code/{name}/", "LocalPath": "/opt/ml/processing/code", "S3DataType": "S3Prefix"}
    left = {"S3Uri": f"s3://lake/out/{name}", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": mode}
    shared = {"S3InputMode": "File", "S3DataDistributionType": "ShardedByS3Key"}
    machine.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={
            "ImageUri": XGBOOST,
            "ContainerEntrypoint": ["python3", "-S", "/opt/ml/processing/code/x.py"],
        },
        ProcessingResources={"ClusterConfig": {**cluster(), "InstanceCount": count}},
        ProcessingInputs=[
            {"InputName": "raw", "S3Input": {**given, **shared}},
            {"InputName": "code", "S3Input": {**script, "S3InputMode": "File"}},
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": left}]},
    )


def processed(machine: Machine, name: str) -> dict[str, Any]:
    def look() -> Any:
        said = machine.sagemaker.describe_processing_job(ProcessingJobName=name)
        return said if said["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

    said: dict[str, Any] = until(look, 60.0, "the processing job to end")
    return said


def run_of(machine: Machine, kind: str, name: str) -> Path:
    """The directory of the job's run."""
    job = machine.inside.thread.call(machine.inside.raw_store.get, ACCOUNT, REGION, kind, name)
    return machine.directory / "runs" / job.uid


def test_two_hosts_read_their_parts_from_pipes_epoch_by_epoch(machine: Machine) -> None:
    train(machine, "pipes", READ, "zipped/", count=2, CompressionType="Gzip")
    said = ended(machine, "pipes")
    assert said["TrainingJobStatus"] == "Completed", said["FailureReason"]
    group = "/aws/sagemaker/TrainingJobs"
    lines = {}
    for stream in machine.logs.streams(ACCOUNT, REGION, group):
        if stream.startswith("pipes/"):
            last = machine.logs.last(LogStreamName(ACCOUNT, REGION, group, stream), 10)
            lines[stream.split("/")[1][:6]] = [event.message for event in last]
    assert lines == {
        "algo-1": ["epochs a1 a2 c1 c2 | a1 a2 c1 c2"],
        "algo-2": ["epochs b1 b2 | b1 b2"],
    }


def test_what_is_no_gzip_fails_the_job_and_is_named(machine: Machine) -> None:
    train(machine, "broken", READ, "broken/", CompressionType="Gzip")
    said = ended(machine, "broken")
    assert said["TrainingJobStatus"] == "Failed"
    wanted = "ClientError: s3://lake/broken/a.gz cannot be read as CompressionType Gzip says: "
    assert said["FailureReason"].startswith(wanted)


def test_a_job_whose_feeder_is_killed_fails_in_words_and_never_completes(machine: Machine) -> None:
    train(machine, "killed", WAIT, "large/")
    run = run_of(machine, "training-job", "killed")
    until(lambda: (run / "ml/model/up").exists(), 60.0, "the second epoch")
    (told,) = machine.directory.glob(f"scratch/{run.name}/pipe-*/host-1/train")
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and os.fsencode(told) in _command_line(entry):
            os.kill(int(entry.name), signal.SIGKILL)
    said = ended(machine, "killed")
    assert said["TrainingJobStatus"] == "Failed"
    wanted = "InternalServerError: what feeds the run was ended, with exit code 137"
    assert said["FailureReason"] == wanted
    until(lambda: not run.exists() and not told.exists(), 30.0, "nothing to be left")


def _command_line(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_two_hosts_process_their_parts_and_meet_by_name(machine: Machine, mode: str) -> None:
    name = f"meet-{mode}"
    process(machine, name, MEET, count=2, mode=mode)
    said = processed(machine, name)
    assert said["ProcessingJobStatus"] == "Completed", said["FailureReason"]
    stored = {
        one["Key"].rsplit("/", 1)[1]: machine.s3.get_object(Bucket="lake", Key=one["Key"])["Body"].read()
        for one in machine.s3.list_objects_v2(Bucket="lake", Prefix=f"out/{name}/")["Contents"]
    }
    assert stored == {"algo-1": b"a.csv c.csv", "algo-2": b"b.csv", "told": b"from algo-2\n"}


def test_files_are_the_objects_themselves_and_no_copies(machine: Machine) -> None:
    process(machine, "links", HOLD)
    run = run_of(machine, "processing-job", "links")
    until(lambda: (run / "ml/processing/up").exists(), 60.0, "the job to run")
    placing = machine.runner.probe().placing
    for name in "abc":
        stored = machine.objects.local("lake", f"raw/{name}.csv")
        assert stored is not None
        found = list(run.glob(f"trees/*/files/{name}.csv"))
        assert placing == "copy" or [one.samefile(stored) for one in found] == [True]
    machine.sagemaker.stop_processing_job(ProcessingJobName="links")
    assert processed(machine, "links")["ProcessingJobStatus"] == "Stopped"
