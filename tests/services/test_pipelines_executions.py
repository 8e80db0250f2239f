"""Executions: what starts when, what becomes of failures, stop and retry."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.pipelines_house import PipelinesHouse, condition, fails, pipelines_house, processing

Doc = dict[str, Any]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    with pipelines_house(tmp_path) as made:
        yield made


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    said = caught.value.response["Error"]
    return said["Code"], said["Message"]


def test_a_chain_runs_in_order_with_what_came_before(house: PipelinesHouse) -> None:
    second = processing("second", arguments={"Environment": {"FROM": {"Get": place("first")}}})
    third = processing("third", "second", DisplayName="The third", Description="It is last")
    arn = house.run(processing("first"), second, third)
    said = house.said(arn)
    assert said["PipelineExecutionStatus"] == "Succeeded"
    assert said["PipelineExecutionDisplayName"].startswith("execution-")
    assert "FailureReason" not in said
    steps = house.steps(arn)
    assert list(steps) == ["first", "second", "third"]
    assert {one["StepStatus"] for one in steps.values()} == {"Succeeded"}
    assert [name.split("-")[2] for name in house.ran] == ["first", "second", "third"]
    assert (steps["third"]["StepDisplayName"], steps["third"]["StepDescription"]) == ("The third", "It is last")
    assert all(one["AttemptCount"] == 1 and one["StartTime"] <= one["EndTime"] for one in steps.values())
    job = steps["second"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    made = house.sagemaker.describe_processing_job(ProcessingJobName=job)
    assert made["Environment"] == {"FROM": "s3://lake/first"}
    assert made["ProcessingJobName"].startswith(f"pipelines-{arn.rpartition('/')[2]}-second-")
    tags = house.sagemaker.list_tags(ResourceArn=made["ProcessingJobArn"])["Tags"]
    assert tags == [{"Key": "sagemaker:pipeline-execution-arn", "Value": arn}]


def place(step: str) -> str:
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"


def test_independent_steps_run_at_once_and_a_step_waits_for_exactly_what_it_names(house: PipelinesHouse) -> None:
    house.codes = {"left": None, "right": None}
    arn = house.run(processing("left"), processing("right"), processing("behind-right", "right"), seconds=1)
    assert house.statuses(arn) == {"left": "Executing", "right": "Executing"}
    house.end("right")
    assert house.statuses(arn) == {"left": "Executing", "right": "Succeeded", "behind-right": "Succeeded"}
    assert house.said(arn)["PipelineExecutionStatus"] == "Executing"
    house.end("left")
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_no_more_steps_run_at_once_than_asked(house: PipelinesHouse) -> None:
    house.codes = {f"s{number}": None for number in range(5)}
    house.create(*(processing(f"s{number}") for number in range(5)))
    arn = house.start(ParallelismConfiguration={"MaxParallelExecutionSteps": 2})
    house.go(1)
    assert list(house.statuses(arn)) == ["s0", "s1"]
    house.end("s1")
    assert house.statuses(arn) == {"s0": "Executing", "s1": "Succeeded", "s2": "Executing"}
    house.sagemaker.update_pipeline_execution(
        PipelineExecutionArn=arn, ParallelismConfiguration={"MaxParallelExecutionSteps": 9}
    )
    house.go()
    assert len(house.statuses(arn)) == 5


@pytest.mark.parametrize(("measured", "taken", "left_out"), [(3.5, "good", "bad"), (6.5, "bad", "good")])
def test_a_condition_chooses_its_branch_by_what_a_step_has_written(
    house: PipelinesHouse, measured: float, taken: str, left_out: str
) -> None:
    house.files = {"evaluate": {"evaluation.json": json.dumps({"metrics": {"mse": {"value": measured}}}).encode()}}
    evaluate = processing(
        "evaluate", PropertyFiles=[{"PropertyFileName": "report", "OutputName": "out", "FilePath": "evaluation.json"}]
    )
    read = {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.report"}, "Path": "metrics.mse.value"}
    small = {"Type": "LessThanOrEqualTo", "LeftValue": {"Std:JsonGet": read}, "RightValue": 6.0}
    chosen = condition("check", small, then=[processing("good")], otherwise=[processing("bad")])
    arn = house.run(evaluate, chosen, processing("behind-good", "good"))
    steps = house.steps(arn)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert taken in steps
    assert left_out not in steps
    assert steps["check"]["Metadata"]["Condition"]["Outcome"] == ("True" if taken == "good" else "False")
    assert ("behind-good" in steps) == (taken == "good")


def test_a_failure_starts_nothing_more_and_lets_run_what_runs(house: PipelinesHouse) -> None:
    house.codes = {"slow": None, "breaks": 3}
    arn = house.run(
        processing("slow"), processing("breaks"), processing("behind-slow", "slow"), processing("x", "breaks")
    )
    assert house.statuses(arn) == {"slow": "Executing", "breaks": "Failed"}
    assert house.said(arn)["PipelineExecutionStatus"] == "Executing"
    house.end("slow")
    assert house.statuses(arn) == {"slow": "Succeeded", "breaks": "Failed"}
    said = house.said(arn)
    assert said["PipelineExecutionStatus"] == "Failed"
    assert said["FailureReason"].startswith("Step failure: One or multiple steps failed. Step breaks: AlgorithmError:")
    assert "breaks went wrong" in house.steps(arn)["breaks"]["FailureReason"]
    assert "breaks went wrong" in said["FailureReason"]
    (summary,) = house.sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]
    assert summary["PipelineExecutionFailureReason"] == said["FailureReason"]


def test_a_fail_step_ends_the_execution_with_its_message(house: PipelinesHouse) -> None:
    house.codes = {"slow": None}
    message = {"Std:Join": {"On": " ", "Values": ["MSE is above", {"Get": "Parameters.most"}]}}
    arn = house.run(
        processing("slow"),
        processing("quick"),
        fails("stop-here", message, "quick"),
        Parameters=[{"Name": "most", "Type": "Float", "DefaultValue": 6.5}],
    )
    assert house.statuses(arn) == {"slow": "Stopped", "quick": "Succeeded", "stop-here": "Failed"}
    said = house.said(arn)
    assert (said["PipelineExecutionStatus"], said["FailureReason"]) == (
        "Failed",
        "Step failure: One or multiple steps failed. Step stop-here: MSE is above 6.5",
    )
    assert house.steps(arn)["stop-here"]["Metadata"] == {"Fail": {"ErrorMessage": "MSE is above 6.5"}}


def test_a_stopped_execution_stops_its_jobs(house: PipelinesHouse) -> None:
    house.codes = {"slow": None}
    arn = house.run(processing("slow"), processing("behind", "slow"), seconds=1)
    house.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    house.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert house.said(arn)["PipelineExecutionStatus"] == "Stopping"
    house.go(10)
    assert house.said(arn)["PipelineExecutionStatus"] == "Stopped"
    assert house.statuses(arn) == {"slow": "Stopped"}
    (job,) = house.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert job["ProcessingJobStatus"] == "Stopped"
    code, message = refused(house.sagemaker.stop_pipeline_execution, PipelineExecutionArn=arn)
    assert (code, "has status Stopped" in message) == ("ValidationException", True)


def test_a_retry_runs_what_did_not_succeed_and_keeps_what_did(house: PipelinesHouse) -> None:
    house.codes = {"second": [1, 0]}
    arn = house.run(processing("first"), processing("second", "first"), processing("third", "second"))
    assert house.said(arn)["PipelineExecutionStatus"] == "Failed"
    token = "r" * 32
    for _ in range(2):
        house.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)
    house.go(60)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert "FailureReason" not in house.said(arn)
    assert [name.split("-")[2] for name in house.ran] == ["first", "second", "second", "third"]
    steps = house.steps(arn)
    assert {name: one["AttemptCount"] for name, one in steps.items()} == {"first": 1, "second": 2, "third": 1}
    assert "FailureReason" not in steps["second"]
    code, _ = refused(house.sagemaker.retry_pipeline_execution, PipelineExecutionArn=arn)
    assert code == "ValidationException"


def test_a_stopped_execution_can_be_retried(house: PipelinesHouse) -> None:
    house.codes = {"slow": [None, 0]}
    arn = house.run(processing("slow"), processing("behind", "slow"), seconds=1)
    house.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    house.go(10)
    house.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    house.go(10)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert house.statuses(arn) == {"slow": "Succeeded", "behind": "Succeeded"}


def internal(attempts: int, **more: Any) -> list[Doc]:
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 10, "BackoffRate": 2.0}
    return [{**policy, "MaxAttempts": attempts, **more}]


def lose(house: PipelinesHouse) -> None:
    """The run of the job that is under way is lost: an InternalServerError."""
    (job,) = house.sagemaker.list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
    uid = house.inside.store.by_arn(job["ProcessingJobArn"]).uid
    house.inside.thread.call(house.runner.lose, uid)


def test_a_policy_repeats_failures_of_its_kind_with_growing_waits(house: PipelinesHouse) -> None:
    house.codes = {"shaky": [None, None, 0]}
    house.create(processing("shaky", RetryPolicies=internal(3)))
    arn = house.start()
    house.go(1)
    began = house.clock.now()
    lose(house)
    house.go(5)
    assert house.statuses(arn) == {"shaky": "Starting"}
    house.go(10)
    assert house.steps(arn)["shaky"]["AttemptCount"] == 2
    lose(house)
    house.go(17)
    assert house.statuses(arn) == {"shaky": "Starting"}
    house.go(10)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert house.steps(arn)["shaky"]["AttemptCount"] == 3
    assert len(set(house.ran)) == 3
    assert house.clock.now() - began >= 30


def test_attempts_come_to_an_end(house: PipelinesHouse) -> None:
    house.codes = {"shaky": None}
    house.create(processing("shaky", RetryPolicies=internal(1)))
    arn = house.start()
    for _ in range(2):
        house.go(30)
        lose(house)
    house.go(60)
    assert house.said(arn)["PipelineExecutionStatus"] == "Failed"
    assert len(house.ran) == 2
    assert house.steps(arn)["shaky"]["FailureReason"].startswith("InternalServerError")


def test_what_no_policy_names_is_not_repeated(house: PipelinesHouse) -> None:
    house.codes = {"wrong": 1}
    arn = house.run(processing("wrong", RetryPolicies=internal(3)), seconds=300)
    assert house.said(arn)["PipelineExecutionStatus"] == "Failed"
    assert len(house.ran) == 1


def test_a_refused_call_fails_the_step_with_its_reason(house: PipelinesHouse) -> None:
    arn = house.run(processing("early", arguments={"RoleArn": "arn:aws:iam::123456789012:role/nobody"}))
    reason = house.steps(arn)["early"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: ")
    assert "role/nobody" in reason


def test_the_role_of_the_pipeline_decides_what_its_steps_may_do(house: PipelinesHouse) -> None:
    from tests.inprocess import make_role

    weak = make_role(house.inside, "weak", ())
    house.create(processing("only"))
    house.sagemaker.update_pipeline(PipelineName="p", RoleArn=weak)
    arn = house.start()
    house.go(10)
    assert "not authorized to perform: sagemaker:CreateProcessingJob" in house.steps(arn)["only"]["FailureReason"]


def test_a_value_that_is_not_there_fails_its_step(house: PipelinesHouse) -> None:
    wrong = processing("second", arguments={"Environment": {"A": {"Get": "Steps.first.ExitMessage"}}})
    arn = house.run(processing("first"), wrong)
    reason = house.steps(arn)["second"]["FailureReason"]
    assert reason.startswith("ClientError: the arguments cannot be resolved")
    assert "ExitMessage" in reason


def test_parameters_are_typed_and_listed(house: PipelinesHouse) -> None:
    declared = [
        {"Name": "count", "Type": "Integer", "DefaultValue": 1},
        {"Name": "rate", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "bucket", "Type": "String"},
    ]
    counted = {"InstanceCount": {"Get": "Parameters.count"}, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    step = processing("s", arguments={"ProcessingResources": {"ClusterConfig": counted}})
    house.create(step, Parameters=declared)
    code, message = refused(house.sagemaker.start_pipeline_execution, PipelineName="p")
    assert (code, "bucket" in message) == ("ValidationException", True)
    wrong = [{"Name": "count", "Value": "many"}, {"Name": "other", "Value": "x"}]
    code, message = refused(house.sagemaker.start_pipeline_execution, PipelineName="p", PipelineParameters=wrong)
    assert all(name in message for name in ("count", "other", "bucket"))
    given = [{"Name": "count", "Value": "2"}, {"Name": "bucket", "Value": "lake"}]
    arn = house.start(PipelineParameters=given)
    pages = house.sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(
        PipelineExecutionArn=arn, PaginationConfig={"PageSize": 2}
    )
    listed = [(one["Name"], one["Value"]) for page in pages for one in page["PipelineParameters"]]
    assert listed == [("bucket", "lake"), ("count", "2"), ("rate", "0.5")]
    house.go(1)
    (job,) = house.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    made = house.sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
    assert made["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2


def test_one_token_starts_one_execution(house: PipelinesHouse) -> None:
    house.create(processing("s"), Parameters=[{"Name": "a", "Type": "String", "DefaultValue": "x"}])
    token = "t" * 32
    first = house.start(ClientRequestToken=token)
    assert house.start(ClientRequestToken=token) == first
    assert house.start() != first
    other = [{"Name": "a", "Value": "y"}]
    code, _ = refused(
        house.sagemaker.start_pipeline_execution, PipelineName="p", ClientRequestToken=token, PipelineParameters=other
    )
    assert code == "ConflictException"


def test_an_execution_keeps_its_experiment(house: PipelinesHouse) -> None:
    config = {
        "ExperimentName": {"Get": "Execution.PipelineName"},
        "TrialName": {"Get": "Execution.PipelineExecutionId"},
    }
    arn = house.run(processing("s"), PipelineExperimentConfig=config)
    assert house.said(arn)["PipelineExperimentConfig"] == {
        "ExperimentName": "p",
        "TrialName": arn.rpartition("/")[2],
    }


def test_an_execution_goes_on_after_a_restart(house: PipelinesHouse) -> None:
    house.codes = {"b": None}
    arn = house.run(processing("a"), processing("b", "a"), processing("c", "b"), seconds=1)
    house.restart()
    house.end("b")
    house.go(30)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert len(house.ran) == 3


def test_what_is_not_served_is_refused_by_name(house: PipelinesHouse) -> None:
    house.create(processing("s"))
    code, message = refused(house.sagemaker.start_pipeline_execution, PipelineName="p", MlflowExperimentName="mine")
    assert (code, "MLflow" in message) == ("NotImplemented", True)
    code, _ = refused(house.sagemaker.start_pipeline_execution, PipelineName="p", RoleArn=house.role)
    assert code == "ValidationException"
