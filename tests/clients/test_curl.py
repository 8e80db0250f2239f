"""curl, with its own implementation of signatures, against a real server."""

import shutil
import subprocess

import pytest

from tests.real import RealClary

pytestmark = [pytest.mark.server, pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")]


def curl(server: RealClary, service: str, path: str, *arguments: str) -> str:
    given = server.environment()
    keys = f"{given['AWS_ACCESS_KEY_ID']}:{given['AWS_SECRET_ACCESS_KEY']}"
    line = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "30", "--user", keys]
    line += ["--aws-sigv4", f"aws:amz:us-east-1:{service}", *arguments, server.url + path]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_who_am_i(server: RealClary) -> None:
    said = curl(server, "sts", "/", "--data", "Action=GetCallerIdentity&Version=2011-06-15")
    assert "<GetCallerIdentityResult>" in said


def test_a_json_operation(server: RealClary) -> None:
    target = ["-H", "X-Amz-Target: SageMaker.ListModels", "-H", "Content-Type: application/x-amz-json-1.1"]
    assert curl(server, "sagemaker", "/", *target, "--data", "{}") == '{"Models":[]}'


def test_an_inference_reaches_the_data_plane(server: RealClary) -> None:
    line = ["-H", "Content-Type: text/csv", "--data", "1,2", "-w", "%{http_code}"]
    with pytest.raises(AssertionError, match="Endpoint nobody of account"):
        curl(server, "sagemaker", "/endpoints/nobody/invocations", *line)
