"""A pipeline's executions are trials of its experiment, and their jobs the components; all of them can be searched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.kernel.events import Bus, Pattern
from clary.services.sagemaker.experiments import tracking
from tests.pipelines_house import PipelinesHouse, pipelines_house, processing

CONFIG = {"ExperimentName": {"Get": "Execution.PipelineName"}, "TrialName": {"Get": "Execution.PipelineExecutionId"}}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    with pipelines_house(tmp_path) as made:
        yield made


def hear(house: PipelinesHouse) -> None:
    """Who makes components has heard of all jobs."""

    def make() -> Bus:
        bus = Bus(house.store, house.clock)
        for kind in tracking.KINDS:
            bus.subscribe(f"test {kind}", Pattern(kind=kind), tracking.Tracking(house.store, house.logs))
        return bus

    house.inside.run(house.inside.thread.call(make).tick())


def test_every_job_of_an_execution_belongs_to_its_trial(house: PipelinesHouse) -> None:
    house.create(processing("one"), processing("two", "one"), name="Cars", PipelineExperimentConfig=CONFIG)
    arns = [house.start("Cars"), house.start("Cars")]
    house.go(60)
    hear(house)
    client = house.sagemaker
    assert {house.said(arn)["PipelineExecutionStatus"] for arn in arns} == {"Succeeded"}
    trials = client.list_trials(ExperimentName="cars")["TrialSummaries"]
    ids = {arn.rpartition("/")[2] for arn in arns}
    assert {one["TrialName"] for one in trials} == ids
    assert {one["TrialSource"]["SourceArn"] for one in trials} == set(arns)
    for arn in arns:
        name = arn.rpartition("/")[2]
        assert house.said(arn)["PipelineExperimentConfig"] == {"ExperimentName": "Cars", "TrialName": name}
        listed = client.list_trial_components(TrialName=name)["TrialComponentSummaries"]
        jobs = {one["Metadata"]["ProcessingJob"]["Arn"] for one in house.steps(arn).values()}
        assert {one["TrialComponentSource"]["SourceArn"] for one in listed} == jobs
        assert {one["Status"]["PrimaryStatus"] for one in listed} == {"Completed"}
    told = [{"Name": "Parents.ExperimentName", "Operator": "Equals", "Value": "Cars"}]
    said = client.search(Resource="ExperimentTrialComponent", SearchExpression={"Filters": told})
    assert len(said["Results"]) == 4


def test_a_pipeline_without_an_experiment_makes_none(house: PipelinesHouse) -> None:
    house.run(processing("one"), PipelineExperimentConfig=None)
    hear(house)
    assert house.sagemaker.list_experiments()["ExperimentSummaries"] == []
    (one,) = house.sagemaker.list_trial_components()["TrialComponentSummaries"]
    assert one["Status"]["PrimaryStatus"] == "Completed"


def test_pipelines_versions_and_executions_are_searched(house: PipelinesHouse) -> None:
    given = [{"Name": "Depth", "Type": "Integer", "DefaultValue": 3}]
    pipeline = house.create(processing("one"), name="Cars", Parameters=given)
    house.create(processing("one"), name="Boats")
    arn = house.start("Cars", PipelineParameters=[{"Name": "Depth", "Value": "5"}])
    house.go(60)

    def found(resource: str, name: str, value: str, operator: str = "Equals") -> list[str]:
        expression = {"Filters": [{"Name": name, "Operator": operator, "Value": value}]}
        said = house.sagemaker.search(Resource=resource, SearchExpression=expression)
        return [one[resource].get("PipelineExecutionArn") or one[resource]["PipelineArn"] for one in said["Results"]]

    assert found("Pipeline", "PipelineName", "Cars") == [pipeline]
    assert found("PipelineVersion", "PipelineArn", pipeline) == [pipeline]
    assert found("PipelineExecution", "PipelineExecutionStatus", "Succeeded") == [arn]
    assert found("PipelineExecution", "PipelineArn", "car", "Contains") == [arn]
    assert found("PipelineExecution", "PipelineParameters.Depth", "5") == [arn]
    assert found("PipelineExecution", "PipelineParameters.Depth", "6") == []
