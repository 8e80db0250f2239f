"""Artifacts, contexts, actions, their associations, and QueryLineage, over boto3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.kernel.clock import ManualClock
from clary.services import sagemaker
from tests.iam_house import document, iam_house, keys_of
from tests.inprocess import ACCOUNT, REGION, InProcess

HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
DATA = {"SourceUri": "s3://lake/train.csv", "SourceTypes": [{"SourceIdType": "S3ETag", "Value": "abc"}]}
KINDS = ("Artifact", "Context", "Action")


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    with iam_house(tmp_path, [sagemaker.service]) as made:
        yield made


@pytest.fixture
def client(inside: InProcess) -> Any:
    return inside.client("sagemaker")


def refusal(call: Any, code: str = "ValidationException", **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    assert refused.value.response["Error"]["Code"] == code, refused.value
    return str(refused.value.response["Error"]["Message"])


def artifact(client: Any, uri: str = "s3://lake/train.csv", type_: str = "DataSet", **more: Any) -> str:
    return str(client.create_artifact(Source={"SourceUri": uri}, ArtifactType=type_, **more)["ArtifactArn"])


def context(client: Any, name: str, type_: str = "Endpoint", **more: Any) -> str:
    said = client.create_context(ContextName=name, Source={"SourceUri": f"arn:{name}"}, ContextType=type_, **more)
    return str(said["ContextArn"])


def action(client: Any, name: str, type_: str = "ModelDeployment", **more: Any) -> str:
    said = client.create_action(ActionName=name, Source={"SourceUri": f"arn:{name}"}, ActionType=type_, **more)
    return str(said["ActionArn"])


def link(client: Any, source: str, destination: str, type_: str = "ContributedTo") -> None:
    client.add_association(SourceArn=source, DestinationArn=destination, AssociationType=type_)


def names(answer: Any) -> list[str]:
    return [one["Arn"].rpartition("/")[2] for one in answer["Vertices"]]


def test_an_artifact_is_one_by_its_type_its_uri_and_the_ids_of_its_source(client: Any) -> None:
    metadata = {"CommitId": "c0ffee", "Repository": "cars"}
    arn = client.create_artifact(
        ArtifactName="train", Source=DATA, ArtifactType="DataSet", Properties={"rows": "7"}, MetadataProperties=metadata
    )["ArtifactArn"]
    assert arn.startswith(f"{HERE}:artifact/")
    said = client.describe_artifact(ArtifactArn=arn)
    assert (said["ArtifactName"], said["Source"], said["ArtifactType"]) == ("train", DATA, "DataSet")
    assert (said["Properties"], said["MetadataProperties"]) == ({"rows": "7"}, metadata)
    assert said["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root") and "LastModifiedBy" not in said
    assert said["LineageGroupArn"] == f"{HERE}:lineage-group/sagemaker-default-lineage-group"
    assert arn in refusal(client.create_artifact, Source=DATA, ArtifactType="DataSet")
    others = {
        client.create_artifact(Source=DATA, ArtifactType="Model")["ArtifactArn"],
        client.create_artifact(Source={"SourceUri": DATA["SourceUri"]}, ArtifactType="DataSet")["ArtifactArn"],
    }
    assert len(others | {arn}) == 3


def test_names_of_artifacts_are_unique(client: Any) -> None:
    one, two = artifact(client, ArtifactName="one"), artifact(client, "s3://lake/b", ArtifactName="two")
    assert "already exists" in refusal(
        client.create_artifact, ArtifactName="one", Source={"SourceUri": "s3://lake/c"}, ArtifactType="DataSet"
    )
    assert "one" in refusal(client.update_artifact, "ConflictException", ArtifactArn=two, ArtifactName="one")
    client.update_artifact(ArtifactArn=one, ArtifactName="first")
    client.update_artifact(ArtifactArn=two, ArtifactName="one")
    assert client.describe_artifact(ArtifactArn=two)["ArtifactName"] == "one"
    client.update_artifact(ArtifactArn=two, Properties={"a": "b"})
    assert "already exists" in refusal(
        client.create_artifact, ArtifactName="one", Source={"SourceUri": "s3://lake/c"}, ArtifactType="DataSet"
    )


@pytest.mark.parametrize("kind", ["Context", "Action"])
def test_contexts_and_actions_are_made_changed_and_deleted(client: Any, kind: str) -> None:
    low = kind.lower()
    source = {"SourceUri": f"{HERE}:endpoint/cars", "SourceType": "ARN", "SourceId": "7"}
    request = {f"{kind}Name": "cars", "Source": source, f"{kind}Type": "Mine", "Description": "a"}
    arn = getattr(client, f"create_{low}")(**request, Properties={"a": "1", "b": "2"})[f"{kind}Arn"]
    assert arn == f"{HERE}:{low}/cars"
    assert "already exists" in refusal(getattr(client, f"create_{low}"), **request)
    change = {f"{kind}Name": "cars", "Properties": {"b": "3", "c": "4"}, "PropertiesToRemove": ["a"]}
    if kind == "Action":
        change["Status"] = "Completed"
    getattr(client, f"update_{low}")(**change, Description="b")
    describe = getattr(client, f"describe_{low}")
    said = describe(**{f"{kind}Name": "cars"})
    assert said["Properties"] == {"b": "3", "c": "4"} and said["Description"] == "b"
    assert (said["Source"], said[f"{kind}Type"], said[f"{kind}Name"]) == (source, "Mine", "cars")
    assert said["LastModifiedBy"]["IamIdentity"]["Arn"].endswith(":root")
    if kind == "Action":
        assert said["Status"] == "Completed"
        assert describe(ActionName=arn)["ActionArn"] == arn
    getattr(client, f"delete_{low}")(**{f"{kind}Name": "cars"})
    assert "does not exist" in refusal(describe, "ResourceNotFound", **{f"{kind}Name": "cars"})


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_not_found(client: Any, kind: str) -> None:
    low = kind.lower()
    named = {"ArtifactArn": f"{HERE}:artifact/none"} if kind == "Artifact" else {f"{kind}Name": "none"}
    for verb in ("describe", "update", "delete"):
        assert "does not exist" in refusal(getattr(client, f"{verb}_{low}"), "ResourceNotFound", **named)


def test_an_entity_has_thirty_properties_at_most(client: Any) -> None:
    arn = artifact(client, Properties={f"p{n}": "v" for n in range(30)})
    assert "at most 30" in refusal(client.update_artifact, ArtifactArn=arn, Properties={"more": "v"})
    client.update_artifact(ArtifactArn=arn, Properties={"more": "v"}, PropertiesToRemove=["p0"])


def test_lists_filter_order_and_turn_pages(client: Any, inside: InProcess) -> None:
    clock = inside.clock
    assert isinstance(clock, ManualClock)
    made = []
    for number in range(5):
        clock.advance(10)
        made.append(artifact(client, f"s3://lake/{number}", "Model" if number % 2 else "DataSet"))
        context(client, f"c{number}", "Mine" if number % 2 else "Other")
        action(client, f"a{number}", "Mine" if number % 2 else "Other", Status="Completed")
    pages = client.get_paginator("list_artifacts").paginate(PaginationConfig={"PageSize": 2})
    assert [one["ArtifactArn"] for page in pages for one in page["ArtifactSummaries"]] == made[::-1]
    listed = client.list_artifacts(SourceUri="s3://lake/1")["ArtifactSummaries"]
    assert [(one["ArtifactArn"], one["ArtifactType"]) for one in listed] == [(made[1], "Model")]
    assert listed[0]["Source"]["SourceUri"] == "s3://lake/1"
    assert len(client.list_artifacts(ArtifactType="Model", SortOrder="Ascending")["ArtifactSummaries"]) == 2
    assert client.list_artifacts(ArtifactType="Model", SourceUri="s3://lake/2")["ArtifactSummaries"] == []
    between = clock.now() - 15
    assert len(client.list_artifacts(CreatedAfter=between)["ArtifactSummaries"]) == 2
    assert len(client.list_artifacts(CreatedBefore=between)["ArtifactSummaries"]) == 3
    contexts = client.list_contexts(ContextType="Mine", SortBy="Name", SortOrder="Ascending")["ContextSummaries"]
    assert [one["ContextName"] for one in contexts] == ["c1", "c3"]
    assert client.list_contexts(SourceUri="arn:c4")["ContextSummaries"][0]["ContextArn"] == f"{HERE}:context/c4"
    actions = client.list_actions(ActionType="Other", SortBy="Name", MaxResults=1)
    assert [(one["ActionName"], one["Status"]) for one in actions["ActionSummaries"]] == [("a4", "Completed")]
    assert "NextToken" in refusal(client.list_actions, NextToken=actions["NextToken"])


def test_what_is_associated_stays_until_its_associations_are_gone(client: Any) -> None:
    one, two = artifact(client), action(client, "deploy")
    link(client, one, two)
    assert "1 associations" in refusal(client.delete_artifact, ArtifactArn=one)
    assert "1 associations" in refusal(client.delete_action, ActionName="deploy")
    client.delete_association(SourceArn=one, DestinationArn=two)
    assert "does not exist" in refusal(client.delete_association, "ResourceNotFound", SourceArn=one, DestinationArn=two)
    assert client.delete_artifact(Source={"SourceUri": "s3://lake/train.csv"})["ArtifactArn"] == one
    assert "does not exist" in refusal(
        client.delete_artifact, "ResourceNotFound", Source={"SourceUri": "s3://lake/train.csv"}
    )
    assert "Set either" in refusal(client.delete_artifact)
    client.delete_action(ActionName="deploy")


def test_an_association_is_made_once_and_may_change_its_type(client: Any) -> None:
    one, two = artifact(client, ArtifactName="data"), context(client, "cars")
    link(client, one, two)
    link(client, one, two)
    link(client, one, two, "Produced")
    [said] = client.list_associations()["AssociationSummaries"]
    assert (said["SourceArn"], said["DestinationArn"], said["AssociationType"]) == (one, two, "Produced")
    assert (said["SourceType"], said["SourceName"]) == ("DataSet", "data")
    assert (said["DestinationType"], said["DestinationName"]) == ("Endpoint", "cars")
    assert said["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    client.add_association(SourceArn=one, DestinationArn=two)
    [said] = client.list_associations()["AssociationSummaries"]
    assert "AssociationType" not in said
    gone = f"{HERE}:artifact/none"
    assert gone in refusal(client.add_association, "ResourceNotFound", SourceArn=gone, DestinationArn=two)
    assert "same entity" in refusal(client.add_association, SourceArn=one, DestinationArn=one)


def test_associations_are_listed_from_both_ends(client: Any, inside: InProcess) -> None:
    clock = inside.clock
    assert isinstance(clock, ManualClock)
    data = [artifact(client, f"s3://lake/{number}") for number in range(3)]
    deploy, endpoint = action(client, "deploy"), context(client, "cars")
    for one in data:
        clock.advance(10)
        link(client, one, deploy)
    clock.advance(10)
    link(client, deploy, endpoint, "AssociatedWith")

    def sources(**filters: Any) -> list[str]:
        return [one["SourceArn"] for one in client.list_associations(**filters)["AssociationSummaries"]]

    assert sources() == [deploy, *data[::-1]]
    assert sources(DestinationArn=deploy, SortOrder="Ascending") == data
    assert sources(SourceArn=deploy) == [deploy]
    assert sources(SourceArn=data[0], DestinationArn=deploy) == [data[0]]
    assert sources(SourceArn=data[0], DestinationArn=endpoint) == []
    assert sources(DestinationType="Endpoint") == sources(DestinationType="Context") == [deploy]
    assert len(sources(SourceType="DataSet")) == len(sources(SourceType="Artifact")) == 3
    assert sources(AssociationType="AssociatedWith") == [deploy]
    assert sources(SortBy="SourceArn", SortOrder="Ascending") == sorted([deploy, *data])
    first = client.list_associations(DestinationArn=deploy, MaxResults=2)
    rest = client.list_associations(DestinationArn=deploy, NextToken=first["NextToken"])
    assert len(first["AssociationSummaries"]) == 2 and len(rest["AssociationSummaries"]) == 1
    assert "NextToken" in refusal(client.list_associations, SourceArn=deploy, NextToken=first["NextToken"])
    now = clock.now()
    assert len(sources(CreatedAfter=now - 25, CreatedBefore=now - 5)) == 2


@pytest.fixture
def graph(client: Any) -> dict[str, str]:
    """raw -> data -> model -> deploy -> cars, and another model of the same data."""
    found = {
        "raw": artifact(client, "s3://lake/raw"),
        "data": artifact(client, "s3://lake/data"),
        "model": artifact(client, "s3://lake/model", "Model", Properties={"auc": "0.9", "seed": "7"}),
        "other": artifact(client, "s3://lake/other", "Model", Properties={"auc": "0.8"}),
        "deploy": action(client, "deploy"),
        "cars": context(client, "cars"),
    }
    for source, destination, kind in (
        ("raw", "data", "DerivedFrom"),
        ("data", "model", "ContributedTo"),
        ("data", "other", "ContributedTo"),
        ("model", "deploy", "ContributedTo"),
        ("deploy", "cars", "AssociatedWith"),
    ):
        link(client, found[source], found[destination], kind)
    return found


def found(client: Any, graph: dict[str, str], **query: Any) -> list[str]:
    by_arn = {arn: name for name, arn in graph.items()}
    return [by_arn[one["Arn"]] for one in client.query_lineage(**query)["Vertices"]]


def test_a_query_goes_up_down_and_both_ways(client: Any, graph: dict[str, str]) -> None:
    model = [graph["model"]]
    assert found(client, graph, StartArns=model, Direction="Ascendants") == ["model", "data", "raw"]
    assert found(client, graph, StartArns=model, Direction="Descendants") == ["model", "deploy", "cars"]
    both = found(client, graph, StartArns=model, Direction="Both")
    assert both[0] == "model" and set(both) == {"model", "data", "raw", "deploy", "cars"}
    assert found(client, graph, StartArns=model) == both
    assert found(client, graph, StartArns=model, Direction="Ascendants", MaxDepth=1) == ["model", "data"]
    assert set(found(client, graph)) == set(graph)
    answer = client.query_lineage(StartArns=[graph["cars"]], Direction="Ascendants")
    types = [(one["LineageType"], one["Type"]) for one in answer["Vertices"]]
    assert types[:3] == [("Context", "Endpoint"), ("Action", "ModelDeployment"), ("Artifact", "Model")]
    assert answer["Edges"] == []
    unknown = f"{HERE}:artifact/none"
    assert unknown in refusal(client.query_lineage, "ResourceNotFound", StartArns=[unknown])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"Types": ["DataSet"]}, ["data", "raw"]),
        ({"Types": ["DataSet", "Model"]}, ["model", "data", "raw"]),
        ({"LineageTypes": ["Action"]}, ["deploy"]),
        ({"LineageTypes": ["Artifact"], "Types": ["Model"]}, ["model"]),
        ({"Properties": {"auc": "0.9", "none": "1"}}, ["model"]),
        ({"Properties": {"auc": "0.8"}}, []),
        ({"CreatedAfter": 1}, ["cars", "deploy", "model", "data", "raw"]),
        ({"CreatedBefore": 1}, []),
        ({"ModifiedAfter": 9_999_999_999}, []),
    ],
)
def test_filters_choose_what_is_shown_not_the_way(
    client: Any, graph: dict[str, str], filters: Any, expected: list[str]
) -> None:
    query = {"StartArns": [graph["cars"]], "Direction": "Ascendants", "Filters": filters}
    assert found(client, graph, **query) == expected


def test_with_edges_the_way_to_what_was_found_is_shown_too(client: Any, graph: dict[str, str]) -> None:
    query = {"StartArns": [graph["data"]], "Direction": "Descendants", "Filters": {"Types": ["Endpoint"]}}
    answer = client.query_lineage(**query, IncludeEdges=True)
    by_arn = {arn: name for name, arn in graph.items()}
    assert [by_arn[one["Arn"]] for one in answer["Vertices"]] == ["data", "model", "deploy", "cars"]
    edges = {
        (by_arn[one["SourceArn"]], by_arn[one["DestinationArn"]], one["AssociationType"]) for one in answer["Edges"]
    }
    assert edges == {
        ("data", "model", "ContributedTo"),
        ("model", "deploy", "ContributedTo"),
        ("deploy", "cars", "AssociatedWith"),
    }


def test_pages_of_a_query_hold_everything_once(client: Any, graph: dict[str, str]) -> None:
    query = {"StartArns": [graph["raw"]], "Direction": "Descendants", "IncludeEdges": True, "MaxResults": 2}
    vertices, edges, token = [], [], {}
    while True:
        answer = client.query_lineage(**query, **token)
        vertices += [one["Arn"] for one in answer["Vertices"]]
        edges += [(one["SourceArn"], one["DestinationArn"]) for one in answer["Edges"]]
        for one in answer["Edges"]:
            assert {one["SourceArn"], one["DestinationArn"]} <= set(vertices)
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sorted(vertices) == sorted(graph.values()) and len(edges) == len(set(edges)) == 5
    assert "NextToken" in refusal(client.query_lineage, StartArns=[graph["cars"]], **token)


def test_a_circle_ends(client: Any, graph: dict[str, str]) -> None:
    link(client, graph["cars"], graph["raw"])
    assert set(found(client, graph, StartArns=[graph["raw"]], Direction="Ascendants")) == set(graph) - {"other"}


def test_tags_of_entities(client: Any) -> None:
    arn = artifact(client, Tags=[{"Key": "team", "Value": "blue"}])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert "Tags" not in client.describe_artifact(ArtifactArn=arn)
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "kept", "Value": "yes"}])
    client.delete_artifact(ArtifactArn=arn)
    assert client.list_tags(ResourceArn=artifact(client))["Tags"] == []


def test_the_default_group_is_the_only_one(client: Any) -> None:
    name = "sagemaker-default-lineage-group"
    [group] = client.list_lineage_groups()["LineageGroupSummaries"]
    assert client.describe_lineage_group(LineageGroupName=name)["LineageGroupArn"] == group["LineageGroupArn"]
    assert "no resource policy" in refusal(client.get_lineage_group_policy, "ResourceNotFound", LineageGroupName=name)
    assert "does not exist" in refusal(client.describe_lineage_group, "ResourceNotFound", LineageGroupName="mine")


def test_policies_decide_by_the_entity(inside: InProcess, client: Any) -> None:
    one, two = artifact(client), artifact(client, "s3://lake/b")
    client.create_context(ContextName="cars", Source={"SourceUri": "arn:x"}, ContextType="Endpoint")
    allowed = document("sagemaker:DescribeArtifact", "sagemaker:AddAssociation", "sagemaker:QueryLineage", resource=one)
    inside.client("iam").create_user(UserName="ann")
    inside.client("iam").put_user_policy(UserName="ann", PolicyName="one", PolicyDocument=allowed)
    user = inside.client("sagemaker", keys=keys_of(inside, "ann"))
    user.describe_artifact(ArtifactArn=one)
    user.query_lineage(StartArns=[one])
    for call, request in (
        (user.describe_artifact, {"ArtifactArn": two}),
        (user.add_association, {"SourceArn": one, "DestinationArn": two}),
        (user.query_lineage, {"StartArns": [two]}),
        (user.query_lineage, {}),
        (user.create_artifact, {"Source": {"SourceUri": "s3://x"}, "ArtifactType": "DataSet"}),
        (user.describe_context, {"ContextName": "cars"}),
    ):
        assert "not authorized" in refusal(call, "AccessDeniedException", **request)
