"""Filter policies: which messages a subscription gets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.services.sns import filters
from clary.services.sns.errors import InvalidParameterException
from tests.queues_house import QueuesHouse, queues_house, refused


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def number(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


def array(*values: Any) -> dict[str, str]:
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


@pytest.mark.parametrize(
    ("policy", "attributes", "passes"),
    [
        ({}, {}, True),
        ({"a": ["x"]}, {}, False),
        ({"a": ["x"]}, {"a": text("x")}, True),
        ({"a": ["x"]}, {"a": text("X")}, False),
        ({"a": ["x", "y"], "b": ["z"]}, {"a": text("y"), "b": text("z")}, True),
        ({"a": ["x", "y"], "b": ["z"]}, {"a": text("y")}, False),
        ({"a": ["x"]}, {"a": array("w", "x")}, True),
        ({"a": ["x"]}, {"a": {"DataType": "Binary", "BinaryValue": b"x"}}, False),
        ({"a": [{"prefix": "au"}]}, {"a": text("auto")}, True),
        ({"a": [{"suffix": "to"}]}, {"a": text("auto")}, True),
        ({"a": [{"suffix": "au"}]}, {"a": text("auto")}, False),
        ({"a": [{"equals-ignore-case": "AUTO"}]}, {"a": text("auto")}, True),
        ({"a": [{"wildcard": "*.csv"}]}, {"a": text("x.csv")}, True),
        ({"a": [{"anything-but": "x"}]}, {"a": text("y")}, True),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": text("y")}, False),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": array("x", "z")}, True),
        ({"a": [{"anything-but": {"prefix": "au"}}]}, {"a": text("auto")}, False),
        ({"a": [{"anything-but": {"suffix": "to"}}]}, {"a": text("bus")}, True),
        ({"a": [{"anything-but": {"wildcard": "a*o"}}]}, {"a": text("auto")}, False),
        ({"a": [{"numeric": ["=", 301.5]}]}, {"a": number("301.50")}, True),
        ({"a": [{"numeric": [">", 0, "<=", 150]}]}, {"a": number("150")}, True),
        ({"a": [{"numeric": [">", 0, "<=", 150]}]}, {"a": number("0")}, False),
        ({"a": [{"numeric": [">", 0]}]}, {"a": text("1")}, False),
        ({"a": [7]}, {"a": number("7.0")}, True),
        ({"a": [7]}, {"a": array(7, "x")}, True),
        ({"a": [True]}, {"a": array(True)}, True),
        ({"a": [None]}, {"a": array(None)}, True),
        ({"a": [{"exists": True}]}, {"a": text("")}, True),
        ({"a": [{"exists": True}]}, {}, False),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"exists": False}]}, {"a": text("x")}, False),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("10.0.0.255")}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": text("10.0.1.0")}, False),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": text("y")}, True),
        ({"c": ["z"], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": text("y")}, False),
        ({"c": ["z"], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": text("x"), "c": text("z")}, True),
    ],
)
def test_attributes(policy: dict[str, Any], attributes: dict[str, Any], passes: bool) -> None:
    said = json.dumps(policy)
    filters.check(said, "MessageAttributes")
    assert filters.matches(said, "MessageAttributes", "{}", attributes) is passes


@pytest.mark.parametrize(
    ("policy", "body", "passes"),
    [
        ({"a": ["x"]}, '{"a": "x"}', True),
        ({"a": {"b": ["x"]}}, '{"a": {"b": "x"}}', True),
        ({"a": {"b": ["x"]}}, '{"a": [{"b": "y"}, {"b": "x"}]}', True),
        ({"a": {"b": ["x"]}}, '{"a": {"c": "x"}}', False),
        ({"a": [{"numeric": ["<", 3]}]}, '{"a": [5, 2]}', True),
        ({"a": [None]}, '{"a": null}', True),
        ({"a": {"$or": [{"b": [1]}, {"c": [2]}]}}, '{"a": {"c": 2}}', True),
        ({"a": ["x"]}, "no JSON", False),
        ({"a": ["x"]}, '["x"]', False),
        ({"a": [{"exists": False}]}, "{}", True),
    ],
)
def test_bodies(policy: dict[str, Any], body: str, passes: bool) -> None:
    said = json.dumps(policy)
    filters.check(said, "MessageBody")
    assert filters.matches(said, "MessageBody", body, {"a": text("x")}) is passes


@pytest.mark.parametrize(
    ("policy", "scope", "words"),
    [
        ('{"a": ["x"}', "MessageBody", ["line: 1, column: 11"]),
        ("[]", "MessageBody", ["column: 1"]),
        ('{"a": "x"}', "MessageBody", ["object or an array", "column: 7"]),
        ('{"a": []}', "MessageBody", ["Empty arrays", "column: 7"]),
        ('{\n "a": [{"fits": "x"}]}', "MessageBody", ["fits", "line: 2"]),
        ('{"a": [{"numeric": ["<"]}]}', "MessageBody", ["numeric"]),
        ('{"a": [{"cidr": "10.0.0.0/99"}]}', "MessageBody", ["column"]),
        ('{"a": {"b": ["x"]}}', "MessageAttributes", ["nested", "a"]),
        (json.dumps({str(n): ["x"] for n in range(6)}), "MessageBody", ["5 keys"]),
        (json.dumps({n: list(range(13)) for n in "ab"}), "MessageBody", ["169", "150"]),
        (json.dumps({"a": {"b": {"c": list(range(60))}}}), "MessageBody", ["180"]),
        ('{"a": ["' + "x" * 262_144 + '"]}', "MessageBody", ["262144"]),
    ],
)
def test_policies_that_are_none(policy: str, scope: str, words: list[str]) -> None:
    with pytest.raises(InvalidParameterException) as caught:
        filters.check(policy, scope)
    for word in ["FilterPolicy", *words]:
        assert word in caught.value.message, caught.value.message


@pytest.fixture
def house(tmp_path: Path) -> Iterator[QueuesHouse]:
    with queues_house(tmp_path) as made:
        yield made


def test_what_is_filtered_out_is_counted(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    (other, other_queue) = house.open_queue("other")
    house.subscribed(topic, queue, FilterPolicy='{"kind": ["car"]}')
    house.subscribed(topic, other_queue, FilterPolicy='{"kind": ["car"]}', FilterPolicyScope="MessageBody")
    house.sns.publish(TopicArn=topic, Message='{"kind": "car"}', MessageAttributes={"kind": text("bus")})
    house.sns.publish(TopicArn=topic, Message='{"kind": "bus"}', MessageAttributes={"kind": text("car")})
    house.sns.publish(TopicArn=topic, Message="plain")
    assert [one["Message"] for one in house.notes(url)] == ['{"kind": "bus"}']
    assert [one["Message"] for one in house.notes(other)] == ['{"kind": "car"}']
    out = "NumberOfNotificationsFilteredOut"
    assert {name: house.metrics.total(name) for name in (out, f"{out}-NoMessageAttributes", f"{out}-MessageBody")} == {
        out: 4,
        f"{out}-NoMessageAttributes": 1,
        f"{out}-MessageBody": 1,
    }
    assert house.metrics.total(f"{out}-InvalidMessageBody") == house.metrics.total(f"{out}-MessageAttributes") == 1


def test_a_scope_must_suit_the_policy(house: QueuesHouse) -> None:
    topic, (_, queue) = house.topic(), house.open_queue("q")
    nested = '{"a": {"b": ["x"]}}'
    with refused("InvalidParameter", "nested"):
        house.subscribed(topic, queue, FilterPolicy=nested)
    one = house.subscribed(topic, queue, FilterPolicy=nested, FilterPolicyScope="MessageBody")
    with refused("InvalidParameter", "nested"):
        house.sns.set_subscription_attributes(
            SubscriptionArn=one, AttributeName="FilterPolicyScope", AttributeValue="MessageAttributes"
        )
