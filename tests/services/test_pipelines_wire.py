"""The operations on pipelines and their versions over boto3: answers of modelled shapes, refusals in AWS's words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Principal
from clary.kernel.store import Where
from clary.services.sagemaker import pipelines
from tests.inprocess import ACCOUNT, make_role
from tests.pipelines_house import PipelinesHouse, definition, pipelines_house, processing

Doc = dict[str, Any]
ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/p"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[PipelinesHouse]:
    with pipelines_house(tmp_path) as made:
        yield made


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    said = caught.value.response["Error"]
    return said["Code"], said["Message"]


def text(*steps: Doc, **more: Any) -> str:
    return json.dumps(definition(*steps, **more))


def test_a_pipeline_from_create_to_delete(house: PipelinesHouse) -> None:
    sagemaker = house.sagemaker
    made = sagemaker.create_pipeline(
        PipelineName="p",
        PipelineDisplayName="The-pipeline",
        PipelineDescription="all of it",
        PipelineDefinition=text(processing("s")),
        RoleArn=house.role,
        ParallelismConfiguration={"MaxParallelExecutionSteps": 3},
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    assert made["PipelineArn"] == ARN
    said = sagemaker.describe_pipeline(PipelineName="p")
    assert json.loads(said["PipelineDefinition"]) == definition(processing("s"))
    assert (said["PipelineStatus"], said["PipelineDisplayName"]) == ("Active", "The-pipeline")
    assert said["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
    assert said["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    assert "LastRunTime" not in said
    assert sagemaker.describe_pipeline(PipelineName=ARN)["PipelineName"] == "p"
    assert sagemaker.list_tags(ResourceArn=ARN)["Tags"] == [{"Key": "team", "Value": "blue"}]
    sagemaker.add_tags(ResourceArn=ARN, Tags=[{"Key": "stage", "Value": "test"}])
    arn = house.start()
    assert house.said(arn)["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
    code, message = refused(sagemaker.delete_pipeline, PipelineName="p")
    assert (code, arn in message) == ("ConflictException", True)
    house.go(10)
    assert "LastRunTime" in sagemaker.describe_pipeline(PipelineName="p")
    assert sagemaker.delete_pipeline(PipelineName="p")["PipelineArn"] == ARN
    for call in (sagemaker.describe_pipeline, sagemaker.delete_pipeline):
        assert refused(call, PipelineName="p") == ("ResourceNotFound", f"Pipeline '{ARN}' does not exist.")
    code, _ = refused(sagemaker.describe_pipeline_execution, PipelineExecutionArn=arn)
    assert code == "ResourceNotFound"
    for kind in (pipelines.PIPELINE, pipelines.VERSION, pipelines.EXECUTION, pipelines.STEP):
        assert house.inside.store.count(kind, Where()) == 0
    assert house.inside.store.count("sagemaker-tags", Where()) == 1, "that of the job, which stays"


def test_a_name_is_taken_once_and_a_token_makes_one_pipeline(house: PipelinesHouse) -> None:
    asked = {"PipelineName": "p", "PipelineDefinition": text(processing("s")), "RoleArn": house.role}
    token = "c" * 32
    for _ in range(2):
        house.sagemaker.create_pipeline(**asked, ClientRequestToken=token)
    code, message = refused(house.sagemaker.create_pipeline, **asked)
    assert code == "ValidationException"
    assert message == (
        "Pipeline names must be unique within an AWS account and region. Pipeline with name (p) already exists."
    )
    assert house.inside.store.count(pipelines.VERSION, Where()) == 1


def test_every_problem_of_a_definition_is_told_at_once(house: PipelinesHouse) -> None:
    wrong = processing("one", arguments={"AppSpecification": {"ImageUri": 7}, "Colour": "red"})
    odd = {"Name": "two", "Type": "Cook", "Arguments": {}}
    waits = processing("three", "nobody")
    asks = processing("four", arguments={"Environment": {"A": {"Get": "Parameters.x"}}})
    asked = {"PipelineName": "p", "RoleArn": house.role}
    told = text(wrong, odd, waits, asks)
    code, message = refused(house.sagemaker.create_pipeline, **asked, PipelineDefinition=told)
    assert code == "ValidationException"
    for one in (
        "Step 'one', Steps[0].Arguments.Colour: ",
        "Steps[0].Arguments.AppSpecification.ImageUri: must be a string",
        "Step 'two', Steps[1].Type: ",
        "Step 'three', Steps[2].DependsOn[0]: there is no step 'nobody'",
        "Step 'four', Steps[3].Arguments.Environment.A.Get: there is no parameter 'x'",
    ):
        assert one in message
    code, _ = refused(house.sagemaker.create_pipeline, **asked, PipelineDefinition="{")
    assert code == "ValidationException"
    code, message = refused(house.sagemaker.create_pipeline, **asked)
    assert (code, "PipelineDefinitionS3Location" in message) == ("ValidationException", True)


def test_the_role_must_trust_sagemaker(house: PipelinesHouse) -> None:
    nobody = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    code, message = refused(
        house.sagemaker.create_pipeline, PipelineName="p", PipelineDefinition=text(processing("s")), RoleArn=nobody
    )
    assert (code, "Could not assume role" in message) == ("ValidationException", True)


def test_a_definition_may_stand_in_s3(house: PipelinesHouse) -> None:
    place = {"Bucket": "lake", "ObjectKey": "pipelines/p.json"}
    asked = {"PipelineName": "p", "RoleArn": house.role, "PipelineDefinitionS3Location": place}
    code, message = refused(house.sagemaker.create_pipeline, **asked)
    assert (code, "s3://lake/pipelines/p.json" in message) == ("ValidationException", True)
    house.s3.put_object(Bucket="lake", Key="pipelines/p.json", Body=text(processing("s")).encode())
    house.sagemaker.create_pipeline(**asked)
    house.s3.delete_object(Bucket="lake", Key="pipelines/p.json")
    said = house.sagemaker.describe_pipeline(PipelineName="p")
    assert json.loads(said["PipelineDefinition"]) == definition(processing("s"))
    house.s3.put_object(Bucket="lake", Key="pipelines/p.json", Body=b"\xff\xfe")
    code, message = refused(house.sagemaker.update_pipeline, PipelineName="p", PipelineDefinitionS3Location=place)
    assert (code, "UTF-8" in message) == ("ValidationException", True)
    both = {"PipelineDefinition": text(processing("s"))}
    code, _ = refused(house.sagemaker.update_pipeline, PipelineName="p", PipelineDefinitionS3Location=place, **both)
    assert code == "ValidationException"


def test_an_update_is_a_new_version_and_executions_keep_theirs(house: PipelinesHouse) -> None:
    house.create(processing("old"))
    first = house.start()
    made = house.sagemaker.update_pipeline(
        PipelineName="p", PipelineDefinition=text(processing("new")), PipelineDescription="better"
    )
    assert made == {**made, "PipelineArn": ARN, "PipelineVersionId": 2}
    same = house.sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=text(processing("new")))
    assert same["PipelineVersionId"] == 2
    second, again = house.start(), house.start(PipelineVersionId=1)
    house.go(30)
    assert [list(house.steps(arn)) for arn in (first, second, again)] == [["old"], ["new"], ["old"]]
    assert [house.said(arn)["PipelineVersionId"] for arn in (first, second, again)] == [1, 2, 1]
    told = house.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=first)
    assert json.loads(told["PipelineDefinition"]) == definition(processing("old"))
    assert house.sagemaker.describe_pipeline(PipelineName="p")["PipelineDescription"] == "better"
    older = house.sagemaker.describe_pipeline(PipelineName="p", PipelineVersionId=1)
    assert json.loads(older["PipelineDefinition"]) == definition(processing("old"))
    code, _ = refused(house.sagemaker.describe_pipeline, PipelineName="p", PipelineVersionId=3)
    assert code == "ResourceNotFound"
    versions = house.sagemaker.list_pipeline_versions(PipelineName="p")["PipelineVersionSummaries"]
    last = {one["PipelineVersionId"]: one["LastExecutionPipelineExecutionArn"] for one in versions}
    assert sorted(last) == [1, 2]
    assert last[2] == second


def test_a_new_definition_alone_modifies_the_pipeline(house: PipelinesHouse) -> None:
    house.create(processing("old"))
    before = house.sagemaker.describe_pipeline(PipelineName="p")["LastModifiedTime"]
    house.clock.advance(5.0)
    house.sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=text(processing("new")))
    after = house.sagemaker.describe_pipeline(PipelineName="p")["LastModifiedTime"]
    assert (after - before).total_seconds() == 5.0


def test_aliases_name_versions(house: PipelinesHouse) -> None:
    house.create(processing("old"))
    sagemaker = house.sagemaker
    sagemaker.update_pipeline(
        PipelineName="p", PipelineDefinition=text(processing("new")), PipelineVersionAliases=["next"]
    )
    sagemaker.update_pipeline_version(
        PipelineArn=ARN,
        PipelineVersionId=1,
        PipelineVersionDisplayName="first",
        PipelineVersionAliasOperations={"Add": ["stable", "safe"]},
    )
    said = sagemaker.describe_pipeline(PipelineName="p", PipelineVersionAlias="stable")
    assert (said["PipelineVersionDisplayName"], said["PipelineVersionAliases"]) == ("first", ["stable", "safe"])
    arn = house.start(PipelineVersionAlias="safe")
    assert house.said(arn)["PipelineVersionAliases"] == ["stable", "safe"]
    house.start()
    listed = sagemaker.list_pipeline_executions(PipelineName="p", PipelineVersionAlias="stable")
    assert [one["PipelineExecutionArn"] for one in listed["PipelineExecutionSummaries"]] == [arn]
    move = {"PipelineArn": ARN, "PipelineVersionId": 2, "PipelineVersionAliasOperations": {"Add": ["stable"]}}
    code, message = refused(sagemaker.update_pipeline_version, **move)
    assert (code, "Version 1" in message) == ("ConflictException", True)
    sagemaker.update_pipeline_version(
        PipelineArn=ARN, PipelineVersionId=1, PipelineVersionAliasOperations={"Remove": ["stable", "safe"]}
    )
    sagemaker.update_pipeline_version(**move)
    assert sagemaker.describe_pipeline(PipelineName="p", PipelineVersionAlias="stable")["PipelineVersionAliases"] == [
        "next",
        "stable",
    ]
    assert "PipelineVersionAliases" not in house.said(arn)
    for alias in ("safe", "never"):
        assert refused(house.sagemaker.start_pipeline_execution, PipelineName="p", PipelineVersionAlias=alias)[0] == (
            "ResourceNotFound"
        )
    code, _ = refused(sagemaker.update_pipeline, PipelineName="p", PipelineVersionAliases=["x"])
    assert code == "ValidationException"
    digits = {**move, "PipelineVersionAliasOperations": {"Add": ["17"]}}
    assert refused(sagemaker.update_pipeline_version, **digits)[0] == "ValidationException"
    code, _ = refused(
        sagemaker.start_pipeline_execution, PipelineName="p", PipelineVersionAlias="next", PipelineVersionId=1
    )
    assert code == "ValidationException"


def test_lists_come_in_pages_the_newest_first(house: PipelinesHouse) -> None:
    for name in ("alpha", "beta", "alpine"):
        house.create(processing("s"), name=name)
        house.clock.advance(10.0)
    listed = house.sagemaker.list_pipelines()["PipelineSummaries"]
    assert [one["PipelineName"] for one in listed] == ["alpine", "beta", "alpha"]
    chosen = house.sagemaker.list_pipelines(PipelineNamePrefix="alp", SortBy="Name", SortOrder="Ascending")
    assert [one["PipelineName"] for one in chosen["PipelineSummaries"]] == ["alpha", "alpine"]
    assert house.sagemaker.list_pipelines(ManagedBy="AWS")["PipelineSummaries"] == []
    started = []
    for _ in range(5):
        started.append(house.start("beta"))
        house.clock.advance(10.0)
    pages = house.sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName="beta", PaginationConfig={"PageSize": 2}
    )
    found = [one["PipelineExecutionArn"] for page in pages for one in page["PipelineExecutionSummaries"]]
    assert found == started[::-1]
    assert house.sagemaker.list_pipeline_executions(PipelineName="alpha")["PipelineExecutionSummaries"] == []
    for call, params in (
        (house.sagemaker.list_pipeline_executions, {"PipelineName": "nobody"}),
        (house.sagemaker.list_pipeline_versions, {"PipelineName": "nobody"}),
        (house.sagemaker.start_pipeline_execution, {"PipelineName": "nobody"}),
        (house.sagemaker.update_pipeline, {"PipelineName": "nobody"}),
    ):
        assert refused(call, **params)[0] == "ResourceNotFound"
    code, _ = refused(house.sagemaker.list_pipelines, NextToken="x")
    assert code == "ValidationException"


def test_a_deletion_that_was_cut_short_is_finished(house: PipelinesHouse) -> None:
    house.run(processing("s"))
    pipeline = house.inside.store.by_arn(ARN)
    house.inside.store.update(pipeline, phase="Deleting", due=house.clock.now())
    assert refused(house.sagemaker.start_pipeline_execution, PipelineName="p")[0] == "ConflictException"
    assert refused(house.sagemaker.update_pipeline, PipelineName="p")[0] == "ConflictException"
    house.go(1)
    assert house.sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert house.inside.store.count(pipelines.STEP, Where()) == 0


def test_policies_decide_by_the_pipeline(house: PipelinesHouse) -> None:
    house.create(processing("s"))
    make_role(house.inside, "ann", ())
    iam = house.inside.client("iam")
    allowed = {"Effect": "Allow", "Action": "sagemaker:*PipelineExecution*", "Resource": f"{ARN}*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="ann", PolicyName="p", PolicyDocument=document)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/ann/s"
    role = iam.get_role(RoleName="ann")["Role"]["RoleId"]
    ann = Principal(ACCOUNT, session, f"{role}:s", "assumed-role", issued=house.clock.now())
    mine = house.inside.client("sagemaker", keys=house.inside.ring.issue(ann, house.clock.now() + 3600))
    arn = mine.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
    assert mine.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing"
    assert len(mine.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]) == 0
    for call, params in (
        (mine.describe_pipeline, {"PipelineName": "p"}),
        (mine.delete_pipeline, {"PipelineName": "p"}),
        (mine.start_pipeline_execution, {"PipelineName": "other"}),
    ):
        assert refused(call, **params)[0] == "AccessDeniedException"
