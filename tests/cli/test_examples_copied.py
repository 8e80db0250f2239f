"""The worked examples in plain functions as a user copies them, by the commands of the page."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples_house import EXAMPLES
from tests.real import TRUST, RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def role(server: RealClary) -> str:
    """As the page of the demonstrations describes it."""
    server.client("s3").create_bucket(Bucket="lake")
    iam = server.client("iam")
    made: str = iam.create_role(RoleName="examples", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="examples", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    bucket = ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]
    statement = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": bucket},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": made},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_role_policy(RoleName="examples", PolicyName="data", PolicyDocument=policy)
    return made


def clary(server: RealClary, *words: str) -> str:
    """What the command printed."""
    line = [sys.executable, "-m", "clary", *words, "--home", str(server.home)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copied(server: RealClary, name: str, role: str, place: Path) -> str:
    """What native.py printed, in a copy of the folder, with the rows of data.py."""
    folder = place / name
    shutil.copytree(EXAMPLES / name, folder)

    def python(*line: str) -> str:
        done = subprocess.run(
            [sys.executable, *line],
            cwd=folder,
            env=server.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    (folder / "rows.csv").write_text(python("data.py"))
    return python("native.py", "rows.csv", "lake", role)


def test_abalone_from_a_copy_to_production(server: RealClary, role: str, tmp_path: Path) -> None:
    assert ":pipeline/abalone" in copied(server, "abalone", role, tmp_path)
    clary(server, "pipeline", "run", "abalone")
    clary(server, "approve", "abalone", "-m", "below the limit")
    clary(server, "deploy", "abalone", "--to", "staging")
    clary(server, "deploy", "abalone", "--to", "production")
    assert until(lambda: "s3://lake/raw/abalone.csv" in clary(server, "lineage", "abalone-production"))


def test_cars_from_a_copy_to_production(server: RealClary, role: str, tmp_path: Path) -> None:
    assert ":pipeline/car-evaluation" in copied(server, "car-evaluation", role, tmp_path)
    clary(server, "pipeline", "run", "car-evaluation")
    sagemaker, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    version = sagemaker.describe_model_package(ModelPackageName="car-evaluation/1")
    bucket, _, key = version["CustomerMetadataProperties"]["clary:page"].removeprefix("s3://").partition("/")
    page = json.loads(server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    clary(server, "approve", "car-evaluation", "-m", "above the limit")
    clary(server, "deploy", "car-evaluation", "--to", "staging")
    for example in page["examples"]:
        body = ",".join(str(example["values"][name]) for name in page["input"]["properties"])
        said = runtime.invoke_endpoint(EndpointName="car-evaluation-staging", ContentType="text/csv", Body=body)
        chances = [float(one) for one in said["Body"].read().decode().split(",")]
        assert page["output"]["labels"][chances.index(max(chances))] == example["expected"]
        assert sum(chances) == pytest.approx(1, abs=1e-3)


def test_churn_asks_what_is_in_service(server: RealClary, role: str, tmp_path: Path) -> None:
    said = copied(server, "churn", role, tmp_path)
    assert ":pipeline/churn" in said
    assert "clary pipeline run churn -p InService=nothing" in said
