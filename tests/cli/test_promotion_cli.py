"""`clary models`, `approve`, `compare` and `deploy` on a real server: from registered to production and back."""

import io
import itertools
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from tests.real import RealClary, until
from tests.sagemaker_house import XGBOOST

pytestmark = [pytest.mark.server, pytest.mark.slow]
ROWS = "0.1,0.2\n0.9,0.8\n"
names = map("cars-{}".format, itertools.count())


@pytest.fixture(scope="module")
def clary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A server with a bucket and three models in it."""
    made = RealClary(tmp_path_factory.mktemp("promotion") / "home").up()
    try:
        made.role("models")
        s3 = made.client("s3")
        s3.create_bucket(Bucket="lake")
        for number in (1, 2, 3):
            s3.put_object(Bucket="lake", Key=f"{number}/model.tar.gz", Body=trained(number))
        yield made
    finally:
        made.sweep()


@pytest.fixture
def group(clary: RealClary) -> str:
    """The name of a new group with three versions, each a little better, none of them approved."""
    name, s3, sagemaker = next(names), clary.client("s3"), clary.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    for number in (1, 2, 3):
        metrics = {"regression_metrics": {"mse": {"value": 1.0 / number}, "mae": {"value": 0.5}}}
        s3.put_object(Bucket="lake", Key="evaluation.json", Body=json.dumps(metrics).encode())
        source = {"ContentType": "application/json", "S3Uri": "s3://lake/evaluation.json"}
        container = {"Image": XGBOOST, "ModelDataUrl": f"s3://lake/{number}/model.tar.gz"}
        sagemaker.create_model_package(
            ModelPackageGroupName=name,
            InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
            ModelMetrics={"ModelQuality": {"Statistics": source}},
            MetadataProperties={"CommitId": f"c0ffee{number}"},
        )
    return name


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def trained(number: int) -> bytes:
    """model.tar.gz with a model that answers about 10 times its version's number."""
    table = np.random.default_rng(number).random((50, 2), np.float32)
    labels = np.full(50, 10.0 * number)
    booster = xgb.train({"nthread": 1, "base_score": 10.0 * number}, xgb.DMatrix(table, labels), 1)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        body = bytes(booster.save_raw("json"))
        info = tarfile.TarInfo("xgboost-model")
        info.size = len(body)
        tar.addfile(info, io.BytesIO(body))
    return made.getvalue()


def answer(clary: RealClary, endpoint: str) -> int:
    said = clary.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Body=b"0.5,0.5"
    )
    return round(float(said["Body"].read()))


def told(done: "subprocess.CompletedProcess[str]") -> Any:
    return json.loads(done.stdout)


