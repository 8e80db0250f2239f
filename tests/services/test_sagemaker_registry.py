"""The model registry over boto3: groups, versions, approvals, lists, search, and models that are made of packages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.heralds import Heralds
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.services import s3, sagemaker
from clary.services.sagemaker.heralds import HERALDS
from tests.iam_house import document, iam_house, keys_of
from tests.inprocess import ACCOUNT, REGION, InProcess, make_role
from tests.sagemaker_house import ROLE, SKLEARN, XGBOOST

SPECIFICATION = {
    "Containers": [{"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz", "Environment": {"A": "package"}}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    try:
        with iam_house(tmp_path, [sagemaker.service, s3.service], {BucketStore: objects}) as made:
            make_role(made)
            made.client("s3").create_bucket(Bucket="lake")
            made.client("s3").put_object(Bucket="lake", Key="model.tar.gz", Body=b"x")
            made.client("s3").put_object(Bucket="lake", Key="m.json", Body=b'{"accuracy": {"value": 0.9}}')
            yield made
    finally:
        objects.close()


@pytest.fixture
def client(inside: InProcess) -> Any:
    made = inside.client("sagemaker")
    made.create_model_package_group(ModelPackageGroupName="cars", Tags=[{"Key": "team", "Value": "blue"}])
    return made


def register(client: Any, group: str = "cars", **more: Any) -> str:
    said = client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION, **more)
    return str(said["ModelPackageArn"])


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    return str(refused.value.response["Error"]["Message"])


def test_a_group_is_made_once_described_listed_and_deleted_when_it_is_empty(client: Any) -> None:
    assert "already exists" in refusal(client.create_model_package_group, ModelPackageGroupName="cars")
    said = client.describe_model_package_group(ModelPackageGroupName=f"{HERE}:model-package-group/cars")
    assert said["ModelPackageGroupStatus"] == "Completed"
    assert said["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    listed = client.list_model_package_groups(NameContains="ar")["ModelPackageGroupSummaryList"]
    assert [one["ModelPackageGroupName"] for one in listed] == ["cars"]
    arn = register(client)
    assert "still has model packages" in refusal(client.delete_model_package_group, ModelPackageGroupName="cars")
    client.delete_model_package(ModelPackageName=arn)
    client.delete_model_package_group(ModelPackageGroupName="cars")
    assert "does not exist" in refusal(client.describe_model_package_group, ModelPackageGroupName="cars")


def test_versions_count_up_and_no_number_is_given_out_twice(client: Any) -> None:
    first, second = register(client), register(client, ModelApprovalStatus="Approved")
    assert (first, second) == (f"{HERE}:model-package/cars/1", f"{HERE}:model-package/cars/2")
    client.delete_model_package(ModelPackageName=second)
    assert register(client) == f"{HERE}:model-package/cars/3"
    said = client.describe_model_package(ModelPackageName=first)
    assert (said["ModelPackageGroupName"], said["ModelPackageVersion"]) == ("cars", 1)
    assert (said["ModelPackageStatus"], said["ModelApprovalStatus"]) == ("Completed", "PendingManualApproval")
    assert said["InferenceSpecification"] == SPECIFICATION
    assert client.list_tags(ResourceArn=f"{HERE}:model-package-group/cars")["Tags"] == [
        {"Key": "team", "Value": "blue"}
    ]
    assert "tags of its group" in refusal(
        client.create_model_package, ModelPackageGroupName="cars", Tags=[{"Key": "a", "Value": "b"}]
    )
    assert "does not exist" in refusal(client.create_model_package, ModelPackageGroupName="none")


def test_a_repeated_request_makes_no_second_version(client: Any) -> None:
    assert register(client, ClientToken="once") == register(client, ClientToken="once")
    assert len(client.list_model_packages(ModelPackageGroupName="cars")["ModelPackageSummaryList"]) == 1


def test_a_version_says_where_the_document_of_its_page_is_and_nothing_else_of_the_registrys(
    client: Any,
) -> None:
    arn = register(client, CustomerMetadataProperties={"clary:page": "s3://lake/page.json"})
    client.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"clary:page": "s3://lake/new.json"})
    said = client.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"]
    assert said["clary:page"] == "s3://lake/new.json"
    forged = {"clary:decision-1": "Approved by nobody"}
    assert "the registry's own" in refusal(
        client.create_model_package, ModelPackageGroupName="cars", CustomerMetadataProperties=forged
    )


def test_an_approval_is_told_as_an_event_of_awss_shape(inside: InProcess, client: Any) -> None:
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://lake/m.json"}}}
    arn = register(client, ModelMetrics=metrics, CustomerMetadataProperties={"old": "1", "kept": "2"})
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good enough",
        CustomerMetadataProperties={"new": "3"},
        CustomerMetadataPropertiesToRemove=["old"],
    )
    said = client.describe_model_package(ModelPackageName="cars/1")
    assert (said["ModelApprovalStatus"], said["ApprovalDescription"]) == ("Approved", "good enough")
    properties = said["CustomerMetadataProperties"]
    assert {key: value for key, value in properties.items() if not key.startswith("clary:")} == {
        "kept": "2",
        "new": "3",
    }
    assert properties["clary:decision-1"].startswith("Approved by arn:aws:iam::123456789012:root at ")
    assert properties["clary:decision-1"].endswith("Z: good enough")
    assert said["LastModifiedBy"]["IamIdentity"]["Arn"].endswith(":root")
    lines = [line for line in inside.store.events(0, 100) if line.kind == "model-package"]
    made, approved = [event for line in lines for event in Heralds(HERALDS).told(line)]
    assert approved["detail-type"] == "SageMaker Model Package State Change"
    assert approved["source"] == "aws.sagemaker"
    assert approved["resources"] == [arn]
    assert made["detail"]["ModelApprovalStatus"] == "PendingManualApproval"
    detail = approved["detail"]
    assert (detail["ModelPackageGroupName"], detail["ModelPackageVersion"]) == ("cars", 1)
    assert (detail["ModelApprovalStatus"], detail["ModelPackageStatus"]) == ("Approved", "Completed")
    assert detail["ModelMetrics"] == said["ModelMetrics"]
    assert "UpdatedModelPackageFields" not in made["detail"]
    changed = ["ApprovalDescription", "CustomerMetadataProperties", "ModelApprovalStatus"]
    assert detail["UpdatedModelPackageFields"] == changed
    assert detail["CreationTime"].endswith("Z")
    assert "ModelPackageName" not in detail


def test_lists_pass_their_filters_and_come_in_pages(client: Any) -> None:
    for number in range(5):
        register(client, ModelApprovalStatus="Approved" if number % 2 else "Rejected")
    client.create_model_package(ModelPackageName="alone", InferenceSpecification=SPECIFICATION)
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName="cars", SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"PageSize": 2}
    )
    found = [one for page in pages for one in page["ModelPackageSummaryList"]]
    assert sorted(one["ModelPackageVersion"] for one in found) == [1, 2, 3, 4, 5]
    approved = client.list_model_packages(ModelPackageGroupName="cars", ModelApprovalStatus="Approved")
    assert {one["ModelPackageVersion"] for one in approved["ModelPackageSummaryList"]} == {2, 4}
    names = [one["ModelPackageName"] for one in client.list_model_packages()["ModelPackageSummaryList"]]
    assert names == ["alone"]
    both = client.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"]
    assert len(both) == 6
    token = client.list_model_packages(ModelPackageGroupName="cars", MaxResults=1)["NextToken"]
    assert "NextToken" in refusal(client.list_model_packages, NextToken=token)


def test_many_are_described_at_once_and_those_that_cannot_be_say_why(client: Any) -> None:
    arn, gone = register(client), f"{HERE}:model-package/cars/9"
    said = client.batch_describe_model_package(ModelPackageArnList=[arn, gone])
    assert said["ModelPackageSummaries"][arn]["InferenceSpecification"] == SPECIFICATION
    assert said["BatchDescribeModelPackageErrorMap"][gone]["ErrorCode"] == "ValidationException"


def test_a_groups_policy_is_kept_and_answered(client: Any) -> None:
    assert "Cannot find" in refusal(client.get_model_package_group_policy, ModelPackageGroupName="cars")
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"210987654321"},'
        f'"Action":"sagemaker:DescribeModelPackageGroup","Resource":"{HERE}:model-package-group/cars"}}]}}'
    )
    client.put_model_package_group_policy(ModelPackageGroupName="cars", ResourcePolicy=policy)
    assert client.get_model_package_group_policy(ModelPackageGroupName="cars")["ResourcePolicy"] == policy
    client.delete_model_package_group_policy(ModelPackageGroupName="cars")
    assert "Cannot find" in refusal(client.get_model_package_group_policy, ModelPackageGroupName="cars")
    assert "no resource policy" in refusal(
        client.put_model_package_group_policy, ModelPackageGroupName="cars", ResourcePolicy="{}"
    )


def test_search_finds_groups_and_packages_by_their_properties(client: Any) -> None:
    client.create_model_package_group(ModelPackageGroupName="trucks")
    for group, properties in (("cars", {"stage.name": "a"}), ("cars", {"stage.name": "b"}), ("trucks", {"x": "1"})):
        register(client, group, CustomerMetadataProperties=properties)

    def found(resource: str, *filters: dict[str, str], **more: Any) -> list[Any]:
        said = client.search(Resource=resource, SearchExpression={"Filters": list(filters), **more})
        return [one[resource] for one in said["Results"]]

    (group,) = found("ModelPackageGroup", {"Name": "ModelPackageGroupName", "Operator": "Equals", "Value": "cars"})
    assert group["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert found("ModelPackageGroup", {"Name": "Tags.team", "Value": "blue"}) == [group]
    assert not found("ModelPackageGroup", {"Name": "ModelPackageGroupName", "Value": "boats"})
    of_cars = {"Name": "ModelPackageGroupName", "Value": "cars"}
    assert {one["ModelPackageVersion"] for one in found("ModelPackage", of_cars)} == {1, 2}
    second = {"Name": "ModelPackageVersion", "Operator": "GreaterThan", "Value": "1"}
    assert [one["ModelPackageVersion"] for one in found("ModelPackage", of_cars, second)] == [2]
    assert len(found("ModelPackage", of_cars, second, Operator="Or")) == 2
    assert len(found("ModelPackage", {"Name": "CustomerMetadataProperties.stage.name", "Value": "b"})) == 1
    assert len(found("ModelPackage", {"Name": "CustomerMetadataProperties.x", "Operator": "NotExists"})) == 2
    pages = client.get_paginator("search").paginate(
        Resource="ModelPackage", SortBy="ModelPackageVersion", PaginationConfig={"PageSize": 1}
    )
    assert [page["Results"][0]["ModelPackage"]["ModelPackageVersion"] for page in pages] == [2, 1, 1]


def test_a_model_is_made_of_an_approved_package_only(inside: InProcess, client: Any) -> None:
    compiled = {"Name": "second", "Containers": [{"Image": SKLEARN, "ModelDataUrl": "s3://lake/model.tar.gz"}]}
    arn = register(client, AdditionalInferenceSpecifications=[compiled])

    def create(name: str, **container: Any) -> Any:
        given = {"ModelPackageName": arn, **container}
        return client.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=[given])

    assert "only a version with ModelApprovalStatus Approved" in refusal(lambda: create("m"))
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    create("m", Environment={"B": "model"})
    create("n", InferenceSpecificationName="second")
    assert "no inference specification 'third'" in refusal(lambda: create("o", InferenceSpecificationName="third"))
    described = client.describe_model(ModelName="m")
    assert described["Containers"][0]["ModelPackageName"] == arn
    find = sagemaker.models.find
    first, second = (inside.thread.call(find, inside.context(), name) for name in ("m", "n"))
    (container,) = sagemaker.models.containers(first)
    assert (container["Image"], container["Environment"]) == (XGBOOST, {"A": "package", "B": "model"})
    assert sagemaker.models.containers(second)[0]["Image"] == SKLEARN
    model = f"{HERE}:model/m"
    said = client.create_model_package(ModelPackageName="from-model", SourceUri=model)
    (taken,) = client.describe_model_package(ModelPackageName=said["ModelPackageArn"])["InferenceSpecification"][
        "Containers"
    ]
    assert taken["Image"] == XGBOOST
    named = {"ModelPackageName": "from-model"}
    client.create_model(ModelName="of-unversioned", ExecutionRoleArn=ROLE, PrimaryContainer=named)


def test_what_is_not_served_of_a_package_is_refused_by_name(client: Any) -> None:
    algorithm = {"SourceAlgorithms": [{"AlgorithmName": "a"}]}
    for member, value in (("SourceAlgorithmSpecification", algorithm), ("CertifyForMarketplace", True)):
        with pytest.raises(ClientError, match=f"{member} is not served yet"):
            client.create_model_package(ModelPackageName="p", **{member: value})


def test_who_may_approve_is_a_matter_of_policies(inside: InProcess, client: Any) -> None:
    arn = register(client)
    people = inside.client("iam")
    people.create_user(UserName="reader")
    allowed = document(
        "sagemaker:DescribeModelPackage", "sagemaker:CreateModelPackage", resource=f"{HERE}:model-package/cars/*"
    )
    people.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=allowed)
    reader = inside.client("sagemaker", keys=keys_of(inside, "reader"))
    assert reader.describe_model_package(ModelPackageName="cars/1")["ModelPackageArn"] == arn
    register(reader)
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:UpdateModelPackage"):
        reader.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
