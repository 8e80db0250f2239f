"""`clary run` against a real server: hard-coded hosts, life and death of the proxy, and what the program finds."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.real import TRUST, RealClary, until

pytestmark = pytest.mark.server

HARD_CODED = """
import boto3, hashlib, io, json, os
from botocore.config import Config
arn = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com").get_caller_identity()["Arn"]
body = os.urandom(20_000_000)
same = []
for scheme in ("https", "http"):
    for style in ("path", "virtual"):
        options = Config(s3={"addressing_style": style})
        s3 = boto3.client("s3", endpoint_url=f"{scheme}://s3.us-east-1.amazonaws.com", config=options)
        s3.create_bucket(Bucket=f"{scheme}-{style}")
        s3.upload_fileobj(io.BytesIO(body), f"{scheme}-{style}", "big")
        back = s3.get_object(Bucket=f"{scheme}-{style}", Key="big")["Body"].read()
        same.append(hashlib.sha256(back).digest() == hashlib.sha256(body).digest())
print(json.dumps({"arn": arn, "same": same}))
"""


def environ(**given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_"))}
    return kept | {"CLARY_OTHER_HOSTS": "refuse"} | given


def run(
    server: RealClary, *command: str, options: tuple[str, ...] = (), **given: str
) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "clary", "run", "--home", str(server.home), *options, "--", *command]
    return subprocess.run(line, env=environ(**given), capture_output=True, text=True, timeout=100, check=False)


def python(server: RealClary, code: str, *options: str, **given: str) -> str:
    done = run(server, sys.executable, "-c", code, options=options, **given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def variables(server: RealClary, *options: str, **given: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        python(server, "import json, os; print(json.dumps(dict(os.environ)))", *options, **given)
    )
    return found


def proxies(server: RealClary) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter(["cmdline"]):
        line = one.info["cmdline"] or []
        if "clary.processes.intercept" in line and str(server.home) in line:
            found.append(one)
    return found


@pytest.mark.slow
def test_hard_coded_hosts_in_both_styles_are_answered_by_clary(server: RealClary) -> None:
    said = json.loads(python(server, HARD_CODED))
    assert said["arn"].endswith(":root")
    assert said["same"] == [True] * 4


def test_a_service_that_is_not_served_is_refused_by_name_and_never_reaches_aws(server: RealClary) -> None:
    code = "import boto3\ntry:\n    boto3.client('braket', endpoint_url='https://braket.us-east-1.amazonaws.com')"
    code += ".get_job(jobArn='arn:aws:braket:us-east-1:123456789012:job/x')\n"
    code += "except Exception as error:\n    print(error.response['ResponseMetadata']['HTTPStatusCode'], error)"
    said = python(server, code)
    assert said.startswith("501 ")
    assert "braket" in said


def test_curl_and_the_standard_library_trust_the_authority(server: RealClary) -> None:
    code = "import urllib.request, urllib.error\ntry:\n"
    code += "    urllib.request.urlopen('https://none.s3.amazonaws.com/x')\n"
    code += "except urllib.error.HTTPError as error:\n    print(error.code)"
    assert python(server, code).strip() in ("403", "404")
    done = run(server, "curl", "-sS", "-o", os.devnull, "-w", "%{http_code}", "https://none.s3.amazonaws.com/x")
    assert done.stdout in ("403", "404"), done.stderr


def test_other_hosts_are_refused_where_the_setting_says_so(server: RealClary) -> None:
    done = run(server, "curl", "-sS", "https://example.com/")
    assert done.returncode != 0
    assert "403" in done.stderr
    assert "example.com" in server.home.joinpath("intercept.log").read_text()


def test_what_the_program_finds(server: RealClary) -> None:
    left = {"AWS_PROFILE": "other", "AWS_ENDPOINT_URL_S3": "https://elsewhere.example", "AWS_SESSION_TOKEN": "old"}
    found = variables(server, **left)
    assert not left.keys() & found.keys()
    assert found["AWS_ENDPOINT_URL"] == server.url
    assert found["HTTPS_PROXY"] == found["https_proxy"] == found["HTTP_PROXY"] == found["http_proxy"]
    trusted = {found[name] for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")}
    (bundle,) = map(Path, trusted)
    own = Path(found["NODE_EXTRA_CA_CERTS"]).read_text().strip()
    assert own in bundle.read_text()
    assert bundle.read_text().count("BEGIN CERTIFICATE") > 50
    assert {"127.0.0.1", "localhost"} <= set(found["NO_PROXY"].split(","))
    assert "TelemetryOptOut: true" in Path(found["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"]).read_text()
    alone = variables(server, "--no-proxy", **left)
    assert not left.keys() & alone.keys()
    assert not {"HTTPS_PROXY", "AWS_CA_BUNDLE"} & (alone.keys() - environ().keys())
    account = json.loads((server.home / "credentials.json").read_text())["AccountId"]
    text = Path(alone["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"]).read_text()
    assert f"DefaultS3Bucket: sagemaker-us-east-1-{account}" in text


def test_an_administrator_s_defaults_stay(server: RealClary, tmp_path: Path) -> None:
    theirs = str(tmp_path / "theirs.yaml")
    found = variables(server, SAGEMAKER_ADMIN_CONFIG_OVERRIDE=theirs)
    assert found["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"] == theirs


def test_it_acts_as_a_role(server: RealClary) -> None:
    iam = server.client("iam")
    account = json.loads((server.home / "credentials.json").read_text())["AccountId"]
    trust = json.loads(TRUST)
    trust["Statement"][0]["Principal"]["AWS"] = f"arn:aws:iam::{account}:root"
    iam.create_role(RoleName="notebook", AssumeRolePolicyDocument=json.dumps(trust))
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    said = python(server, code, "--role", "notebook")
    assert said.strip() == f"arn:aws:sts::{account}:assumed-role/notebook/clary-run"
    done = run(server, "true", options=("--role", "nobody"))
    assert done.returncode == 1
    assert "no role nobody" in done.stderr


def test_the_program_has_no_child_that_it_did_not_start(server: RealClary) -> None:
    code = "import os\ntry:\n    os.wait()\nexcept ChildProcessError:\n    print('none')"
    assert python(server, code).strip() == "none"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_proxy_ends_with_the_program_however_it_ends(own_server: RealClary, end: signal.Signals) -> None:
    own_server.up()
    line = [sys.executable, "-m", "clary", "run", "--home", str(own_server.home), "--", "sleep", "600"]
    program = subprocess.Popen(line, env=environ())
    try:
        (proxy,) = until(lambda: proxies(own_server), what="a proxy")
        until(lambda: psutil.Process(program.pid).name() == "sleep")
        assert os.getsid(proxy.pid) != os.getsid(program.pid), "Control-C would reach it"
        program.send_signal(end)
        assert program.wait(30) == -end
        until(lambda: not proxies(own_server), what="the proxy ends")
    finally:
        program.kill()
        program.wait()


def test_a_program_that_cannot_be_started_leaves_no_proxy(server: RealClary) -> None:
    assert run(server, "no-such-program").returncode == 127
    until(lambda: not proxies(server), what="the proxy ends")
