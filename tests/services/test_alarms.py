"""Metric alarms through boto3: states, reasons, history, actions, events."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alarms_house import TOPIC, AlarmsHouse, alarms_house
from tests.inprocess import ACCOUNT, REGION

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
