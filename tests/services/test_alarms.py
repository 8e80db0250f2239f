"""Metric alarms through boto3: states, reasons, history, actions, events."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.aws.errors import ServiceError
from clary.services.cloudwatch import history
from tests.alarms_house import NOW, TOPIC, AlarmsHouse, alarms_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlarmsHouse]:
    with alarms_house(tmp_path, monkeypatch) as made:
        yield made


def test_an_alarm_goes_off_and_comes_back(house: AlarmsHouse) -> None:
    house.topic()
    house.alarm(AlarmActions=[TOPIC], OKActions=[TOPIC], Dimensions=[{"Name": "d", "Value": "x"}])
    one = house.shown()
    assert one["StateValue"] == "INSUFFICIENT_DATA" and one["AlarmArn"] == ARN
    assert one["StateReason"] == "Unchecked: Initial alarm creation"
    house.put(9.0, d="x")
    house.advance(70)
    one = house.shown()
    assert one["StateValue"] == "ALARM"
    assert one["StateReason"] == (
        "Threshold Crossed: 1 datapoint [9.0 (21/11/26 18:00:00)] was greater than the threshold (5.0)."
    )
    data = json.loads(one["StateReasonData"])
    assert data["recentDatapoints"] == [9.0] and data["statistic"] == "Average" and data["period"] == 60
    assert data["startDate"] == "2026-11-21T18:00:00.000+0000"
    assert data["evaluatedDatapoints"] == [
        {"timestamp": "2026-11-21T18:00:00.000+0000", "sampleCount": 1.0, "value": 9.0}
    ]
    [message] = house.messages()
    assert message["NewStateValue"] == "ALARM" and message["OldStateValue"] == "INSUFFICIENT_DATA"
    assert message["Region"] == "US East (N. Virginia)" and message["AlarmArn"] == ARN
    assert message["Trigger"] == {
        "MetricName": "m",
        "Namespace": "N",
        "StatisticType": "Statistic",
        "Statistic": "AVERAGE",
        "Unit": None,
        "Dimensions": [{"value": "x", "name": "d"}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5.0,
        "TreatMissingData": "",
        "EvaluateLowSampleCountPercentile": "",
    }
    assert house.published[0].params["Subject"] == 'ALARM: "a" in US East (N. Virginia)'
    house.put(1.0, d="x")
    house.advance(70)
    assert house.state() == "OK"
    assert [one["NewStateValue"] for one in house.messages()] == ["ALARM", "OK"]
    assert house.history() == [
        'Alarm "a" created',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        f"Successfully executed action {TOPIC}",
        "Alarm updated from ALARM to OK",
        f"Successfully executed action {TOPIC}",
    ]
    told = [(one["detail-type"], one["detail"]["state"]["value"]) for one in house.told]
    assert told == [
        ("CloudWatch Alarm Configuration Change", "INSUFFICIENT_DATA"),
        ("CloudWatch Alarm State Change", "ALARM"),
        ("CloudWatch Alarm State Change", "OK"),
    ]
    detail = house.told[1]["detail"]
    assert house.told[1]["source"] == "aws.cloudwatch" and house.told[1]["resources"] == [ARN]
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["configuration"]["metrics"][0]["metricStat"] == {
        "metric": {"namespace": "N", "name": "m", "dimensions": {"d": "x"}},
        "period": 60,
        "stat": "Average",
    }


def test_m_of_n_says_so(house: AlarmsHouse) -> None:
    house.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    for minute, value in enumerate((9.0, 1.0, 8.0)):
        house.put(value, NOW + 60 * minute)
    house.advance(190)
    one = house.shown()
    assert one["StateReason"] == (
        "Threshold Crossed: 2 out of the last 3 datapoints [8.0 (21/11/26 18:02:00), 9.0 (21/11/26 18:00:00)] were "
        "greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert json.loads(one["StateReasonData"])["recentDatapoints"] == [9.0, 1.0, 8.0]
    house.put(1.0)
    house.advance(70)
    house.put(1.0)
    house.advance(70)
    assert house.shown()["StateReason"].endswith("(minimum 2 datapoints for ALARM -> OK transition).")


def test_missing_data_is_treated_as_asked(house: AlarmsHouse) -> None:
    for treat in ("missing", "ignore", "breaching", "notBreaching"):
        house.alarm(treat, TreatMissingData=treat)
    assert [house.state(one) for one in ("missing", "ignore", "breaching", "notBreaching")] == [
        "INSUFFICIENT_DATA",
        "INSUFFICIENT_DATA",
        "ALARM",
        "OK",
    ]
    assert house.shown("breaching")["StateReason"] == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
        "[Breaching]."
    )
    house.put(9.0)
    house.advance(70)
    assert {house.state(one) for one in ("missing", "ignore", "breaching", "notBreaching")} == {"ALARM"}
    house.advance(300)
    assert house.state("missing") == "INSUFFICIENT_DATA"
    assert house.shown("missing")["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    assert [house.state(one) for one in ("ignore", "breaching", "notBreaching")] == ["ALARM", "ALARM", "OK"]


@pytest.mark.parametrize(
    ("operator", "breaches"),
    [
        ("GreaterThanOrEqualToThreshold", {5.0, 6.0}),
        ("GreaterThanThreshold", {6.0}),
        ("LessThanThreshold", {4.0}),
        ("LessThanOrEqualToThreshold", {4.0, 5.0}),
    ],
)
def test_every_comparison(house: AlarmsHouse, operator: str, breaches: set[float]) -> None:
    for value in (4.0, 5.0, 6.0):
        house.put(value, name=f"m{value}")
        house.alarm(f"a{value}", MetricName=f"m{value}", ComparisonOperator=operator)
    house.advance(70)
    assert {value for value in (4.0, 5.0, 6.0) if house.state(f"a{value}") == "ALARM"} == breaches


def test_short_periods_are_evaluated_every_ten_seconds(house: AlarmsHouse) -> None:
    house.alarm(Period=10)
    house.put(9.0, resolution=1)
    house.advance(12, step=1)
    assert house.state() == "ALARM"
    house.put(1.0, resolution=1)
    house.advance(12, step=1)
    assert house.state() == "OK"


def test_windows_slide_by_the_minute(house: AlarmsHouse) -> None:
    """Five minutes that end at minute 7 are a period, as on AWS."""
    house.alarm(Period=300, Statistic="Sum", TreatMissingData="notBreaching")
    house.put(4.0, NOW + 240)
    house.put(4.0, NOW + 360)
    house.advance(430)
    assert house.state() == "ALARM"


def test_units_percentiles_and_math(house: AlarmsHouse) -> None:
    house.alarm("unit", Unit="Seconds")
    house.alarm("p90", Statistic=None, ExtendedStatistic="p90", EvaluateLowSampleCountPercentile="ignore")
    house.alarm("p90-all", Statistic=None, ExtendedStatistic="p90")
    metric = {"Namespace": "N", "MetricName": "m"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    math = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2", "Label": "twice"},
    ]
    house.cw.put_metric_alarm(
        AlarmName="math",
        Metrics=math,
        EvaluationPeriods=1,
        Threshold=15,
        ComparisonOperator="GreaterThanThreshold",
    )
    house.put(9.0)
    house.advance(70)
    assert [house.state(one) for one in ("unit", "p90", "p90-all", "math")] == [
        "INSUFFICIENT_DATA",
        "INSUFFICIENT_DATA",
        "ALARM",
        "ALARM",
    ]
    assert "[18.0 (21/11/26 18:00:00)]" in house.shown("math")["StateReason"]
    told = next(one for one in house.told if one["detail"]["alarmName"] == "math" and "previousState" in one["detail"])
    assert [one["id"] for one in told["detail"]["configuration"]["metrics"]] == ["m1", "e1"]
    assert told["detail"]["configuration"]["metrics"][1] == {
        "id": "e1",
        "expression": "m1 * 2",
        "label": "twice",
        "returnData": True,
    }
    assert [one["Id"] for one in house.shown("math")["Metrics"]] == ["m1", "e1"]
    found = house.cw.describe_alarms_for_metric(Namespace="N", MetricName="m")["MetricAlarms"]
    assert [one["AlarmName"] for one in found] == ["p90", "p90-all", "unit"]
    found = house.cw.describe_alarms_for_metric(Namespace="N", MetricName="m", Unit="Seconds", Statistic="Average")
    assert [one["AlarmName"] for one in found["MetricAlarms"]] == ["unit"]


def test_a_state_that_was_set_acts_and_lasts_until_the_next_evaluation(house: AlarmsHouse) -> None:
    house.topic()
    house.alarm(AlarmActions=[TOPIC], TreatMissingData="notBreaching")
    assert house.state() == "OK"
    house.set("a", "ALARM", "a fire drill")
    assert house.state() == "ALARM"
    assert house.messages()[0]["NewStateReason"] == "a fire drill"
    house.set("a", "ALARM", "still")
    assert house.shown()["StateReason"] == "still"
    assert len(house.messages()) == 1
    house.advance(70)
    assert house.state() == "OK"
    with refused("InvalidFormat"):
        house.cw.set_alarm_state(AlarmName="a", StateValue="OK", StateReason="r", StateReasonData="{")
    with refused("ResourceNotFound"):
        house.cw.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="r")


def test_actions_are_switched_off_and_on(house: AlarmsHouse) -> None:
    house.topic()
    house.alarm(AlarmActions=[TOPIC], TreatMissingData="notBreaching")
    house.cw.disable_alarm_actions(AlarmNames=["a", "none"])
    house.set("a", "ALARM")
    assert house.messages() == [] and house.shown()["ActionsEnabled"] is False
    house.set("a", "OK")
    house.cw.enable_alarm_actions(AlarmNames=["a"])
    house.cw.enable_alarm_actions(AlarmNames=["a"])
    house.set("a", "ALARM")
    assert len(house.messages()) == 1
    assert house.history(type_="ConfigurationUpdate") == [
        'Alarm "a" created',
        'Alarm "a" updated',
        'Alarm "a" updated',
    ]
    told = [one["detail"] for one in house.told if one["detail"].get("operation") == "update"]
    assert [one["configuration"]["actionsEnabled"] for one in told] == [False, True]
    assert [one["previousConfiguration"]["actionsEnabled"] for one in told] == [True, False]


def test_an_action_that_cannot_be_done_is_in_the_history(house: AlarmsHouse) -> None:
    house.alarm(AlarmActions=[TOPIC])
    house.set("a", "ALARM")
    [summary] = house.history(type_="Action")
    assert summary.startswith(f"Failed to execute action {TOPIC}. Reason: ")
    house.topic()
    closed = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    text = json.dumps({"Version": "2012-10-17", "Statement": closed})
    house.wire.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=text)
    house.set("a", "OK")
    house.set("a", "ALARM")
    assert "not authorized to perform" in house.history(type_="Action")[-1]
    assert house.messages() == []


def test_an_action_that_waits_is_in_the_history_and_is_done_later(
    house: AlarmsHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.topic()
    house.alarm(AlarmActions=[TOPIC], TreatMissingData="ignore")

    async def busy(*_: object, **__: object) -> None:
        raise ServiceError("come again", status=503)

    with monkeypatch.context() as patched:
        patched.setattr(house.deliveries, "_call", busy)
        house.set("a", "ALARM")
    assert house.history(type_="Action") == [f"Action {TOPIC} is tried again. Reason: come again"]
    assert house.messages() == []
    house.advance(2)
    assert [one["NewStateValue"] for one in house.messages()] == ["ALARM"]


def test_an_alarm_is_changed_and_deleted(house: AlarmsHouse) -> None:
    house.alarm(Tags=[{"Key": "team", "Value": "red"}], TreatMissingData="notBreaching")
    house.alarm(Threshold=7.0, Tags=[{"Key": "ignored", "Value": "x"}], TreatMissingData="notBreaching")
    one = house.shown()
    assert one["Threshold"] == 7.0 and one["StateValue"] == "OK"
    assert house.cw.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"Key": "team", "Value": "red"}]
    house.cw.delete_alarms(AlarmNames=["a", "none"])
    house.settle()
    assert house.cw.describe_alarms()["MetricAlarms"] == []
    assert house.history()[-1] == 'Alarm "a" deleted'
    assert house.told[-1]["detail"]["operation"] == "delete"
    items = house.cw.describe_alarm_history(AlarmName="a", HistoryItemType="ConfigurationUpdate")["AlarmHistoryItems"]
    data = json.loads(items[0]["HistoryData"])
    assert data["type"] == "Delete" and data["deletedAlarm"]["threshold"] == 7.0


def test_tags_of_alarms(house: AlarmsHouse) -> None:
    house.alarm()
    house.cw.tag_resource(ResourceARN=ARN, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    house.cw.untag_resource(ResourceARN=ARN, TagKeys=["a", "none"])
    assert house.cw.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"Key": "b", "Value": ""}]
    with refused("ResourceNotFoundException"):
        house.cw.list_tags_for_resource(ResourceARN=f"{ARN}x")
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    with refused("InvalidParameterValue", "at most 50"):
        house.cw.tag_resource(ResourceARN=ARN, Tags=many)
    with refused("InvalidParameterValue", "reserved"):
        house.cw.tag_resource(ResourceARN=ARN, Tags=[{"Key": "aws:x", "Value": ""}])


def test_alarms_are_listed_in_pages_and_by_filters(house: AlarmsHouse) -> None:
    house.topic()
    for number in range(5):
        house.alarm(f"b{number}", AlarmActions=[TOPIC] if number % 2 else [])
    house.alarm("c")
    house.composite("b9", "ALARM(b1)")
    pages = house.cw.get_paginator("describe_alarms").paginate(AlarmNamePrefix="b", PaginationConfig={"PageSize": 2})
    assert [[one["AlarmName"] for one in page["MetricAlarms"]] for page in pages] == [
        ["b0", "b1"],
        ["b2", "b3"],
        ["b4"],
    ]

    def names(**asked: object) -> list[str]:
        found = house.cw.describe_alarms(**asked)
        return [one["AlarmName"] for one in [*found["MetricAlarms"], *found["CompositeAlarms"]]]

    assert names(ActionPrefix="arn:aws:sns:") == ["b1", "b3"]
    assert names(AlarmTypes=["CompositeAlarm"]) == ["b9"]
    assert names(AlarmTypes=["CompositeAlarm", "MetricAlarm"], MaxRecords=100)[-1] == "b9"
    house.set("b2", "ALARM")
    assert names(StateValue="ALARM") == ["b2"]
    assert names(ChildrenOfAlarmName="b9") == ["b1"] and names(ParentsOfAlarmName="b1") == ["b9"]
    assert house.cw.describe_alarms(ParentsOfAlarmName="b1")["CompositeAlarms"][0].keys() == {"AlarmName", "AlarmArn"}
    with refused("ValidationError", "only MaxRecords"):
        names(ParentsOfAlarmName="b1", StateValue="OK")
    with refused("InvalidNextToken"):
        names(NextToken="x")
    with refused("ValidationError", "exclude each other"):
        names(AlarmNames=["c"], AlarmNamePrefix="b")


def test_history_is_found_by_time_and_kind_in_pages(house: AlarmsHouse) -> None:
    house.alarm(TreatMissingData="ignore")
    house.alarm("other")
    for number, state in enumerate(("ALARM", "OK") * 3):
        house.jump(1)
        house.set("a", state, f"r{number}")

    def reasons(**asked: object) -> list[str]:
        found = house.cw.describe_alarm_history(AlarmName="a", HistoryItemType="StateUpdate", **asked)
        return [json.loads(one["HistoryData"])["newState"]["stateReason"] for one in found["AlarmHistoryItems"]]

    assert reasons() == ["r5", "r4", "r3", "r2", "r1", "r0"]
    assert reasons(StartDate=NOW + 2, EndDate=NOW + 4) == ["r3", "r2", "r1"]
    assert reasons(StartDate=NOW + 2, EndDate=NOW + 4, ScanBy="TimestampAscending") == ["r1", "r2", "r3"]
    pages = house.cw.get_paginator("describe_alarm_history").paginate(
        AlarmName="a", HistoryItemType="StateUpdate", PaginationConfig={"PageSize": 4}
    )
    assert [len(page["AlarmHistoryItems"]) for page in pages] == [4, 2]
    everything = house.cw.describe_alarm_history()["AlarmHistoryItems"]
    assert {one["AlarmName"] for one in everything} == {"a", "other"}
    assert all(one["AlarmType"] == "MetricAlarm" for one in everything)
    with refused("InvalidNextToken"):
        house.cw.describe_alarm_history(NextToken="x")


def test_history_is_bounded(house: AlarmsHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 3)
    house.alarm(TreatMissingData="ignore")
    for number, state in enumerate(("ALARM", "OK") * 3):
        house.jump(1)
        house.set("a", state, f"r{number}")
    house.wire.run(history.tidy(house.wire.raw_store, house.clock))
    assert house.history() == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
    ]


def test_history_is_kept_for_thirty_days(house: AlarmsHouse) -> None:
    house.alarm()
    house.jump(29 * 86_400)
    house.set("a", "ALARM")
    house.jump(2 * 86_400)
    house.wire.run(history.tidy(house.wire.raw_store, house.clock))
    assert not any("created" in one for one in house.history())
    assert "Alarm updated from INSUFFICIENT_DATA to ALARM" in house.history()


def test_long_reasons_and_histories_keep_their_bounds(house: AlarmsHouse) -> None:
    house.alarm(EvaluationPeriods=600)
    for minute in range(600):
        house.put(9.123456789, NOW - 60 * minute)
    house.advance(70)
    one = house.shown()
    assert one["StateReason"].startswith(
        "Threshold Crossed: 600 datapoints were greater than the threshold (5.0). "
        "The most recent datapoints which crossed the threshold: [9.123456789 (21/11/26 18:00:00), "
    )
    assert len(one["StateReasonData"]) <= 4000
    newest = json.loads(one["StateReasonData"])["evaluatedDatapoints"][-1]
    assert newest["timestamp"] == "2026-11-21T18:00:00.000+0000"
    house.set("a", "OK")
    for name in range(90):
        house.alarm(f"{name:03d}-{'x' * 80}", settle=False)
    house.settle()
    house.composite("big", " OR ".join(f"ALARM({name:03d}-{'x' * 80})" for name in range(90)))
    house.set("big", "ALARM", "r" * 1023)
    items = house.cw.describe_alarm_history(AlarmTypes=["MetricAlarm", "CompositeAlarm"])["AlarmHistoryItems"]
    assert all(0 < len(item["HistoryData"]) <= 4095 and json.loads(item["HistoryData"]) for item in items)
    moved = house.cw.describe_alarm_history(AlarmName="a", HistoryItemType="StateUpdate")["AlarmHistoryItems"][-1]
    data = json.loads(moved["HistoryData"])
    assert data["newState"]["stateValue"] == "ALARM"
    assert data["newState"]["stateReasonData"]["recentDatapoints"]


def test_alarms_are_seen_by_the_tagging_api(house: AlarmsHouse) -> None:
    from clary.aws.tagging import Taggables
    from clary.services.cloudwatch import taggable

    house.alarm(Tags=[{"Key": "k", "Value": "v"}])
    house.alarm("b")
    kinds = Taggables(taggable.TAGGABLES)

    def found() -> tuple[list[str], str]:
        ctx = house.wire.context()
        [kind] = kinds.kinds
        known = kinds.find(ctx, ARN)
        assert known is not None
        return [one.place for one in kind.page(ctx, "", 10)], known[1].tags["k"]

    assert house.wire.thread.call(found) == (["a", "b"], "v")
    [kind] = kinds.kinds
    house.wire.run(kind.tag(house.wire.context(), ARN, {"new": "1"}))
    house.wire.run(kind.untag(house.wire.context(), ARN, ["k"]))
    assert house.cw.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"Key": "new", "Value": "1"}]
