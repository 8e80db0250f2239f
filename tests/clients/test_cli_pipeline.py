"""`clary pipeline` against a real server; a pipeline of plain functions runs there as it does in one process."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline import abalone
from tests.pipeline.snails import snails
from tests.real import TRUST, RealClary

pytestmark = pytest.mark.server

SAID = tuple[int, str, str]


def pipeline(server: RealClary | None, *arguments: str, stdin: str | None = None) -> SAID:
    """`clary pipeline ...` on the home of the server: (exit code, standard output, standard error)."""
    home = [] if server is None else ["--home", str(server.home)]
    line = [sys.executable, "-m", "clary", "pipeline", *arguments, *home]
    done = subprocess.run(line, capture_output=True, text=True, timeout=180, input=stdin)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def role(server: RealClary) -> str:
    iam = server.client("iam")
    made: str = iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="pipelines", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    return made


@pytest.fixture(scope="module")
def lake(server: RealClary) -> Any:
    """The client of S3 that has filled the bucket `lake`."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="abalone.csv", Body=snails(400))
    return s3


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_abalone_in_plain_functions_runs_on_a_server(server: RealClary, role: str, lake: Any, tmp_path: Path) -> None:
    sagemaker = server.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="abalone")
    arn = abalone.pipeline.upsert(sagemaker, role, s3=lake)
    assert abalone.pipeline.upsert(sagemaker, role, s3=lake) == arn

    code, said, why = pipeline(server, "run", "abalone", "-p", "Data=s3://lake/abalone.csv", "--json")
    assert code == 0, said + why
    told = json.loads(said)
    assert told["PipelineExecutionStatus"] == "Succeeded"
    ran = {one["StepName"]: one for one in told["PipelineExecutionSteps"]}
    assert {name: one["StepStatus"] for name, one in ran.items()} == dict.fromkeys(
        ("prepare", "train", "evaluate", "good-enough", "register"), "Succeeded"
    )
    assert ran["good-enough"]["Metadata"]["Condition"]["Outcome"] == "True"
    package = sagemaker.describe_model_package(ModelPackageName=ran["register"]["Metadata"]["RegisterModel"]["Arn"])
    place = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    bucket, _, key = place.removeprefix("s3://").partition("/")
    there = json.loads(lake.get_object(Bucket=bucket, Key=key)["Body"].read())

    # The same in this process, with the model that the server has trained: the same error.
    (tmp_path / "abalone.csv").write_text(snails(400))
    job = sagemaker.describe_training_job(TrainingJobName=ran["train"]["Metadata"]["TrainingJob"]["Arn"].split("/")[-1])
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    lake.download_file("lake", artifact.removeprefix("s3://lake/"), str(tmp_path / "model.tar.gz"))
    here = abalone.pipeline.run_inline(
        {"Data": str(tmp_path / "abalone.csv")},
        stand_ins={
            "train": lambda job: {"ModelArtifacts": {"S3ModelArtifacts": str(tmp_path / "model.tar.gz")}},
            "register": lambda job: {},
        },
        directory=tmp_path / "run",
    )
    assert here.results["evaluate"] == there
    assert set(here.steps) == ran.keys()

    # The other way through the gate, as a person sees it.
    code, said, why = pipeline(server, "run", "abalone", "-p", "Data=s3://lake/abalone.csv", "-p", "MaxError=0.001")
    assert code == 1, said + why
    assert "good-enough" in said
    assert "false" in said
    assert "the error is too large" in said.splitlines()[-1]


@pytest.fixture(scope="module")
def small(server: RealClary, role: str) -> str:
    """The name of a pipeline of two steps that fails unless `Word` is good."""
    compared = {"Type": "Equals", "LeftValue": {"Get": "Parameters.Word"}, "RightValue": "good"}
    bad = {"Name": "bad", "Type": "Fail", "Arguments": {"ErrorMessage": "the word is bad"}}
    gate = {"Name": "gate", "Type": "Condition", "Arguments": {"Conditions": [compared], "ElseSteps": [bad]}}
    parameter = {"Name": "Word", "Type": "String", "DefaultValue": "good"}
    text = json.dumps({"Version": "2020-12-01", "Parameters": [parameter], "Steps": [gate]})
    sagemaker = server.client("sagemaker")
    sagemaker.create_pipeline(PipelineName="small", PipelineDefinition=text, RoleArn=role)
    return "small"


