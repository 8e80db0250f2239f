"""Managed policies, who carries them, and the account as a whole, through boto3."""

import json
from typing import Any

import pytest

from clary.kernel.store import Where
from clary.services.iam import referred
from tests.iam_house import FULL, TRUST, document, keys_of, refused
from tests.inprocess import ACCOUNT, InProcess


def policy(iam: Any, name: str, *actions: str, **more: Any) -> str:
    """The ARN of a new policy."""
    return str(iam.create_policy(PolicyName=name, PolicyDocument=document(*actions), **more)["Policy"]["Arn"])


def test_a_policy_is_described_as_it_was_made(iam: Any) -> None:
    arn = policy(iam, "read", "s3:Get*", Path="/team/", Description="reads", Tags=[{"Key": "a", "Value": "b"}])
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/team/read"
    told = iam.get_policy(PolicyArn=arn)["Policy"]
    assert told["PolicyId"].startswith("ANPA")
    assert (told["DefaultVersionId"], told["AttachmentCount"], told["IsAttachable"]) == ("v1", 0, True)
    assert (told["Description"], told["Tags"]) == ("reads", [{"Key": "a", "Value": "b"}])
    assert told["CreateDate"] == told["UpdateDate"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(document("s3:Get*"))
    assert version["IsDefaultVersion"] is True
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert refused(iam.create_policy, PolicyName="READ", PolicyDocument=document("s3:*")) == (
        "EntityAlreadyExists",
        "A policy called READ already exists. Duplicate names are not allowed.",
    )


def test_the_version_in_force_decides(iam: Any, wire: InProcess) -> None:
    arn = policy(iam, "look", "iam:ListUsers")
    iam.create_user(UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    mine = wire.client("iam", keys=keys_of(wire, "ada"))
    mine.list_users()
    wire.clock.advance(5)
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("iam:ListRoles"))["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"], "Document" in made) == ("v2", False, False)
    mine.list_users()
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    assert refused(mine.list_users)[0] == "AccessDenied"
    mine.list_roles()
    told = iam.get_policy(PolicyArn=arn)["Policy"]
    assert told["DefaultVersionId"] == "v2" and told["UpdateDate"] > told["CreateDate"]
    code, message = refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2")
    assert (code, message) == ("DeleteConflict", "Cannot delete the default version of a policy.")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("iam:*"), SetAsDefault=True)
    assert [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v3", "v2"]
    assert refused(iam.get_policy_version, PolicyArn=arn, VersionId="v1")[0] == "NoSuchEntity"
    assert refused(iam.set_default_policy_version, PolicyArn=arn, VersionId="v1")[0] == "NoSuchEntity"


def test_a_policy_has_five_versions_at_most(iam: Any) -> None:
    arn = policy(iam, "p", "s3:*")
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("s3:*"))
    code, message = refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document("s3:*"))
    assert code == "LimitExceeded" and "up to 5 versions" in message
    pages = list(iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 2}))
    assert [[one["VersionId"] for one in page["Versions"]] for page in pages] == [["v5", "v4"], ["v3", "v2"], ["v1"]]
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    for number in range(2, 6):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.")


def test_a_policy_is_deleted_when_nobody_carries_it(iam: Any) -> None:
    arn = policy(iam, "p", "s3:*")
    iam.create_group(GroupName="team")
    iam.attach_group_policy(GroupName="team", PolicyArn=arn)
    assert refused(iam.delete_policy, PolicyArn=arn) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    assert iam.list_attached_group_policies(GroupName="team")["AttachedPolicies"] == [
        {"PolicyName": "p", "PolicyArn": arn}
    ]
    iam.detach_group_policy(GroupName="team", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.attach_group_policy, GroupName="team", PolicyArn=arn) == (
        "NoSuchEntity",
        f"Policy {arn} does not exist or is not attachable.",
    )
    assert refused(iam.get_policy, PolicyArn="arn:aws:s3:::what-is-this")[0] == "InvalidInput"


def test_policies_are_listed_by_scope(iam: Any) -> None:
    own = [policy(iam, name, "s3:*", Path=path) for name, path in (("a", "/"), ("b", "/team/"))]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    for arn in (own[1], FULL):
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)

    def arns(**asked: Any) -> list[str]:
        pages = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 7}, **asked)
        return [one["Arn"] for page in pages for one in page["Policies"]]

    assert arns(Scope="Local") == own
    assert arns(Scope="Local", PathPrefix="/team/") == [own[1]]
    assert arns(OnlyAttached=True) == [own[1], FULL]
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=own[0])
    assert arns(PolicyUsageFilter="PermissionsBoundary") == [own[0]]
    assert arns(PolicyUsageFilter="PermissionsPolicy") == [own[1], FULL]
    of_aws = arns(Scope="AWS")
    assert FULL in of_aws and not set(own) & set(of_aws)
    assert sorted([*own, *of_aws]) == arns()


