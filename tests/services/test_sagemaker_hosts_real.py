"""Training jobs as real processes: hosts that meet by name, lines that are soon there, checkpoints that stay."""

import json
import os
import signal
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from clary.kernel.errors import Missing
from clary.kernel.telemetry import LogStreamName
from tests.inprocess import ACCOUNT, REGION
from tests.real import until
from tests.sagemaker_house import ROLE, SKLEARN
from tests.services.test_sagemaker_real import Machine

pytestmark = pytest.mark.slow

GROUP = "/aws/sagemaker/TrainingJobs"
SOON_SECONDS = 0.5

MEET = """
import json, os, socket, time
me, hosts = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
assert (config["current_host"], config["hosts"]) == (me, hosts), config
rank, port = hosts.index(me), int(os.environ["PORT"])
own = socket.create_server((socket.gethostbyname(me), port))
print("rank", rank, "of", len(hosts), "on", socket.gethostname(), flush=True)
if rank == 0:
    far, _ = own.accept()
else:
    for turn in range(500):
        try:
            far = socket.create_connection((hosts[0], port))
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
far.sendall(me.encode())
other = far.recv(99).decode()
open(f"/opt/ml/model/{me}", "w").write(f"{me} met {other}")
"""

LINES = """
import time
for number in range(6):
    time.sleep(0.7)
    print("said at", time.time(), flush=True)
"""

