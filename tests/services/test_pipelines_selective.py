"""Selective execution: what runs, what is taken over, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.iam_house import refused
from tests.pipelines_house import PipelinesHouse, condition, pipelines_house, processing, step_of

Doc = dict[str, Any]


def out(step: str) -> str:
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"


def after(name: str, *others: str) -> Doc:
    """A step that reads what these steps have put out."""
    return processing(name, arguments={"Environment": {f"FROM_{one}": {"Get": out(one)} for one in others}})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    """prep -> train -> eval -> gate -> deploy, and one step aside."""
    with pipelines_house(tmp_path) as made:
        made.files = {"eval": {"e.json": b'{"mse": 3.5}'}}
        files = [{"PropertyFileName": "E", "OutputName": "out", "FilePath": "e.json"}]
        read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.eval.PropertyFiles.E"}, "Path": "mse"}}
        small = {"Type": "LessThan", "LeftValue": read, "RightValue": 6.0}
        gate = condition("gate", small, then=[after("deploy", "train")], otherwise=[processing("alarm")])
        steps = (
            processing("prep"),
            after("train", "prep"),
            {**after("eval", "train"), "PropertyFiles": files},
            gate,
            processing("aside"),
        )
        made.create(*steps)
        yield made


def whole(house: PipelinesHouse) -> str:
    arn = house.start()
    house.go(60)
    house.ran.clear()
    return arn


def only(*steps: str, source: str | None = None) -> Doc:
    config: Doc = {"SelectedSteps": [{"StepName": name} for name in steps]}
    return {"SelectiveExecutionConfig": config | ({"SourcePipelineExecutionArn": source} if source else {})}


def ran(house: PipelinesHouse) -> list[str]:
    return [step_of(name) for name in house.ran]


def test_only_what_is_selected_runs_on_the_results_of_the_source(house: PipelinesHouse) -> None:
    source = whole(house)
    arn = house.start(**only("train", "eval", source=source))
    house.go(60)
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert ran(house) == ["train", "eval"]
    steps = house.steps(arn)
    assert set(steps) == {"prep", "train", "eval"}
    assert steps["prep"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
    assert "SelectiveExecutionResult" not in steps["train"]
    assert house.said(arn)["SelectiveExecutionConfig"]["SourcePipelineExecutionArn"] == source


def test_a_condition_runs_on_property_files_of_the_source_with_the_branch_that_is_selected(
    house: PipelinesHouse,
) -> None:
    source = whole(house)
    arn = house.start(**only("gate", "deploy", "alarm", source=source))
    house.go(60)
    assert ran(house) == ["deploy"]
    assert set(house.steps(arn)) == {"prep", "train", "eval", "gate", "deploy"}


def test_a_step_of_a_branch_runs_when_it_is_selected_whatever_the_condition_said(house: PipelinesHouse) -> None:
    source = whole(house)
    arn = house.start(**only("alarm", source=source))
    house.go(60)
    assert ran(house) == ["alarm"]
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_steps_that_build_on_nothing_need_no_source(house: PipelinesHouse) -> None:
    arn = house.start(**only("prep", "aside"))
    house.go(60)
    assert sorted(ran(house)) == ["aside", "prep"]
    assert set(house.steps(arn)) == {"prep", "aside"}


def test_a_selective_execution_can_be_the_source_of_the_next_one(house: PipelinesHouse) -> None:
    first = whole(house)
    second = house.start(**only("eval", source=first))
    house.go(60)
    third = house.start(**only("train", source=second))
    house.go(60)
    steps = house.steps(third)
    assert steps["prep"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": first}
    assert house.said(third)["PipelineExecutionStatus"] == "Succeeded"


def test_what_failed_can_be_run_from_there_on(house: PipelinesHouse) -> None:
    house.codes = {"eval": [1, 0]}
    source = whole(house)
    assert house.said(source)["PipelineExecutionStatus"] == "Failed"
    arn = house.start(**only("eval", "gate", "deploy", "alarm", source=source))
    house.go(60)
    assert ran(house) == ["eval", "deploy"]
    assert house.said(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_what_is_refused_is_said_in_aws_words(house: PipelinesHouse) -> None:
    start = house.sagemaker.start_pipeline_execution
    code, message = refused(start, PipelineName="p", **only("train", "eval"))
    assert code == "ValidationException"
    assert message.startswith(
        "Invalid SourcePipelineExecutionArn: null. The selected steps [train, eval] have dependencies on [prep]"
    )
    source = whole(house)
    assert (
        "the steps [eval] stand between" in refused(start, PipelineName="p", **only("train", "gate", source=source))[1]
    )
    message = refused(start, PipelineName="p", **only("nothing", source=source))[1]
    assert "[nothing] are not steps of the pipeline. Its steps are [prep, train, eval, gate, deploy, alarm" in message
    message = refused(start, PipelineName="p", **only("train", source=source[:-2] + "zz"))[1]
    assert message.endswith("is no execution of p.")
    house.codes = {"prep": None}
    running = house.start()
    house.go(1)
    assert "is Executing" in refused(start, PipelineName="p", **only("train", source=running))[1]


def test_results_that_the_source_does_not_have_are_named(house: PipelinesHouse) -> None:
    house.codes = {"train": [1]}
    source = whole(house)
    message = refused(house.sagemaker.start_pipeline_execution, PipelineName="p", **only("eval", source=source))[1]
    assert "have dependencies on [train], which did not succeed in that execution" in message
