"""Composite alarms: rules, following, suppression."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.services.cloudwatch.composite_rules import BadRule, holds, parse
from tests.alarms_house import TOPIC, AlarmsHouse, alarms_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

WAIT, EXTEND = 120, 180


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlarmsHouse]:
    with alarms_house(tmp_path, monkeypatch) as made:
        yield made


def arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


# Rules.

STATES = {"a": "ALARM", "b": "OK", "c d": "INSUFFICIENT_DATA", 'q"(x)': "ALARM"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ALARM(a)", True),
        ('ALARM("a") AND OK(b)', True),
        (f'ALARM("{arn("a")}")', True),
        (f"NOT ALARM({arn('a')})", False),
        ("ALARM(b) OR OK(a)", False),
        ("INSUFFICIENT_DATA(c d)", True),
        ('ALARM("q\\"(x)")', True),
        ("TRUE AND NOT FALSE", True),
        ("NOT NOT TRUE", True),
        ("FALSE AND FALSE OR TRUE", True),
        ("FALSE AND (FALSE OR TRUE)", False),
        ("NOT (ALARM(a) AND OK(b))", False),
        ("\n( ALARM ( a ) )\t", True),
        ("false", False),
        ("OK(nobody)", False),
    ],
)
def test_rules_hold(text: str, value: bool) -> None:
    assert holds(parse(text).node, STATES) is value


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("ALARM", 6),
        ("ALARM(a", 8),
        ("ALARM()", 7),
        ('ALARM("")', 7),
        ('ALARM("a)', 7),
        ("ALARM(a) ALARM(b)", 10),
        ("ALARM(a) AND", 13),
        ("WARN(a)", 1),
        ("(TRUE", 6),
        ("TRUE)", 5),
        ("TRUE & FALSE", 6),
        ("(" * 65 + "TRUE" + ")" * 65, 65),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(BadRule) as caught:
        parse(text)
    assert caught.value.position == position, caught.value


RULES = st.recursive(
    st.sampled_from(["TRUE", "FALSE", "ALARM(a)", "OK(a)", "ALARM(b)", 'OK("b")']),
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT {one}" if " " not in one else f"NOT ({one})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda one: f"({one[0]}) {one[1]} ({one[2]})"),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(RULES)
def test_rules_mean_what_python_means(text: str) -> None:
    words = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}
    told = text.replace('"', "")
    for state, name in (("ALARM", "a"), ("OK", "b"), ("OK", "a"), ("ALARM", "b")):
        told = told.replace(f"{state}({name})", str(STATES[name] == state))
    for word, python in words.items():
        told = told.replace(word, python)
    assert holds(parse(text).node, STATES) == eval(told)


def test_rules_have_bounds() -> None:
    with pytest.raises(BadRule, match="101 alarms"):
        parse(" OR ".join(f"OK(a{number})" for number in range(101)))
    with pytest.raises(BadRule, match="501 elements"):
        parse(" OR ".join(["TRUE"] * 501))


# Following.


def test_a_composite_alarm_follows_its_children_at_once(house: AlarmsHouse) -> None:
    house.topic()
    for name in "ab":
        house.alarm(name, TreatMissingData="ignore")
    house.composite("both", "ALARM(a) AND ALARM(b)", AlarmActions=[TOPIC], AlarmDescription="all of it")
    house.composite("outer", f'OK("{arn("both")}") OR ALARM(both)')
    one = house.shown("both")
    assert one["StateValue"] == "OK"
    assert one["StateReason"] == f"{arn('both')} was created and its alarm rule evaluates to OK"
    assert house.state("outer") == "ALARM"
    house.set("a", "ALARM")
    assert house.state("both") == "OK"
    house.jump(1)
    house.set("b", "ALARM")
    one = house.shown("both")
    assert one["StateValue"] == "ALARM"
    assert one["StateReason"] == f"{arn('b')} transitioned to ALARM at Saturday 21 November, 2026 18:00:01 UTC"
    [message] = house.messages()
    assert message["AlarmRule"] == "ALARM(a) AND ALARM(b)" and message["AlarmDescription"] == "all of it"
    assert message["TriggeringChildren"] == [
        {"Arn": arn("b"), "State": {"Value": "ALARM", "Timestamp": "2026-11-21T18:00:01.000+0000"}}
    ]
    told = [one["detail"] for one in house.told if one["detail"]["alarmName"] == "both"]
    assert told[-1]["configuration"] == {"description": "all of it", "alarmRule": "ALARM(a) AND ALARM(b)"}
    house.set("a", "OK")
    assert house.state("both") == "OK"
    house.composite("both", "TRUE")
    assert house.shown("both")["StateReason"] == f"{arn('both')} was updated and its alarm rule evaluates to ALARM"


def test_cycles_and_absent_children_are_refused(house: AlarmsHouse) -> None:
    house.alarm()
    house.composite("x", "ALARM(a)")
    house.composite("y", "ALARM(x) OR ALARM(a)")
    with refused("ValidationError", "x -> y -> x"):
        house.composite("x", "ALARM(y)")
    with refused("ValidationError", "x -> x"):
        house.composite("x", "ALARM(x)")
    with refused("ValidationError", "alarms [none, no more] in the alarm rule do not exist"):
        house.composite("z", "ALARM(none) AND OK(a) OR OK(no more)")
    with refused("ValidationError", "Error in AlarmRule: The rule ends too early at position 9."):
        house.composite("z", "NOT NOT ")
    with refused("ValidationError", "another account or region"):
        house.composite("z", f"ALARM({arn('a').replace(REGION, 'eu-west-1')})")
    with refused("ValidationError", "in use by an alarm of the type MetricAlarm"):
        house.composite("a", "TRUE")
    with refused("NotImplemented", "AT_LEAST"):
        house.composite("z", "AT_LEAST(1, ALARM, (a))")
    with refused("ValidationError", "Cannot delete a as there are composite alarm(s) depending on it: x, y"):
        house.cw.delete_alarms(AlarmNames=["a"])
    with refused("ValidationError", "One composite alarm"):
        house.cw.delete_alarms(AlarmNames=["x", "y"])
    for name in "yxa":
        house.cw.delete_alarms(AlarmNames=[name])


# Suppression.


@pytest.fixture
def held(house: AlarmsHouse) -> AlarmsHouse:
    """A composite alarm "main" on "child", suppressed by "stop"; all are OK."""
    house.topic()
    for name in ("child", "stop"):
        house.alarm(name, TreatMissingData="ignore")
        house.set(name, "OK")
    house.composite(
        "main",
        "ALARM(child)",
        AlarmActions=[TOPIC],
        OKActions=[TOPIC],
        ActionsSuppressor="stop",
        ActionsSuppressorWaitPeriod=WAIT,
        ActionsSuppressorExtensionPeriod=EXTEND,
    )
    assert [one["NewStateValue"] for one in house.messages()] == ["OK"]
    house.published.clear()
    return house


def by(house: AlarmsHouse) -> str | None:
    found: str | None = house.shown("main").get("ActionsSuppressedBy")
    return found


def states(house: AlarmsHouse) -> list[str]:
    return [one["NewStateValue"] for one in house.messages()]


def test_actions_wait_for_the_suppressor_and_are_done_without_it(held: AlarmsHouse) -> None:
    held.set("child", "ALARM")
    one = held.shown("main")
    assert one["StateValue"] == "ALARM" and one["ActionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
    assert by(held) == "WaitPeriod" and states(held) == []
    held.advance(WAIT - 10)
    assert states(held) == []
    held.advance(11)
    assert by(held) is None and states(held) == ["ALARM"]
    detail = held.told[-1]["detail"]
    assert detail["state"]["value"] == detail["previousState"]["value"] == "ALARM"
    assert detail["previousState"]["actionsSuppressedBy"] == "WaitPeriod"
    assert "actionsSuppressedBy" not in detail["state"]
    held.set("child", "OK")
    assert states(held) == ["ALARM", "OK"]


def test_actions_are_suppressed_while_the_suppressor_is_in_alarm_and_a_while_longer(held: AlarmsHouse) -> None:
    held.set("child", "ALARM")
    held.set("stop", "ALARM")
    assert by(held) == "Alarm"
    held.advance(600)
    assert states(held) == []
    held.set("stop", "OK")
    assert by(held) == "ExtensionPeriod"
    held.advance(EXTEND - 10)
    assert states(held) == []
    held.advance(11)
    assert by(held) is None and states(held) == ["ALARM"]


def test_what_came_and_went_under_suppression_does_nothing(held: AlarmsHouse) -> None:
    held.set("stop", "ALARM")
    held.set("child", "ALARM")
    assert by(held) == "Alarm"
    held.set("child", "OK")
    assert by(held) is None
    held.set("stop", "OK")
    held.advance(EXTEND + WAIT + 10)
    assert states(held) == []


def test_suppression_that_is_taken_back_lets_the_actions_go(held: AlarmsHouse) -> None:
    held.set("child", "ALARM")
    held.composite("main", "ALARM(child)", AlarmActions=[TOPIC])
    assert by(held) is None and states(held) == ["ALARM"]


def test_a_composite_alarm_that_was_set_waits_too(held: AlarmsHouse) -> None:
    held.set("stop", "ALARM")
    held.set("main", "ALARM")
    assert by(held) == "Alarm" and states(held) == []


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"ActionsSuppressorWaitPeriod": 1}, "ValidationError", "goes with ActionsSuppressor only"),
        ({"ActionsSuppressor": "a"}, "MissingParameter", "ActionsSuppressorWaitPeriod is required"),
        ({"ActionsSuppressor": "none", "WE": (1, 1)}, "ValidationError", "none does not exist"),
        ({"ActionsSuppressor": "main", "WE": (1, 1)}, "ValidationError", "its own actions"),
        ({"ActionsSuppressor": "a", "WE": (-1, 1)}, "ValidationError", "use 0 or more"),
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "ValidationError", "cannot have EC2 actions"),
        ({"ActionConfiguration": {}}, "NotImplemented", "ActionConfiguration"),
    ],
)
def test_bad_composites_are_refused(house: AlarmsHouse, more: dict[str, object], code: str, words: str) -> None:
    house.alarm()
    given = dict(more)
    if (both := given.pop("WE", None)) is not None:
        assert isinstance(both, tuple)
        given |= {"ActionsSuppressorWaitPeriod": both[0], "ActionsSuppressorExtensionPeriod": both[1]}
    with refused(code, words):
        house.composite("main", "ALARM(a)", **given)