STEPS = """
import os, time
at = "/opt/ml/checkpoints/step"
done = int(open(at).read()) if os.path.exists(at) else 0
print("begins with", done, flush=True)
if done:
    open("/opt/ml/model/done", "w").write(str(done + 1))
    raise SystemExit
open("/opt/ml/checkpoints/.new", "w").write("7")
os.rename("/opt/ml/checkpoints/.new", at)
while True: time.sleep(9)
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("machine"))
    try:
        made.s3.create_bucket(Bucket="lake")
        yield made
    finally:
        made.close()


def train(machine: Machine, name: str, script: str, count: int = 1, keep: int = 0, **more: Any) -> None:
    machine.s3.put_object(Bucket="lake", Key=f"code/{name}/run.py", Body=script.encode())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/code/{name}/"}}
    hosts = {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    machine.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={
            "TrainingImage": SKLEARN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-S", "/opt/ml/input/data/code/run.py"],
        },
        InputDataConfig=[{"ChannelName": "code", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": "s3://lake/models", "CompressionType": "NONE"},
        ResourceConfig={**hosts, "KeepAlivePeriodInSeconds": keep},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        **more,
    )


def ended(machine: Machine, name: str) -> dict[str, Any]:
    def look() -> Any:
        said = machine.sagemaker.describe_training_job(TrainingJobName=name)
        return said if said["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    said: dict[str, Any] = until(look, 60.0, "the training job to end")
    return said


def lines(machine: Machine, name: str) -> dict[str, list[str]]:
    """By host, what it has printed so far."""
    found: dict[str, list[str]] = {}
    try:
        streams = machine.logs.streams(ACCOUNT, REGION, GROUP)
    except Missing:
        return {}  # nobody has printed anything yet
    for stream in streams:
        job, _, host = stream.partition("/")
        if job == name:
            events = machine.logs.last(LogStreamName(ACCOUNT, REGION, GROUP, stream), 1000)
            found[host.rpartition("-")[0]] = [event.message for event in events]
    return found


def text(machine: Machine, key: str) -> str:
    body: bytes = machine.s3.get_object(Bucket="lake", Key=key)["Body"].read()
    return body.decode()


def test_two_hosts_meet_by_name(machine: Machine) -> None:
    # Not a fixed one: what listens on all addresses of this machine has its port everywhere.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    train(machine, "meeting", MEET, 2, Environment={"PORT": str(port)})
    said = ended(machine, "meeting")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert lines(machine, "meeting") == {
        "algo-1": ["rank 0 of 2 on algo-1"],
        "algo-2": ["rank 1 of 2 on algo-2"],
    }
    assert text(machine, "models/meeting/output/model/algo-1") == "algo-1 met algo-2"
    assert text(machine, "models/meeting/output/model/algo-2") == "algo-2 met algo-1"


def test_a_host_that_fails_takes_the_others_with_it(machine: Machine) -> None:
    script = (
        "import os, time\n"
        "if os.environ['SM_CURRENT_HOST'] == 'algo-2': raise SystemExit('no such column')\n"
        "while True: time.sleep(9)"
    )
    train(machine, "failing", script, 2)
    said = ended(machine, "failing")
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the container ended with exit code: 1")
    assert "no such column" in said["FailureReason"]
    assert said["FailureReason"].endswith("(on host algo-2)")
    until(lambda: machine.inside.run(machine.runner.uids()) == [], 20.0, "nothing to be left")


def test_lines_are_there_soon_after_they_were_printed(machine: Machine) -> None:
    train(machine, "talking", LINES)
    waits: dict[str, float] = {}

    def all_are_there() -> bool:
        for line in lines(machine, "talking").get("algo-1", []):
            waits.setdefault(line, time.time() - float(line.rpartition(" ")[2]))
        return len(waits) == 6

    until(all_are_there, 60.0, "six lines")
    # The middle: on a machine that others use, any single one may wait for a turn of the processor.
    assert statistics.median(waits.values()) < SOON_SECONDS, waits
    ended(machine, "talking")


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(machine: Machine) -> None:
    train(
        machine,
        "steps",
        STEPS,
        CheckpointConfig={"S3Uri": "s3://lake/ckpt/steps"},
        RetryStrategy={"MaximumRetryAttempts": 1},
    )

    def stored() -> bool:
        listed = machine.s3.list_objects_v2(Bucket="lake", Prefix="ckpt/steps/")
        return [one["Key"] for one in listed.get("Contents", [])] == ["ckpt/steps/step"]

    until(stored, 30.0, "a checkpoint to be stored while the job runs")
    (uid,) = machine.inside.run(machine.runner.uids())
    run = machine.inside.run(machine.runner.observe(uid))
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    said = ended(machine, "steps")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert "Restarting" in [one["Status"] for one in said["SecondaryStatusTransitions"]]
    assert lines(machine, "steps")["algo-1"] == ["begins with 0", "begins with 7"]
    assert text(machine, "models/steps/output/model/done") == "8"


def test_what_a_host_sees_of_its_cluster_is_as_aws_writes_it(machine: Machine) -> None:
    script = "print(open('/opt/ml/input/config/resourceconfig.json').read())"
    train(machine, "seeing", script, 2)
    ended(machine, "seeing")
    config = json.loads(lines(machine, "seeing")["algo-2"][0])
    (group,) = config["instance_groups"]
    assert group["hosts"] == config["hosts"] == ["algo-1", "algo-2"]
    assert config["network_interface_name"] == "lo"


def test_a_warm_pool_through_boto3(machine: Machine) -> None:
    client = machine.sagemaker
    train(machine, "warm", "pass", keep=600)
    ended(machine, "warm")
    assert client.describe_training_job(TrainingJobName="warm")["WarmPoolStatus"]["Status"] == "Available"
    listed = client.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"]
    assert [(one["TrainingJobName"], one["WarmPoolStatus"]["Status"]) for one in listed] == [("warm", "Available")]
    with pytest.raises(client.exceptions.ResourceInUse, match="warm pool"):
        client.delete_training_job(TrainingJobName="warm")
    train(machine, "reusing", "pass", keep=600)
    ended(machine, "reusing")
    pool = client.describe_training_job(TrainingJobName="warm")["WarmPoolStatus"]
    assert (pool["Status"], pool["ReusedByJob"]) == ("Reused", "reusing")
    client.update_training_job(TrainingJobName="reusing", ResourceConfig={"KeepAlivePeriodInSeconds": 0})

    def over() -> bool:
        said = client.describe_training_job(TrainingJobName="reusing")["WarmPoolStatus"]
        return bool(said["Status"] == "Terminated")

    until(over, 10.0, "the pool to end")
    for name in ("warm", "reusing"):
        client.delete_training_job(TrainingJobName=name)
        with pytest.raises(client.exceptions.ResourceNotFound):
            client.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 1})
