"""Who did what, through boto3: LookupEvents over real calls, and no secret in any of them."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clary.aws import model
from clary.aws.audit_view import HIDDEN, view_of
from clary.aws.credentials import Keys
from clary.engines.audit.files import AuditFiles
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.kernel.audit import AuditLog
from clary.kernel.clock import SystemClock
from clary.services import cloudtrail, iam, logs, s3, sagemaker, sts
from tests.codec.generate import values
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, InProcess

SERVICES = [cloudtrail.service, logs.service, s3.service, sagemaker.service]
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}
)
PLANTED = "planted-secret-0123456789"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    with (
        closing(AuditFiles(tmp_path / "audit", SystemClock())) as files,
        closing(DiskObjects(tmp_path / "objects")) as objects,
        iam_house(tmp_path, SERVICES, {AuditLog: files, BucketStore: objects}) as made,
    ):
        yield made


@pytest.fixture
def clock(house: InProcess) -> Any:
    return house.clock


def events(house: InProcess, key: str = "", value: str = "", **more: Any) -> list[dict[str, Any]]:
    asked = {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]} if key else {}
    found = house.client("cloudtrail").lookup_events(**asked, **more)["Events"]
    return [{**one, "CloudTrailEvent": json.loads(one["CloudTrailEvent"])} for one in found]


def make_user(house: InProcess, name: str = "ada") -> Any:
    client = house.client("iam")
    client.create_user(UserName=name)
    return client.create_access_key(UserName=name)["AccessKey"]


def test_a_write_is_told_whole(house: InProcess, clock: Any) -> None:
    house.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
    (one,) = events(house, "EventName", "CreateRole")
    said = one["CloudTrailEvent"]
    assert (one["EventSource"], one["Username"], one["ReadOnly"]) == ("iam.amazonaws.com", "root", "false")
    assert one["EventTime"].timestamp() == int(clock.now())
    assert one["Resources"] == [{"ResourceType": "AWS::IAM::Role", "ResourceName": "worker"}]
    assert said["userIdentity"]["type"] == "Root"
    assert said["userIdentity"]["accountId"] == ACCOUNT
    assert said["requestParameters"] == {"roleName": "worker", "assumeRolePolicyDocument": TRUST}
    assert said["responseElements"]["role"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role/worker"
    assert said["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in said["userAgent"]
    assert (said["readOnly"], said["managementEvent"], said["eventID"]) == (False, True, one["EventId"])


def test_a_read_says_nothing_of_its_answer(house: InProcess) -> None:
    house.client("iam").list_users()
    (one,) = events(house, "EventName", "ListUsers")
    assert one["CloudTrailEvent"]["responseElements"] is None
    assert one["ReadOnly"] == "true"


def test_a_refusal_is_told_with_its_code(house: InProcess) -> None:
    with pytest.raises(ClientError):
        house.client("sagemaker").describe_model(ModelName="absent")
    (one,) = events(house, "ResourceName", "absent")
    assert one["CloudTrailEvent"]["errorCode"] == "ValidationException"
    assert one["Resources"][0]["ResourceType"] == "AWS::SageMaker::Model"


def test_users_and_roles_are_named(house: InProcess) -> None:
    key = make_user(house)
    house.client("iam").put_user_policy(
        UserName="ada",
        PolicyName="all",
        PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
    )
    role = house.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    mine = Keys(key["AccessKeyId"], key["SecretAccessKey"])
    lent = house.client("sts", keys=mine).assume_role(RoleArn=role, RoleSessionName="night")["Credentials"]
    session = Keys(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"])
    with pytest.raises(ClientError):
        house.client("sagemaker", keys=session).list_models()
    (assumed,) = events(house, "Username", "ada")
    assert assumed["CloudTrailEvent"]["userIdentity"] | {"principalId": ""} == {
        "type": "IAMUser",
        "principalId": "",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/ada",
        "accountId": ACCOUNT,
        "accessKeyId": key["AccessKeyId"],
        "userName": "ada",
    }
    (listed,) = events(house, "AccessKeyId", lent["AccessKeyId"])
    who = listed["CloudTrailEvent"]["userIdentity"]
    assert (who["type"], listed["Username"]) == ("AssumedRole", "night")
    assert who["sessionContext"]["sessionIssuer"]["arn"] == role
    assert listed["CloudTrailEvent"]["errorCode"] == "AccessDeniedException"


def test_no_secret_that_was_given_out_is_kept(house: InProcess, tmp_path: Path) -> None:
    key = make_user(house)
    role = house.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    lent = house.client("sts").assume_role(RoleArn=role, RoleSessionName="day")["Credentials"]
    session = house.client("sts").get_session_token()["Credentials"]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "audit").iterdir()).decode()
    assert key["AccessKeyId"] in kept
    for secret in (
        key["SecretAccessKey"],
        lent["SecretAccessKey"],
        lent["SessionToken"],
        session["SessionToken"],
    ):
        assert secret not in kept


def test_secrets_in_an_environment_are_hidden(house: InProcess) -> None:
    with pytest.raises(ClientError):
        house.client("sagemaker").create_model(
            ModelName="m",
            ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent",
            PrimaryContainer={"Image": "x", "Environment": {"TOKEN": PLANTED}},
        )
    (one,) = events(house, "EventName", "CreateModel")
    assert one["CloudTrailEvent"]["requestParameters"]["primaryContainer"]["environment"] == {"TOKEN": HIDDEN}


def sensitive_inputs() -> list[Any]:
    found = []
    for service in [*SERVICES, iam.service, sts.service]:
        one = model.load(service.name)
        found += [one.operation(name) for name in sorted(service.handlers) if one.operation(name).input is not None]
    return found


@settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_the_model_calls_sensitive_is_hidden(data: Any) -> None:
    operation = data.draw(st.sampled_from(sensitive_inputs()))
    doc = data.draw(values(operation.input, xml=False))
    planted = _planted(operation.input, doc)
    assert PLANTED not in json.dumps(view_of(operation.input)(planted), default=str)


def _planted(shape: Any, value: Any) -> Any:
    """The value with the secret in every member that the model calls sensitive."""
    if shape.traits.get("sensitive"):
        return PLANTED
    if shape.kind == "structure" and isinstance(value, dict):
        return {
            name: _planted(shape.members[name], item) if name in shape.members else item for name, item in value.items()
        }
    if shape.kind == "list" and isinstance(value, list):
        return [_planted(shape.member, item) for item in value]
    if shape.kind == "map" and isinstance(value, dict):
        return {name: _planted(shape.value, item) for name, item in value.items()}
    return value


def test_what_is_very_long_is_left_out_and_said_so(house: InProcess) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [], "Id": "x" * 120_000})
    with pytest.raises(ClientError):
        house.client("iam").create_policy(PolicyName="long", PolicyDocument=document)
    (one,) = events(house, "EventName", "CreatePolicy")
    assert one["CloudTrailEvent"]["requestParameters"]["omitted"] is True
    assert one["CloudTrailEvent"]["errorCode"]


def test_data_is_not_told(house: InProcess) -> None:
    client = house.client("logs")
    with pytest.raises(ClientError):
        client.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])
    assert not events(house, "EventName", "PutLogEvents")


def test_the_newest_come_first_in_pages_of_one_list(house: InProcess, clock: Any) -> None:
    client = house.client("iam")
    for n in range(7):
        client.create_user(UserName=f"user-{n}")
        clock.advance(10)
    trail = house.client("cloudtrail")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]
    seen, pages, token = [], 0, {}
    while True:
        answer = trail.lookup_events(LookupAttributes=wanted, MaxResults=3, **token)
        seen += [json.loads(one["CloudTrailEvent"])["requestParameters"]["userName"] for one in answer["Events"]]
        pages += 1
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [f"user-{n}" for n in reversed(range(7))]
    assert pages == 3
    with pytest.raises(ClientError, match="InvalidNextToken"):
        trail.lookup_events(MaxResults=3, **token)


def test_between_two_times(house: InProcess, clock: Any) -> None:
    client, began = house.client("iam"), int(clock.now())
    for n in range(5):
        client.create_user(UserName=f"user-{n}")
        clock.advance(10)
    found = events(house, StartTime=began + 10, EndTime=began + 30)
    named = [one["Resources"][0]["ResourceName"] for one in found if one["EventName"] == "CreateUser"]
    assert named == ["user-3", "user-2", "user-1"]
    with pytest.raises(ClientError, match="InvalidTimeRange"):
        events(house, StartTime=began + 10, EndTime=began)


def test_by_each_attribute(house: InProcess) -> None:
    house.client("s3").create_bucket(Bucket="lake")
    (one,) = events(house, "EventName", "CreateBucket")
    for key, value in {
        "EventId": one["EventId"],
        "ReadOnly": "false",
        "Username": "root",
        "ResourceType": "AWS::S3::Bucket",
        "ResourceName": "lake",
        "EventSource": "s3.amazonaws.com",
        "AccessKeyId": one["AccessKeyId"],
    }.items():
        assert one["EventId"] in [found["EventId"] for found in events(house, key, value)], key
    for key in ("EventId", "EventName", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"):
        assert not events(house, key, "nothing"), key
    with pytest.raises(ClientError, match="ReadOnly is true or false"):
        events(house, "ReadOnly", "perhaps")


def test_one_attribute_at_a_time(house: InProcess) -> None:
    one = {"AttributeKey": "Username", "AttributeValue": "root"}
    with pytest.raises(ClientError, match="one attribute at a time"):
        house.client("cloudtrail").lookup_events(LookupAttributes=[one, one])


def test_regions_have_their_own_events(house: InProcess) -> None:
    with pytest.raises(ClientError):
        house.client("sagemaker", region="eu-west-1").describe_model(ModelName="absent")
    assert not events(house, "ResourceName", "absent")
    found = house.client("cloudtrail", region="eu-west-1").lookup_events()["Events"]
    assert [one["EventName"] for one in found] == ["DescribeModel"]


def test_there_are_no_trails(house: InProcess) -> None:
    client = house.client("cloudtrail")
    assert client.describe_trails()["trailList"] == []
    assert client.list_trails()["Trails"] == []
    with pytest.raises(ClientError, match="Unknown trail"):
        client.get_trail_status(Name="main")


def test_the_name_that_other_sdks_give_the_service_is_taken_too(house: InProcess) -> None:
    """SDKs that are made from Smithy (JavaScript, Rust, Kotlin) say CloudTrail_20131101.LookupEvents."""

    def shorten(request: Any, **_: Any) -> None:
        request.headers.replace_header("X-Amz-Target", "CloudTrail_20131101.LookupEvents")

    house.client("sagemaker").list_models()
    client = house.client("cloudtrail")
    client.meta.events.register("before-sign.cloudtrail.LookupEvents", shorten)
    assert client.lookup_events()["Events"]
