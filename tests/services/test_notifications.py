"""What happens to objects, told to queues and topics; who may do what with those; and loops that are cut."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import Principal
from clary.aws.delivery import MOST_HOPS, Acting, Delivery
from clary.aws.delivery_terms import HOPS
from tests.inprocess import ACCOUNT
from tests.queues_house import QueuesHouse, allowing, queues_house, refused

BUCKET = "arn:aws:s3:::data"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[QueuesHouse]:
    with queues_house(tmp_path) as made:
        yield made


@pytest.fixture
def bucket(house: QueuesHouse) -> Any:
    made = house.wire.client("s3")
    made.create_bucket(Bucket="data")
    return made


def tell(client: Any, kind: str, **one: Any) -> None:
    configuration = {f"{kind}Configurations": [{"Events": ["s3:ObjectCreated:*"], "Id": "new", **one}]}
    client.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration=configuration)


def test_a_new_object_is_told_to_a_queue(house: QueuesHouse, bucket: Any) -> None:
    url, queue = house.open_queue("q", "s3.amazonaws.com")
    tell(bucket, "Queue", QueueArn=queue)
    (test,) = house.bodies(url)
    assert (json.loads(test)["Event"], json.loads(test)["Bucket"]) == ("s3:TestEvent", "data")
    tell(bucket, "Queue", QueueArn=queue)
    assert house.bodies(url) == []
    bucket.put_object(Bucket="data", Key="a b", Body=b"xyz")
    bucket.delete_object(Bucket="data", Key="a b")
    house.settle()
    (body,) = house.bodies(url)
    (record,) = json.loads(body)["Records"]
    assert (record["eventName"], record["s3"]["configurationId"]) == ("ObjectCreated:Put", "new")
    assert (record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]) == ("data", "a+b")


def test_a_new_object_is_told_to_a_topic(house: QueuesHouse, bucket: Any) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    house.subscribed(topic, queue)
    with refused("InvalidArgument", "destination"):
        tell(bucket, "Topic", TopicArn=topic)
    policy = allowing("s3.amazonaws.com", "sns:Publish", topic, ArnLike={"aws:SourceArn": BUCKET})
    house.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    tell(bucket, "Topic", TopicArn=topic)
    bucket.put_object(Bucket="data", Key="k", Body=b"")
    notes = house.notes(url)
    assert [note["Subject"] for note in notes] == ["Amazon S3 Notification"] * 2
    assert json.loads(notes[1]["Message"])["Records"][0]["s3"]["object"]["key"] == "k"


def test_targets_must_be_there_and_let_s3_in(house: QueuesHouse, bucket: Any) -> None:
    closed = f"arn:aws:sqs:us-east-1:{ACCOUNT}:closed"
    house.queue("closed")
    for arn in (closed, f"{closed}-none", "arn:aws:sqs:us-east-1:000000000000:q", "nonsense"):
        with refused("InvalidArgument", "Unable to validate"):
            tell(bucket, "Queue", QueueArn=arn)
    other = allowing("s3.amazonaws.com", "sqs:SendMessage", closed, ArnEquals={"aws:SourceArn": "arn:aws:s3:::other"})
    house.queue("more")
    house.sqs.set_queue_attributes(QueueUrl=house.queue("closed"), Attributes={"Policy": other})
    with refused("InvalidArgument", "Unable to validate"):
        tell(bucket, "Queue", QueueArn=closed)


# Who may do what.


def ann(house: QueuesHouse, service: str, *statements: Any) -> Any:
    """A client of a role's session; the role has these statements."""
    iam = house.wire.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="ann", AssumeRolePolicyDocument=whole(trust))["Role"]
    if statements:
        iam.put_role_policy(RoleName="ann", PolicyName="p", PolicyDocument=whole(*statements))
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/ann/s"
    principal = Principal(ACCOUNT, session, f"{role['RoleId']}:s", "assumed-role", issued=house.clock.now())
    return house.wire.client(service, keys=house.wire.ring.issue(principal, house.clock.now() + 3600))


def whole(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": resource,
        **({"Condition": condition} if condition else {}),
    }


def test_queues_are_asked_for_by_their_arn(house: QueuesHouse) -> None:
    mine, other = house.queue("mine"), house.queue("other")
    client = ann(house, "sqs", allow("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine"))
    client.send_message(QueueUrl=mine, MessageBody="x")
    client.send_message_batch(QueueUrl=mine, Entries=[{"Id": "1", "MessageBody": "x"}])
    with refused("AccessDenied", "sqs:SendMessage", f":{ACCOUNT}:other") as error:
        client.send_message(QueueUrl=other, MessageBody="x")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    with refused("AccessDenied", "sqs:ReceiveMessage"):
        client.receive_message(QueueUrl=mine)


def test_a_queue_can_let_a_role_in(house: QueuesHouse) -> None:
    url = house.queue("mine")
    client = ann(house, "sqs")
    with refused("AccessDenied"):
        client.send_message(QueueUrl=url, MessageBody="x")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/ann"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = whole(statement)
    house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    client.send_message(QueueUrl=url, MessageBody="x")


def test_topics_are_asked_for_by_their_arn_and_with_their_own_keys(house: QueuesHouse) -> None:
    topic, (_, queue) = house.topic("news"), house.open_queue("q")
    client = ann(
        house,
        "sns",
        allow("sns:Publish", topic),
        allow("sns:Subscribe", topic, StringEquals={"sns:Protocol": "sqs"}, StringLike={"sns:Endpoint": "*:q"}),
    )
    client.publish(TopicArn=topic, Message="x")
    client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    with refused("AuthorizationError", "sns:Subscribe", topic) as error:
        client.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.c")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(client.exceptions.AuthorizationErrorException):
        client.delete_topic(TopicArn=topic)


# Loops.


def test_a_message_that_comes_round_for_ever_is_dropped(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    house.subscribed(topic, queue)

    async def published(led: int) -> None:
        HOPS.set(led)
        await house.wire.context().call("sns", "Publish", {"TopicArn": topic, "Message": str(led)})

    house.wire.run(published(MOST_HOPS - 1))
    house.wire.run(published(MOST_HOPS))
    assert [note["Message"] for note in house.notes(url)] == [str(MOST_HOPS - 1)]
    assert house.metrics.total("NumberOfNotificationsFailed") == 1


def test_a_delivery_that_is_repeated_has_one_id(house: QueuesHouse) -> None:
    url, _ = house.open_queue("q")
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    params = {"QueueUrl": url, "MessageBody": "x"}
    one = Delivery("the same", "us-east-1", Acting("sns.amazonaws.com", arn), "sqs", "SendMessage", params)
    for _ in range(2):
        house.wire.run(house.deliveries.deliver(one))
    assert len({message["MessageId"] for message in house.take(url)}) == 1


@pytest.mark.parametrize(("service", "heard"), [("cloudwatch", ["m"]), ("events", [])])
def test_a_topic_without_a_policy_hears_of_alarms_and_of_no_rule(
    house: QueuesHouse, service: str, heard: list[str]
) -> None:
    """As on AWS: the default policy is for services that say whose they are."""
    topic, (url, queue) = house.topic(), house.open_queue("q")
    house.subscribed(topic, queue)
    acting = Acting(f"{service}.amazonaws.com", f"arn:aws:{service}:us-east-1:{ACCOUNT}:alarm:a")
    params = {"TopicArn": topic, "Message": "m"}
    house.wire.run(house.deliveries.deliver(Delivery("one", "us-east-1", acting, "sns", "Publish", params)))
    assert [note["Message"] for note in house.notes(url)] == heard
