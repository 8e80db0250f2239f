"""Approval rules and kept metrics over boto3: what may be Approved, by whom, and what stays as it was registered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.approval_rules import NotARule, of_setting, of_tags
from clary.aws.authorize import ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.numbers import Ambiguous, named, numbers
from clary.services import s3, sagemaker
from clary.services.sagemaker.registry import HomeRules
from clary.services.sagemaker.registry.approval import person
from clary.services.sagemaker.registry.policies import GroupPolicies
from tests.iam_house import document, iam_house, keys_of, refused
from tests.inprocess import ACCOUNT, REGION, InProcess, make_role
from tests.sagemaker_house import ROLE, XGBOOST

SPECIFICATION = {
    "Containers": [{"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
GROUP = f"{HERE}:model-package-group/cars"
COPIES = f"sagemaker-model-registry-{REGION}-{ACCOUNT}"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    try:
        with iam_house(tmp_path, [sagemaker.service, s3.service], {BucketStore: objects}) as made:
            made.ports[ResourcePolicies] = PoliciesByService({"sagemaker": GroupPolicies(made.raw_store, ACCOUNT)})
            made.client("s3").create_bucket(Bucket="lake")
            made.client("s3").put_object(Bucket="lake", Key="model.tar.gz", Body=b"x")
            yield made
    finally:
        objects.close()


@pytest.fixture
def client(inside: InProcess) -> Any:
    made = inside.client("sagemaker")
    made.create_model_package_group(ModelPackageGroupName="cars")
    return made


def measured(inside: InProcess, accuracy: float, key: str = "m.json") -> dict[str, Any]:
    body = json.dumps({"binary_classification_metrics": {"accuracy": {"value": accuracy, "standard_deviation": 0.1}}})
    inside.client("s3").put_object(Bucket="lake", Key=key, Body=body.encode())
    source = {"ContentType": "application/json", "S3Uri": f"s3://lake/{key}"}
    return {"ModelQuality": {"Statistics": source}}


def register(client: Any, **more: Any) -> str:
    said = client.create_model_package(ModelPackageGroupName="cars", InferenceSpecification=SPECIFICATION, **more)
    return str(said["ModelPackageArn"])


def tag(client: Any, **tags: str) -> None:
    wire = [{"Key": key.replace("_", ":", 1).replace("_", "-"), "Value": value} for key, value in tags.items()]
    client.add_tags(ResourceArn=GROUP, Tags=wire)


def person_of(inside: InProcess, name: str) -> Any:
    people = inside.client("iam")
    people.create_user(UserName=name)
    people.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    return inside.client("sagemaker", keys=keys_of(inside, name))


def approve(client: Any, arn: str, comment: str = "") -> None:
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=comment)


def test_the_metrics_of_a_version_are_its_own_whatever_becomes_of_the_file(inside: InProcess, client: Any) -> None:
    first = register(client, ModelMetrics=measured(inside, 0.9))
    second = register(client, ModelMetrics=measured(inside, 0.5))  # another run writes over the same file
    values = []
    for arn in (first, second):
        said = client.describe_model_package(ModelPackageName=arn)
        source = said["ModelMetrics"]["ModelQuality"]["Statistics"]
        assert said["CustomerMetadataProperties"]["clary:ModelQuality.Statistics"] == "s3://lake/m.json"
        assert source["ContentDigest"].startswith("sha256:")
        bucket, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
        assert bucket == COPIES
        body = inside.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        values.append(json.loads(body)["binary_classification_metrics"]["accuracy"]["value"])
    assert values == [0.9, 0.5]
    cloned = client.create_model_package(ModelPackageGroupName="cars", SourceUri=first)["ModelPackageArn"]
    statistics = client.describe_model_package(ModelPackageName=cloned)["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert (
        statistics["ContentDigest"]
        == client.describe_model_package(ModelPackageName=first)["ModelMetrics"]["ModelQuality"]["Statistics"][
            "ContentDigest"
        ]
    )
    client.delete_model_package(ModelPackageName=second)
    keys = [one["Key"] for one in inside.client("s3").list_objects_v2(Bucket=COPIES)["Contents"]]
    assert [key.split("/")[1] for key in keys] == ["1", "3"]


def test_metrics_that_are_not_there_or_no_metrics_are_refused_and_take_no_number(
    inside: InProcess, client: Any
) -> None:
    inside.client("s3").put_object(Bucket="lake", Key="bad.json", Body=b"{")
    inside.client("s3").put_object(Bucket="lake", Key="large.json", Body=b"[" + b"1," * (1 << 21) + b"1]")

    def words(uri: str, **more: str) -> str:
        metrics = {"Bias": {"Report": {"ContentType": "application/json", "S3Uri": uri, **more}}}
        code, message = refused(
            client.create_model_package,
            ModelPackageGroupName="cars",
            InferenceSpecification=SPECIFICATION,
            ModelMetrics=metrics,
        )
        assert code == "ValidationException"
        return message

    assert "ModelMetrics.Bias.Report.S3Uri s3://lake/none.json could not be read" in words("s3://lake/none.json")
    assert "is no JSON" in words("s3://lake/bad.json")
    assert "names no object" in words("s3://lake/")
    assert "no metrics file has" in words("s3://lake/large.json")
    assert "not of its ContentDigest" in words("s3://lake/model.tar.gz", ContentDigest=f"sha256:{'0' * 64}")
    assert register(client).endswith("cars/1")


def test_an_author_does_not_approve_under_not_author(inside: InProcess, client: Any) -> None:
    tag(client, approval_not_author="yes")
    ada, bob = person_of(inside, "ada"), person_of(inside, "bob")
    arn = register(ada)
    code, message = refused(ada.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert code == "AccessDeniedException"
    assert "The approval rule not-author of cars" in message
    approve(bob, arn)
    assert client.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "Approved"
    code, message = refused(
        ada.create_model_package,
        ModelPackageGroupName="cars",
        InferenceSpecification=SPECIFICATION,
        ModelApprovalStatus="Approved",
    )
    assert code == "AccessDeniedException"
    assert "PendingManualApproval" in message


def test_two_persons_approve_and_the_first_approval_is_kept_and_shown(inside: InProcess, client: Any) -> None:
    tag(client, approval_two_persons="yes")
    ada, bob = person_of(inside, "ada"), person_of(inside, "bob")
    arn = register(client)
    approve(ada, arn, "looks fine")
    said = client.describe_model_package(ModelPackageName=arn)
    assert said["ModelApprovalStatus"] == "PendingManualApproval"
    assert said["ApprovalDescription"] == f"1 of 2 approvals: arn:aws:iam::{ACCOUNT}:user/ada: looks fine"
    code, message = refused(ada.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert code == "AccessDeniedException"
    assert "has approved version cars/1 already" in message
    approve(bob, arn, "me too")
    said = client.describe_model_package(ModelPackageName=arn)
    assert said["ModelApprovalStatus"] == "Approved"
    assert said["ApprovalDescription"].endswith("user/ada: looks fine; arn:aws:iam::123456789012:user/bob: me too")
    decisions = [value for key, value in said["CustomerMetadataProperties"].items() if "decision" in key]
    assert [one.partition(" at ")[0].rpartition("/")[2] for one in decisions] == ["ada", "bob"]
    code, message = refused(client.update_model_package, ModelPackageArn=arn, InferenceSpecification=SPECIFICATION)
    assert "cannot change. Register a new version" in message


def test_a_rejection_or_a_change_voids_a_first_approval(inside: InProcess, client: Any) -> None:
    tag(client, approval_two_persons="yes")
    ada, bob = person_of(inside, "ada"), person_of(inside, "bob")
    for voids in ({"ModelApprovalStatus": "Rejected"}, {"InferenceSpecification": SPECIFICATION}):
        arn = register(client)
        approve(ada, arn)
        client.update_model_package(ModelPackageArn=arn, **voids)
        approve(bob, arn)
        assert client.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "PendingManualApproval"
        approve(ada, arn)
        assert client.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "Approved"


def test_a_minimum_metric_holds_at_creation_and_at_approval(inside: InProcess, client: Any) -> None:
    tag(client, approval_metric="accuracy at-least 0.8")
    good, poor = measured(inside, 0.8, "good.json"), measured(inside, 0.79, "poor.json")
    approve(client, register(client, ModelMetrics=good))
    register(client, ModelMetrics=good, ModelApprovalStatus="Approved")
    arn = register(client, ModelMetrics=poor)
    code, message = refused(client.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert (code, message.partition(" of cars")[0]) == (
        "ValidationException",
        "The approval rule metric accuracy at-least 0.8",
    )
    assert message.endswith("version cars/3 has 0.79")
    without = register(client)
    _, message = refused(client.update_model_package, ModelPackageArn=without, ModelApprovalStatus="Approved")
    assert "has no metric 'accuracy' in its ModelMetrics (no metrics)" in message
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription="poor")
    assert client.describe_model_package(ModelPackageName=arn)["ApprovalDescription"] == "poor"


def test_a_candidate_beats_what_the_production_endpoint_serves(inside: InProcess, client: Any) -> None:
    tag(client, approval_beat_in_service="accuracy higher")
    make_role(inside)
    first = register(client, ModelMetrics=measured(inside, 0.9, "1.json"))
    approve(client, first)  # nothing is in service yet
    client.create_model(
        ModelName="m", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": first}], EnableNetworkIsolation=False
    )
    variant = {"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="cars-production", EndpointConfigName="c")
    endpoint = inside.store.get(ACCOUNT, REGION, "endpoint", "cars-production")
    inside.store.update(endpoint, phase="InService", due=None, _live=endpoint.status["_target"])
    worse = register(client, ModelMetrics=measured(inside, 0.9, "2.json"))
    _, message = refused(client.update_model_package, ModelPackageArn=worse, ModelApprovalStatus="Approved")
    assert message.endswith(
        "version cars/2 has 0.9, and version cars/1, which the endpoint cars-production serves, has 0.9"
    )
    approve(client, register(client, ModelMetrics=measured(inside, 0.91, "3.json")))


def test_the_homes_rules_hold_for_every_group_and_tags_take_none_away(inside: InProcess, client: Any) -> None:
    inside.ports[HomeRules] = HomeRules.of("metric accuracy at-least 0.8")
    tag(client, approval_metric="accuracy at-least 0.1")
    arn = register(client, ModelMetrics=measured(inside, 0.5))
    _, message = refused(client.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert "metric accuracy at-least 0.8" in message


def test_what_is_no_rule_is_refused_where_it_is_set(client: Any) -> None:
    for key, value in (("metric", "accuracy over 3"), ("metric", "a at-least x"), ("three-persons", "")):
        with pytest.raises(ClientError, match="rule"):
            client.add_tags(ResourceArn=GROUP, Tags=[{"Key": f"approval:{key}", "Value": value}])
    with pytest.raises(NotARule):
        of_setting("two-persons; whatever")
    assert list(of_setting("two-persons; not-author; metric a.b below 3; beat-in-service mse lower")) == [
        "two-persons",
        "not-author",
        "metric a.b below 3",
        "beat-in-service mse lower",
    ]
    assert not of_tags({"approval:two-persons": "no", "team": "blue"})


def test_an_alias_moves_from_version_to_version_in_one_step(client: Any) -> None:
    register(client)
    register(client)
    with pytest.raises(ClientError, match="names version '3', which cars has not"):
        tag(client, alias_champion="3")
    tag(client, alias_champion="1")
    tag(client, alias_champion="2")
    assert client.list_tags(ResourceArn=GROUP)["Tags"] == [{"Key": "alias:champion", "Value": "2"}]
    with pytest.raises(ClientError, match="Version cars/2 is called champion"):
        client.delete_model_package(ModelPackageName=f"{HERE}:model-package/cars/2")


def test_a_groups_policy_lets_in_and_keeps_out(inside: InProcess, client: Any) -> None:
    arn = register(client)
    people = inside.client("iam")
    for name in ("reader", "approver"):
        people.create_user(UserName=name)
    people.put_user_policy(UserName="approver", PolicyName="p", PolicyDocument=document("sagemaker:*"))
    reader, approver = (inside.client("sagemaker", keys=keys_of(inside, one)) for one in ("reader", "approver"))
    with pytest.raises(ClientError, match="not authorized"):
        reader.describe_model_package(ModelPackageName=arn)
    users = f"arn:aws:iam::{ACCOUNT}:user"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"{users}/reader"},
                "Action": "sagemaker:DescribeModelPackage",
                "Resource": f"{HERE}:model-package/cars/*",
            },
            {
                "Effect": "Deny",
                "Principal": {"AWS": f"{users}/approver"},
                "Action": "sagemaker:UpdateModelPackage",
                "Resource": f"{HERE}:model-package/cars/*",
            },
        ],
    }
    client.put_model_package_group_policy(ModelPackageGroupName="cars", ResourcePolicy=json.dumps(policy))
    assert reader.describe_model_package(ModelPackageName=arn)["ModelPackageVersion"] == 1
    with pytest.raises(ClientError, match="explicit deny"):
        approve(approver, arn)


def test_an_identity_may_be_kept_from_one_status_by_awss_condition_key(inside: InProcess, client: Any) -> None:
    arn = register(client)
    people = inside.client("iam")
    people.create_user(UserName="deployer")
    statements = [
        {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "sagemaker:UpdateModelPackage",
            "Resource": "*",
            "Condition": {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}},
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    people.put_user_policy(UserName="deployer", PolicyName="p", PolicyDocument=policy)
    deployer = inside.client("sagemaker", keys=keys_of(inside, "deployer"))
    deployer.update_model_package(ModelPackageArn=arn, ModelLifeCycle={"Stage": "Staging", "StageStatus": "Live"})
    with pytest.raises(ClientError, match="not authorized"):
        approve(deployer, arn)


def test_model_data_that_was_written_over_is_not_what_was_approved(inside: InProcess, client: Any) -> None:
    make_role(inside)
    arn = register(client, ModelApprovalStatus="Approved")
    request = {"ExecutionRoleArn": ROLE, "Containers": [{"ModelPackageName": arn}]}
    client.create_model(ModelName="before", **request)
    inside.client("s3").put_object(Bucket="lake", Key="model.tar.gz", Body=b"other")
    with pytest.raises(ClientError, match=r"was written over after model package .*cars/1 was registered"):
        client.create_model(ModelName="after", **request)
    again = register(client, ModelApprovalStatus="Approved")
    client.create_model(ModelName="after", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": again}])


def test_a_role_is_one_person_whatever_its_sessions_are_called() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/team"
    assert person(f"arn:aws:sts::{ACCOUNT}:assumed-role/team/ada") == role
    assert person(f"arn:aws:sts::{ACCOUNT}:assumed-role/team/bob") == role
    assert person(f"arn:aws:iam::{ACCOUNT}:user/ada").endswith("user/ada")


def test_numbers_of_a_document_are_found_by_the_end_of_their_path() -> None:
    found = numbers(
        {"a": {"mse": {"value": 4, "std": 1}}, "b": {"mse": {"value": 5}}, "ok": True, "curve": [1], "n": 2}
    )
    assert found == {"a.mse.value": 4.0, "a.mse.std": 1.0, "b.mse.value": 5.0, "n": 2.0}
    assert (named(found, "a.mse"), named(found, "std"), named(found, "n"), named(found, "auc")) == (4.0, 1.0, 2.0, None)
    with pytest.raises(Ambiguous):
        named(found, "mse")
