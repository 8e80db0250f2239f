"""Experiments, trials and trial components over boto3."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.experiments_house import HERE, experiments_house, refusal
from tests.iam_house import document, keys_of
from tests.inprocess import InProcess

NOT_FOUND = "ResourceNotFound"
INVALID = "ValidationException"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    with experiments_house(tmp_path) as made:
        yield made


@pytest.fixture
def client(inside: InProcess) -> Any:
    return inside.client("sagemaker")


def _later(inside: InProcess, seconds: float = 10.0) -> datetime:
    """The clock goes on; what time it was half way."""
    half = inside.clock.now() + seconds / 2
    inside.clock.advance(seconds)  # type: ignore[attr-defined]
    return datetime.fromtimestamp(half, UTC)


def test_an_experiment_lives_from_create_to_delete(inside: InProcess, client: Any) -> None:
    arn = client.create_experiment(ExperimentName="Cars", Description="which", Tags=[{"Key": "a", "Value": "1"}])
    assert arn["ExperimentArn"] == f"{HERE}:experiment/cars"
    said = client.describe_experiment(ExperimentName="cars")
    assert (said["ExperimentName"], said["DisplayName"], said["Description"]) == ("Cars", "Cars", "which")
    assert said["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    assert "LastModifiedBy" not in said
    _later(inside)
    client.update_experiment(ExperimentName="CARS", DisplayName="Cars-1", Description="")
    said = client.describe_experiment(ExperimentName="Cars")
    assert (said["DisplayName"], said["Description"]) == ("Cars-1", "")
    assert said["LastModifiedTime"] > said["CreationTime"]
    assert said["LastModifiedBy"]
    assert client.list_tags(ResourceArn=arn["ExperimentArn"])["Tags"] == [{"Key": "a", "Value": "1"}]
    assert client.delete_experiment(ExperimentName="Cars")["ExperimentArn"] == arn["ExperimentArn"]
    assert refusal(client.describe_experiment, ExperimentName="Cars") == (
        NOT_FOUND,
        "Experiment 'Cars' does not exist.",
    )


def test_names_are_taken_without_regard_to_case(client: Any) -> None:
    client.create_experiment(ExperimentName="Cars")
    client.create_trial(TrialName="First", ExperimentName="cars")
    client.create_trial_component(TrialComponentName="Step")
    for call, request in (
        (client.create_experiment, {"ExperimentName": "cArs"}),
        (client.create_trial, {"TrialName": "first", "ExperimentName": "Cars"}),
        (client.create_trial_component, {"TrialComponentName": "STEP"}),
    ):
        code, message = refusal(call, **request)
        assert code == INVALID
        assert "already exists" in message  # what the SDK goes on at


def test_what_is_not_there_is_not_found(client: Any) -> None:
    client.create_experiment(ExperimentName="cars")
    for call, request in (
        (client.update_experiment, {"ExperimentName": "no"}),
        (client.delete_experiment, {"ExperimentName": "no"}),
        (client.create_trial, {"TrialName": "t", "ExperimentName": "no"}),
        (client.describe_trial, {"TrialName": "no"}),
        (client.update_trial, {"TrialName": "no"}),
        (client.delete_trial, {"TrialName": "no"}),
        (client.describe_trial_component, {"TrialComponentName": "no"}),
        (client.update_trial_component, {"TrialComponentName": "no"}),
        (client.delete_trial_component, {"TrialComponentName": "no"}),
        (client.list_trials, {"ExperimentName": "no"}),
        (client.list_trials, {"TrialComponentName": "no"}),
        (client.list_trial_components, {"ExperimentName": "no"}),
        (client.list_trial_components, {"TrialName": "no"}),
        (client.associate_trial_component, {"TrialName": "no", "TrialComponentName": "no"}),
    ):
        assert refusal(call, **request)[0] == NOT_FOUND
    assert refusal(client.create_experiment, ExperimentName="-bad-")[0] == INVALID


def test_a_trial_belongs_to_its_experiment_and_goes_before_it(client: Any) -> None:
    client.create_experiment(ExperimentName="Cars")
    properties = {"CommitId": "abc"}
    made = client.create_trial(TrialName="Try", ExperimentName="cars", MetadataProperties=properties)
    assert made["TrialArn"] == f"{HERE}:experiment-trial/try"
    client.update_trial(TrialName="try", DisplayName="shown")
    said = client.describe_trial(TrialName="TRY")
    assert (said["TrialName"], said["ExperimentName"], said["DisplayName"]) == ("Try", "Cars", "shown")
    assert said["MetadataProperties"] == properties
    code, message = refusal(client.delete_experiment, ExperimentName="Cars")
    assert code == INVALID
    assert "1 trials" in message
    client.create_trial_component(TrialComponentName="step")
    client.associate_trial_component(TrialName="try", TrialComponentName="step")
    assert refusal(client.delete_trial, TrialName="try")[0] == INVALID
    assert "Try" in refusal(client.delete_trial_component, TrialComponentName="step")[1]
    client.disassociate_trial_component(TrialName="TRY", TrialComponentName="STEP")
    again = {"TrialName": "try", "TrialComponentName": "step"}
    assert refusal(client.disassociate_trial_component, **again)[0] == NOT_FOUND
    client.delete_trial_component(TrialComponentName="step")
    client.delete_trial(TrialName="Try")
    client.delete_experiment(ExperimentName="Cars")


def test_a_component_is_made_changed_and_described(client: Any) -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    made = client.create_trial_component(
        TrialComponentName="Step",
        Status={"PrimaryStatus": "InProgress", "Message": "going"},
        StartTime=start,
        Parameters={"lr": {"NumberValue": 0.5}, "kind": {"StringValue": "deep"}},
        InputArtifacts={"data": {"MediaType": "text/csv", "Value": "s3://lake/data"}},
    )
    said = client.describe_trial_component(TrialComponentName=made["TrialComponentArn"])
    assert said["TrialComponentName"] == said["DisplayName"] == "Step"
    assert said["StartTime"] == start
    assert (said["OutputArtifacts"], said["Metrics"]) == ({}, [])  # the SDK wants them there
    client.update_trial_component(
        TrialComponentName="step",
        Status={"PrimaryStatus": "Completed"},
        Parameters={"lr": {"NumberValue": 0.25}, "more": {"NumberValue": 1}},
        ParametersToRemove=["kind", "never"],
        InputArtifactsToRemove=["data"],
        OutputArtifacts={"model": {"Value": "s3://lake/model"}},
    )
    said = client.describe_trial_component(TrialComponentName="step")
    assert said["Parameters"] == {"lr": {"NumberValue": 0.25}, "more": {"NumberValue": 1.0}}
    assert said["Status"] == {"PrimaryStatus": "Completed"}
    assert said["InputArtifacts"] == {}
    assert said["OutputArtifacts"] == {"model": {"Value": "s3://lake/model"}}


def test_a_component_has_no_more_of_anything_than_aws_allows(client: Any) -> None:
    client.create_trial_component(
        TrialComponentName="step", Parameters={f"p{number}": {"NumberValue": number} for number in range(300)}
    )
    more = {"one-more": {"NumberValue": 1}}
    code, message = refusal(client.update_trial_component, TrialComponentName="step", Parameters=more)
    assert (code, "300 Parameters" in message) == (INVALID, True)
    client.update_trial_component(TrialComponentName="step", Parameters=more, ParametersToRemove=["p0"])
    both = {"p1": {"NumberValue": 1, "StringValue": "1"}}
    assert refusal(client.update_trial_component, TrialComponentName="step", Parameters=both)[0] in (
        INVALID,
        "ParamValidationError",
    )


def test_lists_are_sorted_filtered_and_come_in_pages(inside: InProcess, client: Any) -> None:
    for name in ("b", "a", "c"):
        client.create_experiment(ExperimentName=name)
        half = _later(inside)
    names = [one["ExperimentName"] for one in client.list_experiments()["ExperimentSummaries"]]
    assert names == ["c", "a", "b"]  # the newest first
    said = client.list_experiments(SortBy="Name", SortOrder="Ascending", MaxResults=2)
    assert [one["ExperimentName"] for one in said["ExperimentSummaries"]] == ["a", "b"]
    rest = client.list_experiments(SortBy="Name", SortOrder="Ascending", MaxResults=2, NextToken=said["NextToken"])
    assert [one["ExperimentName"] for one in rest["ExperimentSummaries"]] == ["c"]
    assert "NextToken" not in rest
    assert "NextToken" in refusal(client.list_experiments, NextToken=said["NextToken"])[1]
    client.create_experiment(ExperimentName="d")
    later = client.list_experiments(CreatedAfter=half)["ExperimentSummaries"]
    assert [one["ExperimentName"] for one in later] == ["d"]
    assert len(client.list_experiments(CreatedBefore=half)["ExperimentSummaries"]) == 3


def test_components_are_listed_by_trial_experiment_and_source(inside: InProcess, client: Any) -> None:
    for experiment in ("cars", "boats"):
        client.create_experiment(ExperimentName=experiment)
        for number in (1, 2):
            client.create_trial(TrialName=f"{experiment}-{number}", ExperimentName=experiment)
    for name in ("c", "a", "b"):
        client.create_trial_component(TrialComponentName=name)
        client.associate_trial_component(TrialName="cars-1", TrialComponentName=name)
        client.associate_trial_component(TrialName="cars-1", TrialComponentName=name)  # changes nothing
        _later(inside)
    client.associate_trial_component(TrialName="cars-2", TrialComponentName="c")
    client.associate_trial_component(TrialName="boats-1", TrialComponentName="c")

    def listed(**asked: Any) -> list[str]:
        pages = client.get_paginator("list_trial_components").paginate(**asked, PaginationConfig={"PageSize": 2})
        return [one["TrialComponentName"] for page in pages for one in page["TrialComponentSummaries"]]

    assert listed(TrialName="cars-1") == ["b", "a", "c"]
    assert listed(TrialName="Cars-1", SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]
    assert listed(TrialName="cars-2") == ["c"]
    assert sorted(listed(ExperimentName="cars")) == ["a", "b", "c"]  # each once
    assert listed(ExperimentName="cars", SortBy="Name", SortOrder="Descending") == ["c", "b", "a"]
    assert listed(ExperimentName="boats") == ["c"]
    assert listed() == ["b", "a", "c"]
    assert listed(SourceArn=f"{HERE}:training-job/none") == []
    code, message = refusal(client.list_trial_components, TrialName="cars-1", ExperimentName="cars")
    assert (code, "Only one of" in message) == (INVALID, True)

    trials = client.get_paginator("list_trials").paginate(TrialComponentName="c", PaginationConfig={"PageSize": 1})
    names = [one["TrialName"] for page in trials for one in page["TrialSummaries"]]
    assert sorted(names) == ["boats-1", "cars-1", "cars-2"]
    here = client.list_trials(TrialComponentName="c", ExperimentName="cars", SortBy="Name")["TrialSummaries"]
    assert [one["TrialName"] for one in here] == ["cars-2", "cars-1"]
    assert len(client.list_trials(ExperimentName="boats")["TrialSummaries"]) == 2
    assert len(client.list_trials()["TrialSummaries"]) == 4


def test_policies_name_experiments_in_lower_case(inside: InProcess, client: Any) -> None:
    iam = inside.client("iam")
    iam.create_user(UserName="ann")
    mine = document("sagemaker:*", resource=f"{HERE}:experiment*/mine*")
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=mine)
    ann = inside.client("sagemaker", keys=keys_of(inside, "ann"))
    ann.create_experiment(ExperimentName="Mine")
    ann.create_trial(TrialName="Mine-1", ExperimentName="mine")
    assert refusal(ann.create_experiment, ExperimentName="Other")[0] == "AccessDeniedException"
    client.create_trial_component(TrialComponentName="other")
    code, message = refusal(ann.associate_trial_component, TrialName="mine-1", TrialComponentName="other")
    assert (code, "experiment-trial-component/other" in message) == ("AccessDeniedException", True)


def test_inference_experiments_are_refused_by_name(client: Any) -> None:
    code, message = refusal(client.list_inference_experiments)
    assert code == "NotImplemented"
    assert "ListInferenceExperiments" in message
