"""The AWS CLI and boto3 in environments of their own, of today and of 2023, with nothing but `clary run`."""

import json
from pathlib import Path

import pytest

from tests.clients.sdk.environments import OLD, TODAY, Environment
from tests.clients.sdk.house import House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("client", [OLD, TODAY], ids=["2023", "today"])
def test_boto3(house: House, client: Environment) -> None:
    said = house.run(client, "boto3_plain.py", house.role)
    assert said["version"].startswith("1.26." if client is OLD else "1.")
    assert said["arn"] == f"arn:aws:iam::{house.account}:root"
    assert said["same"] is True
    assert said["keys"] == ["big folder/big ä.bin", "train/train.csv"]
    assert said["presigned"] == 1200
    assert said["missing"] == "404"
    assert said["status"] == "Completed"
    assert said["members"] == ["xgboost-model"]
    assert said["lines"] > 5
    assert said["listed"] is True


def test_the_aws_cli(house: House, tmp_path: Path) -> None:
    house.run(TODAY, "cli.sh", house.role, str(tmp_path))
    name = (tmp_path / "name.txt").read_text().strip()
    assert json.loads((tmp_path / "identity.json").read_text())["Arn"] == f"arn:aws:iam::{house.account}:root"
    listed = [line.split(maxsplit=3)[2:] for line in (tmp_path / "listed.txt").read_text().splitlines()]
    assert [one for one in listed if not one[1].startswith(("train/", "output/"))] == [
        ["20000000", "big.bin"],
        ["4", "copied/one.txt"],
        ["5", "tree/more.txt"],
        ["4", "tree/sub/two words.txt"],
    ]
    assert f"delete: s3://{name}/tree/one.txt" in (tmp_path / "synced.txt").read_text()
    assert (tmp_path / "down/sub/two words.txt").read_text() == "two\n"
    assert (tmp_path / "fetched.txt").read_text() == "one\n"
    assert json.loads((tmp_path / "described.json").read_text())["TrainingJobStatus"] == "Completed"
    assert (tmp_path / "jobs.txt").read_text().strip() == name
    assert (tmp_path / "rounds.txt").read_text().count("train-logloss") == 5
    assert f"remove_bucket: {name}" in (tmp_path / "removed.txt").read_text()
    assert name not in (tmp_path / "buckets.txt").read_text()
