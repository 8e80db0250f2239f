"""Alarms of a real server: an action reaches a queue through a topic, a rule hears, a kill changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]
TYPES = ["MetricAlarm", "CompositeAlarm"]


@pytest.fixture
def clary(tmp_path: Path) -> Iterator[RealClary]:
    made = RealClary(tmp_path / "home").up()
    try:
        yield made
    finally:
        made.down()


def queue(clary: RealClary, name: str, service: str) -> tuple[str, str]:
    """(URL, ARN) of a queue that the service may send to."""
    sqs = clary.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    opened = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
    text = json.dumps({"Version": "2012-10-17", "Statement": opened})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    return url, arn


def bodies(clary: RealClary, url: str, most: int) -> list[dict[str, Any]]:
    """`most` messages, taken out of the queue."""
    sqs = clary.client("sqs")
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", []):
            found.append(json.loads(one["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return len(found) >= most

    until(enough, 60, f"{most} messages")
    return found


def test_an_alarm_reaches_a_queue_and_a_rule_and_survives_a_kill(clary: RealClary) -> None:
    cw, sns, events = clary.client("cloudwatch"), clary.client("sns"), clary.client("events")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    mine, mine_arn = queue(clary, "mine", "sns.amazonaws.com")
    rules, rules_arn = queue(clary, "rules", "events.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mine_arn, Attributes={"RawMessageDelivery": "true"})
    pattern = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}, "alarmName": ["hot"]}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": rules_arn}])
    cw.put_metric_alarm(
        AlarmName="hot",
        Namespace="N",
        MetricName="m",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
        AlarmActions=[topic],
    )
    cw.put_composite_alarm(AlarmName="any", AlarmRule="ALARM(hot)", AlarmActions=[topic])
    cw.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 9, "StorageResolution": 1}])
    found = bodies(clary, mine, 2)
    assert {one["AlarmName"]: one["NewStateValue"] for one in found} == {"hot": "ALARM", "any": "ALARM"}
    [told] = bodies(clary, rules, 1)
    assert told["detail-type"] == "CloudWatch Alarm State Change"
    assert told["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] == "m"

    history = cw.describe_alarm_history(AlarmTypes=TYPES)["AlarmHistoryItems"]
    clary.kill()
    clary.up()
    cw = clary.client("cloudwatch")
    shown = cw.describe_alarms(AlarmTypes=TYPES)
    assert [one["StateValue"] for one in shown["MetricAlarms"] + shown["CompositeAlarms"]] == ["ALARM", "ALARM"]
    assert cw.describe_alarm_history(AlarmTypes=TYPES)["AlarmHistoryItems"] == history
    cw.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1, "StorageResolution": 1}])
    until(lambda: cw.describe_alarms(AlarmNames=["hot"])["MetricAlarms"][0]["StateValue"] == "OK", 60)
    until(
        lambda: cw.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]["StateValue"] == "OK",
        5,
        "the composite alarm follows",
    )
