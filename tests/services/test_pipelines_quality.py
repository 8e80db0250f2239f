"""QualityCheck steps: what they ask of the monitor's job, and what becomes of what it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.runners.base import Work
from tests.inprocess import ACCOUNT
from tests.pipelines_house import PipelinesHouse, pipelines_house, processing

Doc = dict[str, Any]
MONITOR = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
OUT = "s3://lake/out"
SUPPLIED = {
    "SuppliedBaselineStatistics": "s3://lake/base/statistics.json",
    "SuppliedBaselineConstraints": "s3://lake/base/constraints.json",
}
FRESH = {"SkipCheck": True, "RegisterNewBaseline": True}
DRIFT = {"feature_name": "Day Mins", "constraint_check_type": "baseline_drift_check", "description": "distance: 0.3"}


class Analyzed:
    """The monitor's job as the tests want it: what it was asked for, and the violations that it says there are."""

    def __init__(self, house: PipelinesHouse) -> None:
        self.works: list[Work] = []
        self.violations: list[Doc] = []
        house.runner.behave = self.behave

    def behave(self, uid: str, work: Work, root: Path) -> int:
        self.works.append(work)
        out = root / "processing/output"
        out.mkdir(parents=True, exist_ok=True)
        for name in ("statistics", "constraints"):
            (out / f"{name}.json").write_text("{}")
        (root / "output").mkdir(exist_ok=True)
        message = "Completed: Job completed successfully with no violations."
        if self.violations:
            (out / "constraint_violations.json").write_text(json.dumps({"violations": self.violations}))
            message = f"CompletedWithViolations: Job completed successfully with {len(self.violations)} violations."
        (root / "output/message").write_text(message)
        return 0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    with pipelines_house(tmp_path) as made:
        for name in ("data.csv", "base/statistics.json", "base/constraints.json"):
            made.s3.put_object(Bucket="lake", Key=name, Body=b"{}")
        yield made


@pytest.fixture
def analyzed(house: PipelinesHouse) -> Analyzed:
    return Analyzed(house)


def check(name: str = "check", kind: Any = "DATA_QUALITY", **extra: Any) -> Doc:
    """A step as the SDK writes it: members that are not given are null."""
    source = {
        "S3Uri": "s3://lake/data.csv",
        "LocalPath": "/opt/ml/processing/input/baseline_dataset_input",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    out = {"S3Uri": OUT, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    step = processing(
        name,
        arguments={
            "AppSpecification": {"ImageUri": MONITOR},
            "ProcessingInputs": [{"InputName": "baseline_dataset_input", "AppManaged": False, "S3Input": source}],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "quality_check_output", "S3Output": out}]},
            "Environment": {"dataset_format": '{"csv": {"header": true}}', "output_path": "/opt/ml/processing/output"},
        },
    )
    given = {
        "ModelPackageGroupName": None,
        "SkipCheck": False,
        "FailOnViolation": True,
        "RegisterNewBaseline": False,
        "SuppliedBaselineStatistics": None,
        "SuppliedBaselineConstraints": None,
    }
    return {**step, "Type": "QualityCheck", "CheckType": kind, **given, **extra}


def reads(*members: str) -> Doc:
    """A step that reads these properties of the check."""
    environment = {name: {"Get": f"Steps.check.{name}"} for name in members}
    return processing("after", arguments={"Environment": environment})


MEMBERS = (
    "CalculatedBaselineConstraints",
    "CalculatedBaselineStatistics",
    "BaselineUsedForDriftCheckConstraints",
    "BaselineUsedForDriftCheckStatistics",
)


def seen(analyzed: Analyzed) -> Doc:
    return {name: analyzed.works[-1].env[name] for name in MEMBERS}


def test_a_first_baseline_is_calculated_and_registered(house: PipelinesHouse, analyzed: Analyzed) -> None:
    arn = house.run(check(**FRESH), reads(*MEMBERS))
    assert house.statuses(arn) == {"check": "Succeeded", "after": "Succeeded"}
    assert "baseline_constraints" not in analyzed.works[0].env
    assert seen(analyzed) == {name: f"{OUT}/{name.lower().rpartition('baseline')[2]}.json" for name in MEMBERS[:2]} | {
        "BaselineUsedForDriftCheckConstraints": f"{OUT}/constraints.json",
        "BaselineUsedForDriftCheckStatistics": f"{OUT}/statistics.json",
    }
    said = house.steps(arn)["check"]["Metadata"]["QualityCheck"]
    assert said["CheckType"] == "DATA_QUALITY"
    assert said["SkipCheck"] is said["RegisterNewBaseline"] is True
    assert said["CalculatedBaselineStatistics"] == f"{OUT}/statistics.json"
    assert f":{ACCOUNT}:processing-job/pipelines-" in said["CheckJobArn"]
    assert "BaselineUsedForDriftCheckStatistics" not in said