def test_executions_are_started_watched_listed_and_retried(server: RealClary, small: str) -> None:
    assert pipeline(server, "watch", "small")[2].splitlines()[0].endswith("the pipeline small was never run")
    code, said, _ = pipeline(server, "run", "small")
    assert code == 0
    assert said.split()[:2] == ["gate", "Succeeded"]
    assert "Succeeded after" in said.splitlines()[-1]
    first = said.splitlines()[-1].split()[0]

    code, said, _ = pipeline(server, "run", "small", "-p", "Word=poor", "--detach")
    assert code == 0
    arn = said.strip()
    code, said, _ = pipeline(server, "watch", "small")
    assert code == 1
    assert said.splitlines()[-1].startswith(f"{arn} Failed after")
    assert said.splitlines()[-1].endswith("the word is bad")
    code, said, _ = pipeline(server, "steps", f"small/{arn.rpartition('/')[2]}")
    assert code == 0
    assert {line.split()[0] for line in said.splitlines()[:-1]} == {"gate", "bad"}
    code, said, _ = pipeline(server, "steps", first, "--json")
    assert [one["StepName"] for one in json.loads(said)["PipelineExecutionSteps"]] == ["gate"]

    code, said, _ = pipeline(server, "retry", arn, "--json")
    assert code == 1
    assert json.loads(said)["PipelineExecutionStatus"] == "Failed"
    code, said, why = pipeline(server, "stop", arn)
    assert code == 1
    assert why.startswith("clary:")
    code, said, _ = pipeline(server, "list", "--json")
    (listed,) = [one for one in json.loads(said) if one["PipelineName"] == "small"]
    assert listed["LatestExecution"]["PipelineExecutionArn"] == arn
    assert "small" in pipeline(server, "list")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "none"), "none"),
        (("run", "small", "-p", "Word"), "'Word' is no parameter"),
        (("run", "small", "-p", "Wort=x"), "the pipeline has no parameter 'Wort'; did you mean Word?"),
        (("steps", "none/abc"), "none"),
    ],
)
@pytest.mark.usefixtures("small")
def test_what_cannot_be_is_said_in_plain_words(server: RealClary, arguments: tuple[str, ...], said: str) -> None:
    code, _, why = pipeline(server, *arguments)
    assert code in (1, 2)
    assert said in why
    assert "Traceback" not in why


DEFINITIONS = Path(__file__).parents[1] / "pipeline/definitions"


def test_lint_says_that_nothing_is_wrong() -> None:
    assert pipeline(None, "lint", str(DEFINITIONS / "sdk2-jobs.json")) == (0, "nothing is wrong: 8 steps\n", "")


def test_lint_says_everything_at_once(tmp_path: Path) -> None:
    whole = json.loads((DEFINITIONS / "sdk2-jobs.json").read_text())
    whole["Steps"][0]["DependsOn"] = ["Nobody"]
    whole["Steps"].append({"Name": "x", "Type": "Lambda", "Arguments": {}})
    whole["Steps"].append({"Name": "y", "Type": "Processing", "Arguments": {"RoleArm": "z"}})
    (tmp_path / "wrong.json").write_text(json.dumps(whole))
    code, said, _ = pipeline(None, "lint", str(tmp_path / "wrong.json"), "--json")
    assert code == 1
    found = {(one["Step"], one["Path"]) for one in json.loads(said)["Problems"]}
    assert {(whole["Steps"][0]["Name"], "Steps[0].DependsOn[0]"), ("x", "Steps[4].Type")} <= found
    assert ("y", "Steps[5].Arguments.RoleArm") in found
    code, said, _ = pipeline(None, "lint", "-", stdin=json.dumps(whole))
    assert code == 1
    assert said.splitlines()[-1] == f"{len(found)} problems" or said.splitlines()[-1].endswith("problems")


def test_lint_of_what_is_no_definition(tmp_path: Path) -> None:
    assert pipeline(None, "lint", "-", stdin="{")[:2][0] == 1
    assert pipeline(None, "lint", str(tmp_path / "none.json"))[0] == 2
