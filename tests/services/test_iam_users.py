"""Users, their keys and their groups through boto3."""

import json
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import Keys
from tests.iam_house import FULL, TRUST, document, keys_of, refused, session_keys
from tests.inprocess import ACCOUNT, InProcess

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_a_user_is_described_as_it_was_made(iam: Any) -> None:
    made = iam.create_user(UserName="ada", Path="/team/", Tags=[{"Key": "a", "Value": "b"}], PermissionsBoundary=ADMIN)[
        "User"
    ]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/ada"
    assert made["UserId"].startswith("AIDA") and len(made["UserId"]) == 21
    assert made["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": ADMIN,
    }
    assert iam.get_user(UserName="ada")["User"] == made
    listed = iam.list_users()["Users"]
    assert listed == [{name: made[name] for name in ("Path", "UserName", "UserId", "Arn", "CreateDate")}]
    assert iam.list_user_tags(UserName="ada")["Tags"] == [{"Key": "a", "Value": "b"}]


def test_names_are_not_told_apart_by_case(iam: Any) -> None:
    iam.create_user(UserName="ada")
    assert refused(iam.create_user, UserName="Ada") == ("EntityAlreadyExists", "User with name Ada already exists.")
    iam.create_user(UserName="ad")
    assert refused(iam.update_user, UserName="ad", NewUserName="ADA")[0] == "EntityAlreadyExists"
    iam.update_user(UserName="ada", NewUserName="ADA")
    assert refused(iam.get_user, UserName="ada") == ("NoSuchEntity", "The user with name ada cannot be found.")


def test_users_are_listed_by_path_in_pages(iam: Any) -> None:
    for i in range(5):
        iam.create_user(UserName=f"u{i}", Path="/team/" if i % 2 else "/")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    assert [[one["UserName"] for one in page["Users"]] for page in pages] == [["u0", "u1"], ["u2", "u3"], ["u4"]]
    assert [one["UserName"] for one in iam.list_users(PathPrefix="/team/")["Users"]] == ["u1", "u3"]
    marker = iam.list_users(MaxItems=1)["Marker"]
    assert refused(iam.list_users, PathPrefix="/team/", Marker=marker)[0] == "ValidationError"


def test_a_renamed_user_keeps_keys_groups_and_policies(iam: Any, wire: InProcess) -> None:
    made = iam.create_user(UserName="ada")["User"]
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="own", PolicyDocument=document("iam:GetUser"))
    iam.attach_user_policy(UserName="ada", PolicyArn=FULL)
    keys = keys_of(wire, "ada")
    iam.update_user(UserName="ada", NewUserName="countess", NewPath="/peers/")
    user = iam.get_user(UserName="countess")["User"]
    assert (user["UserId"], user["Arn"]) == (made["UserId"], f"arn:aws:iam::{ACCOUNT}:user/peers/countess")
    assert wire.client("sts", keys=keys).get_caller_identity()["Arn"] == user["Arn"]
    assert wire.client("iam", keys=keys).get_user()["User"]["UserName"] == "countess"
    assert [one["UserName"] for one in iam.get_group(GroupName="team")["Users"]] == ["countess"]
    assert iam.list_user_policies(UserName="countess")["PolicyNames"] == ["own"]
    assert iam.list_access_keys(UserName="countess")["AccessKeyMetadata"][0]["AccessKeyId"] == keys.access_key_id


def test_a_user_is_deleted_when_nothing_hangs_on_it(iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=FULL)
    iam.put_user_policy(UserName="ada", PolicyName="own", PolicyDocument=document("s3:*"))
    key = iam.create_access_key(UserName="ada")["AccessKey"]["AccessKeyId"]
    said = []
    for mend in (
        lambda: iam.delete_access_key(UserName="ada", AccessKeyId=key),
        lambda: iam.detach_user_policy(UserName="ada", PolicyArn=FULL),
        lambda: iam.delete_user_policy(UserName="ada", PolicyName="own"),
        lambda: iam.remove_user_from_group(GroupName="team", UserName="ada"),
    ):
        code, message = refused(iam.delete_user, UserName="ada")
        assert code == "DeleteConflict"
        said.append(message)
        mend()
    assert said == [
        "Cannot delete entity, must delete access keys first.",
        "Cannot delete entity, must detach all policies first.",
        "Cannot delete entity, must delete policies first.",
        "Cannot delete entity, must remove users from group first.",
    ]
    iam.delete_user(UserName="ada")
    assert refused(iam.delete_user, UserName="ada")[0] == "NoSuchEntity"


def test_get_user_without_a_name_is_the_caller(iam: Any, wire: InProcess) -> None:
    root = iam.get_user()["User"]
    assert (root["Arn"], root["UserId"]) == (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    assert root["CreateDate"].timestamp() == 1_700_000_000
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="own", PolicyDocument=document("iam:*"))
    mine = wire.client("iam", keys=keys_of(wire, "ada"))
    assert mine.get_user()["User"]["UserName"] == "ada"
    assert mine.create_access_key()["AccessKey"]["UserName"] == "ada"
    assert len(mine.list_access_keys()["AccessKeyMetadata"]) == 2
    code, message = refused(iam.list_access_keys)
    assert (code, message) == ("ValidationError", "Must specify userName when calling with non-User credentials")


