"""`kill -9` of the whole server while the demo runs: its end is the same, and nothing is done twice."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from clary.cli.demo import car
from tests.real import TRUST, RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(400)]


def demo(server: RealClary) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "clary", "demo", "--light", "--home", str(server.home), "--keep", "--json"]
    with (server.home / "demo.log").open("w") as said:
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=said, text=True)


def outcome(server: RealClary, player: "subprocess.Popen[str]") -> dict:
    said, _ = player.communicate(timeout=200)
    assert player.returncode == 0, (server.home / "demo.log").read_text()
    found: dict = json.loads(said)
    assert found["accuracy"]["holdout"]["accuracy"] >= 0.97
    assert found["accuracy"]["all"]["rows"] == 1728
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_demo_ends_the_same_however_often_the_server_is_killed(own_server: RealClary, seed: int) -> None:
    chance = random.Random(seed)
    own_server.up()
    player = demo(own_server)
    until(lambda: "using the Clary" in (own_server.home / "demo.log").read_text())
    kills = 0
    while player.poll() is None and kills < 5:
        try:
            player.wait(chance.uniform(0.3, 2.5))
        except subprocess.TimeoutExpired:
            own_server.kill()
            own_server.up()
            kills += 1
    found = outcome(own_server, player)
    assert kills > 0
    name = found["endpoint"]
    sagemaker = own_server.client("sagemaker")
    for family in ("TrainingJob", "ProcessingJob"):
        word = {"TrainingJob": "training", "ProcessingJob": "processing"}[family]
        jobs = getattr(sagemaker, f"list_{word}_jobs")()[f"{family}Summaries"]
        assert [(one[f"{family}Name"], one[f"{family}Status"]) for one in jobs] == [(name, "Completed")]


def test_an_endpoint_serves_again_without_being_asked(own_server: RealClary) -> None:
    own_server.up()
    name = outcome(own_server, demo(own_server))["endpoint"]

    def answer() -> str:
        runtime = own_server.client("sagemaker-runtime")
        said = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="0,0,3,2,2,2")
        return car.CLASSES[int(float(said["Body"].read()))]

    assert answer() == "vgood"

    own_server.kill()
    own_server.up()
    assert answer() == "vgood"

    own_server.kill()  # and now the model server with it, as a power cut would
    own_server.kill_left_behind()
    until(lambda: own_server.left_behind() == [])
    own_server.up()
    until(lambda: serving(own_server, name), 60)
    assert answer() == "vgood"

    own_server.down()  # an orderly stop takes the model servers down as well
    until(lambda: own_server.left_behind() == [], 30)
    own_server.up()
    until(lambda: serving(own_server, name), 60)
    assert answer() == "vgood"


def serving(server: RealClary, name: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        server.client("sagemaker-runtime", config=None).invoke_endpoint(
            EndpointName=name, ContentType="text/csv", Body="0,0,3,2,2,2"
        )
    except ClientError:
        return False
    return True


def test_a_job_that_runs_while_the_server_is_dead_is_reported_truthfully(own_server: RealClary, tmp_path: Path) -> None:
    own_server.up()
    iam = own_server.client("iam")
    role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="job", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    s3 = own_server.client("s3")
    s3.create_bucket(Bucket="jobs")
    script = "import pathlib,time\nprint('begun', flush=True)\ntime.sleep(2)\n"
    script += "pathlib.Path('/opt/ml/processing/output/done.txt').write_text('once')\nprint('ended', flush=True)\n"
    s3.put_object(Bucket="jobs", Key="code/x.py", Body=script.encode())

    def create(name: str) -> None:
        own_server.client("sagemaker").create_processing_job(
            ProcessingJobName=name,
            RoleArn=role["Role"]["Arn"],
            AppSpecification={
                "ImageUri": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/x.py"],
            },
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            ProcessingInputs=[
                {
                    "InputName": "code",
                    "S3Input": {
                        "S3Uri": "s3://jobs/code/x.py",
                        "LocalPath": "/opt/ml/processing/input/code",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            ProcessingOutputConfig={
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": f"s3://jobs/out/{name}",
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        )

    def describe(name: str) -> dict:
        said: dict = own_server.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        return said

    def ended(name: str) -> bool:
        return describe(name)["ProcessingJobStatus"] not in ("InProgress", "Stopping")

    def begun(name: str) -> bool:
        events = own_server.client("logs").filter_log_events(
            logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=name
        )["events"]
        return any("begun" in one["message"] for one in events)

    create("outlives")
    until(lambda: begun_safely(begun, "outlives"))
    own_server.kill()
    own_server.up()
    until(lambda: ended("outlives"), 60)
    assert describe("outlives")["ProcessingJobStatus"] == "Completed"
    assert s3.get_object(Bucket="jobs", Key="out/outlives/done.txt")["Body"].read() == b"once"
    events = own_server.client("logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
    assert [one["message"] for one in events] == ["begun", "ended"]

    create("cut-off")
    until(lambda: begun_safely(begun, "cut-off"))
    own_server.kill()
    own_server.kill_left_behind()
    own_server.up()
    until(lambda: ended("cut-off"), 60)
    said = describe("cut-off")
    assert said["ProcessingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("InternalServerError")


def begun_safely(begun, name: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        return bool(begun(name))
    except ClientError:
        return False  # the log group is made by the first line
