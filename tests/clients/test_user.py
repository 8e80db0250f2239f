"""`clary user`, as the owner of a home types it, and what the users then may."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.real import RealClary

pytestmark = pytest.mark.server


def client(server: RealClary, service: str, key: Any) -> Any:
    return boto3.client(
        service,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name="us-east-1",
        endpoint_url=server.url,
        config=Config(proxies={}),
    )


def user(server: RealClary, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """`clary user ...` on the home of the server."""
    line = [sys.executable, "-m", "clary", "user", *arguments, "--home", str(server.home)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done


def added(server: RealClary, *arguments: str) -> Any:
    return json.loads(user(server, "add", *arguments, "--json").stdout)


def refused(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return str(caught.value.response["Error"]["Code"])


def test_a_user_may_what_its_policies_say_and_no_more(server: RealClary, tmp_path: Path) -> None:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    (tmp_path / "lake.json").write_text(json.dumps(document))
    key = added(server, "ada", "--policy", str(tmp_path / "lake.json"), "--policy", "AmazonSageMakerReadOnly")
    assert client(server, "sts", key).get_caller_identity()["Arn"].endswith(":user/ada")
    client(server, "s3", key).create_bucket(Bucket="adas-lake")
    client(server, "sagemaker", key).list_training_jobs()
    assert refused(client(server, "sagemaker", key).stop_training_job, TrainingJobName="x") == "AccessDeniedException"
    assert refused(client(server, "iam", key).list_users) == "AccessDenied"
    listed = json.loads(user(server, "list", "--json").stdout)
    assert [one for one in listed if one["UserName"] == "ada"] == [
        {
            "UserName": "ada",
            "Arn": client(server, "sts", key).get_caller_identity()["Arn"],
            "Groups": [],
            "AttachedPolicies": ["arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"],
            "InlinePolicies": ["lake"],
            "AccessKeys": [{"AccessKeyId": key["AccessKeyId"], "Status": "Active"}],
        }
    ]
    assert "AmazonSageMakerReadOnly, lake" in user(server, "list").stdout


def test_what_add_prints_is_an_environment(server: RealClary) -> None:
    said = user(server, "add", "eve").stdout
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    for exports in (said, user(server, "env", "eve").stdout):
        shown = subprocess.run(
            ["sh", "-c", f'{exports}\n"{sys.executable}" -c "{program}"'], capture_output=True, text=True, check=True
        )
        assert shown.stdout.strip().endswith(":user/eve")


def test_keys_are_rotated(server: RealClary) -> None:
    old = added(server, "bob")
    new = json.loads(user(server, "keys", "bob", "--rotate", "--json").stdout)
    assert refused(client(server, "sts", old).get_caller_identity) == "InvalidClientTokenId"
    client(server, "sts", new).get_caller_identity()
    again = json.loads(user(server, "keys", "bob", "--rotate", "--json").stdout)
    told = json.loads(user(server, "keys", "bob", "--json").stdout)
    assert [key["AccessKeyId"] for key in told] == [again["AccessKeyId"]]
    assert "never used" in user(server, "keys", "bob").stdout


def test_a_removed_user_signs_no_more(server: RealClary) -> None:
    iam = server.client("iam")
    iam.create_group(GroupName="team")
    key = added(server, "carl", "--group", "team", "--policy", "ReadOnlyAccess")
    assert [one["UserName"] for one in iam.get_group(GroupName="team")["Users"]] == ["carl"]
    client(server, "s3", key).list_buckets()
    user(server, "remove", "carl")
    assert refused(client(server, "s3", key).list_buckets) == "InvalidAccessKeyId"
    assert iam.get_group(GroupName="team")["Users"] == []


def test_what_cannot_be_made_whole_is_not_left_half(server: RealClary, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    for arguments, words in (
        (["--policy", str(tmp_path / "bad.json")], "invalid Json"),
        (["--policy", str(tmp_path / "none.json")], "cannot be read"),
        (["--group", "nobody"], "create-group"),
    ):
        done = user(server, "add", "half", *arguments, check=False)
        assert done.returncode == 1
        assert words in done.stderr
        assert refused(server.client("iam").get_user, UserName="half") == "NoSuchEntity"
    for command in (["keys", "half"], ["remove", "half"], ["env", "half"]):
        done = user(server, *command, check=False)
        assert done.returncode == 1
        assert "cannot be found" in done.stderr
    added(server, "twice")
    assert "already exists" in user(server, "add", "twice", check=False).stderr


def test_a_policy_that_is_not_known_is_named(server: RealClary) -> None:
    done = user(server, "add", "odd", "--policy", "AmazonUnheardOf", check=False)
    assert done.returncode == 0
    assert "grants nothing" in done.stderr


def test_without_a_server_the_next_step_is_told(own_server: RealClary) -> None:
    done = user(own_server, "list", check=False)
    assert done.returncode == 1
    assert "clary up" in done.stderr


@pytest.mark.parametrize("command", [[], ["add"], ["list"], ["keys"], ["env"], ["remove"]])
def test_every_command_has_a_help_page(command: list[str]) -> None:
    line = [sys.executable, "-m", "clary", "user", *command, "--help"]
    assert "Usage" in subprocess.run(line, capture_output=True, text=True, check=True).stdout
