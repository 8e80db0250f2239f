"""The link that signs in: who prints it, for whom, and where it must not be written."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.real import RealClary

pytestmark = [pytest.mark.slow, pytest.mark.server]


def redeemed(url: str) -> dict[str, str]:
    """The keys that the link's code is worth."""
    base, _, code = url.partition("/console/#code=")
    grant = {"clientId": "arn:aws:signin:::devtools/same-device", "grantType": "authorization_code", "code": code}
    request = urllib.request.Request(
        f"{base}/v1/token", json.dumps(grant).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        keys: dict[str, str] = json.loads(answer.read())["accessToken"]
    return keys


def who(server: RealClary, keys: dict[str, str]) -> str:
    client = server.client(
        "sts",
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )
    return str(client.get_caller_identity()["Arn"])


def test_up_prints_a_link_that_signs_the_owner_in(own_server: RealClary) -> None:
    own_server.up()
    said = (own_server.home / "up.log").read_text()  # what it printed: here a file stands for the terminal
    link = next(word for word in said.split() if "/console/#code=" in word)
    assert who(own_server, redeemed(link)).endswith(":root")


def test_detached_the_link_is_for_the_terminal_and_in_no_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    server = RealClary(home)
    try:
        command = [sys.executable, "-m", "clary", "up", "--detach", "--home", str(home), "--port", "0"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        link = next(word for word in said.split() if "/console/#code=" in word)
        assert "#code=" not in (home / "up.log").read_text()
        assert redeemed(link)["accessKeyId"].startswith("ASIA")
    finally:
        subprocess.run([sys.executable, "-m", "clary", "down", "--home", str(home)], check=False, timeout=120)
        server.kill_left_behind()


def test_a_link_for_a_user_signs_in_as_that_user(server: RealClary) -> None:
    server.client("iam").create_user(UserName="ann")
    said = json.loads(server.clary("console", "--user", "ann", "--json").stdout)
    assert said["seconds"] == 600
    assert who(server, redeemed(said["url"])).endswith(":user/ann")


def test_a_link_for_nobody_is_refused_in_words(server: RealClary) -> None:
    done = server.clary("console", "--user", "eve", check=False)
    assert done.returncode == 1 and "eve" in done.stderr and "user list" in done.stderr


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = RealClary(tmp_path / "home").clary("console", check=False)
    assert done.returncode == 1 and "clary up" in done.stderr.replace("\n", " ")
