"""From an event to its targets: what is matched, what is sent, on whose authority, how often, and what is counted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.delivery import MOST_HOPS
from clary.aws.errors import NotImplementedHere
from tests.events_house import EventsHouse, arn, events_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

ALL = {"source": ["app"]}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EventsHouse]:
    with events_house(tmp_path) as made:
        yield made


# -- PutEvents --------------------------------------------------------------------------------------------------------


def test_an_event_reaches_the_targets_of_the_rules_that_match(house: EventsHouse) -> None:
    one, two = house.queue("one"), house.queue("two")
    house.rule({"source": ["app"], "detail": {"n": [1]}}, {"Arn": one}, name="ones")
    house.rule({"source": ["app"]}, {"Arn": one}, {"Arn": two}, name="all")
    house.rule({"source": ["other"]}, {"Arn": two}, name="other")
    first = house.put({"n": 1}, Resources=["arn:x"], Time=1_700_000_000)
    second = house.put({"n": 2})
    assert sorted(body["id"] for body in house.bodies("one")) == sorted([first, first, second])
    got = house.bodies("two")
    assert [body["id"] for body in got] == [first, second]
    assert got[0] == {
        "version": "0",
        "id": first,
        "detail-type": "t",
        "source": "app",
        "account": ACCOUNT,
        "time": "2023-11-14T22:13:20Z",
        "region": REGION,
        "resources": ["arn:x"],
        "detail": {"n": 1},
    }


def test_rules_count_from_the_event_after_them(house: EventsHouse) -> None:
    queue = house.queue()
    house.put({"n": 1})
    house.rule(ALL, {"Arn": queue})
    house.put({"n": 2})
    house.events.disable_rule(Name="r")
    house.put({"n": 3})
    house.events.enable_rule(Name="r")
    house.put({"n": 4})
    house.events.put_rule(Name="r", EventPattern='{"source": ["x"]}')
    house.put({"n": 5})
    house.events.put_rule(Name="r", EventPattern='{"source": ["app"]}')
    house.events.remove_targets(Rule="r", Ids=["1"])
    house.put({"n": 6})
    assert [body["detail"]["n"] for body in house.bodies()] == [2, 4]


def test_buses_are_apart(house: EventsHouse) -> None:
    queue = house.queue()
    bus = house.events.create_event_bus(Name="orders")["EventBusArn"]
    house.rule(ALL, {"Arn": queue}, EventBusName="orders")
    house.put({"n": 1})
    house.put({"n": 2}, EventBusName="orders")
    house.put({"n": 3}, EventBusName=bus)
    assert [body["detail"]["n"] for body in house.bodies()] == [2, 3]
    assert house.metrics.of("TriggeredRules", EventBusName="orders", RuleName="r") == 2
    assert house.metrics.of("MatchedEvents", EventBusName="orders") == 2


@pytest.mark.parametrize(
    ("entry", "code", "words"),
    [
        ({"Source": ""}, "InvalidArgument", "Source is a required argument"),
        ({"DetailType": ""}, "InvalidArgument", "DetailType is a required argument"),
        ({"Detail": ""}, "InvalidArgument", "Detail is a required argument"),
        ({"DetailType": "x" * 129}, "InvalidArgument", "128"),
        ({"Detail": "{"}, "MalformedDetail", "Detail is malformed"),
        ({"Detail": '{"a": NaN}'}, "MalformedDetail", "Detail is malformed"),
        ({"Detail": "[1]"}, "MalformedDetail", "must be a JSON object"),
        ({"Detail": '{"a":' + "[" * 2_000 + "]" * 2_000 + "}"}, "MalformedDetail", "Detail is malformed"),
        ({"Source": "aws.s3"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
        ({"EventBusName": "nobody"}, "InvalidArgument", "nobody does not exist"),
        (
            {"EventBusName": f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/default"},
            "InvalidArgument",
            "another account or region",
        ),
    ],
)
def test_a_bad_entry_fails_alone(house: EventsHouse, entry: dict[str, str], code: str, words: str) -> None:
    queue = house.queue()
    house.rule(ALL, {"Arn": queue})
    good = {"Source": "app", "DetailType": "t", "Detail": "{}"}
    answer = house.events.put_events(Entries=[{**good, **entry}, good])
    assert answer["FailedEntryCount"] == 1
    failed, taken = answer["Entries"]
    assert failed["ErrorCode"] == code and words in failed["ErrorMessage"]
    house.settle()
    assert [body["id"] for body in house.bodies()] == [taken["EventId"]]


def test_sizes_and_numbers_of_entries(house: EventsHouse) -> None:
    entry = {"Source": "app", "DetailType": "t", "Detail": json.dumps({"x": "y" * 104_000})}
    assert house.events.put_events(Entries=[entry] * 10)["FailedEntryCount"] == 0
    with refused("ValidationException", "over the limit"):
        house.events.put_events(Entries=[{**entry, "Detail": json.dumps({"x": "y" * 105_000})}] * 10)
    with refused("ValidationException", "entries"):
        house.events.put_events(Entries=[entry] * 11)
    with pytest.raises(NotImplementedHere, match="Global endpoints"):
        house.call("events", "PutEvents", Entries=[entry], EndpointId="abc.def")


def test_an_event_may_be_of_any_time(house: EventsHouse) -> None:
    house.rule(ALL, {"Arn": house.queue()})
    for time in (-62_135_596_800, 0.9, 253_402_300_799):
        house.put({}, Time=time)
    times = [body["time"] for body in house.bodies()]
    assert times == ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]


# -- what is sent -----------------------------------------------------------------------------------------------------


def sent(house: EventsHouse, detail: Any, **target: Any) -> str:
    house.rule(ALL, {"Arn": house.queue(), **target})
    house.put(detail, Time=0)
    (message,) = house.messages()
    body: str = message["Body"]
    return body


DETAIL = {"name": 'a "b"', "n": 1.5, "tags": ["x", "y"], "deep": {"key-1": {"v": None}}, "items": [{"i": 1}, {"i": 2}]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", None),
        ("$.detail.n", "1.5"),
        ("$.detail.name", '"a \\"b\\""'),
        ("$.detail.tags[1]", '"y"'),
        ("$.detail.tags[-1]", '"y"'),
        ("$.detail.tags[9]", "null"),
        ("$.detail.deep.key-1", '{"v":null}'),
        ("$.detail.items[*].i", "[1,2]"),
        ("$.detail.deep.*", '[{"v":null}]'),
        ("$['detail']['deep'][\"key-1\"].v", "null"),
        ("$.nothing", "null"),
    ],
)
def test_a_part_of_the_event(house: EventsHouse, path: str, expected: str | None) -> None:
    got = sent(house, DETAIL, InputPath=path)
    assert json.loads(got)["detail"] == DETAIL if expected is None else got == expected


def test_a_constant(house: EventsHouse) -> None:
    assert sent(house, DETAIL, Input='{ "a":1 }') == '{ "a":1 }'


PATHS = {"n": "$.detail.n", "name": "$.detail.name", "tags": "$.detail.tags", "none": "$.detail.none", "z": "$.account"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"n is <n> of <name>"', '"n is 1.5 of a \\"b\\""'),
        ("<name> is <n>", 'a "b" is 1.5'),
        ("<name>", '"a \\"b\\""'),
        ("<tags>", '["x","y"]'),
        ('{"n": <n>, "name": <name>, "tags": <tags>}', '{"n": 1.5, "name": "a \\"b\\"", "tags": ["x","y"]}'),
        ('{"said": "<name>: <tags>"}', '{"said": "a \\"b\\": [\\"x\\",\\"y\\"]"}'),
        ('{"said": "\\"<n>\\" <n"}', '{"said": "\\"1.5\\" <n"}'),
        ('{"a": <none>, "b": "<none>."}', '{"a": "", "b": "."}'),
        ('"one <n>"\n"two <z>"', f'"one 1.5"\n"two {ACCOUNT}"'),
        ("<aws.events.rule-name> <aws.events.rule-arn>", f"r {arn('events', 'rule/r')}"),
        ('{"at": <aws.events.event.ingestion-time>}', None),
        ('{"e": <aws.events.event>}', None),
        ('{"e": <aws.events.event.json>}', None),
    ],
)
def test_templates(house: EventsHouse, template: str, expected: str | None) -> None:
    got = sent(house, DETAIL, InputTransformer={"InputPathsMap": PATHS, "InputTemplate": template})
    if expected is not None:
        assert got == expected
        return
    (value,) = json.loads(got).values()
    if isinstance(value, str):
        assert value.endswith("Z") and value.startswith("20")
    elif "detail" in value:
        assert value["detail"] == DETAIL
    else:
        assert (value["detailType"], value["account"], "detail-type" in value) == ("t", ACCOUNT, False)


# -- targets ----------------------------------------------------------------------------------------------------------


def test_a_log_group(house: EventsHouse) -> None:
    house.call("logs", "CreateLogGroup", logGroupName="/aws/events/all")
    house.rule(ALL, {"Arn": arn("logs", "log-group:/aws/events/all:*"), "InputPath": "$.detail"})
    house.put({"n": 1})
    house.put({"n": 2})
    found = house.call("logs", "FilterLogEvents", logGroupName="/aws/events/all")["events"]
    assert [(one["logStreamName"], one["message"]) for one in found] == [("r", '{"n":1}'), ("r", '{"n":2}')]
    assert found[0]["timestamp"] == int(house.clock.now() * 1000)


def test_another_bus_gets_the_event_as_it_was_told(house: EventsHouse) -> None:
    queue = house.queue()
    bus = house.events.create_event_bus(Name="second")["EventBusArn"]
    house.rule(ALL, {"Arn": bus, "RoleArn": house.role("courier", "events:PutEvents")})
    house.rule(ALL, {"Arn": queue}, EventBusName="second", name="s")
    house.put({"n": 1}, Time=0, Resources=["arn:x"])
    (got,) = house.bodies()
    assert (got["detail"], got["time"], got["resources"]) == ({"n": 1}, "1970-01-01T00:00:00Z", ["arn:x"])


def test_a_bus_that_nobody_opened_is_not_reached(house: EventsHouse) -> None:
    queue, dead = house.queue(), house.queue("dead")
    bus = house.events.create_event_bus(Name="second")["EventBusArn"]
    house.rule(ALL, {"Arn": bus, "DeadLetterConfig": {"Arn": dead}})
    house.rule(ALL, {"Arn": queue}, EventBusName="second", name="s")
    house.put({"n": 1})
    assert house.bodies() == []
    (letter,) = house.messages("dead")
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDeniedException"
    opened = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "events:PutEvents",
              "Resource": bus}  # fmt: skip
    house.events.put_permission(
        EventBusName="second", Policy=json.dumps({"Version": "2012-10-17", "Statement": opened})
    )
    house.put({"n": 2})
    assert [body["detail"]["n"] for body in house.bodies()] == [2]


def test_a_loop_of_buses_is_cut(house: EventsHouse) -> None:
    queue, role = house.queue(), house.role("courier", "events:PutEvents")
    other = house.events.create_event_bus(Name="other")["EventBusArn"]
    house.rule(ALL, {"Arn": other, "RoleArn": role}, {"Arn": queue}, name="there")
    back = {"Arn": arn("events", "event-bus/default"), "RoleArn": role}
    house.rule(ALL, back, EventBusName="other", name="back")
    house.put({"n": 1})
    assert len(house.bodies()) == MOST_HOPS // 2
    cut = house.metrics.of("FailedInvocations", RuleName="there") + house.metrics.of(
        "FailedInvocations", EventBusName="other", RuleName="back"
    )
    assert cut >= 1


def test_the_queue_decides_who_may_send(house: EventsHouse) -> None:
    house.queue("closed", opened=False)
    dead = house.queue("dead")
    house.rule(ALL, {"Arn": arn("sqs", "closed"), "DeadLetterConfig": {"Arn": dead}})
    put = house.put({"n": 1})
    assert house.messages("closed") == []
    (letter,) = house.messages("dead")
    assert json.loads(letter["Body"])["id"] == put
    said = {name: one["StringValue"] for name, one in letter["MessageAttributes"].items()}
    assert said.pop("ERROR_MESSAGE").startswith("User: events.amazonaws.com is not authorized")
    assert said == {
        "RULE_ARN": arn("events", "rule/r"),
        "TARGET_ARN": arn("sqs", "closed"),
        "ERROR_CODE": said["ERROR_CODE"],
        "RETRY_ATTEMPTS": "0",
    }
    assert "AccessDenied" in said["ERROR_CODE"]
    role = house.role("sender", "sqs:SendMessage")
    house.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn("sqs", "closed"), "RoleArn": role}])
    house.put({"n": 2})
    assert [body["detail"]["n"] for body in house.bodies("closed")] == [2]
    counted = {name: house.metrics.of(name, RuleName="r") for name in
               ("TriggeredRules", "Invocations", "FailedInvocations", "InvocationsSentToDlq")}  # fmt: skip
    assert counted == {"TriggeredRules": 2, "Invocations": 2, "FailedInvocations": 1, "InvocationsSentToDlq": 1}


def test_a_target_that_is_not_there_fails_and_holds_up_nobody(house: EventsHouse) -> None:
    queue, dead = house.queue(), house.queue("dead")
    nobody = {"Arn": arn("sqs", "nobody"), "RoleArn": house.role("sender", "sqs:SendMessage")}
    house.rule(ALL, {**nobody, "DeadLetterConfig": {"Arn": dead}}, {"Arn": queue})
    house.put({"n": 1})
    assert [body["detail"]["n"] for body in house.bodies()] == [1]
    (letter,) = house.messages("dead")
    assert "QueueDoesNotExist" in letter["MessageAttributes"]["ERROR_CODE"]["StringValue"]


def test_a_role_that_is_gone_fails_the_event(house: EventsHouse) -> None:
    queue = house.queue(opened=False)
    role, dead = house.role("sender", "sqs:SendMessage"), house.queue("dead")
    house.rule(ALL, {"Arn": queue, "RoleArn": role, "DeadLetterConfig": {"Arn": dead}})
    iam = house.wire.client("iam")
    iam.delete_role_policy(RoleName="sender", PolicyName="p")
    iam.delete_role(RoleName="sender")
    house.put({"n": 1})
    (letter,) = house.messages("dead")
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "AccessDenied"


# -- S3 ---------------------------------------------------------------------------------------------------------------


def test_a_rule_hears_of_new_objects(house: EventsHouse) -> None:
    queue = house.queue()
    s3 = house.wire.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="data/0.csv", Body=b"before")
    s3.put_bucket_notification_configuration(Bucket="lake", NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["lake"]}, "object": {"key": [{"prefix": "data/"}]}},
    }
    house.rule(pattern, {"Arn": queue})
    s3.put_object(Bucket="lake", Key="data/1.csv", Body=b"abc")
    s3.put_object(Bucket="lake", Key="other", Body=b"abc")
    s3.delete_object(Bucket="lake", Key="data/1.csv")
    house.settle()
    (got,) = house.bodies()
    assert got["resources"] == ["arn:aws:s3:::lake"]
    assert got["region"] == REGION
    assert (got["detail"]["object"]["key"], got["detail"]["object"]["size"]) == ("data/1.csv", 3)
    assert got["detail"]["reason"] == "PutObject"
