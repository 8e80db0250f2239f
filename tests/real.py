"""A real `clary up` on a home of its own: started, killed, started again, as its user would."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
"""A trust policy as SageMaker's roles have it."""


def until(holds: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """The first true answer of `holds`. An outside process cannot be awaited, so it is asked, in bounded time."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or holds}"
        time.sleep(0.02)


def files_below(top: Path) -> Iterator[Path]:
    """Every file and directory below `top`, also while a server makes and removes some: Path.rglob fails then."""
    for folder, below, names in os.walk(top):
        for name in (*below, *names):
            yield Path(folder) / name


class RealClary:
    """One home and, while `up`, one server on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def up(self, *within: str) -> "RealClary":
        """Ready to answer. The port of the first start is kept by later ones, as clients expect. `within`: words of a
        command that becomes the command that follows it."""
        command = [*within, sys.executable, "-m", "clary", "up", "--home", str(self.home), "--port", str(self.port)]
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "up.log").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)
        until(self._ready, what=f"clary up: {(self.home / 'up.log').read_text()}")
        self.port = int(self.url.rpartition(":")[2])
        return self

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "up.log").read_text()
        try:
            said = json.loads((self.home / "server.json").read_text())
        except FileNotFoundError:
            return False
        return bool(said["pid"] == self.process.pid)

    @property
    def url(self) -> str:
        url: str = json.loads((self.home / "server.json").read_text())["url"]
        return url

    def kill(self) -> None:
        """SIGKILL to the server: the supervisor, and with it everything that is its child."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        self.process = None

    def down(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def sweep(self) -> None:
        """Nothing of this home runs on: the server is down, and so are the jobs and model servers it left behind."""
        self.down()
        self.kill_left_behind()

    def kill_left_behind(self) -> None:
        """What a power cut would do to the jobs and model servers that outlive the server."""
        for pid in self.left_behind():
            with suppress(ProcessLookupError):  # the others of its tree went with the first
                os.kill(pid, signal.SIGKILL)

    def left_behind(self) -> list[int]:
        """Processes whose command line names this home."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    line = (entry / "cmdline").read_bytes()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if os.fsencode(self.home) in line:
                    found.append(int(entry.name))
        return found

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The caller's environment with what `clary env` says on top."""
        said = self.clary("env", "--json")
        return {**os.environ, **json.loads(said.stdout), **(extra or {})}

    def clary(self, command: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """One `clary COMMAND --home ... ARGUMENTS`."""
        line = [sys.executable, "-m", "clary", command, "--home", str(self.home), *arguments]
        done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=False)
        assert not check or done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def role(self, name: str) -> str:
        """The ARN of a new role that SageMaker may assume and that may do everything with objects."""
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        return arn

    def client(self, service: str, **options: Any) -> Any:
        keys = json.loads((self.home / "credentials.json").read_text())
        given = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "region_name": "us-east-1",
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "config": Config(retries={"mode": "standard", "max_attempts": 8}, proxies={}),
        }
        return boto3.client(service, **(given | options))