def test_a_key_signs_until_it_is_inactive_or_gone(iam: Any, wire: InProcess) -> None:
    iam.create_user(UserName="ada")
    keys = keys_of(wire, "ada")
    sts = wire.client("sts", keys=keys)
    said = sts.get_caller_identity()
    assert said["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ada"
    assert said["UserId"] == iam.get_user(UserName="ada")["User"]["UserId"]
    key = {"UserName": "ada", "AccessKeyId": keys.access_key_id}
    iam.update_access_key(Status="Inactive", **key)
    assert iam.list_access_keys(UserName="ada")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"
    iam.update_access_key(Status="Active", **key)
    sts.get_caller_identity()
    iam.delete_access_key(**key)
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"
    assert refused(iam.delete_access_key, **key) == (
        "NoSuchEntity",
        f"The Access Key with id {keys.access_key_id} cannot be found.",
    )


def test_a_wrong_secret_does_not_sign(iam: Any, wire: InProcess) -> None:
    iam.create_user(UserName="ada")
    keys = keys_of(wire, "ada")
    wrong = Keys(keys.access_key_id, "x" * 40)
    assert refused(wire.client("sts", keys=wrong).get_caller_identity)[0] == "SignatureDoesNotMatch"


def test_no_secret_is_in_the_state_file(iam: Any, wire: InProcess, tmp_path: Path) -> None:
    iam.create_user(UserName="ada")
    keys = keys_of(wire, "ada")
    state = b"".join(one.read_bytes() for one in tmp_path.glob("clary.db*"))
    assert keys.access_key_id.encode() in state
    assert keys.secret_access_key.encode() not in state


def test_a_user_has_two_keys_at_most_and_only_its_own(iam: Any, wire: InProcess) -> None:
    for name in ("ada", "bob"):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document("iam:*"))
    first, _ = keys_of(wire, "ada"), keys_of(wire, "ada")
    assert refused(iam.create_access_key, UserName="ada") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    bob = wire.client("iam", keys=keys_of(wire, "bob"))
    assert refused(bob.delete_access_key, AccessKeyId=first.access_key_id)[0] == "NoSuchEntity"
    assert refused(iam.delete_access_key, UserName="bob", AccessKeyId=first.access_key_id)[0] == "NoSuchEntity"
    iam.delete_access_key(AccessKeyId=first.access_key_id)


def test_the_last_use_of_a_key_is_told(iam: Any, wire: InProcess) -> None:
    iam.create_user(UserName="ada")
    keys = keys_of(wire, "ada")
    told = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)
    assert (told["UserName"], told["AccessKeyLastUsed"]) == ("ada", {"ServiceName": "N/A", "Region": "N/A"})
    wire.client("sts", keys=keys, region="eu-west-1").get_caller_identity()
    first = int(wire.clock.now())
    wire.clock.advance(59)
    wire.client("sts", keys=keys).get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"], used["LastUsedDate"].timestamp()) == ("sts", "eu-west-1", first)
    wire.clock.advance(1)
    wire.client("sts", keys=keys).get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["AccessKeyLastUsed"]
    assert (used["Region"], used["LastUsedDate"].timestamp()) == ("us-east-1", first + 60)
    assert refused(iam.get_access_key_last_used, AccessKeyId="AKIAIOSFODNN7UNKNOWN")[0] == "NoSuchEntity"


def test_the_last_use_of_a_role_is_told(iam: Any, wire: InProcess) -> None:
    arn = iam.create_role(RoleName="runs", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    credentials = wire.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    assert "RoleLastUsed" not in iam.get_role(RoleName="runs")["Role"]
    wire.client("sts", keys=session_keys(credentials), region="eu-west-1").get_caller_identity()
    used = iam.get_role(RoleName="runs")["Role"]["RoleLastUsed"]
    assert (used["Region"], used["LastUsedDate"].timestamp()) == ("eu-west-1", int(wire.clock.now()))
    iam.delete_role(RoleName="runs")
    iam.create_role(RoleName="runs", AssumeRolePolicyDocument=TRUST)
    wire.clock.advance(60)
    wire.client("sts", keys=session_keys(credentials)).get_caller_identity()
    assert "RoleLastUsed" not in iam.get_role(RoleName="runs")["Role"], "it is another role"


def test_a_user_may_what_its_policies_and_groups_allow(iam: Any, wire: InProcess) -> None:
    iam.create_user(UserName="ada")
    mine = wire.client("iam", keys=keys_of(wire, "ada"))
    code, message = refused(mine.list_users)
    assert code == "AccessDenied"
    assert message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/ada is not authorized to perform: iam:ListUsers on")
    iam.create_group(GroupName="team")
    iam.put_group_policy(GroupName="team", PolicyName="look", PolicyDocument=document("iam:ListUsers"))
    iam.add_user_to_group(GroupName="team", UserName="ada")
    mine.list_users()
    iam.update_group(GroupName="team", NewGroupName="crew")
    mine.list_users()
    iam.put_user_policy(UserName="ada", PolicyName="no", PolicyDocument=document("iam:ListUsers", effect="Deny"))
    assert "explicit deny" in refused(mine.list_users)[1]
    iam.delete_user_policy(UserName="ada", PolicyName="no")
    mine.list_users()
    iam.remove_user_from_group(GroupName="crew", UserName="ada")
    assert refused(mine.list_users)[0] == "AccessDenied"


def test_a_boundary_bounds(iam: Any, wire: InProcess) -> None:
    iam.create_user(UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=ADMIN)
    policy = iam.create_policy(PolicyName="bound", PolicyDocument=document("iam:List*"))["Policy"]["Arn"]
    mine = wire.client("iam", keys=keys_of(wire, "ada"))
    mine.list_users()
    mine.get_user(UserName="ada")
    iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=policy)
    mine.list_users()
    assert "no permissions boundary allows" in refused(mine.get_user, UserName="ada")[1]
    assert refused(iam.delete_policy, PolicyArn=policy)[0] == "DeleteConflict"
    assert iam.get_policy(PolicyArn=policy)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.delete_user_permissions_boundary(UserName="ada")
    mine.get_user(UserName="ada")
    none = f"arn:aws:iam::{ACCOUNT}:policy/none"
    code, _ = refused(iam.put_user_permissions_boundary, UserName="ada", PermissionsBoundary=none)
    assert code == "InvalidInput"


