"""Roles and their policies through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.inprocess import ACCOUNT, InProcess

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}
FULL = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


def make(iam: Any, name: str, **more: Any) -> Any:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **more)["Role"]


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_role_is_described_as_it_was_made(iam: Any, wire: InProcess) -> None:
    role = make(
        iam,
        "runs-jobs",
        Path="/service-role/",
        Description="runs",
        MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "b"}],
    )
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/service-role/runs-jobs"
    assert role["RoleId"].startswith("AROA") and len(role["RoleId"]) == 21
    again = iam.get_role(RoleName="runs-jobs")["Role"]
    assert again == role
    assert again["AssumeRolePolicyDocument"] == TRUST
    assert (again["Description"], again["MaxSessionDuration"]) == ("runs", 7200)
    assert again["CreateDate"].tzinfo is not None
    assert wire.client("iam", region="eu-west-1").get_role(RoleName="runs-jobs")["Role"] == role


def test_names_are_taken_once_and_missed_in_aws_words(iam: Any) -> None:
    make(iam, "one")
    assert refused(make, iam=iam, name="one") == ("EntityAlreadyExists", "Role with name one already exists.")
    missing = ("NoSuchEntity", "The role with name none cannot be found.")
    assert refused(iam.get_role, RoleName="none") == missing
    assert refused(iam.delete_role, RoleName="none") == missing
    assert refused(iam.attach_role_policy, RoleName="none", PolicyArn=FULL) == missing
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="none")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "This policy contains invalid Json"),
        ("[]", "Syntax errors"),
        ('{"Version": "2020-01-01", "Statement": []}', "valid version"),
        ('{"Version": "2012-10-17"}', "Missing required field Statement"),
        (json.dumps({"Statement": [{"Effect": "Maybe", "Action": "*"}]}), "Effect"),
        (json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*"}]}), "Missing required field Action"),
        (json.dumps({"Statement": [{"Effect": "Allow", "Action": "*"}]}), "Missing required field Principal"),
        (
            json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Principal": "*", "Resource": "*"}]}),
            "Has prohibited field Resource",
        ),
    ],
)
def test_a_bad_trust_policy_is_refused(iam: Any, document: str, words: str) -> None:
    code, message = refused(iam.create_role, RoleName="r", AssumeRolePolicyDocument=document)
    assert code == "MalformedPolicyDocument"
    assert words in message
    make(iam, "r")
    assert refused(iam.update_assume_role_policy, RoleName="r", PolicyDocument=document)[0] == code


def test_roles_are_listed_by_path_in_pages(iam: Any) -> None:
    for i in range(7):
        make(iam, f"r{i}", Path="/team/" if i % 2 else "/")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert names == [f"r{i}" for i in range(7)]
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix="/team", PaginationConfig={"PageSize": 2}))
    assert [[role["RoleName"] for role in page["Roles"]] for page in pages] == [["r1", "r3"], ["r5"]]
    marker = iam.list_roles(MaxItems=1)["Marker"]
    assert refused(iam.list_roles, PathPrefix="/team", Marker=marker)[0] == "ValidationError"


def test_a_role_is_updated(iam: Any) -> None:
    make(iam, "r", Description="old")
    iam.update_role(RoleName="r", MaxSessionDuration=36000)
    role = iam.get_role(RoleName="r")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("old", 36000)
    assert iam.update_role_description(RoleName="r", Description="new")["Role"]["Description"] == "new"
    other = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]}
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=json.dumps(other))
    assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == other


def test_managed_policies_are_attached_and_hold_the_role(iam: Any, wire: InProcess) -> None:
    make(iam, "r")
    iam.attach_role_policy(RoleName="r", PolicyArn=FULL)
    iam.attach_role_policy(RoleName="r", PolicyArn=FULL)
    deep = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
    iam.attach_role_policy(RoleName="r", PolicyArn=deep)
    assert iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"] == [
        {"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": FULL},
        {"PolicyName": "AWSGlueServiceRole", "PolicyArn": deep},
    ]
    under = iam.list_attached_role_policies(RoleName="r", PathPrefix="/service-role/")["AttachedPolicies"]
    assert [one["PolicyArn"] for one in under] == [deep]
    assert refused(iam.delete_role, RoleName="r") == (
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    own = f"arn:aws:iam::{ACCOUNT}:policy/none"
    assert refused(iam.attach_role_policy, RoleName="r", PolicyArn=own)[0] == "NoSuchEntity"
    assert refused(iam.detach_role_policy, RoleName="r", PolicyArn=own)[0] == "NoSuchEntity"
    for arn in (FULL, deep):
        iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    iam.delete_role(RoleName="r")
    assert iam.list_roles()["Roles"] == []


def test_no_more_than_ten_policies_are_attached(iam: Any) -> None:
    make(iam, "r")
    for i in range(10):
        iam.attach_role_policy(RoleName="r", PolicyArn=f"arn:aws:iam::aws:policy/P{i}")
    assert refused(iam.attach_role_policy, RoleName="r", PolicyArn="arn:aws:iam::aws:policy/P10")[0] == (
        "LimitExceeded"
    )


def test_inline_policies_are_kept_as_sent(iam: Any) -> None:
    make(iam, "r")
    iam.put_role_policy(RoleName="r", PolicyName="read", PolicyDocument=json.dumps(READ))
    assert iam.get_role_policy(RoleName="r", PolicyName="read")["PolicyDocument"] == READ
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["read"]
    assert refused(iam.get_role_policy, RoleName="r", PolicyName="none") == (
        "NoSuchEntity",
        "The role policy with name none cannot be found.",
    )
    assert refused(iam.put_role_policy, RoleName="r", PolicyName="x", PolicyDocument=json.dumps(TRUST))[0] == (
        "MalformedPolicyDocument"
    )
    long = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::" + "x" * 11_000}]}
    assert refused(iam.put_role_policy, RoleName="r", PolicyName="x", PolicyDocument=json.dumps(long))[0] == (
        "LimitExceeded"
    )
    assert refused(iam.delete_role, RoleName="r")[1] == "Cannot delete entity, must delete policies first."
    iam.delete_role_policy(RoleName="r", PolicyName="read")
    iam.delete_role(RoleName="r")


def test_roles_carry_tags(iam: Any) -> None:
    make(iam, "r", Tags=[{"Key": "b", "Value": "1"}])
    iam.tag_role(RoleName="r", Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    assert iam.list_role_tags(RoleName="r")["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    iam.untag_role(RoleName="r", TagKeys=["b"])
    assert iam.get_role(RoleName="r")["Role"]["Tags"] == [{"Key": "a", "Value": "2"}]
    double = [{"Key": "x", "Value": ""}, {"Key": "X", "Value": ""}]
    assert refused(iam.tag_role, RoleName="r", Tags=double)[0] == "InvalidInput"


def test_other_operations_say_so(iam: Any) -> None:
    with pytest.raises(ClientError, match="CreateLoginProfile") as caught:
        iam.create_login_profile(UserName="u", Password="secret")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
