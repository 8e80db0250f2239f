"""Executions and steps as EventBridge tells of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.services.sagemaker.pipelines.heralds import HERALDS
from tests.inprocess import ACCOUNT, REGION
from tests.pipelines_house import PipelinesHouse, pipelines_house, processing

Doc = dict[str, Any]
PIPELINE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/p"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    with pipelines_house(tmp_path) as made:
        yield made


def told(house: PipelinesHouse, kind: str, after: int = 0) -> list[Doc]:
    """What was told of that kind of resource."""
    lines = house.inside.store.events(after, 10_000)
    return [event for line in lines if line.kind == kind for event in HERALDS[kind](line)]


def test_an_execution_from_its_start_to_its_failure(house: PipelinesHouse) -> None:
    house.codes = {"one": 1}
    arn = house.run(processing("one"))
    begun, ended = told(house, "pipeline-execution")
    assert begun["detail-type"] == "SageMaker Model Building Pipeline Execution Status Change"
    assert (begun["source"], begun["resources"]) == ("aws.sagemaker", [PIPELINE, arn])
    assert begun["detail"]["currentPipelineExecutionStatus"] == "Executing"
    assert not {"previousPipelineExecutionStatus", "executionEndTime", "failureReason"} & begun["detail"].keys()
    detail = ended["detail"]
    assert (detail["pipelineArn"], detail["pipelineExecutionArn"]) == (PIPELINE, arn)
    assert (detail["previousPipelineExecutionStatus"], detail["currentPipelineExecutionStatus"]) == (
        "Executing",
        "Failed",
    )
    assert detail["executionStartTime"] <= detail["executionEndTime"]
    assert detail["executionEndTime"].endswith("Z")
    assert "one went wrong" in detail["failureReason"]


def test_a_step_with_its_job_and_its_failure(house: PipelinesHouse) -> None:
    house.codes = {"one": 1}
    arn = house.run(processing("one"))
    events = told(house, "pipeline-step")
    assert [one["detail"]["currentStepStatus"] for one in events] == ["Starting", "Executing", "Failed"]
    last = events[-1]
    assert last["detail-type"] == "SageMaker Model Building Pipeline Execution Step Status Change"
    detail = last["detail"]
    assert (detail["stepName"], detail["stepType"], detail["previousStepStatus"]) == ("one", "Processing", "Executing")
    assert ":processing-job/" in detail["metadata"]["processingJob"]["arn"]
    assert "one went wrong" in detail["failureReason"]
    assert detail["stepStartTime"] <= detail["stepEndTime"]
    assert detail["pipelineExecutionArn"] == arn


def test_a_cached_step_says_from_where_and_a_reused_one_nothing(house: PipelinesHouse) -> None:
    cache = {"CacheConfig": {"Enabled": True, "ExpireAfter": "PT1H"}}
    first = house.run(processing("one", **cache), processing("two", "one"))
    passed = house.inside.store.events(0, 10_000)[-1].seq
    house.start()
    house.go(60)
    cached = [one["detail"] for one in told(house, "pipeline-step", passed) if one["detail"]["stepName"] == "one"]
    assert cached[-1]["cacheHitResult"] == {"sourcePipelineExecutionArn": first}
    assert "cacheHitResult" not in cached[0]
    passed = house.inside.store.events(0, 10_000)[-1].seq
    chosen = {"SourcePipelineExecutionArn": first, "SelectedSteps": [{"StepName": "two"}]}
    house.start(SelectiveExecutionConfig=chosen)
    house.go(60)
    assert {one["detail"]["stepName"] for one in told(house, "pipeline-step", passed)} == {"two"}
