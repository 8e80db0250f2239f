"""What PutMetricAlarm refuses, with AWS's codes and what to do; and what each operation asks of the policies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.access import Ask
from clary.services import cloudwatch
from tests.alarms_house import TOPIC, AlarmsHouse, alarms_house
from tests.inprocess import ACCOUNT, REGION
from tests.queues_house import refused

STAT = {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
NONE = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlarmsHouse]:
    with alarms_house(tmp_path, monkeypatch) as made:
        yield made


def math(expression: str, *more: dict[str, Any], **stat: Any) -> dict[str, Any]:
    queries = [{"Id": "m1", "MetricStat": {**STAT, **stat}, "ReturnData": False}, *more]
    return {**NONE, "Metrics": [*queries, {"Id": "e1", "Expression": expression}]}


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"Threshold": float("nan")}, "ValidationError", "must be a number"),
        ({"Threshold": float("inf")}, "ValidationError", "must be a number"),
        ({"Threshold": None}, "MissingParameter", "Threshold is required"),
        ({"EvaluationPeriods": None}, "MissingParameter", "EvaluationPeriods is required"),
        ({"MetricName": None}, "MissingParameter", "MetricName is required"),
        ({"Statistic": None}, "InvalidParameterCombination", "either Statistic or ExtendedStatistic"),
        ({"ExtendedStatistic": "p90"}, "InvalidParameterCombination", "not both"),
        ({"Statistic": None, "ExtendedStatistic": "p101"}, "ValidationError", "between 0 and 100"),
        ({"Period": 45}, "ValidationError", "Use 10, 20, 30 or a multiple of 60"),
        ({"EvaluationPeriods": 1441}, "ValidationError", "across more than a day"),
        ({"EvaluationPeriods": 169, "Period": 3600}, "ValidationError", "across more than seven days"),
        ({"DatapointsToAlarm": 2}, "ValidationError", "DatapointsToAlarm (2) must be less than or equal to"),
        ({"TreatMissingData": "guess"}, "ValidationError", "breaching, notBreaching, ignore, missing"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "ValidationError", "percentiles only"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "NotImplemented", "anomaly detection"),
        ({"ThresholdMetricId": "ad1"}, "NotImplemented", "anomaly detection"),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}}, "NotImplemented", "PromQL"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "NotImplemented", "WallClockWindow"),
        ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 1}}, "NotImplemented", "warm-up"),
        ({"AlarmName": "tab\there"}, "ValidationError", "control characters"),
        ({"AlarmName": " "}, "ValidationError", "must not be blank"),
        ({"AlarmName": "x" * 256}, "ValidationError", "255"),
        ({"Dimensions": [{"Name": "a", "Value": "1"}] * 2}, "InvalidParameterValue", "same dimension name"),
        ({"AlarmActions": ["topic"]}, "ValidationError", "is not an ARN"),
        ({"AlarmActions": [TOPIC, TOPIC]}, "ValidationError", "names an action twice"),
        ({"AlarmActions": [f"{TOPIC}.fifo"]}, "NotImplemented", "FIFO"),
        ({"AlarmActions": [TOPIC.replace("us-east-1", "eu-west-1")]}, "ValidationError", "another region"),
        ({"OKActions": [TOPIC.replace(ACCOUNT, "999999999999")]}, "NotImplemented", "another account"),
        ({"OKActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "NotImplemented", "EC2 actions"),
        ({"OKActions": [f"arn:aws:ssm:us-east-1:{ACCOUNT}:opsitem:1"]}, "NotImplemented", "Systems Manager"),
        (
            {"OKActions": [f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:scalingPolicy:x:resource/y:policyName/z"]},
            "NotImplemented",
            "scaling policies",
        ),
        ({"OKActions": [f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"]}, "NotImplemented", "lambda Invoke"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "ValidationError", "reserved"),
        (math("m1 +"), "ValidationError", "Error in expression 'e1': The expression ends too early at position 5"),
        (math("m1 + m9"), "ValidationError", "Undefined variable 'm9' at position 6"),
        (math("5"), "ValidationError", "a number"),
        (math("[m1, m1]"), "ValidationError", "must make one time series, not 2"),
        (math("SUM(SEARCH('{N}', 'Sum', 60))"), "ValidationError", "SEARCH cannot be used in an alarm"),
        (math("m1", Period=5), "ValidationError", "Use 10, 20, 30"),
        (math("m1", {"Id": "m2", "MetricStat": {**STAT, "Period": 300}}), "ValidationError", "Exactly one element"),
        (
            math("m1", {"Id": "m2", "MetricStat": {**STAT, "Period": 300}, "ReturnData": False}),
            "ValidationError",
            "of one Period",
        ),
        ({**math("m1"), "Statistic": "Sum"}, "InvalidParameterCombination", "Metrics and Statistic"),
        (
            math("m1", *({"Id": f"x{n}", "MetricStat": STAT, "ReturnData": False} for n in range(10))),
            "ValidationError",
            "more than 10",
        ),
    ],
)
def test_bad_alarms_are_refused(house: AlarmsHouse, more: dict[str, Any], code: str, words: str) -> None:
    with refused(code, words):
        house.alarm(**more)
    assert house.cw.describe_alarms()["MetricAlarms"] == []


def test_there_are_only_so_many_alarms(house: AlarmsHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clary.services.cloudwatch.alarm_rows.MOST_ALARMS", 1)
    house.alarm()
    house.alarm(Threshold=6)
    with refused("LimitExceeded"):
        house.alarm("b")


@pytest.mark.parametrize(
    ("operation", "req", "resource"),
    [
        ("PutMetricAlarm", {"AlarmName": "a"}, "alarm:a"),
        ("PutCompositeAlarm", {"AlarmName": "a"}, "*"),
        ("DescribeAlarms", {}, "alarm:*"),
        ("DescribeAlarms", {"AlarmNames": ["a"]}, "alarm:a"),
        ("DescribeAlarms", {"AlarmTypes": ["CompositeAlarm"]}, "*"),
        ("DescribeAlarmsForMetric", {}, "*"),
        ("DescribeAlarmHistory", {"AlarmName": "a"}, "alarm:a"),
        ("SetAlarmState", {"AlarmName": "a"}, "alarm:a"),
        ("DeleteAlarms", {"AlarmNames": ["a"]}, "alarm:a"),
        ("EnableAlarmActions", {"AlarmNames": ["a"]}, "alarm:a"),
    ],
)
def test_what_is_asked_of_the_policies(house: AlarmsHouse, operation: str, req: dict[str, Any], resource: str) -> None:
    [ask] = cloudwatch.service.asks(operation)(house.wire.context(), req)
    arn = resource if resource == "*" else f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:{resource}"
    assert (ask.action, ask.resource) == (f"cloudwatch:{operation}", arn)


def test_tags_and_actions_are_condition_keys(house: AlarmsHouse) -> None:
    house.alarm(Tags=[{"Key": "team", "Value": "red"}])
    req = {"AlarmName": "a", "AlarmActions": [TOPIC], "Tags": [{"Key": "team", "Value": "blue"}]}

    def asked() -> list[tuple[Ask, Any]]:
        asks = cloudwatch.service.asks("PutMetricAlarm")(house.wire.context(), req)
        return [(one, dict(one.resource_tags()) if one.resource_tags else {}) for one in asks]

    (put, tags), (tag, _) = house.wire.thread.call(asked)
    assert put.keys == {"cloudwatch:AlarmActions": [TOPIC]} and put.request_tags == {"team": "blue"}
    assert tags == {"team": "red"} and tag.action == "cloudwatch:TagResource"


@pytest.mark.parametrize("protocol", ["json", "query", "smithy-rpc-v2-cbor"])
def test_alarms_speak_every_protocol(
    house: AlarmsHouse, protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.loaders import Loader

    model = Loader().load_service_model("cloudwatch", "service-2")
    folder = tmp_path / "models" / "cloudwatch" / model["metadata"]["apiVersion"]
    folder.mkdir(parents=True)
    metadata = {**model["metadata"], "protocol": protocol, "protocols": [protocol]}
    (folder / "service-2.json").write_text(json.dumps({**model, "metadata": metadata}))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "models"))
    house.cw = house.wire.client("cloudwatch")
    house.alarm(Dimensions=[{"Name": "d", "Value": "x"}], Tags=[{"Key": "k", "Value": "v"}])
    house.composite("c", "ALARM(a)")
    house.set("a", "ALARM")
    one = house.shown()
    assert one["Threshold"] == 5.0 and one["Dimensions"] == [{"Name": "d", "Value": "x"}]
    assert one["StateUpdatedTimestamp"].timestamp() == house.clock.now()
    assert house.state("c") == "ALARM"
    assert len(house.history()) == 2
    house.cw.delete_alarms(AlarmNames=["c"])