def test_a_policy_of_aws_can_be_read(iam: Any) -> None:
    told = iam.get_policy(PolicyArn=FULL)["Policy"]
    assert (told["PolicyName"], told["Path"]) == ("AmazonSageMakerFullAccess", "/")
    version = iam.get_policy_version(PolicyArn=FULL, VersionId=told["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Statement"]
    assert [one["VersionId"] for one in iam.list_policy_versions(PolicyArn=FULL)["Versions"]] == [
        told["DefaultVersionId"]
    ]
    assert refused(iam.create_policy_version, PolicyArn=FULL, PolicyDocument=document("s3:*"))[0] == "NoSuchEntity"
    assert refused(iam.get_policy, PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")[0] == "NoSuchEntity"


def test_who_carries_a_policy(iam: Any) -> None:
    arn = policy(iam, "p", "s3:*")
    user = iam.create_user(UserName="ada", Path="/team/")["User"]
    iam.create_user(UserName="bob", PermissionsBoundary=arn)
    group = iam.create_group(GroupName="team")["Group"]
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    iam.attach_group_policy(GroupName="team", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    told = iam.list_entities_for_policy(PolicyArn=arn)
    assert told["PolicyUsers"] == [{"UserName": "ada", "UserId": user["UserId"]}]
    assert told["PolicyGroups"] == [{"GroupName": "team", "GroupId": group["GroupId"]}]
    assert told["PolicyRoles"] == [{"RoleName": "r", "RoleId": role["RoleId"]}]
    pages = list(
        iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["PolicyUsers"] + page["PolicyGroups"] + page["PolicyRoles"]) for page in pages] == [2, 1]
    only = iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="User", PathPrefix="/team/")
    assert (len(only["PolicyUsers"]), only["PolicyRoles"], only["PolicyGroups"]) == (1, [], [])
    bounded = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert [one["UserName"] for one in bounded["PolicyUsers"]] == ["bob"]
    assert iam.list_entities_for_policy(PolicyArn=FULL)["PolicyRoles"] == []


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        "{}",
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*"}]}),
        json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "x"}}),
        json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "get", "Resource": "*"}}),
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Odd": {"a": "b"}}},
            }
        ),
    ],
)
def test_a_document_that_is_no_policy_is_refused(iam: Any, bad: str) -> None:
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument=bad)[0] == "MalformedPolicyDocument"


def test_a_document_is_6144_characters_at_most(iam: Any) -> None:
    long = document("s3:*", resource="arn:aws:s3:::" + "x" * 6144)
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument=long) == (
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
    )


def test_instance_profiles_hold_a_role(iam: Any) -> None:
    made = iam.create_instance_profile(InstanceProfileName="p", Path="/x/", Tags=[{"Key": "a", "Value": "b"}])
    profile = made["InstanceProfile"]
    assert (profile["Arn"], profile["Roles"]) == (f"arn:aws:iam::{ACCOUNT}:instance-profile/x/p", [])
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.create_role(RoleName="s", AssumeRolePolicyDocument=TRUST)
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    assert refused(iam.add_role_to_instance_profile, InstanceProfileName="p", RoleName="s")[0] == "LimitExceeded"
    told = iam.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]
    assert [one["Arn"] for one in told["Roles"]] == [role["Arn"]]
    assert told["Tags"] == [{"Key": "a", "Value": "b"}]
    listed = iam.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in listed] == ["p"]
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    conflict = ("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    assert refused(iam.delete_instance_profile, InstanceProfileName="p") == conflict
    assert refused(iam.delete_role, RoleName="r") == conflict
    assert refused(iam.remove_role_from_instance_profile, InstanceProfileName="p", RoleName="s")[0] == "NoSuchEntity"
    iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    iam.delete_instance_profile(InstanceProfileName="p")
    assert refused(iam.get_instance_profile, InstanceProfileName="p") == (
        "NoSuchEntity",
        "Instance Profile p cannot be found.",
    )


def test_a_linked_role_is_changed_by_nobody_else(iam: Any) -> None:
    role = iam.create_service_linked_role(AWSServiceName="sagemaker.amazonaws.com", Description="d")["Role"]
    assert role["Arn"] == (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.amazonaws.com/AWSServiceRoleForAmazonSageMakerNotebooks"
    )
    name = {"RoleName": role["RoleName"]}
    assert len(iam.list_attached_role_policies(**name)["AttachedPolicies"]) == 1
    assert role["Description"] == "d"
    assert refused(iam.create_service_linked_role, AWSServiceName="sagemaker.amazonaws.com")[0] == "InvalidInput"
    assert refused(iam.create_service_linked_role, AWSServiceName="ec2.amazonaws.com")[0] == "InvalidInput"
    for call, more in (
        (iam.delete_role, {}),
        (iam.attach_role_policy, {"PolicyArn": FULL}),
        (iam.update_assume_role_policy, {"PolicyDocument": TRUST}),
        (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": document("s3:*")}),
    ):
        assert refused(call, **name, **more)[0] == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(**name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, **name)[0] == "NoSuchEntity"
    assert refused(iam.get_service_linked_role_deletion_status, DeletionTaskId="task/x")[0] == "NoSuchEntity"
    iam.create_role(RoleName="plain", AssumeRolePolicyDocument=TRUST)
    assert refused(iam.delete_service_linked_role, RoleName="plain")[0] == "InvalidInput"


def test_the_account_has_one_alias(iam: Any) -> None:
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="clary")
    assert refused(iam.create_account_alias, AccountAlias="clary")[0] == "EntityAlreadyExists"
    iam.create_account_alias(AccountAlias="other")
    assert iam.list_account_aliases()["AccountAliases"] == ["other"]
    assert refused(iam.delete_account_alias, AccountAlias="clary")[0] == "NoSuchEntity"
    iam.delete_account_alias(AccountAlias="other")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_the_summary_counts_what_is_there(iam: Any) -> None:
    before = iam.get_account_summary()["SummaryMap"]
    assert (before["Users"], before["UsersQuota"], before["AccountAccessKeysPresent"]) == (0, 5000, 1)
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="team")
    arn = policy(iam, "p", "s3:*")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document("s3:*"))
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    after = iam.get_account_summary()["SummaryMap"]
    told = {name: after[name] for name in ("Users", "Groups", "Roles", "Policies", "PolicyVersionsInUse")}
    assert told == {"Users": 1, "Groups": 1, "Roles": 1, "Policies": 1, "PolicyVersionsInUse": 2}


