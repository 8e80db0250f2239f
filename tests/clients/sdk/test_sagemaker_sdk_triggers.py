"""Triggers of pipelines as both major versions of the `sagemaker` SDK put, describe and delete them, unmodified."""

import json
from collections.abc import Iterator

import pytest

from tests.clients.sdk.environments import SDK2, SDK3, Environment
from tests.clients.sdk.house import ROLE, House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def starter(house: House) -> Iterator[str]:
    """The ARN of a role as which EventBridge Scheduler may start pipelines; the user's role may hand it over."""
    iam = house.clary.client("iam")
    # The third version takes no role that SageMaker may not use as well.
    principal = {"Service": ["scheduler.amazonaws.com", "sagemaker.amazonaws.com"]}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    made: str = iam.create_role(RoleName="starter", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    start = {"Effect": "Allow", "Action": "sagemaker:StartPipelineExecution", "Resource": "*"}
    iam.put_role_policy(RoleName="starter", PolicyName="p", PolicyDocument=policy(start))
    iam.attach_role_policy(RoleName="starter", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    use = {"Effect": "Allow", "Action": ["scheduler:*", "iam:PassRole"], "Resource": "*"}
    iam.put_role_policy(RoleName=ROLE, PolicyName="triggers", PolicyDocument=policy(use))
    yield made
    iam.delete_role_policy(RoleName=ROLE, PolicyName="triggers")


def policy(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(("sdk", "digit"), [(SDK2, "2"), (SDK3, "3")], ids=["v2", "v3"])
def test_schedules_of_a_pipeline(house: House, sdk: Environment, digit: str, starter: str) -> None:
    said = house.run(sdk, f"sdk{digit}_triggers.py", starter, options=("--role", ROLE))
    schedule = f"arn:aws:scheduler:us-east-1:{house.account}:schedule/default"
    names = [["Hourly", "Nightly"], ["Nightly", "Soon"]]
    assert said["arns"] == [[f"{schedule}/{name}{digit}" for name in some] for some in names]
    nightly, hourly, soon = said["described"]
    assert nightly["Schedule_Arn"] == f"{schedule}/Nightly{digit}"
    assert (nightly["Schedule_Expression"], nightly["Schedule_State"]) == ("cron(0 3 * * ? *)", "ENABLED")
    assert (hourly["Schedule_Expression"], hourly["Schedule_State"]) == ("rate(1 hour)", "DISABLED")
    assert nightly["Schedule_Role"] == starter
    assert soon["Schedule_Expression"].startswith("at(")
    assert said["started"] == ["Succeeded"]
    assert said["left"] == 0
