"""What each operation asks of the policies, and what that means to users and roles, through boto3."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings

import clary.services
from clary.aws import model
from clary.aws.access import Ask
from clary.aws.credentials import Keys
from clary.aws.service import Service
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.telemetry import LogStore
from clary.services import logs, s3, sagemaker
from tests.codec.generate import values
from tests.iam_house import document, iam_house
from tests.inprocess import ACCOUNT, InProcess, make_role

FEW = settings(max_examples=6, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
ARN = re.compile(r"\*|arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+", re.DOTALL)
ACTION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+")


def served() -> list[Service]:
    """Every service of the product."""
    found = pkgutil.iter_modules(clary.services.__path__)
    return [importlib.import_module(f"clary.services.{one.name}").service for one in found]


CASES = [(service, name) for service in served() for name in sorted(service.handlers)]


def test_every_operation_says_what_it_asks() -> None:
    silent = [f"{service.name} {name}" for service, name in CASES if name not in service.accesses]
    assert not silent, f"no service.access(...) for {', '.join(silent)}"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    directory = tmp_path_factory.mktemp("access")
    made = InProcess(directory, [])
    objects, kept = DiskObjects(directory / "objects", made.clock), SegmentLogs(directory / "logs", made.clock)
    made.ports.update({BucketStore: objects, LogStore: kept})
    yield made
    objects.close()
    kept.close()
    made.close()


@pytest.mark.parametrize(("service", "name"), CASES, ids=[f"{service.name}-{name}" for service, name in CASES])
def test_what_is_asked_are_actions_on_arns(empty: InProcess, service: Service, name: str) -> None:
    """Nothing exists, and every operation can still say what it asks, with strings as values of its keys."""
    operation = model.load(service.name).operation(name)
    if operation.input is None:
        assert _check(empty, service, name, {}) is None
        return

    @FEW
    @given(values(operation.input, xml=False))
    def asked(req: dict[str, Any]) -> None:
        _check(empty, service, name, req)

    asked()


def _check(house: InProcess, service: Service, name: str, req: dict[str, Any]) -> None:
    def ask() -> list[tuple[Ask, Mapping[str, str]]]:
        asks = service.asks(name)(house.context(), req)
        return [(one, one.resource_tags() if one.resource_tags is not None else {}) for one in asks]

    for one, tags in house.thread.call(ask):
        assert ACTION.fullmatch(one.action), one
        assert one.resource in req.values() or ARN.fullmatch(one.resource), one  # An ARN is as the client gave it.
        assert all(isinstance(value, str) for value in tags.values())
        for key, given_ in one.keys.items():
            value = house.thread.call(given_) if callable(given_) else given_
            assert ":" in key
            assert value is None or isinstance(value, str) or all(isinstance(each, str) for each in value), (key, value)


# -- users and roles --------------------------------------------------------------------------------------------------

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    with iam_house(tmp_path, [sagemaker.service, s3.service, logs.service]) as made:
        objects, kept = DiskObjects(tmp_path / "objects", made.clock), SegmentLogs(tmp_path / "logs", made.clock)
        made.ports.update({BucketStore: objects, LogStore: kept})
        yield made
        objects.close()
        kept.close()


def ann(house: InProcess, *statements: dict[str, Any]) -> Keys:
    """The keys of a user with these permissions."""
    iam = house.client("iam")
    iam.create_user(UserName="ann")
    permit(house, *statements)
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"])


def permit(house: InProcess, *statements: dict[str, Any]) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    house.client("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**said, "Condition": condition} if condition else said


def refused(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_refusal_has_the_code_of_the_service_and_aws_words(house: InProcess) -> None:
    keys = ann(house, allow("sts:*"))
    user, arn = f"arn:aws:iam::{ACCOUNT}:user/ann", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/m"
    silence = "because no identity-based policy allows the"
    assert refused(house.client("sagemaker", keys=keys).describe_model, ModelName="m") == (
        "AccessDeniedException",
        f"User: {user} is not authorized to perform: sagemaker:DescribeModel on resource: {arn} {silence} "
        "sagemaker:DescribeModel action",
    )
    house.client("s3").create_bucket(Bucket="data")
    code, words = refused(house.client("s3", keys=keys).get_object, Bucket="data", Key="a/k")
    assert code == "AccessDenied" and "s3:GetObject on resource: arn:aws:s3:::data/a/k" in words
    code, words = refused(house.client("iam", keys=keys).get_role, RoleName="r")
    assert code == "AccessDenied" and f"iam:GetRole on resource: arn:aws:iam::{ACCOUNT}:role/r" in words
    code, words = refused(house.client("logs", keys=keys).create_log_group, logGroupName="/g")
    assert code == "AccessDeniedException" and f"logs:us-east-1:{ACCOUNT}:log-group:/g:log-stream:" in words


def test_who_hands_over_a_role_must_be_allowed_to(house: InProcess) -> None:
    role = make_role(house)
    container = {"Image": XGBOOST}
    ask = {"ModelName": "m", "ExecutionRoleArn": role, "PrimaryContainer": container}
    keys = ann(house, allow("sagemaker:*"))
    client = house.client("sagemaker", keys=keys)
    code, words = refused(client.create_model, **ask)
    assert code == "AccessDeniedException" and f"iam:PassRole on resource: {role}" in words
    to_others = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    permit(house, allow("sagemaker:*"), allow("iam:PassRole", role, **to_others))
    assert refused(client.create_model, **ask)[0] == "AccessDeniedException"
    to_us = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    permit(house, allow("sagemaker:*"), allow("iam:PassRole", role, **to_us))
    client.create_model(**ask)


def test_a_role_that_is_not_there_or_trusts_others_is_refused(house: InProcess) -> None:
    container = {"Image": XGBOOST}
    create = house.client("sagemaker").create_model
    for arn in (f"arn:aws:iam::{ACCOUNT}:role/none", "arn:aws:iam::999999999999:role/theirs"):
        code, words = refused(create, ModelName="m", ExecutionRoleArn=arn, PrimaryContainer=container)
        assert (code, words) == (
            "ValidationException",
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role.",
        )
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    other = house.client("iam").create_role(
        RoleName="lambda", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )["Role"]["Arn"]
    assert (
        "Could not assume role" in refused(create, ModelName="m", ExecutionRoleArn=other, PrimaryContainer=container)[1]
    )


def test_tags_decide(house: InProcess) -> None:
    root = house.client("sagemaker")
    container = {"Image": XGBOOST}
    for name, team in (("red", "red"), ("blue", "blue")):
        root.create_model(ModelName=name, PrimaryContainer=container, Tags=[{"Key": "team", "Value": team}])
    house.client("iam").create_user(UserName="other")
    keys = ann(
        house,
        allow("sagemaker:DescribeModel", StringEquals={"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}),
        allow(
            ["sagemaker:CreateModel", "sagemaker:AddTags"],
            StringEquals={"aws:RequestTag/team": "red"},
            **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}},
        ),
    )
    house.client("iam").tag_user(UserName="ann", Tags=[{"Key": "team", "Value": "red"}])
    client = house.client("sagemaker", keys=keys)
    client.describe_model(ModelName="red")
    assert refused(client.describe_model, ModelName="blue")[0] == "AccessDeniedException"
    root.add_tags(ResourceArn=client.describe_model(ModelName="red")["ModelArn"], Tags=[{"Key": "team", "Value": "x"}])
    assert refused(client.describe_model, ModelName="red")[0] == "AccessDeniedException"
    ask = {"ModelName": "new", "PrimaryContainer": container}
    red = [{"Key": "team", "Value": "red"}]
    assert refused(client.create_model, **ask)[0] == "AccessDeniedException"
    assert refused(client.create_model, Tags=[*red, {"Key": "more", "Value": ""}], **ask)[0] == "AccessDeniedException"
    client.create_model(Tags=red, **ask)


def test_instance_types_and_times_decide(house: InProcess) -> None:
    small = {"ForAllValues:StringLike": {"sagemaker:InstanceTypes": ["ml.t3.*"]}}
    keys = ann(house, allow("sagemaker:*", **small))
    client = house.client("sagemaker", keys=keys)
    root = house.client("sagemaker")
    root.create_model(ModelName="m", PrimaryContainer={"Image": XGBOOST})
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1}
    refused_ = refused(
        client.create_endpoint_config,
        EndpointConfigName="c",
        ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}],
    )
    assert refused_[0] == "AccessDeniedException"
    client.create_endpoint_config(
        EndpointConfigName="c", ProductionVariants=[{**variant, "InstanceType": "ml.t3.large"}]
    )
    permit(house, allow("sagemaker:*", DateLessThan={"aws:CurrentTime": "2020-01-01T00:00:00Z"}))
    assert refused(client.list_models)[0] == "AccessDeniedException"
    permit(house, allow("sagemaker:*", IpAddress={"aws:SourceIp": "127.0.0.1"}, Bool={"aws:SecureTransport": "true"}))
    client.list_models()


def test_a_bucket_is_opened_by_prefix(house: InProcess) -> None:
    root = house.client("s3")
    root.create_bucket(Bucket="lake")
    root.put_object(Bucket="lake", Key="home/ann/a", Body=b"x")
    keys = ann(
        house,
        allow("s3:ListBucket", "arn:aws:s3:::lake", StringLike={"s3:prefix": "home/${aws:username}/*"}),
        allow("s3:*Object", "arn:aws:s3:::lake/home/${aws:username}/*"),
    )
    client = house.client("s3", keys=keys)
    assert client.list_objects_v2(Bucket="lake", Prefix="home/ann/")["KeyCount"] == 1
    assert refused(client.list_objects_v2, Bucket="lake")[0] == "AccessDenied"
    client.put_object(Bucket="lake", Key="home/ann/b", Body=b"y")
    assert refused(client.put_object, Bucket="lake", Key="home/bob/b", Body=b"y")[0] == "AccessDenied"
    assert refused(client.list_buckets)[0] == "AccessDenied"


def test_a_boundary_bounds_and_a_session_policy_bounds_more(house: InProcess) -> None:
    iam = house.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )["Role"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    keys = ann(house, allow("sagemaker:*"))
    sts = house.client("sts", keys=keys)
    assert refused(sts.assume_role, RoleArn=role, RoleSessionName="here")[0] == "AccessDenied"
    permit(house, allow("sts:AssumeRole", role))

    def session(**more: Any) -> Any:
        made = sts.assume_role(RoleArn=role, RoleSessionName="here", **more)["Credentials"]
        return Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    free, bound = session(), session(Policy=document("sagemaker:List*"))
    for keys in (free, bound):
        house.client("sagemaker", keys=keys).list_models()
    house.client("s3", keys=free).list_buckets()
    code, words = refused(house.client("s3", keys=bound).list_buckets)
    assert code == "AccessDenied" and "no session policy allows" in words
    boundary = iam.create_policy(PolicyName="b", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=boundary)
    house.client("s3", keys=free).list_buckets()
    assert "no permissions boundary allows" in refused(house.client("sagemaker", keys=free).list_models)[1]
    iam.delete_role_permissions_boundary(RoleName="r")
    iam.detach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert "no identity-based policy allows" in refused(house.client("s3", keys=free).list_buckets)[1]
    iam.delete_role(RoleName="r")
    assert refused(house.client("s3", keys=free).list_buckets)[0] == "AccessDenied"
