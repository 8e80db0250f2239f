"""Who am I, and keys that act as a role, through boto3."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys
from clary.kernel.clock import ManualClock
from clary.services.iam import service as iam_service
from clary.services.sts import service
from tests.inprocess import ACCOUNT, InProcess

TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]})


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[InProcess]:
    # botocore signs with the time of the day; a clock 14 minutes behind it can go on for 15 and still be believed.
    made = InProcess(tmp_path, [service, iam_service], clock=ManualClock(time.time() - 840))
    yield made
    made.close()


@pytest.fixture
def role(wire: InProcess) -> str:
    made = wire.client("iam").create_role(RoleName="runs", Path="/service-role/", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def acting(wire: InProcess, credentials: Any, service_name: str = "sts") -> Any:
    keys = Keys(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    return wire.client(service_name, keys=keys)


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
    with pytest.raises(ClientError, match="GetFederationToken") as caught:
        sts.get_federation_token(Name="me")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
