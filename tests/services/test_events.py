"""EventBridge through boto3: buses, rules, targets, tags, and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.events_house import EventsHouse, arn, events_house
from tests.inprocess import ACCOUNT
from tests.queues_house import refused

PATTERN = '{"source": ["app"]}'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EventsHouse]:
    with events_house(tmp_path) as made:
        yield made


# -- buses ------------------------------------------------------------------------------------------------------------


def test_the_default_bus_is_always_there(house: EventsHouse) -> None:
    found = house.events.describe_event_bus()
    assert (found["Name"], found["Arn"]) == ("default", arn("events", "event-bus/default"))
    assert [one["Name"] for one in house.events.list_event_buses()["EventBuses"]] == ["default"]
    with refused("ValidationException", "default"):
        house.events.delete_event_bus(Name="default")
    with refused("ResourceAlreadyExistsException"):
        house.events.create_event_bus(Name="default")


def test_a_bus_comes_changes_and_goes(house: EventsHouse) -> None:
    events = house.events
    made = events.create_event_bus(Name="orders", Description="d", Tags=[{"Key": "team", "Value": "x"}])
    assert made["EventBusArn"] == arn("events", "event-bus/orders")
    with refused("ResourceAlreadyExistsException", "orders"):
        events.create_event_bus(Name="orders")
    assert events.describe_event_bus(Name=made["EventBusArn"])["Description"] == "d"
    events.update_event_bus(Name="orders", Description="e")
    assert events.describe_event_bus(Name="orders")["Description"] == "e"
    assert [one["Name"] for one in events.list_event_buses(NamePrefix="o")["EventBuses"]] == ["orders"]
    page = events.list_event_buses(Limit=1)
    assert [one["Name"] for one in page["EventBuses"]] == ["default"]
    assert [one["Name"] for one in events.list_event_buses(NextToken=page["NextToken"])["EventBuses"]] == ["orders"]
    events.put_rule(Name="r", EventPattern=PATTERN, EventBusName="orders")
    with refused("ValidationException", "rules"):
        events.delete_event_bus(Name="orders")
    events.delete_rule(Name="r", EventBusName="orders")
    events.delete_event_bus(Name="orders")
    events.delete_event_bus(Name="orders")  # gone already: no error
    with refused("ResourceNotFoundException", "orders"):
        events.describe_event_bus(Name="orders")


def test_what_buses_are_not(house: EventsHouse) -> None:
    for more in ({"DeadLetterConfig": {"Arn": arn("sqs", "q")}}, {"LogConfig": {"Level": "INFO"}}):
        with refused("NotImplemented", next(iter(more))):
            house.events.create_event_bus(Name="b", **more)
    with refused("ValidationException", "'/'"):
        house.events.create_event_bus(Name="a/b")
    with refused("NotImplemented", "Partner"):
        house.events.create_event_bus(Name="aws.partner/x/y", EventSourceName="aws.partner/x/y")
    with refused("ValidationException", "another account or region"):
        house.events.describe_event_bus(Name=f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/default")


def test_policies_of_buses(house: EventsHouse) -> None:
    events = house.events
    events.put_permission(Action="events:PutEvents", Principal="111122223333", StatementId="one")
    events.put_permission(
        Action="events:PutEvents",
        Principal="*",
        StatementId="two",
        Condition={"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"},
    )
    policy = json.loads(events.describe_event_bus()["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["one", "two"]
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    events.remove_permission(StatementId="one")
    with refused("ResourceNotFoundException"):
        events.remove_permission(StatementId="one")
    events.remove_permission(RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus()
    with refused("ValidationException", "Policy"):
        events.put_permission(Policy="{}")
    with refused("ValidationException", "StatementId"):
        events.put_permission(Action="events:PutEvents", Principal="*")
    with refused("ValidationException", "not supported"):
        events.put_permission(Action="events:PutRule", Principal="*", StatementId="s")
    whole = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents",
                                                   "Resource": arn("events", "event-bus/default")}}  # fmt: skip
    events.put_permission(Policy=json.dumps(whole))
    with refused("PolicyLengthExceededException"):
        events.put_permission(Policy=json.dumps(whole) + " " * 10_240)


# -- rules ------------------------------------------------------------------------------------------------------------


def test_a_rule_comes_changes_and_goes(house: EventsHouse) -> None:
    events = house.events
    made = events.put_rule(Name="r", EventPattern=PATTERN, Description="d", Tags=[{"Key": "a", "Value": "1"}])
    assert made["RuleArn"] == arn("events", "rule/r")
    found = events.describe_rule(Name="r")
    found.pop("ResponseMetadata")
    assert found == {
        "Name": "r",
        "Arn": made["RuleArn"],
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "d",
        "EventBusName": "default",
        "CreatedBy": ACCOUNT,
    }
    events.put_rule(Name="r", ScheduleExpression="rate(5 minutes)", State="DISABLED", Tags=[{"Key": "b", "Value": "2"}])
    found = events.describe_rule(Name="r")
    assert "EventPattern" not in found and "Description" not in found and found["State"] == "DISABLED"
    assert events.list_tags_for_resource(ResourceARN=made["RuleArn"])["Tags"] == [{"Key": "a", "Value": "1"}]
    events.enable_rule(Name="r")
    assert events.describe_rule(Name="r")["State"] == "ENABLED"
    events.disable_rule(Name="r")
    assert events.describe_rule(Name="r")["State"] == "DISABLED"
    events.delete_rule(Name="r")
    events.delete_rule(Name="r")
    for call in (events.describe_rule, events.enable_rule, events.disable_rule):
        with refused("ResourceNotFoundException", "Rule r does not exist on EventBus default."):
            call(Name="r")


def test_rules_are_listed_by_bus_and_prefix(house: EventsHouse) -> None:
    events = house.events
    events.create_event_bus(Name="other")
    for name in ("a1", "a2", "b1"):
        events.put_rule(Name=name, EventPattern=PATTERN)
    made = events.put_rule(Name="a3", EventPattern=PATTERN, EventBusName="other")
    assert made["RuleArn"] == arn("events", "rule/other/a3")
    assert [one["Name"] for one in events.list_rules(NamePrefix="a")["Rules"]] == ["a1", "a2"]
    first = events.list_rules(Limit=2)
    assert [one["Name"] for one in first["Rules"]] == ["a1", "a2"]
    assert [one["Name"] for one in events.list_rules(NextToken=first["NextToken"])["Rules"]] == ["b1"]
    assert [one["Name"] for one in events.list_rules(EventBusName="other")["Rules"]] == ["a3"]
    with refused("ValidationException", "NextToken"):
        events.list_rules(NextToken=first["NextToken"], EventBusName="other")
    with refused("ResourceNotFoundException", "nobody"):
        events.list_rules(EventBusName="nobody")


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        ({}, "ValidationException", "EventPattern or ScheduleExpression"),
        ({"EventPattern": '{"a": "b"}'}, "InvalidEventPatternException", "line: 1, column: 7"),
        ({"EventPattern": "nothing"}, "InvalidEventPatternException", "Reason: Invalid JSON"),
        ({"ScheduleExpression": "every day"}, "ValidationException", "Parameter ScheduleExpression is not valid"),
        ({"ScheduleExpression": "at(2030-01-01T00:00:00)"}, "ValidationException", "Parameter ScheduleExpression"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException", "'minute' for the value 1"),
        ({"ScheduleExpression": "rate(0 minutes)"}, "ValidationException", "greater than 0"),
        ({"ScheduleExpression": "cron(0 25 * * ? *)"}, "ValidationException", "hours"),
        ({"ScheduleExpression": "cron(0 1 * * * *)"}, "ValidationException", "day-of-week"),
        ({"ScheduleExpression": "rate(1 day)", "EventBusName": "other"}, "ValidationException", "default event bus"),
        ({"EventPattern": PATTERN, "EventBusName": "nobody"}, "ResourceNotFoundException", "nobody"),
        (
            {"EventPattern": PATTERN, "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"},
            "NotImplemented",
            "management events",
        ),
    ],
)
def test_rules_that_are_none(house: EventsHouse, request_: dict[str, Any], code: str, words: str) -> None:
    house.events.create_event_bus(Name="other")
    with refused(code, words):
        house.events.put_rule(Name="r", **request_)
    assert house.events.list_rules()["Rules"] == []


def test_patterns_are_tried(house: EventsHouse) -> None:
    event = {
        "id": "1", "detail-type": "t", "source": "app", "account": ACCOUNT, "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1", "resources": [], "detail": {"n": 300.0},
    }  # fmt: skip
    test = house.events.test_event_pattern
    assert test(EventPattern='{"detail": {"n": [300]}}', Event=json.dumps(event))["Result"]
    assert not test(EventPattern='{"detail": {"n": [301]}}', Event=json.dumps(event))["Result"]
    with refused("InvalidEventPatternException", "Empty arrays"):
        test(EventPattern='{"source": []}', Event=json.dumps(event))
    for wrong in ("[]", "{", '{"id": "1"}'):
        with refused("ValidationException", "Parameter Event is not valid"):
            test(EventPattern=PATTERN, Event=wrong)


# -- targets ----------------------------------------------------------------------------------------------------------


def test_targets_come_change_and_go(house: EventsHouse) -> None:
    events, queue = house.events, house.queue()
    house.rule({"source": ["app"]})
    assert (
        events.put_targets(Rule="r", Targets=[{"Id": "a", "Arn": queue}, {"Id": "b", "Arn": queue}])["FailedEntryCount"]
        == 0
    )
    events.put_targets(Rule="r", Targets=[{"Id": "a", "Arn": queue, "Input": '{"x": 1}'}])
    found = events.list_targets_by_rule(Rule="r")["Targets"]
    assert found == [{"Id": "a", "Arn": queue, "Input": '{"x": 1}'}, {"Id": "b", "Arn": queue}]
    page = events.list_targets_by_rule(Rule="r", Limit=1)
    assert [one["Id"] for one in page["Targets"]] == ["a"]
    assert [one["Id"] for one in events.list_targets_by_rule(Rule="r", NextToken=page["NextToken"])["Targets"]] == ["b"]
    house.rule({"source": ["app"]}, {"Arn": queue}, name="s")
    assert events.list_rule_names_by_target(TargetArn=queue)["RuleNames"] == ["r", "s"]
    page = events.list_rule_names_by_target(TargetArn=queue, Limit=1)
    more = events.list_rule_names_by_target(TargetArn=queue, NextToken=page["NextToken"])
    assert (page["RuleNames"], more["RuleNames"]) == (["r"], ["s"])
    with refused("ValidationException", "has targets"):
        events.delete_rule(Name="r")
    gone = events.remove_targets(Rule="r", Ids=["a", "b", "c"])
    assert (gone["FailedEntryCount"], gone["FailedEntries"][0]["TargetId"]) == (1, "c")
    events.delete_rule(Name="r")
    with refused("ResourceNotFoundException", "Rule r"):
        events.put_targets(Rule="r", Targets=[{"Id": "a", "Arn": queue}])


FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
PARAMETERS = {
    "KinesisParameters": {"PartitionKeyPath": "$.id"},
    "RunCommandParameters": {"RunCommandTargets": [{"Key": "k", "Values": ["v"]}]},
    "EcsParameters": {"TaskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/t"},
    "BatchParameters": {"JobDefinition": "d", "JobName": "n"},
    "HttpParameters": {"HeaderParameters": {"a": "b"}},
    "RedshiftDataParameters": {"Database": "d"},
    "AppSyncParameters": {"GraphQLOperation": "query"},
}


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ({"Arn": "nothing"}, "ValidationException", "not in correct format"),
        ({"Arn": arn("logs", "query")}, "ValidationException", "not in correct format"),
        ({"Arn": FUNCTION}, "NotImplemented", "Lambda functions"),
        ({"Arn": arn("states", "stateMachine:s")}, "NotImplemented", "Step Functions"),
        ({"Arn": arn("kinesis", "stream/s")}, "NotImplemented", "Kinesis streams"),
        ({"Arn": arn("events", "api-destination/x/y")}, "NotImplemented", "API destinations"),
        ({"Arn": arn("strange", "x")}, "NotImplemented", "'strange'"),
        ({"Arn": "arn:aws:sqs:us-east-1:000000000000:q"}, "NotImplemented", "another account"),
        ({"Arn": arn("sqs", "q.fifo")}, "NotImplemented", "FIFO"),
        ({"Arn": arn("sagemaker", "pipeline/p"), "RoleArn": "r"}, "NotImplemented", "StartPipelineExecution"),
        ({"Arn": arn("logs", "log-group:/other")}, "ValidationException", "/aws/events/"),
        ({"Arn": arn("events", "event-bus/default")}, "ValidationException", "same bus"),
        ({"Input": "{"}, "ValidationException", "JSON syntax error in input for target t"),
        ({"Input": "NaN"}, "ValidationException", "JSON syntax error in input for target t"),
        ({"InputPath": "detail"}, "ValidationException", "must begin with '$'"),
        ({"InputPath": "$.a b"}, "ValidationException", "at position 3"),
        ({"InputPath": "$.a["}, "ValidationException", "at position 3"),
        ({"Input": "1", "InputPath": "$"}, "ValidationException", "Only one of"),
        (
            {"InputTransformer": {"InputTemplate": '"<nobody>"'}},
            "ValidationException",
            "InputTemplate for target t contains invalid placeholder nobody.",
        ),
        (
            {"InputTransformer": {"InputTemplate": '{"a": <x>', "InputPathsMap": {"x": "$.id"}}},
            "ValidationException",
            "Invalid InputTemplate for target t",
        ),
        (
            {"InputTransformer": {"InputTemplate": '"<x>"', "InputPathsMap": {"x": "$..id"}}},
            "ValidationException",
            "at position 1",
        ),
        (
            {"InputTransformer": {"InputTemplate": '"x"', "InputPathsMap": {"aws.x": "$.id"}}},
            "ValidationException",
            "inputPathsMap",
        ),
        ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "ValidationException", "cannot be assumed"),
        ({"DeadLetterConfig": {"Arn": arn("sns", "t")}}, "ValidationException", "standard SQS queue"),
        ({"SqsParameters": {"MessageGroupId": "g"}}, "ValidationException", "MessageGroupId"),
        ({"SageMakerPipelineParameters": {"PipelineParameterList": []}}, "ValidationException", "SageMaker pipeline"),
        *(({name: value}, "NotImplemented", name) for name, value in PARAMETERS.items()),
    ],
)
def test_targets_that_are_none(house: EventsHouse, target: dict[str, Any], code: str, words: str) -> None:
    house.rule({"source": ["app"]})
    with refused(code, words):
        house.events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": arn("sqs", "q"), **target}])
    assert house.events.list_targets_by_rule(Rule="r")["Targets"] == []


def test_how_many_targets(house: EventsHouse) -> None:
    house.rule({"source": ["app"]})
    many = [{"Id": str(n), "Arn": arn("sqs", "q")} for n in range(11)]
    put = house.events.put_targets
    with refused("ValidationException", "At most 10"):
        put(Rule="r", Targets=many)
    with refused("LimitExceededException"):
        put(Rule="r", Targets=many[:6])
    with refused("ValidationException", "given twice"):
        put(Rule="r", Targets=[many[0], many[0]])
    put(Rule="r", Targets=many[:5])
    put(Rule="r", Targets=[{**many[0], "Input": "1"}])


# -- tags -------------------------------------------------------------------------------------------------------------


def test_tags_of_buses_and_rules(house: EventsHouse) -> None:
    events = house.events
    rule = house.rule({"source": ["app"]})
    for one in (rule, arn("events", "event-bus/default")):
        events.tag_resource(ResourceARN=one, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
        events.untag_resource(ResourceARN=one, TagKeys=["a"])
        assert events.list_tags_for_resource(ResourceARN=one)["Tags"] == [{"Key": "b", "Value": ""}]
    with refused("ResourceNotFoundException"):
        events.tag_resource(ResourceARN=arn("events", "rule/nobody"), Tags=[])
    with refused("ValidationException", "given twice"):
        events.tag_resource(ResourceARN=rule, Tags=[{"Key": "a", "Value": "1"}] * 2)
    with refused("ValidationException", "reserved"):
        events.tag_resource(ResourceARN=rule, Tags=[{"Key": "aws:x", "Value": "1"}])
    with refused("LimitExceededException", "50"):
        events.tag_resource(ResourceARN=rule, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])


# -- what is not served -----------------------------------------------------------------------------------------------


def test_what_is_not_served_is_refused_by_name(house: EventsHouse) -> None:
    with refused("NotImplemented", "CreateConnection"):
        house.events.create_connection(
            Name="c",
            AuthorizationType="API_KEY",
            AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "n", "ApiKeyValue": "v"}},
        )
    with refused("NotImplemented", "ListApiDestinations"):
        house.events.list_api_destinations()
    with refused("NotImplemented", "PutPartnerEvents"):
        house.events.put_partner_events(Entries=[{"Source": "x"}])
