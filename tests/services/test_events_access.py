"""Who may do what with buses and rules: actions, ARNs, condition keys, roles that are passed, tags that others see."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import Keys
from clary.aws.tagging import Taggables
from clary.services.events import taggable
from tests.events_house import EventsHouse, arn, events_house
from tests.inprocess import ACCOUNT
from tests.queues_house import refused

PATTERN = '{"source": ["app"]}'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EventsHouse]:
    with events_house(tmp_path) as made:
        yield made


def ann(house: EventsHouse, *statements: dict[str, Any]) -> Any:
    """A client of a user with these permissions."""
    iam = house.wire.client("iam")
    iam.create_user(UserName="ann")
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    return house.wire.client("events", keys=Keys(made["AccessKeyId"], made["SecretAccessKey"]))


def allow(action: Any, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**said, "Condition": condition} if condition else said


def test_events_are_put_by_bus_source_and_type(house: EventsHouse) -> None:
    client = ann(
        house,
        allow(
            "events:PutEvents",
            arn("events", "event-bus/default"),
            StringEquals={"events:source": "app", "events:detail-type": ["a", "b"]},
        ),
    )
    entry = {"Source": "app", "DetailType": "a", "Detail": "{}"}
    assert client.put_events(Entries=[entry, {**entry, "DetailType": "b"}])["FailedEntryCount"] == 0
    for wrong in ({"Source": "other"}, {"DetailType": "c"}, {"EventBusName": "other"}):
        with refused("AccessDeniedException", "events:PutEvents"):
            client.put_events(Entries=[entry, {**entry, **wrong}])


def test_rules_are_bound_to_sources_and_targets(house: EventsHouse) -> None:
    queue, rule = house.queue(), arn("events", "rule/r")
    client = ann(
        house,
        allow("events:PutRule", rule, **{"ForAllValues:StringEquals": {"events:source": ["app"]}}),
        allow("events:PutTargets", rule, **{"ForAllValues:ArnLike": {"events:TargetArn": arn("sqs", "q*")}}),
        allow("events:DescribeRule", rule, StringEqualsIfExists={"events:creatorAccount": ACCOUNT}),
    )
    client.put_rule(Name="r", EventPattern=PATTERN)
    with refused("AccessDeniedException", "events:PutRule"):
        client.put_rule(Name="r", EventPattern='{"source": ["app", "other"]}')
    with refused("AccessDeniedException", "rule/other/r"):
        client.put_rule(Name="r", EventPattern=PATTERN, EventBusName="other")
    client.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue}])
    with refused("AccessDeniedException", "events:PutTargets"):
        client.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn("sqs", "x")}])
    assert client.describe_rule(Name="r")["Name"] == "r"
    with refused("AccessDeniedException", "events:DeleteRule"):
        client.delete_rule(Name="r")
    with refused("AccessDeniedException", "events:ListRules"):
        client.list_rules()


def test_a_role_must_be_passed(house: EventsHouse) -> None:
    queue, role = house.queue(), house.role("sender", "sqs:SendMessage")
    passes = {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    client = ann(house, allow("events:*"))
    client.put_rule(Name="r", EventPattern=PATTERN)
    target = {"Id": "1", "Arn": queue, "RoleArn": role}
    with refused("AccessDeniedException", "iam:PassRole", role):
        client.put_targets(Rule="r", Targets=[target])
    text = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow("events:*"), allow("iam:PassRole", role, **passes)]}
    )
    house.wire.client("iam").put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    client.put_targets(Rule="r", Targets=[target])
    # A role that others may assume, but EventBridge may not, is refused to everybody.
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    other = house.wire.client("iam").create_role(
        RoleName="other", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )["Role"]["Arn"]
    with refused("ValidationException", "cannot be assumed by principal 'events.amazonaws.com'"):
        house.events.put_targets(Rule="r", Targets=[{**target, "RoleArn": other}])


def test_tags_decide(house: EventsHouse) -> None:
    red = {"StringEquals": {"aws:RequestTag/team": "red"}}
    mine = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    client = ann(house, allow(["events:PutRule", "events:TagResource"], **red), allow("events:DisableRule", **mine))
    client.put_rule(Name="r", EventPattern=PATTERN, Tags=[{"Key": "team", "Value": "red"}])
    with refused("AccessDeniedException"):
        client.put_rule(Name="s", EventPattern=PATTERN, Tags=[{"Key": "team", "Value": "blue"}])
    house.rule({"source": ["app"]}, name="s")
    client.disable_rule(Name="r")
    with refused("AccessDeniedException"):
        client.disable_rule(Name="s")


def test_the_tagging_api_sees_buses_and_rules(house: EventsHouse) -> None:
    rule = house.rule({"source": ["app"]}, Tags=[{"Key": "a", "Value": "1"}])
    bus = house.events.create_event_bus(Name="b")["EventBusArn"]
    kinds, ctx = Taggables(taggable.TAGGABLES), house.wire.context()

    def seen() -> dict[str, Any]:
        return {one.arn: dict(one.tags) for kind in kinds.kinds for one in kind.page(ctx, "", 10)}

    async def change() -> None:
        for one in (rule, bus):
            found = kinds.find(ctx, one)
            assert found is not None
            await found[0].tag(ctx, one, {"b": "2"})
            await found[0].untag(ctx, one, ["a"])

    house.wire.run(change())
    assert house.wire.thread.call(seen) == {rule: {"b": "2"}, bus: {"b": "2"}}
    assert house.wire.thread.call(kinds.find, ctx, arn("events", "rule/nobody")) is None
