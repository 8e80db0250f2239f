"""Jobs of Glue on a real server, with real processes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.glue_house import TRUST
from tests.real import RealClary, until
from tests.spark_needed import spark_needed

pytestmark = pytest.mark.server

SCRIPT = """
import sys, os, boto3, helper
print("said", sys.argv[1:], helper.WORD, open("note.txt").read())
print("complained", file=sys.stderr)
boto3.client("s3").put_object(Bucket="lake", Key="out/shell.txt", Body=os.environ["CUSTOMER_WORD"].encode())
print([one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="lake", Prefix="lib/")["Contents"]])
"""
BROKEN = """
def ratio(a, b):
    return a / b

print("about to fail")
ratio(1, 0)
"""
PATIENT = """
import boto3, time
from botocore.config import Config
s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 50}))
print("waits", flush=True)
while True:
    try:
        if "Contents" in s3.list_objects_v2(Bucket="lake", Prefix="go"):
            break
    except Exception:
        pass
    time.sleep(0.1)
print("went")
"""
SPARK = """
import sys
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
args = getResolvedOptions(sys.argv, ["JOB_NAME", "word"])
spark = SparkSession.builder.getOrCreate()
print("counted", spark.range(10).count(), args["word"], args["JOB_NAME"])
"""


class Place:
    def __init__(self, server: RealClary) -> None:
        self.server = server
        self.glue = server.client("glue")
        self.s3 = server.client("s3")
        self.logs = server.client("logs")
        iam = server.client("iam")
        self.role = iam.create_role(RoleName="glue-role", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="glue-role", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        self.s3.create_bucket(Bucket="lake")

    def job(self, name: str, script: str, kind: str = "pythonshell", **more: Any) -> None:
        self.s3.put_object(Bucket="lake", Key=f"scripts/{name}.py", Body=script.encode())
        command = {"Name": kind, "ScriptLocation": f"s3://lake/scripts/{name}.py"}
        self.glue.create_job(Name=name, Role="glue-role", Command=command, **more)

    def ended(self, name: str, run: str, seconds: float = 90.0) -> Any:
        def over() -> Any:
            said = self.glue.get_job_run(JobName=name, RunId=run)["JobRun"]
            return said if said["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING", "WAITING") else None

        return until(over, seconds, f"the run {run} to end")

    def lines(self, group: str, run: str) -> list[str]:
        return [one["message"] for one in self.logs.get_log_events(logGroupName=group, logStreamName=run)["events"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    server = RealClary(tmp_path_factory.mktemp("clary") / "home")
    server.up()
    yield Place(server)
    server.sweep()


def test_a_python_shell_job_runs_with_its_files_and_its_roles_rights(place: Place) -> None:
    place.s3.put_object(Bucket="lake", Key="lib/helper.py", Body=b"WORD = 'helped'")
    place.s3.put_object(Bucket="lake", Key="lib/note.txt", Body=b"noted")
    place.job(
        "shell",
        SCRIPT,
        DefaultArguments={
            "--extra-py-files": "s3://lake/lib/helper.py",
            "--extra-files": "s3://lake/lib/note.txt",
            "--customer-driver-env-vars": "CUSTOMER_WORD=out",
        },
    )
    run = place.glue.start_job_run(JobName="shell", Arguments={"--day": "monday"})["JobRunId"]
    said = place.ended("shell", run)
    assert said["JobRunState"] == "SUCCEEDED", said
    lines = place.lines("/aws-glue/python-jobs/output", run)
    assert lines[0] == "said ['--day', 'monday'] helped noted" and "lib/helper.py" in lines[1]
    assert place.lines("/aws-glue/python-jobs/error", run) == ["complained"]
    assert place.s3.get_object(Bucket="lake", Key="out/shell.txt")["Body"].read() == b"out"


def test_a_scripts_error_tells_its_line_and_message(place: Place) -> None:
    place.job("broken", BROKEN)
    run = place.glue.start_job_run(JobName="broken")["JobRunId"]
    said = place.ended("broken", run)
    assert said["JobRunState"] == "FAILED"
    first, *rest = said["ErrorMessage"].splitlines()
    assert "ZeroDivisionError: division by zero" in first and "line 3" in first and "broken.py" in first, first
    assert rest[-1].startswith("ZeroDivisionError")  # the traceback, as it was printed


def test_a_run_outlives_the_server(place: Place) -> None:
    place.job("patient", PATIENT)
    run = place.glue.start_job_run(JobName="patient")["JobRunId"]
    until(lambda: _state(place, "patient", run) == "RUNNING", 30.0, "the run to start")
    place.server.kill()
    place.server.up()
    place.s3.put_object(Bucket="lake", Key="go", Body=b"")
    assert place.ended("patient", run)["JobRunState"] == "SUCCEEDED"
    assert place.lines("/aws-glue/python-jobs/output", run) == ["waits", "went"]


@spark_needed
@pytest.mark.slow
def test_a_spark_job_runs(place: Place) -> None:
    place.job("spark", SPARK, "glueetl", GlueVersion="5.0", WorkerType="G.1X", NumberOfWorkers=2)
    run = place.glue.start_job_run(JobName="spark", Arguments={"--word": "hello"})["JobRunId"]
    said = place.ended("spark", run, 200.0)
    assert said["JobRunState"] == "SUCCEEDED", said
    assert "counted 10 hello spark" in place.lines("/aws-glue/jobs/output", run)


def _state(place: Place, name: str, run: str) -> str:
    return str(place.glue.get_job_run(JobName=name, RunId=run)["JobRun"]["JobRunState"])
