"""The AWS CLI against a real `clary up`, with nothing but its environment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import RealClary

pytestmark = pytest.mark.server

AWS = Path(sys.executable).with_name("aws")


def aws(server: RealClary, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [str(AWS), *arguments], env=server.environment(), capture_output=True, text=True, timeout=100, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def test_identity(server: RealClary) -> None:
    said = json.loads(aws(server, "sts", "get-caller-identity").stdout)
    assert said["Arn"].endswith(":root")


def test_s3_commands(server: RealClary, tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/one.txt").write_text("one")
    (tmp_path / "tree/sub/two words.txt").write_text("two")
    (tmp_path / "big.bin").write_bytes(b"x" * 20_000_000)
    aws(server, "s3", "mb", "s3://cli")
    aws(server, "s3", "cp", "--quiet", str(tmp_path / "big.bin"), "s3://cli/big.bin")
    aws(server, "s3", "sync", "--quiet", str(tmp_path / "tree"), "s3://cli/tree")
    listed = aws(server, "s3", "ls", "--recursive", "s3://cli").stdout
    assert [line.split(maxsplit=3)[3] for line in listed.splitlines()] == [
        "big.bin",
        "tree/one.txt",
        "tree/sub/two words.txt",
    ]
    aws(server, "s3", "cp", "--quiet", "s3://cli/big.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "big.bin").read_bytes()
    aws(server, "s3", "rb", "--force", "s3://cli")
    assert "cli" not in aws(server, "s3", "ls").stdout


def test_sagemaker_commands(server: RealClary) -> None:
    container = "Image=683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    made = aws(
        server,
        "sagemaker",
        "create-model",
        "--model-name",
        "by-cli",
        "--primary-container",
        container,
    )
    arn = json.loads(made.stdout)["ModelArn"]
    assert json.loads(aws(server, "sagemaker", "describe-model", "--model-name", "by-cli").stdout)["ModelArn"] == arn
    aws(server, "sagemaker", "add-tags", "--resource-arn", arn, "--tags", "Key=team,Value=blue")
    tags = json.loads(aws(server, "sagemaker", "list-tags", "--resource-arn", arn).stdout)["Tags"]
    assert tags == [{"Key": "team", "Value": "blue"}]
    refused = aws(server, "sagemaker", "describe-model", "--model-name", "nobody", check=False)
    assert refused.returncode != 0
    assert "Could not find" in refused.stderr


def test_logs_commands(server: RealClary) -> None:
    aws(server, "logs", "create-log-group", "--log-group-name", "/from/cli")
    groups = json.loads(aws(server, "logs", "describe-log-groups", "--log-group-name-prefix", "/from").stdout)
    assert [one["logGroupName"] for one in groups["logGroups"]] == ["/from/cli"]


def test_a_refused_request_says_why(server: RealClary) -> None:
    done = aws(server, "sagemaker", "describe-training-job", "--training-job-name", "bad_name!", check=False)
    assert done.returncode != 0
    assert "regular expression pattern" in done.stderr
