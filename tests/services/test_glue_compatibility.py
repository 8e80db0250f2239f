"""Which schemas can read what was written by which others."""

import json
from typing import Any

import pytest

from clary.services.glue.registry import formats

CAR = {"type": "record", "name": "Car", "fields": [{"name": "make", "type": "string"}]}
NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}],
}


def fields(*more: Any, **record: Any) -> dict[str, Any]:
    return {**CAR, "fields": [*CAR["fields"], *more], **record}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


def fixed(size: int) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size}


def why(format_: str, rule: str, new: Any, *before: Any) -> str:
    for one in (new, *before):
        formats.check(format_, json.dumps(one))
    return formats.incompatible(format_, rule, json.dumps(new), [json.dumps(one) for one in before])


@pytest.mark.parametrize(
    ("new", "old", "backward", "forward"),
    [
        (fields({"name": "a", "type": "int", "default": 1}), CAR, True, True),
        (fields({"name": "a", "type": "int"}), CAR, False, True),
        (CAR, fields({"name": "a", "type": "int"}), True, False),
        (
            fields({"name": "brand", "type": "string", "aliases": ["b"]}),
            fields({"name": "b", "type": "string"}),
            *(True, False),
        ),
        (fields(name="Bike"), CAR, False, False),
        (fields(name="Bike", aliases=["Car"]), CAR, True, False),
        (fields(namespace="other"), CAR, True, True),  # the last part of the name counts
        ("long", "int", True, False),
        ("double", "float", True, False),
        ("string", "bytes", True, True),
        ("int", "boolean", False, False),
        (["null", "int"], "int", True, False),
        (["null", "long"], ["int", "null"], True, False),
        (["null", "int"], ["null", "string"], False, False),
        (enum("A", "B"), enum("A"), True, False),
        (enum("A", default="A"), enum("A", "B"), True, True),
        (fixed(4), fixed(4), True, True),
        (fixed(4), fixed(8), False, False),
        ({"type": "array", "items": "long"}, {"type": "array", "items": "int"}, True, False),
        ({"type": "map", "values": "string"}, {"type": "map", "values": "int"}, False, False),
        (NODE, NODE, True, True),
        ({**NODE, "fields": [{**NODE["fields"][0], "type": "long"}, NODE["fields"][1]]}, NODE, True, False),
    ],
)
def test_avro(new: Any, old: Any, backward: bool, forward: bool) -> None:
    assert (why("AVRO", "BACKWARD", new, old) == "") is backward
    assert (why("AVRO", "FORWARD", new, old) == "") is forward
    assert (why("AVRO", "FULL", new, old) == "") is (backward and forward)
    assert why("AVRO", "NONE", new, old) == ""


def thing(required: tuple[str, ...] = (), closed: bool = False, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "required": list(required)}
    return {**found, "additionalProperties": False} if closed else found


INT, TEXT = {"type": "integer"}, {"type": "string"}
TREE = {"properties": {"value": INT, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
TREES = {"properties": {"value": {"type": "number"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}


@pytest.mark.parametrize(
    ("new", "old", "backward", "forward"),
    [
        (thing(a=INT, b=TEXT), thing(a=INT), True, True),  # a further property that need not be there
        (thing(("b",), a=INT, b=TEXT), thing(a=INT), False, True),
        (thing(closed=True, a=INT), thing(closed=True, a=INT, b=TEXT), False, True),
        (thing(a={"type": "number"}), thing(a=INT), True, False),
        (thing(a={"type": ["integer", "null"]}), thing(a=INT), True, False),
        (thing(a=TEXT), thing(a=INT), False, False),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, True, False),
        (TEXT, {"enum": ["a"]}, True, False),
        ({"const": 1}, {"enum": [1, 2]}, False, True),
        ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 5}, True, False),
        ({"type": "string", "maxLength": 5}, {"type": "string"}, False, True),
        ({"type": "array", "items": {"type": "number"}}, {"type": "array", "items": INT}, True, False),
        ({"anyOf": [INT, TEXT]}, INT, True, False),
        ({"anyOf": [INT, TEXT]}, {"anyOf": [TEXT, INT]}, True, True),
        ({"allOf": [{"type": "integer"}, {"minimum": 1}]}, {"type": "integer", "minimum": 2}, True, False),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}, False, False),
        ({"$ref": "#/definitions/n", "definitions": {"n": INT}}, INT, True, True),
        (TREES, TREE, True, False),
        (True, INT, True, False),
    ],
)
def test_json(new: Any, old: Any, backward: bool, forward: bool) -> None:
    assert (why("JSON", "BACKWARD", new, old) == "") is backward, why("JSON", "BACKWARD", new, old)
    assert (why("JSON", "FORWARD", new, old) == "") is forward, why("JSON", "FORWARD", new, old)


def test_all_that_were_before_count_where_the_rule_says_so() -> None:
    one, two = fields({"name": "a", "type": "int", "default": 1}), CAR
    three = fields({"name": "a", "type": "string", "default": ""})
    assert why("AVRO", "BACKWARD", three, one, two) == ""
    assert "Car.a: int cannot be read as string" in why("AVRO", "BACKWARD_ALL", three, one, two)
    assert why("AVRO", "FORWARD", three, one, two) == ""
    assert "cannot be read" in why("AVRO", "FULL_ALL", three, one, two)
