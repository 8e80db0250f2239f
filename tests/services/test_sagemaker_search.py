"""Search over every resource, by every operator, in every order."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.kernel import ids
from clary.kernel.events import Bus, Pattern
from clary.kernel.resource import Resource
from clary.services import s3, sagemaker
from clary.services.sagemaker.experiments import tracking
from clary.services.sagemaker.search import matching
from clary.services.sagemaker.search.kinds import KINDS, properties
from clary.services.sagemaker.search.paths import found_at
from tests.experiments_house import HERE, refusal
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, REGION, InProcess, make_role
from tests.sagemaker_house import ROLE, XGBOOST, training_request

INVALID = "ValidationException"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    try:
        with iam_house(tmp_path, [sagemaker.service, s3.service], {BucketStore: objects}) as made:
            make_role(made)
            yield made
    finally:
        objects.close()


@pytest.fixture
def client(inside: InProcess) -> Any:
    return inside.client("sagemaker")


def found(client: Any, resource: str, *filters: tuple[str, ...], **more: Any) -> list[Any]:
    """The records, by filters (name, operator, value)."""
    told = [dict(zip(("Name", "Operator", "Value"), one, strict=False)) for one in filters]
    expression = {**({"Filters": told} if told else {}), **more.pop("expression", {})}
    pages = client.get_paginator("search").paginate(
        Resource=resource, SearchExpression=expression, **more, PaginationConfig={"PageSize": 2}
    )
    return [one[KINDS[resource].member] for page in pages for one in page["Results"]]


def names(client: Any, *filters: tuple[str, ...], **more: Any) -> list[str]:
    return [one["TrialComponentName"] for one in found(client, "ExperimentTrialComponent", *filters, **more)]


@pytest.fixture
def components(inside: InProcess, client: Any) -> Any:
    """Three in the trial "cars-1", in this order."""
    client.create_experiment(ExperimentName="Cars", Tags=[{"Key": "team", "Value": "blue"}])
    client.create_trial(TrialName="Cars-1", ExperimentName="cars")
    for number, name in enumerate(("one", "two", "three"), 1):
        client.create_trial_component(
            TrialComponentName=name,
            DisplayName=f"shown-{number}",
            Parameters={"lr": {"NumberValue": number / 10}, "kind": {"StringValue": f"k{number}"}},
            InputArtifacts={"data.set": {"MediaType": "text/csv", "Value": f"s3://lake/{name}"}},
            Tags=[{"Key": "owner.of", "Value": name}],
        )
        client.associate_trial_component(TrialName="cars-1", TrialComponentName=name)
        inside.clock.advance(1)  # type: ignore[attr-defined]
    return client


def test_every_operator_compares_what_the_property_is(components: Any) -> None:
    assert names(components) == ["three", "two", "one"]  # the last changed first
    for told, wanted in (
        (("TrialComponentName", "Equals", "TWO"), ["two"]),
        (("TrialComponentName", "NotEquals", "two"), ["three", "one"]),
        (("TrialComponentName", "In", "one, three"), ["three", "one"]),
        (("TrialComponentName", "Contains", "T"), ["three", "two"]),
        (("DisplayName", "Equals", "shown-1"), ["one"]),
        (("Parameters.lr", "GreaterThan", "0.1"), ["three", "two"]),
        (("Parameters.lr", "GreaterThanOrEqualTo", "0.2"), ["three", "two"]),
        (("Parameters.lr", "LessThan", "0.2"), ["one"]),
        (("parameters.LR", "LessThanOrEqualTo", "0.2"), ["two", "one"]),
        (("Parameters.lr.NumberValue", "Equals", "0.3"), ["three"]),
        (("Parameters.kind", "Equals", "k2"), ["two"]),
        (("Parameters.never", "Exists"), []),
        (("Parameters.never", "NotExists"), ["three", "two", "one"]),
        (("InputArtifacts", "Contains", "lake/ONE"), ["one"]),
        (("InputArtifacts.data.set.Value", "Contains", "three"), ["three"]),
        (("Tags.owner.of", "Equals", "one"), ["one"]),
        (("Tags.Key", "Equals", "owner.of"), ["three", "two", "one"]),
        (("Parents.TrialName", "Equals", "cars-1"), ["three", "two", "one"]),
        (("Parents.ExperimentName", "Equals", "CARS"), ["three", "two", "one"]),
        (("Parents.TrialName", "Contains", "other"), []),
        (("Parents.TrialName", "Contains", "ars"), ["three", "two", "one"]),
    ):
        assert names(components, told) == wanted, told
    record = found(components, "ExperimentTrialComponent", ("TrialComponentName", "Equals", "one"))[0]
    assert record["Parents"] == [{"TrialName": "Cars-1", "ExperimentName": "Cars"}]
    assert record["Tags"] == [{"Key": "owner.of", "Value": "one"}]


def test_expressions_are_joined_as_they_say(components: Any) -> None:
    low, high = ("Parameters.lr", "LessThan", "0.15"), ("Parameters.lr", "GreaterThan", "0.25")
    assert names(components, low, high) == []
    assert names(components, low, high, expression={"Operator": "Or"}) == ["three", "one"]
    part = {"Filters": [{"Name": "Parameters.lr", "Operator": "LessThan", "Value": "0.25"}]}
    assert names(components, ("TrialComponentName", "Contains", "t"), expression={"SubExpressions": [part]}) == ["two"]
    either = {"Operator": "Or", "SubExpressions": [part, {"Filters": [{"Name": "DisplayName", "Value": "shown-3"}]}]}
    assert names(components, expression=either) == ["three", "two", "one"]


def test_a_nested_filter_wants_one_item_that_is_all_of_it(inside: InProcess, client: Any) -> None:
    def channel(name: str, prefix: str) -> dict[str, Any]:
        return {
            "ChannelName": name,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{prefix}"}},
        }

    for job, ways in (("a", ("x", "y")), ("b", ("y", "x"))):
        channels = [channel(name, way) for name, way in zip(("train", "test"), ways, strict=True)]
        client.create_training_job(**training_request(job, InputDataConfig=channels))
    filters = [
        {"Name": "InputDataConfig.ChannelName", "Operator": "Equals", "Value": "train"},
        {"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": "/x"},
    ]
    nested = {"NestedFilters": [{"NestedPropertyName": "InputDataConfig", "Filters": filters}]}
    jobs = found(client, "TrainingJob", expression=nested)
    assert [one["TrainingJobName"] for one in jobs] == ["a"]
    assert len(found(client, "TrainingJob", expression={"Filters": filters})) == 2
    astray = [{"NestedPropertyName": "InputDataConfig", "Filters": [{"Name": "ChannelName", "Value": "train"}]}]
    request = {"Resource": "TrainingJob", "SearchExpression": {"NestedFilters": astray}}
    assert "InputDataConfig.<name>" in refusal(client.search, **request)[1]


def test_hyperparameters_are_numbers_where_they_are_numbers(client: Any) -> None:
    for job, rate in (("a", "0.1"), ("b", "0.25"), ("c", "2.7"), ("d", "auto")):
        client.create_training_job(**training_request(job, HyperParameters={"rate": rate}))

    def jobs(*told: str) -> set[str]:
        return {one["TrainingJobName"] for one in found(client, "TrainingJob", ("HyperParameters.rate", *told))}

    assert jobs("LessThan", "0.5") == {"a", "b"}
    assert jobs("GreaterThan", "2") == set()  # a whole number: 2.7 counts as 2
    assert jobs("GreaterThan", "2.0") == {"c"}
    assert jobs("GreaterThanOrEqualTo", "2") == {"c"}
    assert jobs("Equals", "0.10") == {"a"}
    assert jobs("Equals", "auto") == {"d"}
    assert jobs("Exists") == {"a", "b", "c", "d"}


def test_jobs_are_found_by_their_metrics_and_their_components_by_theirs(inside: InProcess, client: Any) -> None:
    client.create_training_job(**training_request("job"))
    told = [{"MetricName": "validation:f1.score", "Value": 0.75, "Timestamp": 1.0}]
    job = inside.store.get(ACCOUNT, REGION, "training-job", "job")
    inside.store.update(job, phase="Completed", FinalMetricDataList=told)
    client.create_training_job(**training_request("other"))
    metric = "Metrics.validation:f1.score"
    (one,) = found(client, "TrainingJob", (metric, "GreaterThan", "0.7"))
    assert one["TrainingJobName"] == "job"
    assert not found(client, "TrainingJob", (metric, "GreaterThan", "0.8"))
    component = client.create_trial_component(TrialComponentName="step")["TrialComponentArn"]
    row = inside.store.by_arn(component)
    measure = {"n": 2, "mean": 2.0, "m2": 2.0, "min": 1.0, "max": 3.0, "last": 3.0, "at": 5.0}
    inside.store.update(row, _put={"test:acc": measure})
    client.create_trial_component(TrialComponentName="without")
    assert names(client, ("Metrics.test:acc.Max", "GreaterThan", "2.5")) == ["step"]
    assert names(client, ("metrics.test:acc.min", "GreaterThan", "2.5")) == []
    assert names(client, ("Metrics.test:acc", "Equals", "3")) == ["step"]
    assert names(client, SortBy="metrics.test:acc.max") == ["step", "without"]
    assert names(client, SortBy="Metrics.test:acc.Max", SortOrder="Ascending") == ["without", "step"]


def test_pages_are_stable_in_every_order(components: Any) -> None:
    for by in ("CreationTime", "LastModifiedTime", "TrialComponentName", "DisplayName", "Parameters.lr"):
        upwards = names(components, SortBy=by, SortOrder="Ascending")
        assert sorted(upwards) == ["one", "three", "two"]
        assert names(components, SortBy=by, SortOrder="Descending") == upwards[::-1]
    assert names(components, SortBy="Parameters.lr", SortOrder="Ascending") == ["one", "two", "three"]
    first = components.search(Resource="ExperimentTrialComponent", MaxResults=1)
    other = {"Resource": "ExperimentTrialComponent", "SortBy": "DisplayName", "NextToken": first["NextToken"]}
    code, message = refusal(components.search, **other)
    assert (code, "NextToken" in message) == (INVALID, True)


def test_what_cannot_be_asked_is_refused_in_words(components: Any) -> None:
    def why(*filters: dict[str, str], **more: Any) -> str:
        request = {"Resource": "ExperimentTrialComponent", "SearchExpression": {"Filters": list(filters), **more}}
        code, message = refusal(components.search, **request)
        assert code == INVALID
        return message

    assert "Unknown property name: Nonsense" in why({"Name": "Nonsense", "Value": "1"})
    assert "not supported for text" in why({"Name": "DisplayName", "Operator": "GreaterThan", "Value": "a"})
    assert "needs a Value" in why({"Name": "DisplayName", "Operator": "Equals"})
    assert "takes no Value" in why({"Name": "DisplayName", "Operator": "Exists", "Value": "a"})
    assert "neither a number nor a time" in why(
        {"Name": "CreationTime", "Operator": "GreaterThan", "Value": "yesterday"}
    )
    twice = [{"Name": "Parameters.kind", "Operator": "Contains", "Value": value} for value in ("k", "1")]
    assert "'CONTAINS' operator usage limit of 1 exceeded." in why(*twice)
    code, message = refusal(components.search, Resource="FeatureGroup")
    assert (code, "FeatureGroup is not served" in message) == ("NotImplemented", True)
    assert "Unknown property" in refusal(components.search, Resource="Experiment", SortBy="Nonsense")[1]


def test_times_are_compared_as_times(inside: InProcess, components: Any) -> None:
    half = datetime.fromtimestamp(inside.clock.now() - 1.5, UTC)
    for text in (half.isoformat(), half.replace(tzinfo=None).isoformat()):
        assert names(components, ("CreationTime", "GreaterThan", text)) == ["three"]
        assert names(components, ("CreationTime", "LessThan", text)) == ["two", "one"]


def test_tags_can_hide_what_others_may_not_see(components: Any) -> None:
    components.create_trial_component(TrialComponentName="untagged")
    shown = [{"Key": "Tags.owner.of", "Value": "one"}]
    assert names(components, VisibilityConditions=shown) == ["untagged", "one"]
    assert names(components, CrossAccountFilterOption="CrossAccount") == []
    assert len(names(components, CrossAccountFilterOption="SameAccount")) == 4
    bad = [{"Key": "owner", "Value": "one"}]
    assert refusal(components.search, Resource="Experiment", VisibilityConditions=bad)[0] == INVALID


def test_experiments_trials_and_changed_tags_are_found(inside: InProcess, components: Any) -> None:
    (one,) = found(components, "Experiment", ("Tags.team", "Equals", "blue"))
    assert one["ExperimentName"] == "Cars"
    components.add_tags(ResourceArn=one["ExperimentArn"], Tags=[{"Key": "team", "Value": "red"}])
    assert not found(components, "Experiment", ("Tags.team", "Equals", "blue"))
    assert len(found(components, "Experiment", ("Tags.team", "Equals", "red"))) == 1
    (trial,) = found(components, "ExperimentTrial", ("ExperimentName", "Equals", "cars"))
    parts = [part["TrialComponentName"] for part in trial["TrialComponentSummaries"]]
    assert parts == ["one", "three", "two"]


def test_a_jobs_component_shows_its_job(inside: InProcess, client: Any) -> None:
    client.create_training_job(**training_request("job", Tags=[{"Key": "a", "Value": "b"}]))
    client.create_training_job(**training_request("other"))
    bus = inside.thread.call(Bus, inside.raw_store, inside.clock)
    heard = tracking.Tracking(inside.raw_store, None)  # type: ignore[arg-type]
    inside.thread.call(bus.subscribe, "test", Pattern(kind="training-job"), heard)
    inside.run(bus.tick())
    told = ("Source.SourceArn", "Equals", f"{HERE}:training-job/job")
    (one,) = found(client, "ExperimentTrialComponent", told)
    assert one["SourceDetail"]["TrainingJob"]["TrainingJobName"] == "job"
    assert one["SourceDetail"]["TrainingJob"]["Tags"] == [{"Key": "a", "Value": "b"}]
    deep = ("SourceDetail.TrainingJob.HyperParameters.num_round", "Equals", "3")
    assert len(names(client, deep)) == 2
    assert names(client, told, deep) == ["job-aws-training-job"]


def test_models_and_endpoints_are_found(inside: InProcess, client: Any) -> None:
    storage = inside.client("s3")
    storage.create_bucket(Bucket="lake")
    container = {"Image": XGBOOST}
    for name in ("m1", "m2"):
        tagged = [{"Key": "n", "Value": name}]
        client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tagged)
    (one,) = found(client, "Model", ("ModelName", "Equals", "m1"))
    assert one["Model"]["ModelArn"] == f"{HERE}:model/m1"
    assert one["Model"]["Tags"] == [{"Key": "n", "Value": "m1"}]
    assert len(found(client, "Model", ("Model.Tags.n", "Equals", "m2"))) == 1
    assert len(found(client, "Model", ("Tags.n", "Equals", "m2"))) == 1
    variant = {"VariantName": "v", "ModelName": "m1", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")
    (endpoint,) = found(client, "Endpoint", ("EndpointStatus", "Equals", "Creating"))
    assert endpoint["EndpointConfigName"] == "c"


def test_names_that_begin_so_are_suggested(inside: InProcess, components: Any) -> None:
    def suggested(resource: str, hint: str) -> list[str]:
        query = {"PropertyNameQuery": {"PropertyNameHint": hint}}
        said = components.get_search_suggestions(Resource=resource, SuggestionQuery=query)
        return [one["PropertyName"] for one in said["PropertyNameSuggestions"]]

    components.create_training_job(**training_request("job", HyperParameters={"rate": "1", "rounds": "2", "eta": "1"}))
    assert suggested("TrainingJob", "HyperParameters.r") == ["HyperParameters.rate", "HyperParameters.rounds"]
    assert suggested("ExperimentTrialComponent", "parameters.") == ["Parameters.kind", "Parameters.lr"]
    assert suggested("ExperimentTrialComponent", "Tags") == ["Tags.owner.of"]
    assert suggested("Experiment", "none") == []


@pytest.mark.parametrize("resource", sorted(KINDS))
def test_every_resource_answers_when_there_is_none(client: Any, resource: str) -> None:
    assert client.search(Resource=resource)["Results"] == []
    assert client.get_search_suggestions(Resource=resource)["PropertyNameSuggestions"] == []


def test_a_path_finds_whatever_the_record_has_there() -> None:
    record = {
        "A": {"b.c": 1, "b": {"d": [2, 3]}},
        "L": [{"x": 1}, {"x": [2, 3]}, 4],
        "Tags": [{"Key": "k.l", "Value": "v"}],
        "PipelineParameters": [{"Name": "P", "Value": "1"}],
    }
    for path, wanted in (
        ("A.b.c", [1]),
        ("A.b.d", [2, 3]),
        ("a.B.D", [2, 3]),
        ("L.x", [1, 2, 3]),
        ("Tags.k.l", ["v"]),
        ("Tags.Value", ["v"]),
        ("Tags.no", []),
        ("PipelineParameters.P", ["1"]),
        ("A.no", []),
        ("no.no", []),
    ):
        assert found_at(record, path) == wanted, path


def test_the_answer_is_the_same_by_whichever_way_it_is_found(inside: InProcess, client: Any) -> None:
    """A narrowed search, one along the store's order and one that sorts by itself agree with a look at each record."""
    for trial, experiment in (("t1", "e1"), ("t2", "e1"), ("t3", "e2")):
        if trial != "t2":
            client.create_experiment(ExperimentName=experiment)
        client.create_trial(TrialName=trial, ExperimentName=experiment)
    for number in range(12):
        name = f"c{number}"
        client.create_trial_component(TrialComponentName=name, Parameters={"n": {"NumberValue": number % 5}})
        for trial in ("t1", "t2", "t3"):
            if (number + int(trial[1])) % 3 == 0 or number % 4 == 0:
                client.associate_trial_component(TrialName=trial, TrialComponentName=name)
        inside.clock.advance(1)  # type: ignore[attr-defined]
    every = found(client, "ExperimentTrialComponent", SortBy="CreationTime")
    filters = [
        {"Name": "Parents.TrialName", "Operator": "Equals", "Value": "t1"},
        {"Name": "Parents.ExperimentName", "Operator": "Equals", "Value": "e1"},
        {"Name": "Parameters.n", "Operator": "GreaterThan", "Value": "1"},
        {"Name": "TrialComponentName", "Operator": "Equals", "Value": "c3"},
    ]
    known = properties("ExperimentTrialComponent")
    orders = ("CreationTime", "TrialComponentName", "Parameters.n")
    for first, second in itertools.combinations(filters, 2):
        for how, by in itertools.product(("And", "Or"), orders):
            expression = {"Filters": [first, second], "Operator": how}
            passes = matching.compiled(expression, known)
            wanted = {one["TrialComponentName"] for one in every if passes(one)}
            told = names(client, expression=expression, SortBy=by)
            assert (sorted(told), len(told)) == (sorted(wanted), len(wanted))


def test_many_components_are_looked_through_and_sorted(inside: InProcess, client: Any) -> None:
    made = 2_000

    def fill() -> None:
        for number in range(made):
            inside.raw_store.create(
                Resource(
                    "experiment-trial-component",
                    f"c{number:05}",
                    ACCOUNT,
                    REGION,
                    ids.new(),
                    f"{HERE}:experiment-trial-component/c{number:05}",
                    spec={"TrialComponentName": f"c{number:05}", "Parameters": {"n": {"NumberValue": number}}},
                )
            )

    inside.thread.call(fill)
    last = client.search(Resource="ExperimentTrialComponent", MaxResults=3, SortBy="Parameters.n")["Results"]
    assert [one["TrialComponent"]["TrialComponentName"] for one in last] == ["c01999", "c01998", "c01997"]
    told = [{"Name": "Parameters.n", "Operator": "Equals", "Value": "7"}]
    said = client.search(Resource="ExperimentTrialComponent", SearchExpression={"Filters": told})
    assert [one["TrialComponent"]["TrialComponentName"] for one in said["Results"]] == ["c00007"]
    assert "NextToken" not in said