def test_groups_hold_users(iam: Any) -> None:
    made = iam.create_group(GroupName="team", Path="/all/")["Group"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/all/team"
    assert made["GroupId"].startswith("AGPA")
    for name in ("bob", "ada"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="team", UserName=name)
        iam.add_user_to_group(GroupName="team", UserName=name)
    pages = list(iam.get_paginator("get_group").paginate(GroupName="team", PaginationConfig={"PageSize": 1}))
    assert [[one["UserName"] for one in page["Users"]] for page in pages] == [["ada"], ["bob"]]
    assert pages[0]["Group"] == made
    assert iam.list_groups_for_user(UserName="ada")["Groups"] == [made] == iam.list_groups()["Groups"]
    assert refused(iam.delete_group, GroupName="team") == (
        "DeleteConflict",
        "Cannot delete entity, must remove users from group first.",
    )
    for name in ("bob", "ada"):
        iam.remove_user_from_group(GroupName="team", UserName=name)
    assert refused(iam.remove_user_from_group, GroupName="team", UserName="ada")[0] == "NoSuchEntity"
    iam.delete_group(GroupName="team")
    assert refused(iam.get_group, GroupName="team") == ("NoSuchEntity", "The group with name team cannot be found.")


def test_a_user_is_in_ten_groups_at_most(iam: Any) -> None:
    iam.create_user(UserName="ada")
    for i in range(11):
        iam.create_group(GroupName=f"g{i:02}")
    for i in range(10):
        iam.add_user_to_group(GroupName=f"g{i:02}", UserName="ada")
    code, message = refused(iam.add_user_to_group, GroupName="g10", UserName="ada")
    assert (code, message) == ("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")


@pytest.mark.parametrize(("kind", "most"), [("user", 2048), ("group", 5120), ("role", 10_240)])
def test_inline_policies_have_a_size(iam: Any, kind: str, most: int) -> None:
    trust = json.loads(document("sts:AssumeRole"))
    trust["Statement"][0] |= {"Principal": "*"}
    trust["Statement"][0].pop("Resource")
    more = {"AssumeRolePolicyDocument": json.dumps(trust)} if kind == "role" else {}
    name = {f"{kind.title()}Name": "x"}
    getattr(iam, f"create_{kind}")(**name, **more)
    put = getattr(iam, f"put_{kind}_policy")
    room = most - len(document("s3:*", resource="arn:aws:s3:::").replace(" ", ""))
    fits = document("s3:*", resource="arn:aws:s3:::" + "x" * room)
    put(PolicyName="p", PolicyDocument=fits, **name)
    code, message = refused(put, PolicyName="q", PolicyDocument=document("s3:*"), **name)
    assert (code, message) == ("LimitExceeded", f"Maximum policy size of {most} bytes exceeded for {kind} x")


def test_what_nobody_has_is_told_so(iam: Any) -> None:
    iam.create_user(UserName="ada")
    assert refused(iam.get_login_profile, UserName="ada") == (
        "NoSuchEntity",
        "Login Profile for User ada cannot be found.",
    )
    assert refused(iam.delete_login_profile, UserName="ada")[0] == "NoSuchEntity"
    assert refused(iam.get_account_password_policy)[0] == "NoSuchEntity"
    for operation, member in (
        ("list_mfa_devices", "MFADevices"),
        ("list_ssh_public_keys", "SSHPublicKeys"),
        ("list_signing_certificates", "Certificates"),
        ("list_service_specific_credentials", "ServiceSpecificCredentials"),
    ):
        assert getattr(iam, operation)(UserName="ada")[member] == []
        assert refused(getattr(iam, operation), UserName="none")[0] == "NoSuchEntity"
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_saml_providers()["SAMLProviderList"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []
