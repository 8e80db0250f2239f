"""Version 2 of the AWS CLI against a real `clary up`, by variables and under `clary run` alike."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.clients.aws2 import Shell, required
from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


@pytest.fixture(params=["env", "run"])
def shell(request: pytest.FixtureRequest, server: RealClary) -> Shell:
    required()
    return Shell(server, request.param)


def test_identity(shell: Shell) -> None:
    assert json.loads(shell.aws("sts", "get-caller-identity").stdout)["Arn"].endswith(":root")


def test_s3_commands(shell: Shell, tmp_path: Path) -> None:
    bucket = f"cli2-{shell.way}-lake"
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/one.txt").write_text("one")
    (tmp_path / "tree/sub/two words.txt").write_text("two")
    (tmp_path / "big.bin").write_bytes(bytes(range(250)) * 80_000)
    shell.aws("s3", "mb", f"s3://{bucket}")
    shell.aws("s3api", "wait", "bucket-exists", "--bucket", bucket)
    shell.aws("s3", "cp", "--quiet", str(tmp_path / "big.bin"), f"s3://{bucket}/big.bin")
    shell.aws("s3", "cp", "--quiet", f"s3://{bucket}/big.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "big.bin").read_bytes()
    shell.aws("s3", "sync", "--quiet", str(tmp_path / "tree"), f"s3://{bucket}/tree")
    (tmp_path / "tree/one.txt").unlink()
    synced = shell.aws("s3", "sync", "--delete", str(tmp_path / "tree"), f"s3://{bucket}/tree").stdout
    assert f"delete: s3://{bucket}/tree/one.txt" in synced
    listed = shell.aws("s3", "ls", "--recursive", f"s3://{bucket}").stdout
    assert [line.split(maxsplit=3)[2:] for line in listed.splitlines()] == [
        ["20000000", "big.bin"],
        ["3", "tree/sub/two words.txt"],
    ]
    shell.aws("s3", "website", f"s3://{bucket}", "--index-document", "index.html", "--error-document", "no.html")
    site = shell.server.client("s3").get_bucket_website(Bucket=bucket)
    assert site["IndexDocument"] == {"Suffix": "index.html"}
    assert site["ErrorDocument"] == {"Key": "no.html"}
    shell.aws("s3", "rb", "--force", f"s3://{bucket}")
    assert bucket not in shell.aws("s3", "ls").stdout


def test_a_training_job_that_is_waited_for(shell: Shell) -> None:
    name, s3 = f"cli2-{shell.way}-job", shell.server.client("s3")
    role = shell.server.role(f"cli2-{shell.way}")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="train/train.csv", Body=b"1,0.9\n0,0.1\n1,0.8\n0,0.2\n")
    asked = {
        "TrainingJobName": name,
        "RoleArn": role,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"objective": "binary:logistic", "num_round": "2"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "ContentType": "csv",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{name}/train/"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{name}/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    shell.aws("sagemaker", "create-training-job", "--cli-input-json", json.dumps(asked))
    # The waiters of this version do not say that they wait: no Describe is held for them, and they sleep two minutes.
    client = shell.server.client("sagemaker")
    until(lambda: client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] != "InProgress", 300)
    shell.aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)
    described = json.loads(shell.aws("sagemaker", "describe-training-job", "--training-job-name", name).stdout)
    assert described["TrainingJobStatus"] == "Completed"
    listed = shell.aws(
        *("sagemaker", "list-training-jobs", "--name-contains", name),
        *("--query", "TrainingJobSummaries[].TrainingJobName", "--output", "text"),
    )
    assert listed.stdout.strip() == name
    refused = shell.aws("sagemaker", "describe-training-job", "--training-job-name", "bad_name!", check=False)
    assert refused.returncode != 0
    assert "regular expression pattern" in refused.stderr


def test_logs_that_are_followed(shell: Shell, tmp_path: Path) -> None:
    group, logs = f"/followed/{shell.way}", shell.server.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")

    def write(message: str) -> None:
        event = {"timestamp": int(time.time() * 1000), "message": message}
        logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])

    write("before it follows")
    line, shown = shell.line("logs", "tail", group, "--follow", "--format", "short"), tmp_path / "shown.txt"
    with shown.open("wb") as out:
        tail = subprocess.Popen(line, env=shell.environ() | {"PYTHONUNBUFFERED": "1"}, stdout=out, stderr=out)
    try:
        until(lambda: "before it follows" in shown.read_text(), 60, "the event that was there")
        write("while it follows")
        until(lambda: "while it follows" in shown.read_text(), 60, "the event that came later")
        assert tail.poll() is None
    finally:
        tail.terminate()
        tail.wait(30)
    assert shown.read_text().count("before it follows") == 1