def test_all_of_it_in_one_list(iam: Any) -> None:
    arn = policy(iam, "p", "s3:*")
    iam.create_user(UserName="ada", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="ada")
    iam.put_group_policy(GroupName="team", PolicyName="own", PolicyDocument=document("s3:Get*"))
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="r", PolicyArn=FULL)
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    told = iam.get_account_authorization_details()
    (user,), (group,), (role,) = told["UserDetailList"], told["GroupDetailList"], told["RoleDetailList"]
    assert (user["GroupList"], user["AttachedManagedPolicies"][0]["PolicyArn"]) == (["team"], arn)
    assert user["Tags"] == [{"Key": "a", "Value": "b"}]
    assert group["GroupPolicyList"] == [{"PolicyName": "own", "PolicyDocument": json.loads(document("s3:Get*"))}]
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert sorted(one["Arn"] for one in told["Policies"]) == sorted([arn, FULL])
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2}))
    found = [
        one
        for page in pages
        for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
        for one in page[name]
    ]
    assert (len(pages), len(found)) == (3, 5)
    only = iam.get_account_authorization_details(Filter=["Role"])
    assert (len(only["RoleDetailList"]), only["UserDetailList"], only["Policies"]) == (1, [], [])


def test_a_home_from_before_references_is_brought_up_once(iam: Any, wire: InProcess) -> None:
    arn = policy(iam, "read", "s3:Get*")
    iam.create_user(UserName="ada", PermissionsBoundary=arn)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(UserName="ada", GroupName="readers")
    iam.create_role(RoleName="runs", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="box")
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="runs")
    iam.attach_role_policy(RoleName="runs", PolicyArn=arn)
    store = wire.store
    for kind in ("user", "role", "instance-profile"):
        for one in store.page(kind, Where(account=ACCOUNT, region="")):
            store.update(one, _refers=None)

    def used() -> tuple[int, int]:
        told = iam.get_policy(PolicyArn=arn)["Policy"]
        return told["AttachmentCount"], told["PermissionsBoundaryUsageCount"]

    assert used() == (0, 0)
    referred.bring_up(store, ACCOUNT)
    assert used() == (1, 1)
    assert [one["UserName"] for one in iam.get_group(GroupName="readers")["Users"]] == ["ada"]
    assert iam.list_instance_profiles_for_role(RoleName="runs")["InstanceProfiles"]
    stamp = store.stamp()
    referred.bring_up(store, ACCOUNT)
    assert store.stamp() == stamp, "it is done once"


def test_counts_follow_what_is_attached_and_who_is_gone(iam: Any) -> None:
    arn, longer = policy(iam, "read", "s3:Get*"), policy(iam, "read-more", "s3:*")
    for name in ("ada", "bob"):
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
        iam.attach_user_policy(UserName=name, PolicyArn=longer)
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    iam.update_user(UserName="ada", NewUserName="eve")
    iam.detach_user_policy(UserName="eve", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [one["UserName"] for one in iam.list_entities_for_policy(PolicyArn=longer)["PolicyUsers"]] == ["bob", "eve"]
    assert refused(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    for one in (arn, longer):
        iam.detach_user_policy(UserName="bob", PolicyArn=one)
    iam.delete_user(UserName="bob")
    iam.delete_policy(PolicyArn=arn)
    counts = {one["PolicyName"]: one["AttachmentCount"] for one in iam.list_policies(Scope="Local")["Policies"]}
    assert counts == {"read-more": 1}