def refused(clary: RealClary, command: str, *arguments: str, code: int = 1) -> str:
    done = clary.clary(command, *arguments, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stderr


def serve(clary: RealClary, group: str, stage: str, version: int) -> None:
    """The version is at that stage, whatever was there before."""
    clary.clary("approve", f"{group}:{version}")
    clary.clary("deploy", group, "--to", stage, "--version", str(version), "--canary", "0")


def test_the_way_from_registered_versions_to_production_and_back(clary: RealClary, group: str, rows: Path) -> None:
    assert f"no version of {group} is Approved" in refused(clary, "deploy", group, "--to", "staging")
    assert "nothing is in staging" in refused(clary, "deploy", group, "--to", "production")
    assert "is PendingManualApproval" in refused(clary, "deploy", group, "--to", "staging", "--version", "1")

    assert "is Approved" in clary.clary("approve", f"{group}:1", "-m", "good [enough]").stdout
    first = told(clary.clary("deploy", group, "--to", "staging", "--smoke", str(rows), "--json"))
    assert (first["ModelPackageVersion"], first["EndpointName"], first["Replaced"]) == (1, f"{group}-staging", None)
    assert answer(clary, f"{group}-staging") == 10
    endpoints = clary.client("sagemaker").list_endpoints(NameContains=group)["Endpoints"]
    assert [one["EndpointName"] for one in endpoints] == [f"{group}-staging"]  # what was tried on is gone
    assert told(clary.clary("deploy", group, "--to", "staging", "--json"))["Changed"] is False

    promoted = told(clary.clary("deploy", group, "--to", "production", "--smoke", "exit 0", "--json"))
    assert promoted["ModelPackageVersion"] == 1
    assert any(step["step"] == f"smoke test on {group}-staging" for step in promoted["Steps"])
    tags = clary.client("sagemaker").list_tags(
        ResourceArn=clary.client("sagemaker").describe_endpoint(EndpointName=f"{group}-production")["EndpointArn"]
    )["Tags"]
    assert {"Key": "clary:model-package", "Value": promoted["ModelPackageArn"]} in tags

    clary.clary("approve", group, "--comment", "newest")  # version 3: the newest that waits
    clary.clary("deploy", group, "--to", "staging", "--instances", "2")
    assert answer(clary, f"{group}-staging") == 30
    done = clary.clary("deploy", group, "--to", "production", "--canary", "50", "--bake", "1", "--json")
    assert (told(done)["ModelPackageVersion"], told(done)["Replaced"]) == (3, "1")
    assert answer(clary, f"{group}-production") == 30
    alarms = clary.client("cloudwatch").describe_alarms(AlarmNames=[f"{group}-production-errors"])["MetricAlarms"]
    assert [one["MetricName"] for one in alarms] == ["Invocation5XXErrors"]

    back = told(clary.clary("deploy", group, "--to", "production", "--rollback", "--json"))
    assert (back["ModelPackageVersion"], back["Replaced"]) == ("1", "3")
    assert answer(clary, f"{group}-production") == 10
    assert "has served nothing before" in refused(clary, "deploy", group, "--to", "production", "--rollback")

    listed = told(clary.clary("models", group, "--alias", "champion=3", "--json"))
    assert [(one["ModelPackageVersion"], one["Stages"], one["Aliases"]) for one in listed] == [
        (3, ["staging"], ["champion"]),
        (2, [], []),
        (1, ["production"], []),
    ]
    assert [round(one["Metrics"]["regression_metrics.mse.value"], 3) for one in listed] == [0.333, 0.5, 1.0]
    page = clary.clary("models", group).stdout
    assert "good [enough]" in page
    assert "mse" in page
    groups = clary.clary("models").stdout
    assert group in groups
    compared = clary.clary("compare", f"{group}:1", f"{group}:champion").stdout
    assert "-0.666667" in compared
    assert "c0ffee3" in compared


def test_versions_are_compared_by_parameters_data_and_what_that_data_was(clary: RealClary) -> None:
    s3, sagemaker = clary.client("s3"), clary.client("sagemaker")
    role = clary.client("iam").get_role(RoleName="models")["Role"]["Arn"]
    sagemaker.create_model_package_group(ModelPackageGroupName="trained")
    for depth in ("2", "3"):
        s3.put_object(Bucket="lake", Key="train/rows.csv", Body=f"1,0.{depth},0.1\n0,0.9,0.2\n".encode() * 20)
        source = {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/train/"}
        sagemaker.create_training_job(
            TrainingJobName=f"depth-{depth}",
            RoleArn=role,
            AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            HyperParameters={"num_round": "1", "max_depth": depth},
            InputDataConfig=[
                {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
            ],
            OutputDataConfig={"S3OutputPath": "s3://lake/out"},
            ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
            StoppingCondition={"MaxRuntimeInSeconds": 300},
        )
        sagemaker.get_waiter("training_job_completed_or_stopped").wait(
            TrainingJobName=f"depth-{depth}", WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        artifact = sagemaker.describe_training_job(TrainingJobName=f"depth-{depth}")["ModelArtifacts"]
        container = {"Image": XGBOOST, "ModelDataUrl": artifact["S3ModelArtifacts"]}
        sagemaker.create_model_package(
            ModelPackageGroupName="trained",
            InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
        )

    def compared() -> Any:
        first, second = told(clary.clary("compare", "trained:1", "trained:2", "--json"))
        known = [one["Data"].get("s3://lake/train/rows.csv") for one in (first, second)]
        return (first, second) if all(known) and known[0] != known[1] else None  # lineage hears of jobs a moment later

    first, second = until(compared, 60.0, "the lineage of both versions")
    assert [one["Parameters"]["max_depth"] for one in (first, second)] == ["2", "3"]
    assert first["Data"]["train"] == second["Data"]["train"] == "s3://lake/train/"
    assert first["TrainingJobArn"].endswith("training-job/depth-2")
    assert "max_depth" in clary.clary("compare", "trained:1", "trained:2").stdout


def test_a_version_that_fails_its_smoke_test_gets_no_traffic(clary: RealClary, group: str, tmp_path: Path) -> None:
    clary.clary("approve", f"{group}:2")
    serve(clary, group, "staging", 3)
    before = answer(clary, f"{group}-staging")
    said = refused(clary, "deploy", group, "--to", "staging", "--version", "2", "--smoke", "exit 7")
    assert "it ended with 7" in said
    bad = tmp_path / "bad.csv"
    bad.write_text("0.1,0.2\na,b\n")
    said = refused(clary, "deploy", group, "--to", "staging", "--version", "2", "--smoke", str(bad))
    assert "request 2 of" in said
    assert answer(clary, f"{group}-staging") == before


def test_an_alarm_takes_a_deployment_back_and_the_command_says_so(clary: RealClary, group: str) -> None:
    cloudwatch = clary.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="watched",
        Namespace="Test",
        MetricName="none",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
    )
    clary.clary("approve", f"{group}:2")
    serve(clary, group, "production", 1)
    before = answer(clary, f"{group}-production")
    said = refused(
        clary, "deploy", group, "--to", "production", "--version", "2", "--alarm", "watched", "--bake", "5", code=4
    )
    assert "The alarm 'watched'" in said
    assert answer(clary, f"{group}-production") == before


def test_a_rule_that_forbids_an_approval_is_said_in_its_words(clary: RealClary, group: str) -> None:
    serve(clary, group, "staging", 3)
    sagemaker = clary.client("sagemaker")
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    sagemaker.update_model_package(
        ModelPackageArn=arn.replace("-group", "") + "/2", ModelApprovalStatus="PendingManualApproval"
    )
    rule = {"Key": "approval:beat-in-service", "Value": "mse lower"}
    sagemaker.add_tags(ResourceArn=arn, Tags=[rule, {"Key": "approval:endpoint", "Value": f"{group}-staging"}])
    said = refused(clary, "approve", f"{group}:2")
    assert f"The approval rule beat-in-service mse lower of {group} does not hold: version {group}/2 has 0.5" in said
    assert "is Rejected" in clary.clary("approve", f"{group}:2", "--reject").stdout
