"""Alarms and time: restarts, stops, clocks that jump, and when each is looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.services.cloudwatch.alarm_evaluate import interval, next_look
from clary.services.cloudwatch.api import ValidationError
from tests.alarms_house import NOW, AlarmsHouse, alarms_house

DAY = 86_400


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlarmsHouse]:
    with alarms_house(tmp_path, monkeypatch) as made:
        yield made


def test_each_alarm_is_looked_at_soon_after_the_end_of_a_period() -> None:
    for every in (10, 60, 3600):
        for uid in ("0000", "7fff", "ffff"):
            at = next_look(uid, every, NOW + 1.0)
            assert at > NOW + 1.0 and at <= NOW + 1.0 + every
            late = at % every
            assert 1.0 <= late <= 2.0 + min(every / 10, 60)
            assert next_look(uid, every, at) == pytest.approx(at + every)


def test_what_spans_more_than_a_day_is_looked_at_once_an_hour() -> None:
    assert interval({"Period": 30, "EvaluationPeriods": 5}) == 10
    assert interval({"Period": 3600, "EvaluationPeriods": 24}) == 60
    assert interval({"Period": 3600, "EvaluationPeriods": 25}) == 3600


def running(house: AlarmsHouse, treat: str = "missing", value: float = 1.0) -> None:
    """An alarm that has had ten good minutes."""
    house.alarm(TreatMissingData=treat, EvaluationPeriods=2)
    for _ in range(10):
        house.put(value)
        house.advance(60)


@pytest.mark.parametrize("treat", ["missing", "ignore", "breaching", "notBreaching"])
@pytest.mark.parametrize(("value", "state"), [(1.0, "OK"), (9.0, "ALARM")])
def test_a_stop_is_no_missing_data(house: AlarmsHouse, treat: str, value: float, state: str) -> None:
    running(house, treat, value)
    assert house.state() == state
    before = len(house.history())
    house.jump(3600)  # nobody lives, nothing is written
    house.wire.thread.call(house.start)
    house.settle()
    assert house.state() == state
    house.put(value)
    for _ in range(5):
        house.advance(60)
        house.put(value)
    assert house.state() == state and len(house.history()) == before


def test_what_is_still_missing_after_a_stop_counts(house: AlarmsHouse) -> None:
    running(house)
    house.jump(3600)
    house.wire.thread.call(house.start)
    house.settle()
    assert house.state() == "OK"
    house.advance(400)
    assert house.state() == "INSUFFICIENT_DATA"


def test_what_was_written_during_a_stop_counts(house: AlarmsHouse) -> None:
    running(house)
    house.jump(600)
    for minute in range(5):
        house.put(9.0, house.clock.now() - 60 * minute - 30)
    house.wire.thread.call(house.start)
    house.settle()
    assert house.state() == "ALARM"


def test_a_restart_alone_changes_nothing(house: AlarmsHouse) -> None:
    running(house, value=9.0)
    before = house.history(), house.shown()
    for _ in range(3):
        house.wire.thread.call(house.start)
        house.settle()
        house.put(9.0)
        house.advance(60)
    assert house.history() == before[0] and house.shown() == before[1]


def test_a_clock_that_is_put_forward_makes_no_false_alarm(house: AlarmsHouse) -> None:
    running(house, "breaching")
    house.jump(2 * DAY)
    house.settle()
    house.put(1.0)
    house.advance(60)
    assert house.state() == "OK"
    assert "Alarm updated from OK to ALARM" not in house.history()


def test_a_clock_that_is_put_back_holds_nothing_up(house: AlarmsHouse) -> None:
    running(house)
    house.jump(-3 * 3600)
    house.put(9.0)
    house.put(9.0, house.clock.now() - 60)
    house.advance(130)
    assert house.state() == "ALARM"


def test_an_alarm_that_cannot_be_evaluated_says_so_and_keeps_its_state(
    house: AlarmsHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(house)
    before = house.shown()

    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(house.metrics, "read", broken)
        for _ in range(5):
            house.put(1.0)
            house.advance(60)
        one = house.shown()
        assert one["StateValue"] == "OK" and one["EvaluationState"] == "EVALUATION_FAILURE"
        assert one["StateReason"] == "The metrics could not be read."
    house.put(1.0)
    house.advance(80)
    one = house.shown()
    assert "EvaluationState" not in one
    assert (one["StateValue"], one["StateReason"]) == ("OK", before["StateReason"])


def test_an_expression_that_fails_later_says_why(house: AlarmsHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    math = [{"Id": "m1", "MetricStat": stat, "ReturnData": False}, {"Id": "e1", "Expression": "m1 * 2"}]
    none = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))
    house.alarm(**none, Metrics=math)

    def refused(*_: object) -> None:
        raise ValidationError("Error in expression 'e1': it is none.")

    with monkeypatch.context() as patched:
        patched.setattr("clary.services.cloudwatch.queries.Evaluation.result", refused)
        house.advance(70)
        one = house.shown()
        assert one["EvaluationState"] == "EVALUATION_ERROR" and one["StateReason"].startswith("Error in expression")
    house.put(9.0)
    house.advance(70)
    assert house.state() == "ALARM" and "EvaluationState" not in house.shown()
