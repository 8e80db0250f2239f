"""Version 2 of the AWS CLI, which is no Python package: the machine's own, in a shell that `clary env` or `clary run`
made ready."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import pytest

from tests.real import RealClary

SECONDS = 400.0
STRAY = ("AWS_", "SAGEMAKER_", "PYTHONPATH", "PYTHONWARNINGS")
KNOWS_ENDPOINTS = (2, 13)
"""The first version that reads AWS_ENDPOINT_URL."""


@cache
def found() -> tuple[str, tuple[int, ...]] | None:
    """(program, version) of an AWS CLI 2: `aws` on the path, or Debian's."""
    for program in (shutil.which("aws"), "/usr/bin/aws"):
        if program is None or not os.access(program, os.X_OK):
            continue
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
        match = re.match(r"aws-cli/(2[0-9.]*)", said.stdout + said.stderr)
        if match is not None:
            return program, tuple(int(one) for one in match[1].split("."))
    return None


def required() -> tuple[str, tuple[int, ...]]:
    """As `found`; skips where there is none, unless CLARY_TEST_NEEDS says that it must be there."""
    one = found()
    if one is None:
        why = "no AWS CLI 2 on the path or at /usr/bin/aws (Debian: apt-get install awscli)"
        if "awscli2" in os.environ.get("CLARY_TEST_NEEDS", "").split(","):
            pytest.fail(why)
        pytest.skip(why)
    return one


@dataclass(frozen=True, slots=True)
class Shell:
    """Where a user types `aws ...`."""

    server: RealClary
    way: str
    """"env": after `eval "$(clary env)"`; "run": under `clary run`."""

    def line(self, *arguments: str) -> list[str]:
        program, version = required()
        if self.way == "run":
            return [sys.executable, "-m", "clary", "run", "--home", str(self.server.home), "--", program, *arguments]
        named = [] if version >= KNOWS_ENDPOINTS else ["--endpoint-url", self.server.url]
        return [program, *named, *arguments]

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(STRAY)}
        shell = kept | {"HOME": str(self.server.home), "AWS_PAGER": "", "CLARY_OTHER_HOSTS": "refuse"}
        return shell if self.way == "run" else shell | self.said()

    def said(self) -> dict[str, str]:
        """What `clary env` says, beyond the variables of this process."""
        return {name: value for name, value in self.server.environment().items() if os.environ.get(name) != value}

    def aws(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            self.line(*arguments), env=self.environ(), capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done