def test_a_supplied_baseline_is_at_hand_in_the_job_and_carried_over(house: PipelinesHouse, analyzed: Analyzed) -> None:
    arn = house.run(check(**SUPPLIED), reads(*MEMBERS))
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    work = analyzed.works[0]
    assert work.env["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/constraints.json"
    assert work.env["baseline_statistics"] == "/opt/ml/processing/baseline/statistics/statistics.json"
    assert {one.target for one in work.trees} >= {
        "/opt/ml/processing/baseline/constraints",
        "/opt/ml/processing/baseline/statistics",
    }
    assert seen(analyzed)["BaselineUsedForDriftCheckConstraints"] == SUPPLIED["SuppliedBaselineConstraints"]
    assert seen(analyzed)["CalculatedBaselineConstraints"] == f"{OUT}/constraints.json"
    said = house.steps(arn)["check"]["Metadata"]["QualityCheck"]
    assert said["BaselineUsedForDriftCheckStatistics"] == SUPPLIED["SuppliedBaselineStatistics"]
    assert "ViolationReport" not in said


def test_a_new_baseline_is_registered_after_the_check_against_the_old_one(
    house: PipelinesHouse, analyzed: Analyzed
) -> None:
    arn = house.run(check(**SUPPLIED, RegisterNewBaseline=True), reads(*MEMBERS))
    assert "baseline_constraints" in analyzed.works[0].env
    assert seen(analyzed)["BaselineUsedForDriftCheckStatistics"] == f"{OUT}/statistics.json"
    said = house.steps(arn)["check"]["Metadata"]["QualityCheck"]
    assert said["BaselineUsedForDriftCheckStatistics"] == SUPPLIED["SuppliedBaselineStatistics"]


def test_violations_fail_the_step_and_are_named(house: PipelinesHouse, analyzed: Analyzed) -> None:
    analyzed.violations = [DRIFT, {**DRIFT, "feature_name": "State"}]
    arn = house.run(check(**SUPPLIED), reads(*MEMBERS))
    assert house.statuses(arn) == {"check": "Failed"}
    step = house.steps(arn)["check"]
    assert step["FailureReason"] == (
        "ClientError: the check DATA_QUALITY found violations of the baseline in Day Mins, State; "
        f"see {OUT}/constraint_violations.json: "
        "Day Mins (baseline_drift_check: distance: 0.3); State (baseline_drift_check: distance: 0.3)"
    )
    assert step["Metadata"]["QualityCheck"]["ViolationReport"] == f"{OUT}/constraint_violations.json"
    assert house.said(arn)["PipelineExecutionStatus"] == "Failed"


def test_of_many_violations_as_many_are_named_as_there_is_room_for(house: PipelinesHouse, analyzed: Analyzed) -> None:
    analyzed.violations = [{**DRIFT, "feature_name": f"feature {at}"} for at in range(60)]
    arn = house.run(check(**SUPPLIED))
    reason = house.steps(arn)["check"]["FailureReason"]
    assert len(reason) <= 1024
    named = reason.count("distance: 0.3")
    assert 2 < named < 60
    assert "baseline in feature 0, feature 1, feature 2" in reason
    assert reason.endswith(f"; and {60 - named} more")


def test_violations_are_only_told_where_they_shall_not_fail_the_step(house: PipelinesHouse, analyzed: Analyzed) -> None:
    analyzed.violations = [DRIFT]
    arn = house.run(check(**SUPPLIED, FailOnViolation=False), reads(*MEMBERS))
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    said = house.steps(arn)["check"]["Metadata"]["QualityCheck"]
    assert said["ViolationReport"] == f"{OUT}/constraint_violations.json"


def package(house: PipelinesHouse, member: str, folder: str, approval: str = "Approved") -> None:
    files = {
        name: {"ContentType": "application/json", "S3Uri": f"s3://lake/{folder}/{name.lower()}.json"}
        for name in ("Statistics", "Constraints")
    }
    for name in ("statistics", "constraints"):
        house.s3.put_object(Bucket="lake", Key=f"{folder}/{name}.json", Body=b"{}")
    house.sagemaker.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus=approval,
        InferenceSpecification={
            "Containers": [{"Image": MONITOR, "ModelDataUrl": "s3://lake/data.csv"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        DriftCheckBaselines={member: files},
    )
    house.go(1)


def test_the_baseline_of_the_latest_approved_version(house: PipelinesHouse, analyzed: Analyzed) -> None:
    house.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    package(house, "ModelQuality", "v1")
    package(house, "ModelQuality", "v2")
    package(house, "ModelQuality", "v3", "PendingManualApproval")
    arn = house.run(check(kind="MODEL_QUALITY", ModelPackageGroupName="churn"), reads(*MEMBERS))
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert seen(analyzed)["BaselineUsedForDriftCheckConstraints"] == "s3://lake/v2/constraints.json"
    said = house.steps(arn)["check"]["Metadata"]["QualityCheck"]
    assert said["ModelPackageGroupName"] == "churn"
    assert said["BaselineUsedForDriftCheckStatistics"] == "s3://lake/v2/statistics.json"


def test_what_is_supplied_goes_before_what_the_group_has(house: PipelinesHouse, analyzed: Analyzed) -> None:
    house.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    package(house, "ModelDataQuality", "v1")
    given = {"SuppliedBaselineConstraints": SUPPLIED["SuppliedBaselineConstraints"]}
    house.run(check(ModelPackageGroupName="churn", **given), reads(*MEMBERS))
    assert seen(analyzed)["BaselineUsedForDriftCheckConstraints"] == given["SuppliedBaselineConstraints"]
    assert seen(analyzed)["BaselineUsedForDriftCheckStatistics"] == "s3://lake/v1/statistics.json"


@pytest.mark.parametrize("skip", [True, False])
def test_without_a_baseline_the_step_says_how_to_get_one(house: PipelinesHouse, analyzed: Analyzed, skip: bool) -> None:
    house.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    arn = house.run(check(ModelPackageGroupName="churn", SkipCheck=skip))
    reason = house.steps(arn)["check"]["FailureReason"]
    assert reason.startswith("ClientError: there is no baseline for the check DATA_QUALITY")
    assert "SkipCheck and RegisterNewBaseline" in reason
    assert analyzed.works == []


def test_flags_may_be_parameters(house: PipelinesHouse, analyzed: Analyzed) -> None:
    parameters = [
        {"Name": "Skip", "Type": "Boolean", "DefaultValue": True},
        {"Name": "Register", "Type": "String", "DefaultValue": "true"},
    ]
    step = check(SkipCheck={"Get": "Parameters.Skip"}, RegisterNewBaseline={"Get": "Parameters.Register"})
    arn = house.run(step, Parameters=parameters)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    arn = house.start(PipelineParameters=[{"Name": "Register", "Value": "maybe"}])
    house.go(60)
    assert "RegisterNewBaseline is 'maybe'" in house.steps(arn)["check"]["FailureReason"]


def test_a_type_of_check_that_is_known_only_late_is_refused_then(house: PipelinesHouse, analyzed: Analyzed) -> None:
    parameters = [{"Name": "Kind", "Type": "String", "DefaultValue": "MODEL_BIAS"}]
    arn = house.run(check(kind={"Get": "Parameters.Kind"}, **FRESH), Parameters=parameters)
    assert "CheckType is 'MODEL_BIAS'; it must be one of" in house.steps(arn)["check"]["FailureReason"]
    assert analyzed.works == []


def test_a_job_that_fails_fails_the_step_with_its_reason(house: PipelinesHouse) -> None:
    def fails(uid: str, work: Work, root: Path) -> int:
        (root / "output").mkdir(exist_ok=True)
        (root / "output/failure").write_text("ClientError: no such column")
        return 1

    house.runner.behave = fails
    arn = house.run(check(**FRESH))
    step = house.steps(arn)["check"]
    assert step["FailureReason"].startswith("ClientError: no such column")
    assert "CheckJobArn" in step["Metadata"]["QualityCheck"]


def test_a_stop_of_the_execution_stops_the_job(house: PipelinesHouse) -> None:
    house.runner.behave = lambda uid, work, root: None
    house.create(check(**FRESH))
    arn = house.start()
    house.go(5)
    assert house.statuses(arn) == {"check": "Executing"}
    house.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    house.go(300)
    assert house.statuses(arn) == {"check": "Stopped"}
    assert "CheckJobArn" in house.steps(arn)["check"]["Metadata"]["QualityCheck"]


def test_a_cached_check_is_not_run_again(house: PipelinesHouse, analyzed: Analyzed) -> None:
    house.create(check(**SUPPLIED, CacheConfig={"Enabled": True}))
    for _ in range(2):
        arn = house.start()
        house.go(60)
        assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert len(analyzed.works) == 1
    assert "CacheHitResult" in house.steps(arn)["check"]
    house.s3.put_object(Bucket="lake", Key="base/constraints.json", Body=b'{"other": 1}')
    house.start()
    house.go(60)
    assert len(analyzed.works) == 2


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (check(kind="MODEL_BIAS"), "MODEL_BIAS is a check of Clarify, which is not served"),
        (check(kind="SPEED"), "must be one of DATA_QUALITY, MODEL_QUALITY, not 'SPEED'"),
        (check(SkipCheck="perhaps"), "SkipCheck: must be true or false, not 'perhaps'"),
        (
            check() | {"Arguments": check()["Arguments"] | {"ProcessingOutputConfig": {"Outputs": []}}},
            "exactly one output",
        ),
        (check() | {"Type": "ClarifyCheck"}, "steps of type 'ClarifyCheck' are not served"),
        ({"Name": "a", "Type": "Lambda", "Arguments": {}}, "steps of type 'Lambda' are not served"),
        ({"Name": "a", "Type": "EMR", "Arguments": {}}, "steps of type 'EMR' are not served"),
        ({"Name": "a", "Type": "AutoML", "Arguments": {}}, "steps of type 'AutoML' are not served"),
    ],
)
def test_what_is_not_served_is_refused_by_name(house: PipelinesHouse, step: Doc, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        house.create(step)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert words in caught.value.response["Error"]["Message"]
