"""Who am I, and keys that act as a role, through boto3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys
from clary.services import sagemaker
from tests.iam_house import TRUST, document, iam_house, keys_of, refused, session_keys
from tests.inprocess import ACCOUNT, InProcess


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[InProcess]:
    with iam_house(tmp_path, [sagemaker.service]) as made:
        yield made


@pytest.fixture
def role(wire: InProcess) -> str:
    made = wire.client("iam").create_role(RoleName="runs", Path="/service-role/", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


def user(wire: InProcess, name: str, *policies: str) -> Keys:
    """The keys of a new user with these inline policies."""
    iam = wire.client("iam")
    iam.create_user(UserName=name)
    for number, text in enumerate(policies):
        iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=text)
    return keys_of(wire, name)


def acting(wire: InProcess, credentials: Any, service_name: str = "sts") -> Any:
    return wire.client(service_name, keys=session_keys(credentials))


def test_the_root_is_who_it_is(wire: InProcess) -> None:
    said = wire.client("sts").get_caller_identity()
    assert said["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert said["UserId"] == said["Account"] == ACCOUNT


def test_the_keys_of_a_role_act_as_the_role(wire: InProcess, role: str) -> None:
    answer = wire.client("sts").assume_role(RoleArn=role, RoleSessionName="me@work", DurationSeconds=900)
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert credentials["Expiration"].timestamp() == int(wire.clock.now()) + 900
    said = acting(wire, credentials).get_caller_identity()
    assert said["Arn"] == answer["AssumedRoleUser"]["Arn"] == (f"arn:aws:sts::{ACCOUNT}:assumed-role/runs/me@work")
    role_id = wire.client("iam").get_role(RoleName="runs")["Role"]["RoleId"]
    assert said["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"] == f"{role_id}:me@work"


def test_a_role_that_is_not_there_may_not_be_assumed(wire: InProcess, role: str) -> None:
    sts = wire.client("sts")
    for arn in (
        f"arn:aws:iam::{ACCOUNT}:role/none",
        role.replace("/service-role", ""),
        "arn:aws:iam::999999999999:role/service-role/runs",
    ):
        assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="me") == (
            "AccessDenied",
            f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: sts:AssumeRole on resource: {arn}",
        )
    code, message = refused(sts.assume_role, RoleArn="arn:aws:s3:::bucket/object", RoleSessionName="me")
    assert (code, message) == ("ValidationError", "arn:aws:s3:::bucket/object is invalid")


def test_a_session_lasts_no_longer_than_the_role_allows(wire: InProcess, role: str) -> None:
    sts = wire.client("sts")
    ask = {"RoleArn": role, "RoleSessionName": "me"}
    assert refused(sts.assume_role, DurationSeconds=3601, **ask)[0] == "ValidationError"
    wire.client("iam").update_role(RoleName="runs", MaxSessionDuration=7200)
    credentials = sts.assume_role(DurationSeconds=7200, **ask)["Credentials"]
    chained = acting(wire, credentials)
    assert "role chaining" in refused(chained.assume_role, DurationSeconds=7200, **ask)[1]
    assert chained.assume_role(**ask)["Credentials"]["SessionToken"]


def test_a_session_ends(wire: InProcess, role: str) -> None:
    ask = {"RoleArn": role, "RoleSessionName": "me", "DurationSeconds": 900}
    credentials = wire.client("sts").assume_role(**ask)["Credentials"]
    acting(wire, credentials).get_caller_identity()
    wire.clock.advance(901)
    assert refused(acting(wire, credentials).get_caller_identity)[0] == "ExpiredToken"


def test_a_session_of_the_root(wire: InProcess, role: str) -> None:
    credentials = wire.client("sts").get_session_token()["Credentials"]
    assert credentials["Expiration"].timestamp() == int(wire.clock.now()) + 3600
    assert acting(wire, credentials).get_caller_identity()["Arn"].endswith(":root")
    session = wire.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    assert refused(acting(wire, session).get_session_token) == (
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )


def test_what_is_not_served_is_refused_by_name(wire: InProcess, role: str) -> None:
    sts = wire.client("sts")
    ask = {"RoleArn": role, "RoleSessionName": "me"}
    assert "SerialNumber" in refused(sts.assume_role, SerialNumber="arn:aws:iam::1:mfa/x", **ask)[1]
    context = {"ProviderArn": "arn:aws:iam::aws:contextProvider/x", "ContextAssertion": "abcd"}
    assert "ProvidedContexts" in refused(sts.assume_role, ProvidedContexts=[context], **ask)[1]
    assert refused(sts.assume_role, Policy="{", **ask)[0] == "MalformedPolicyDocument"
    with pytest.raises(ClientError, match="AssumeRoot") as caught:
        sts.assume_root(TargetPrincipal=ACCOUNT, TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/root-task/Any"})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    code, message = refused(sts.assume_role_with_web_identity, WebIdentityToken="x" * 8, **ask)
    assert (code, "AssumeRoleWithWebIdentity" in message) == ("NotImplemented", True)
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/x"
    code, message = refused(sts.assume_role_with_saml, RoleArn=role, PrincipalArn=provider, SAMLAssertion="xxxx")
    assert (code, "AssumeRoleWithSAML" in message) == ("NotImplemented", True)


def test_the_trust_policy_decides_who_may_assume(wire: InProcess) -> None:
    iam = wire.client("iam")
    ada = wire.client("sts", keys=user(wire, "ada", document("sts:AssumeRole")))
    bob = wire.client("sts", keys=user(wire, "bob", document("sts:AssumeRole")))
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ada"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "42"}},
    }
    role = iam.create_role(RoleName="hers", AssumeRolePolicyDocument=json.dumps({"Statement": statement}))["Role"]
    ask = {"RoleArn": role["Arn"], "RoleSessionName": "me"}
    words = f"is not authorized to perform: sts:AssumeRole on resource: {role['Arn']}"
    for denied in ({}, {"ExternalId": "43"}):
        code, message = refused(ada.assume_role, **ask, **denied)
        assert code == "AccessDenied" and message.endswith(words)
    ada.assume_role(ExternalId="42", **ask)
    assert refused(bob.assume_role, ExternalId="42", **ask)[0] == "AccessDenied"
    wire.client("sts").assume_role(**ask)


def test_an_account_that_is_trusted_leaves_it_to_its_policies(wire: InProcess) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    made = wire.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": trust}))
    ask = {"RoleArn": made["Role"]["Arn"], "RoleSessionName": "me"}
    assert refused(wire.client("sts", keys=user(wire, "bob")).assume_role, **ask)[0] == "AccessDenied"
    wire.client("sts", keys=user(wire, "ada", document("sts:AssumeRole"))).assume_role(**ask)


def test_a_session_policy_bounds_the_session(wire: InProcess, role: str) -> None:
    iam = wire.client("iam")
    iam.put_role_policy(RoleName="runs", PolicyName="all", PolicyDocument=document("iam:*"))
    ask = {"RoleArn": role, "RoleSessionName": "me"}
    sts = wire.client("sts")
    answer = sts.assume_role(Policy=document("iam:ListUsers", "s3:*"), **ask)
    assert 0 < answer["PackedPolicySize"] < 10
    bounded = acting(wire, answer["Credentials"], "iam")
    bounded.list_users()
    assert "no session policy allows" in refused(bounded.list_roles)[1]
    own = iam.create_policy(PolicyName="roles", PolicyDocument=document("iam:ListRoles"))["Policy"]["Arn"]
    by_arn = acting(wire, sts.assume_role(PolicyArns=[{"arn": own}], **ask)["Credentials"], "iam")
    by_arn.list_roles()
    assert refused(by_arn.list_users)[0] == "AccessDenied"
    free = acting(wire, sts.assume_role(**ask)["Credentials"], "iam")
    free.list_users()
    free.list_roles()
    long = document("s3:*", resource="arn:aws:s3:::" + "x" * 1900)
    arns = [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/{'x' * 120}{i}"} for i in range(10)]
    tags = [{"Key": f"k{i}", "Value": "v" * 200} for i in range(5)]
    assert refused(sts.assume_role, Policy=long, PolicyArns=arns, Tags=tags, **ask)[0] == "PackedPolicyTooLarge"


def test_session_tags_are_asked_for_and_go_on(wire: InProcess) -> None:
    iam = wire.client("iam")
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole", "sts:TagSession"]}
    trust = json.dumps({"Statement": statement})
    arn = {
        name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"] for name in ("one", "two")
    }
    allowed = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": ["iam:ListUsers", "sts:*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}},
        },
    }
    for name in arn:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(allowed))
    red, blue = ([{"Key": "team", "Value": color}] for color in ("red", "blue"))
    sts = wire.client("sts")
    first = {"RoleArn": arn["one"], "RoleSessionName": "me"}
    second = {"RoleArn": arn["two"], "RoleSessionName": "me"}
    wrong = sts.assume_role(Tags=blue, **first)["Credentials"]
    assert refused(acting(wire, wrong, "iam").list_users)[0] == "AccessDenied"
    right = sts.assume_role(Tags=red, TransitiveTagKeys=["team"], **first)["Credentials"]
    acting(wire, right, "iam").list_users()
    chained = acting(wire, right).assume_role(**second)["Credentials"]
    acting(wire, chained, "iam").list_users()
    code, message = refused(acting(wire, right).assume_role, Tags=blue, **second)
    assert code == "ValidationError" and "inherited" in message
    plain = sts.assume_role(Tags=red, **first)["Credentials"]
    alone = acting(wire, plain).assume_role(**second)["Credentials"]
    assert refused(acting(wire, alone, "iam").list_users)[0] == "AccessDenied"
    double = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refused(sts.assume_role, Tags=double, **first)[0] == "ValidationError"
    assert refused(sts.assume_role, Tags=red, TransitiveTagKeys=["other"], **first)[0] == "ValidationError"


def test_a_session_of_a_user_ends_with_the_user(wire: InProcess) -> None:
    iam = wire.client("iam")
    keys = user(wire, "ada", document("sagemaker:ListModels", "sts:*"))
    credentials = wire.client("sts", keys=keys).get_session_token(DurationSeconds=900)["Credentials"]
    mine = acting(wire, credentials, "sagemaker")
    mine.list_models()
    assert acting(wire, credentials).get_caller_identity()["Arn"].endswith("user/ada")
    again = acting(wire, credentials)
    denied = "Cannot call {} with session credentials"
    assert refused(again.get_session_token) == ("AccessDenied", denied.format("GetSessionToken"))
    assert refused(again.get_federation_token, Name="me") == ("AccessDenied", denied.format("GetFederationToken"))
    iam.delete_user_policy(UserName="ada", PolicyName="p0")
    iam.delete_access_key(UserName="ada", AccessKeyId=keys.access_key_id)
    iam.delete_user(UserName="ada")
    assert refused(mine.list_models)[0] == "AccessDeniedException"
    user(wire, "ada", document("sagemaker:ListModels"))
    assert refused(mine.list_models)[0] == "AccessDeniedException", "another of the same name is another"


@pytest.mark.parametrize("whose", ["root", "user"])
def test_keys_of_get_session_token_may_not_call_iam_nor_most_of_sts(wire: InProcess, role: str, whose: str) -> None:
    keys = user(wire, "ada", document("*"))
    sts = wire.client("sts", keys=keys) if whose == "user" else wire.client("sts")
    credentials = sts.get_session_token()["Credentials"]
    session = acting(wire, credentials)
    invalid = ("InvalidClientTokenId", "The security token included in the request is invalid")
    mine = acting(wire, credentials, "iam")
    assert refused(mine.list_users) == refused(mine.delete_user, UserName="nobody") == invalid
    for call, given in (
        (session.get_session_token, {}),
        (session.get_federation_token, {"Name": "me"}),
        (session.get_access_key_info, {"AccessKeyId": keys.access_key_id}),
    ):
        assert refused(call, **given)[0] == "AccessDenied"
    session.get_caller_identity()
    assumed = session.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    assert acting(wire, assumed).get_caller_identity()["Arn"].endswith("assumed-role/runs/me")


def test_federated_users_may_not_call_iam_nor_sts(wire: InProcess, role: str) -> None:
    credentials = wire.client("sts").get_federation_token(Name="guest", Policy=document("*"))["Credentials"]
    guest = acting(wire, credentials)
    assert refused(acting(wire, credentials, "iam").list_users)[0] == "InvalidClientTokenId"
    assert refused(guest.assume_role, RoleArn=role, RoleSessionName="me") == (
        "AccessDenied",
        "Cannot call AssumeRole with session credentials",
    )
    assert refused(guest.get_session_token)[0] == refused(guest.get_federation_token, Name="me")[0] == "AccessDenied"
    acting(wire, credentials, "sagemaker").list_models()
    assert guest.get_caller_identity()["Arn"].endswith("federated-user/guest")


def test_a_federated_user_may_what_both_allow(wire: InProcess) -> None:
    keys = user(wire, "ada", document("sagemaker:ListModels", "sagemaker:ListTrainingJobs", "sts:GetFederationToken"))
    sts = wire.client("sts", keys=keys)
    lists = document("sagemaker:ListModels", "sagemaker:ListEndpoints")
    answer = sts.get_federation_token(Name="guest", Policy=lists)
    assert answer["FederatedUser"] == {
        "FederatedUserId": f"{ACCOUNT}:guest",
        "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/guest",
    }
    assert answer["Credentials"]["Expiration"].timestamp() == int(wire.clock.now()) + 43_200
    said = acting(wire, answer["Credentials"]).get_caller_identity()
    assert (said["Arn"], said["UserId"]) == (answer["FederatedUser"]["Arn"], f"{ACCOUNT}:guest")
    guest = acting(wire, answer["Credentials"], "sagemaker")
    guest.list_models()
    for call in (guest.list_endpoints, guest.list_training_jobs, guest.list_endpoint_configs):
        assert refused(call)[0] == "AccessDeniedException"
    nothing = acting(wire, sts.get_federation_token(Name="guest")["Credentials"], "sagemaker")
    assert refused(nothing.list_models)[0] == "AccessDeniedException"
    root = wire.client("sts").get_federation_token(Name="guest", Policy=document("sagemaker:*"))["Credentials"]
    assert root["Expiration"].timestamp() == int(wire.clock.now()) + 3600
    acting(wire, root, "sagemaker").list_endpoints()


def test_whose_key_it_is(wire: InProcess) -> None:
    keys = user(wire, "ada")
    sts = wire.client("sts")
    assert sts.get_access_key_info(AccessKeyId=keys.access_key_id)["Account"] == ACCOUNT
    assert refused(sts.get_access_key_info, AccessKeyId="AKIAIOSFODNN7UNKNOWN")[0] == "ValidationError"
    assert refused(sts.get_access_key_info, AccessKeyId="ASIAIOSFODNN7UNKNOWN")[0] == "NotImplemented"
    assert refused(sts.decode_authorization_message, EncodedMessage="x")[0] == "InvalidAuthorizationMessageException"
