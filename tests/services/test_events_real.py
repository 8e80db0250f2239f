"""Rules on a real `clary up`: a new object, a training job, and a server that is killed in between."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]


class Place:
    """A server with a queue that rules may send to."""

    def __init__(self, home: Path) -> None:
        self.server = RealClary(home).up()
        self.events: Any = self.server.client("events")
        self.sqs: Any = self.server.client("sqs")
        self.url: str = self.sqs.create_queue(QueueName="q")["QueueUrl"]
        asked = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.queue: str = asked["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})
        self.got: list[dict[str, Any]] = []

    def rule(self, name: str, **rule: Any) -> None:
        self.events.put_rule(Name=name, **rule)
        self.events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": self.queue}])

    def heard(self, count: int, seconds: float = 60.0) -> list[dict[str, Any]]:
        """At least so many events have come since the beginning; all of them."""

        def more() -> bool:
            answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for one in answer.get("Messages", ()):
                self.got.append(json.loads(one["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
            return len(self.got) >= count

        until(more, seconds, f"{count} events in the queue")
        return self.got


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("events"))
    try:
        yield made
    finally:
        made.server.sweep()


@pytest.fixture(autouse=True)
def clean(place: Place) -> Iterator[None]:
    yield
    for rule in place.events.list_rules()["Rules"]:
        place.events.remove_targets(Rule=rule["Name"], Ids=["q"])
        place.events.delete_rule(Name=rule["Name"])
    place.got.clear()


def test_a_rule_reacts_to_a_new_object(place: Place) -> None:
    s3 = place.server.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_bucket_notification_configuration(Bucket="lake", NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["lake"]}, "object": {"key": [{"suffix": ".csv"}]}},
    }
    place.rule("objects", EventPattern=json.dumps(pattern))
    s3.put_object(Bucket="lake", Key="readme.txt", Body=b"no")
    s3.put_object(Bucket="lake", Key="new/data.csv", Body=b"1,2\n")
    (event,) = place.heard(1)
    assert event["detail"]["object"]["key"] == "new/data.csv"
    assert event["detail"]["object"]["size"] == 4


def test_a_rule_on_training_jobs_sees_each_status(place: Place) -> None:
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
    place.rule("jobs", EventPattern=json.dumps(pattern))
    sagemaker = place.server.client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName="doomed",
        AlgorithmSpecification={"TrainingImage": "nobody/knows:this", "TrainingInputMode": "File"},
        RoleArn=place.server.role("jobs"),
        OutputDataConfig={"S3OutputPath": "s3://lake/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        Tags=[{"Key": "team", "Value": "cars"}],
    )
    first, last = (event["detail"] for event in place.heard(2))
    assert [one["TrainingJobStatus"] for one in (first, last)] == ["InProgress", "Failed"]
    described = sagemaker.describe_training_job(TrainingJobName="doomed")
    assert last["FailureReason"] == described["FailureReason"]
    assert last["CreationTime"] == int(described["CreationTime"].timestamp() * 1000)
    assert last["Tags"] == {"team": "cars"}


def test_what_was_answered_arrives_though_the_server_is_killed(place: Place) -> None:
    place.rule("mine", EventPattern='{"source": ["my.app"]}')
    entry = {"Source": "my.app", "DetailType": "t"}
    put: set[str] = set()
    for round_ in range(3):
        for number in range(20):
            detail = json.dumps({"n": [round_, number]})
            answer = place.events.put_events(Entries=[{**entry, "Detail": detail}] * 5)
            put |= {one["EventId"] for one in answer["Entries"]}
        place.server.kill()
        place.server.up()
    until(lambda: put <= {event["id"] for event in place.heard(len(place.got))}, 60.0, "every event that was put")
    assert {event["id"] for event in place.got} == put
