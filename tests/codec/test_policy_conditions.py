"""Every operator, and what each says of an absent key."""

from typing import Any

import pytest

from clary.aws.policy import Malformed
from clary.aws.policy.conditions import compile_block
from clary.aws.policy.values import instant


def holds(operator: str, policy: Any, given: tuple[str, ...] | None, **others: str) -> bool:
    said = {f"aws:{name}": (value,) for name, value in others.items()}
    if given is not None:
        said["aws:k"] = given
    return all(one.holds(said.get) for one in compile_block({operator: {"aws:K": policy}}, True))


@pytest.mark.parametrize(
    ("operator", "policy", "given", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["x", "a"], "a", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a*", "a*", True),
        ("StringNotEquals", ["x", "a"], "a", False),
        ("StringNotEquals", ["x", "y"], "a", True),
        ("StringEqualsIgnoreCase", "Ab", "aB", True),
        ("StringNotEqualsIgnoreCase", "Ab", "aB", False),
        ("StringLike", "a*c?", "abcd", True),
        ("StringLike", ["x", "a*"], "b", False),
        ("StringNotLike", "a*", "b", True),
        ("NumericEquals", "5", "5.0", True),
        ("NumericEquals", 5, "5", True),
        ("NumericNotEquals", "5", "6", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericLessThan", "10", "many", False),
        ("NumericLessThan", "10", "nan", False),
        ("DateEquals", "2026-01-02T00:00:00Z", "2026-01-02", True),
        ("DateNotEquals", "2026-01-02T00:00:00Z", "2026-01-03", True),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T23:59:59Z", True),
        ("DateLessThanEquals", "2026-01-02T01:00:00+01:00", "2026-01-02T00:00:00Z", True),
        ("DateGreaterThan", "1700000000", "2023-11-14T22:13:21Z", True),
        ("DateGreaterThanEquals", "2026", "2025-12-31T23:59:59.9Z", False),
        ("Bool", "true", "True", True),
        ("Bool", True, "false", False),
        ("Bool", ["true", "false"], "false", True),
        ("BinaryEquals", "QUI=", "QUI=", True),
        ("BinaryEquals", "QUI=", "QUM=", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", True),
        ("IpAddress", "10.0.0.1", "10.0.0.1", True),
        ("IpAddress", "10.0.0.0/8", "somewhere", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("ArnLike", "arn:aws:iam::*:role/x*", "arn:aws:iam::1:role/xy", True),
        ("ArnLike", "arn:aws:*:role/x", "arn:aws:iam::1:role/x", False),  # A star reaches over no colon.
        ("ArnEquals", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", True),
        ("ArnNotEquals", "arn:aws:iam::1:role/x", "arn:aws:iam::2:role/x", True),
        ("ArnNotLike", "arn:aws:iam::*:role/x", "arn:aws:iam::2:role/x", False),
        ("ArnLike", "*", "arn:aws:iam::1:role/x", True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
    ],
)
def test_an_operator(operator: str, policy: Any, given: str, expected: bool) -> None:
    assert holds(operator, policy, (given,)) == expected
    assert holds(operator.upper(), policy, (given,)) == expected
    if operator != "Null":
        assert holds(operator + "IfExists", policy, (given,)) == expected


@pytest.mark.parametrize(
    ("operator", "policy", "expected"),
    [
        ("StringEquals", "a", False),
        ("StringLike", "*", False),
        ("StringNotEquals", "a", True),
        ("StringNotLike", "*", True),
        ("NumericLessThan", "1", False),
        ("NumericNotEquals", "1", True),
        ("DateNotEquals", "2026", True),
        ("Bool", "false", False),
        ("BinaryEquals", "QUI=", False),
        ("IpAddress", "0.0.0.0/0", False),
        ("NotIpAddress", "0.0.0.0/0", True),
        ("ArnLike", "*", False),
        ("ArnNotLike", "*", True),
        ("Null", "true", True),
        ("Null", "false", False),
        ("StringEqualsIfExists", "a", True),
        ("StringNotEqualsIfExists", "a", True),
        ("BoolIfExists", "true", True),
        ("ForAllValues:StringEquals", "a", True),
        ("ForAllValues:StringNotEquals", "a", True),
        ("ForAnyValue:StringEquals", "a", False),
        ("ForAnyValue:StringNotEquals", "a", False),
    ],
)
def test_an_absent_key(operator: str, policy: str, expected: bool) -> None:
    assert holds(operator, policy, None) == expected
    assert holds(operator, policy, ()) == expected


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAnyValue:StringEquals", ("a", "c"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "d"), False),
        ("ForAnyValue:StringNotEquals", ("a", "d"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("StringEquals", ("c", "b"), True),
        ("StringNotEquals", ("c", "b"), False),
    ],
)
def test_keys_of_many_values(operator: str, given: tuple[str, ...], expected: bool) -> None:
    assert holds(operator, ["a", "b"], given) == expected


def test_all_operators_and_all_keys_must_hold() -> None:
    said = {"aws:a": ("1",), "aws:b": ("2",)}
    block = {"StringEquals": {"aws:a": "1", "aws:b": "2"}, "NumericLessThan": {"aws:b": 3}}
    assert all(one.holds(said.get) for one in compile_block(block, True))
    block["NumericLessThan"] = {"aws:b": 2}
    assert not all(one.holds(said.get) for one in compile_block(block, True))


def test_values_may_hold_variables() -> None:
    assert holds("StringEquals", "${aws:name}", ("ann",), name="ann")
    assert not holds("StringEquals", "${aws:other}", ("ann",), name="ann")
    assert holds("StringLike", "${aws:name}/*", ("a*/x",), name="a*")
    assert not holds("StringLike", "${aws:name}/*", ("ab/x",), name="a*")
    assert holds("ArnLike", "arn:aws:iam::1:user/${aws:name}", ("arn:aws:iam::1:user/ann",), name="ann")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"StringIs": {"aws:a": "x"}}, "Invalid Condition type : StringIs"),
        ({"ForSomeValues:StringEquals": {"aws:a": "x"}}, "Invalid Condition type"),
        ({"StringEquals": {"a": "x"}}, "Invalid Condition key"),
        ({"StringEquals": "x"}, "Syntax errors"),
        ({"StringEquals": {}}, "Syntax errors"),
        ({"StringEquals": {"aws:a": {"x": 1}}}, "Syntax errors"),
        ({"NumericEquals": {"aws:a": "x"}}, "not a number"),
        ({"DateEquals": {"aws:a": "yesterday"}}, "not a date"),
        ({"IpAddress": {"aws:a": "10.0.0.0/40"}}, "no IP address"),
        ({"BinaryEquals": {"aws:a": "%"}}, "base64"),
        ({"Null": {"aws:a": "perhaps"}}, "true or false"),
        ([], "Syntax errors"),
    ],
)
def test_a_block_that_means_nothing_is_refused(block: Any, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        compile_block(block, True)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01", 0.0),
        ("1970-01-01T00:00:10.5Z", 10.5),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00-0100", 3600.0),
        ("2026", 1767225600.0),
        ("1700000000", 1_700_000_000.0),
        ("2026-13-01", None),
        ("soon", None),
    ],
)
def test_dates(text: str, at: float | None) -> None:
    assert instant(text) == at
