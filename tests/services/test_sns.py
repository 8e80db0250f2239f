"""SNS through boto3: topics, subscriptions, messages and who gets them."""

import base64
import email
import json
import re
from collections.abc import Iterator
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from clary.kernel.store import Where
from tests.inprocess import ACCOUNT
from tests.queues_house import QueuesHouse, allowing, queues_house, refused

HOOK = "http://127.0.0.1:9000/hook"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[QueuesHouse]:
    with queues_house(tmp_path) as made:
        yield made


def arn(name: str) -> str:
    return f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"


def follow(house: QueuesHouse, url: str) -> tuple[int, bytes]:
    """What a browser without any signature gets."""
    split = urlsplit(url)
    status, _, body = house.wire.request("GET", f"{split.path}?{split.query}" if split.query else split.path)
    return status, body


# Topics.


def test_a_topic_comes_and_goes(house: QueuesHouse) -> None:
    topic = house.topic("news", DisplayName="News")
    assert topic == arn("news")
    assert house.topic("news", DisplayName="News") == topic
    assert house.topic("news") == topic
    with refused("InvalidParameter", "different attributes"):
        house.topic("news", DisplayName="Old")
    with refused("InvalidParameter", "different tags"):
        house.sns.create_topic(Name="news", Tags=[{"Key": "a", "Value": "b"}])
    assert house.sns.list_topics()["Topics"] == [{"TopicArn": topic}]
    house.sns.delete_topic(TopicArn=topic)
    house.sns.delete_topic(TopicArn=topic)
    with refused("NotFound", "Topic does not exist"):
        house.sns.get_topic_attributes(TopicArn=topic)
    with pytest.raises(house.sns.exceptions.NotFoundException):
        house.sns.publish(TopicArn=topic, Message="late")


def test_attributes_of_topics(house: QueuesHouse) -> None:
    topic = house.topic()
    house.subscribed(topic, house.open_queue("q")[1])
    found = house.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (found["Owner"], found["SubscriptionsConfirmed"], found["SubscriptionsPending"]) == (ACCOUNT, "1", "0")
    assert json.loads(found["Policy"])["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    assert json.loads(found["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 3
    house.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    house.sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="X")
    house.sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="")
    found = house.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (found["SignatureVersion"], found["DisplayName"]) == ("2", "")
    for name, value in [
        ("SignatureVersion", "3"),
        ("MaximumMessageSize", "1023"),
        ("Policy", "{"),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 101}}}'),
        ("TracingConfig", "Sometimes"),
        ("Colour", "red"),
    ]:
        with refused("InvalidParameter"):
            house.sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    with refused("NotImplemented", "SQSSuccessFeedbackRoleArn"):
        house.sns.set_topic_attributes(
            TopicArn=topic, AttributeName="SQSSuccessFeedbackRoleArn", AttributeValue="arn:aws:iam::1:role/r"
        )


def test_names_of_topics(house: QueuesHouse) -> None:
    for name in ("a.b", "x" * 257, "ü", ""):
        with refused("InvalidParameter", "Topic Name"):
            house.sns.create_topic(Name=name)
    with refused("NotImplemented", "FIFO"):
        house.sns.create_topic(Name="a.fifo", Attributes={"FifoTopic": "true"})
    for bad in ("nonsense", arn("a").replace("us-east-1", "eu-west-1"), arn("a").replace(ACCOUNT, "000000000000")):
        with refused("InvalidParameter", "TopicArn"):
            house.sns.publish(TopicArn=bad, Message="x")


def test_topics_are_listed_by_pages(house: QueuesHouse) -> None:
    names = [f"t{number:03d}" for number in range(101)]
    for name in names:
        house.topic(name)
    pages = [page["Topics"] for page in house.sns.get_paginator("list_topics").paginate()]
    assert [len(page) for page in pages] == [100, 1]
    assert [one["TopicArn"] for page in pages for one in page] == [arn(name) for name in names]
    with refused("InvalidParameter", "NextToken"):
        house.sns.list_topics(NextToken="x")


def test_tags(house: QueuesHouse) -> None:
    topic = house.sns.create_topic(Name="t", Tags=[{"Key": "team", "Value": "cars"}])["TopicArn"]
    house.sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "stage", "Value": "test"}])
    house.sns.untag_resource(ResourceArn=topic, TagKeys=["team"])
    assert house.sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "stage", "Value": "test"}]
    with refused("ResourceNotFound"):
        house.sns.list_tags_for_resource(ResourceArn=arn("none"))
    with refused("TagLimitExceeded"):
        house.sns.tag_resource(ResourceArn=topic, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])


def test_permissions_are_statements_of_the_policy(house: QueuesHouse) -> None:
    topic = house.topic()
    house.sns.add_permission(TopicArn=topic, Label="other", AWSAccountId=["111122223333"], ActionName=["Publish"])
    statements = json.loads(house.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]
    assert statements[1] == {
        "Sid": "other",
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
        "Action": ["SNS:Publish"],
        "Resource": topic,
    }
    with refused("InvalidParameter", "already exists"):
        house.sns.add_permission(TopicArn=topic, Label="other", AWSAccountId=["111122223333"], ActionName=["Publish"])
    with refused("InvalidParameter", "service scope"):
        house.sns.add_permission(TopicArn=topic, Label="more", AWSAccountId=["111122223333"], ActionName=["Fly"])
    house.sns.remove_permission(TopicArn=topic, Label="other")
    with refused("NotFound"):
        house.sns.remove_permission(TopicArn=topic, Label="other")


# To queues.


def test_a_message_reaches_a_queue(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    subscription = house.subscribed(topic, queue)
    attributes = {
        "text": {"DataType": "String", "StringValue": "grün"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00"},
    }
    sent = house.sns.publish(TopicArn=topic, Message="hällo", Subject="Subject", MessageAttributes=attributes)
    (note,) = house.notes(url)
    assert {name: note[name] for name in ("Type", "MessageId", "TopicArn", "Subject", "Message")} == {
        "Type": "Notification",
        "MessageId": sent["MessageId"],
        "TopicArn": topic,
        "Subject": "Subject",
        "Message": "hällo",
    }
    assert note["MessageAttributes"] == {
        "text": {"Type": "String", "Value": "grün"},
        "raw": {"Type": "Binary", "Value": "AA=="},
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", note["Timestamp"])
    assert subscription in note["UnsubscribeURL"].replace("%3A", ":")
    assert house.metrics.total("NumberOfMessagesPublished") == 1
    assert house.metrics.total("NumberOfNotificationsDelivered") == 1


def test_a_raw_message_is_itself(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    house.subscribed(topic, queue, RawMessageDelivery="true")
    attributes = {
        "list": {"DataType": "String.Array", "StringValue": "[1]"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    house.sns.publish(TopicArn=topic, Message="plain", MessageAttributes=attributes, MessageGroupId="g")
    house.settle()
    (one,) = house.take(url, MessageAttributeNames=["All"], AttributeNames=["MessageGroupId", "SenderId"])
    assert (one["Body"], one["MessageAttributes"]) == ("plain", attributes)
    assert one["Attributes"] == {"MessageGroupId": "g", "SenderId": "sns.amazonaws.com"}


@pytest.mark.parametrize("version", ["1", "2"])
def test_signatures_can_be_verified(house: QueuesHouse, version: str) -> None:
    topic, (url, queue) = house.topic(SignatureVersion=version), house.open_queue("q")
    house.subscribed(topic, queue)
    house.sns.publish(TopicArn=topic, Message="m", Subject="s")
    house.sns.publish(TopicArn=topic, Message="without subject")
    for note in house.notes(url):
        assert note["SignatureVersion"] == version
        status, pem = follow(house, note["SigningCertURL"])
        assert status == 200
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        signed = "".join(f"{name}\n{note[name]}\n" for name in names if name in note)
        key: Any = x509.load_pem_x509_certificate(pem).public_key()
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()
        key.verify(base64.b64decode(note["Signature"]), signed.encode(), padding.PKCS1v15(), digest)
    assert follow(house, "http://x/SimpleNotificationService-0123.pem")[0] == 404
    assert ((house.root / "signing").stat().st_mode & 0o777) == 0o700


def test_a_queue_that_does_not_allow_it_gets_nothing(house: QueuesHouse) -> None:
    topic, url = house.topic(), house.queue("closed")
    dead, dead_arn = house.open_queue("dead")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:closed"
    house.subscribed(topic, queue, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn}))
    house.sns.publish(TopicArn=topic, Message="m")
    (letter,) = house.notes(dead)
    assert (letter["Type"], letter["Message"]) == ("Notification", "m")
    assert house.counts(url) == (0, 0, 0)
    assert house.metrics.total("NumberOfNotificationsFailed") == 1
    assert house.metrics.total("NumberOfNotificationsRedrivenToDlq") == 1
    # A policy that names another topic is none for this one.
    other = allowing("sns.amazonaws.com", "sqs:SendMessage", queue, ArnEquals={"aws:SourceArn": arn("other")})
    house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": other})
    house.sns.publish(TopicArn=topic, Message="m2")
    assert [one["Message"] for one in house.notes(dead)] == ["m2"]
    mine = allowing("sns.amazonaws.com", "sqs:SendMessage", queue, ArnEquals={"aws:SourceArn": topic})
    house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": mine})
    house.sns.publish(TopicArn=topic, Message="m3")
    assert [one["Message"] for one in house.notes(url)] == ["m3"]


def test_everybody_hears_of_it_and_each_once(house: QueuesHouse) -> None:
    topic = house.topic()
    queues = [house.open_queue(f"q{number}") for number in range(3)]
    arns = [house.subscribed(topic, queue) for _, queue in queues]
    assert house.subscribed(topic, queues[0][1]) == arns[0]
    house.sns.unsubscribe(SubscriptionArn=arns[2])
    house.sns.unsubscribe(SubscriptionArn=arns[2])
    sent = house.sns.publish(TopicArn=topic, Message="m")["MessageId"]
    assert [[one["MessageId"] for one in house.notes(url)] for url, _ in queues] == [[sent], [sent], []]
    assert house.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsDeleted"] == "1"


def test_different_messages_for_different_protocols(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    house.subscribed(topic, queue)
    message = json.dumps({"default": "all", "sqs": "queues", "http": "web", "email": 7})
    house.sns.publish(TopicArn=topic, Message=message, MessageStructure="json")
    assert [one["Message"] for one in house.notes(url)] == ["queues"]
    for bad, word in [("{", "failed to parse"), ('{"sqs": "x"}', "default"), ("[1]", "default")]:
        with refused("InvalidParameter", word):
            house.sns.publish(TopicArn=topic, Message=bad, MessageStructure="json")


def test_a_batch_answers_entry_by_entry(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(), house.open_queue("q")
    house.subscribed(topic, queue, RawMessageDelivery="true")
    entries = [
        {"Id": "a", "Message": "one"},
        {"Id": "b", "Message": "two", "Subject": "line\nbreak"},
        {"Id": "c", "Message": "three", "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "x"}}},
    ]
    answer = house.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["a"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("b", "InvalidParameter", True),
        ("c", "ParameterValueInvalid", True),
    ]
    house.settle()
    assert house.bodies(url) == ["one"]


def test_batches_that_are_none(house: QueuesHouse) -> None:
    topic = house.topic()

    def send(*ids: str, message: str = "x") -> None:
        entries = [{"Id": one, "Message": message} for one in ids]
        house.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)

    with refused("EmptyBatchRequest"):
        send()
    with refused("TooManyEntriesInBatchRequest"):
        send(*map(str, range(11)))
    with refused("BatchEntryIdsNotDistinct"):
        send("a", "a")
    with refused("InvalidBatchEntryId"):
        send("a b")
    with refused("BatchRequestTooLong"):
        send("a", "b", message="x" * 131_073)


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ({"Message": ""}, "InvalidParameter", "Empty message"),
        ({"Message": "x" * 262_145}, "InvalidParameter", "too long"),
        ({"Subject": "x" * 101}, "InvalidParameter", "Subject"),
        ({"Subject": "a\nb"}, "InvalidParameter", "Subject"),
        ({"Subject": ""}, "InvalidParameter", "Subject"),
        ({"MessageStructure": "xml"}, "InvalidParameter", "MessageStructure"),
        ({"MessageDeduplicationId": "x"}, "InvalidParameter", "MessageDeduplicationId"),
        ({"MessageGroupId": "a b\n"}, "InvalidParameter", "MessageGroupId"),
        ({"MessageAttributes": {"AWS.x": {"DataType": "String", "StringValue": "x"}}}, "ParameterValueInvalid", "AWS"),
        ({"MessageAttributes": {"a b": {"DataType": "String", "StringValue": "x"}}}, "ParameterValueInvalid", "name"),
        ({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}}, "ParameterValueInvalid", "type"),
        ({"MessageAttributes": {"a": {"DataType": "String"}}}, "ParameterValueInvalid", "StringValue"[:-5]),
        ({"MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "ParameterValueInvalid", "number"),
        ({"MessageAttributes": {"a": {"DataType": "String.Array", "StringValue": "{}"}}}, "ParameterValueInvalid", ""),
    ],
)  # fmt: skip
def test_messages_that_are_none(house: QueuesHouse, more: dict[str, Any], code: str, word: str) -> None:
    topic = house.topic()
    with refused(code, word):
        house.sns.publish(**{"TopicArn": topic, "Message": "x", **more})


def test_places_to_publish_that_are_not_served(house: QueuesHouse) -> None:
    with refused("NotImplemented", "SMS"):
        house.sns.publish(PhoneNumber="+491234567", Message="x")
    with refused("NotImplemented", "push"):
        house.sns.publish(TargetArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:endpoint/GCM/app/1", Message="x")
    with refused("InvalidParameter", "TopicArn"):
        house.sns.publish(Message="x")


def test_large_messages_go_to_queues_only(house: QueuesHouse) -> None:
    topic, (url, queue) = house.topic(MaximumMessageSize="1000000"), house.open_queue("q")
    house.subscribed(topic, queue, RawMessageDelivery="true")
    house.sns.publish(TopicArn=topic, Message="x" * 1_000_000)
    house.settle()
    assert [len(body) for body in house.bodies(url)] == [1_000_000]
    with refused("InvalidParameter", "queues"):
        house.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com")
    small = house.topic("small")
    house.sns.subscribe(TopicArn=small, Protocol="email", Endpoint="me@example.com")
    with refused("InvalidParameter", "queues"):
        house.sns.set_topic_attributes(TopicArn=small, AttributeName="MaximumMessageSize", AttributeValue="300000")


# Subscriptions.


def test_subscriptions_are_listed(house: QueuesHouse) -> None:
    one, other = house.topic("one"), house.topic("other")
    _, queue = house.open_queue("q")
    arns = {house.subscribed(one, queue), house.subscribed(other, queue)}
    assert {found["SubscriptionArn"] for found in house.sns.list_subscriptions()["Subscriptions"]} == arns
    (found,) = house.sns.list_subscriptions_by_topic(TopicArn=one)["Subscriptions"]
    assert (found["Protocol"], found["Endpoint"], found["Owner"]) == ("sqs", queue, ACCOUNT)
    house.sns.delete_topic(TopicArn=one)
    house.topic("one")
    assert house.sns.list_subscriptions_by_topic(TopicArn=one)["Subscriptions"] == []


def test_attributes_of_subscriptions(house: QueuesHouse) -> None:
    topic, (_, queue) = house.topic(), house.open_queue("q")
    one = house.subscribed(topic, queue, FilterPolicy='{"a": ["b"]}')
    found = house.sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"]
    assert found == {
        "SubscriptionArn": one,
        "TopicArn": topic,
        "Owner": ACCOUNT,
        "Protocol": "sqs",
        "Endpoint": queue,
        "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": "true",
        "RawMessageDelivery": "false",
        "FilterPolicy": '{"a": ["b"]}',
        "FilterPolicyScope": "MessageAttributes",
    }
    house.sns.set_subscription_attributes(
        SubscriptionArn=one, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    house.sns.set_subscription_attributes(SubscriptionArn=one, AttributeName="FilterPolicy", AttributeValue="")
    found = house.sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"]
    assert found["RawMessageDelivery"] == "true" and "FilterPolicy" not in found
    with refused("InvalidParameter", "different attributes"):
        house.subscribed(topic, queue, RawMessageDelivery="false")
    for name, value, word in [
        ("RawMessageDelivery", "yes", "true or false"),
        ("FilterPolicyScope", "Both", "FilterPolicyScope"),
        ("RedrivePolicy", "{}", "deadLetterTargetArn"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "arn:aws:sns:us-east-1:1:x"}', "invalid arn"),
        ("DeliveryPolicy", "{}", "sqs"),
        ("Colour", "red", "AttributeName"),
    ]:
        with refused("InvalidParameter", word):
            house.sns.set_subscription_attributes(SubscriptionArn=one, AttributeName=name, AttributeValue=value)
    with refused("NotFound", "Subscription does not exist"):
        missing = f"{topic}:00000000-0000-0000-0000-000000000000"
        house.sns.get_subscription_attributes(SubscriptionArn=missing)
    with refused("InvalidParameter", "SubscriptionArn"):
        house.sns.get_subscription_attributes(SubscriptionArn="x")


@pytest.mark.parametrize(
    ("protocol", "endpoint", "code", "word"),
    [
        ("sms", "+491234567", "NotImplemented", "sms"),
        ("lambda", "arn:aws:lambda:us-east-1:123456789012:function:f", "NotImplemented", "lambda"),
        ("firehose", "arn:aws:firehose:us-east-1:123456789012:deliverystream/f", "NotImplemented", "firehose"),
        ("application", "x", "NotImplemented", "application"),
        ("pigeon", "x", "InvalidParameter", "pigeon"),
        ("sqs", "http://127.0.0.1/q", "InvalidParameter", "SQS endpoint ARN"),
        ("sqs", "arn:aws:sqs:us-east-1:000000000000:q", "InvalidParameter", "another account"),
        ("sqs", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q.fifo", "InvalidParameter", "FIFO"),
        ("https", HOOK, "InvalidParameter", "match the specified protocol"),
        ("http", "http://example.com/hook", "InvalidParameter", "this machine"),
        ("email", "nobody", "InvalidParameter", "Email"),
        ("email", "a@b\nBcc: c@d", "InvalidParameter", "Email"),
    ],
)
def test_endpoints_that_are_none(house: QueuesHouse, protocol: str, endpoint: str, code: str, word: str) -> None:
    topic = house.topic()
    with refused(code, word):
        house.sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)


# The web.


def hooked(house: QueuesHouse, topic: str, url: str = HOOK, **attributes: str) -> str:
    """The ARN of a confirmed subscription of a web address."""
    answer = house.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url, Attributes=attributes)
    assert answer["SubscriptionArn"] == "pending confirmation"
    house.settle()
    asked = house.web.said(url.replace("user:pass@", ""))[-1]
    confirmed: str = house.sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    house.web.heard.clear()
    return confirmed


def test_a_web_address_is_asked_first(house: QueuesHouse) -> None:
    topic = house.topic()
    pending = house.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=HOOK, ReturnSubscriptionArn=True)
    one = pending["SubscriptionArn"]
    house.sns.publish(TopicArn=topic, Message="too early")
    house.settle()
    ((url, headers, body),) = house.web.heard
    assert (url, headers["x-amz-sns-message-type"]) == (HOOK, "SubscriptionConfirmation")
    asked = json.loads(body)
    assert (asked["Type"], asked["TopicArn"]) == ("SubscriptionConfirmation", topic)
    (listed,) = house.sns.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    with refused("InvalidParameter", "Token"):
        house.sns.confirm_subscription(TopicArn=topic, Token="0" * 128)
    status, answer = follow(house, asked["SubscribeURL"])
    assert status == 200 and one.encode() in answer
    assert follow(house, asked["SubscribeURL"])[0] == 200
    found = house.sns.get_subscription_attributes(SubscriptionArn=one)["Attributes"]
    assert (found["PendingConfirmation"], found["ConfirmationWasAuthenticated"]) == ("false", "false")
    sent = house.sns.publish(TopicArn=topic, Message="m", Subject="s")["MessageId"]
    house.settle()
    url, headers, body = house.web.heard[-1]
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert (headers["x-amz-sns-message-id"], headers["x-amz-sns-subscription-arn"]) == (sent, one)
    assert headers["x-amz-sns-topic-arn"] == topic
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert json.loads(body)["Message"] == "m"


def test_a_token_is_good_for_two_days(house: QueuesHouse) -> None:
    topic = house.topic()
    house.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=HOOK)
    house.settle()
    house.advance(2 * 86_400 + 1)
    house.settle()
    assert house.wire.store.count("topic-subscription", Where()) == 0


def test_whoever_listens_can_end_it_and_take_that_back(house: QueuesHouse) -> None:
    topic = house.topic()
    hooked(house, topic)
    house.sns.publish(TopicArn=topic, Message="m")
    house.settle()
    (note,) = house.web.said(HOOK)
    assert follow(house, note["UnsubscribeURL"])[0] == 200
    house.settle()
    told = house.web.said(HOOK)[-1]
    assert told["Type"] == "UnsubscribeConfirmation"
    assert house.sns.list_subscriptions()["Subscriptions"] == []
    house.sns.publish(TopicArn=topic, Message="missed")
    house.settle()
    assert follow(house, told["SubscribeURL"])[0] == 200
    house.sns.publish(TopicArn=topic, Message="again")
    house.settle()
    assert [one["Message"] for one in house.web.said(HOOK)[2:]] == ["again"]


def test_an_end_can_be_kept_for_those_who_sign(house: QueuesHouse) -> None:
    topic = house.topic()
    house.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=HOOK)
    house.settle()
    token = house.web.said(HOOK)[0]["Token"]
    one = house.sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    house.sns.publish(TopicArn=topic, Message="m")
    house.settle()
    status, body = follow(house, house.web.said(HOOK)[-1]["UnsubscribeURL"])
    assert status == 403 and b"AuthorizationError" in body
    house.sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    assert house.sns.list_subscriptions()["Subscriptions"] == []


def test_retries_go_by_the_delivery_policy(house: QueuesHouse) -> None:
    topic, (dead, dead_arn) = house.topic(), house.open_queue("dead")
    retry = {"minDelayTarget": 5, "maxDelayTarget": 9, "numRetries": 4, "numNoDelayRetries": 1, "numMaxDelayRetries": 1}
    policy = json.dumps({"healthyRetryPolicy": retry, "requestPolicy": {"headerContentType": "application/json"}})
    redrive = json.dumps({"deadLetterTargetArn": dead_arn})
    hooked(house, topic, DeliveryPolicy=policy, RedrivePolicy=redrive)
    house.web.status[HOOK] = 503
    house.sns.publish(TopicArn=topic, Message="m")
    house.settle()
    at = [house.clock.now()] * len(house.web.heard)
    for _ in range(40):
        house.advance(1)
        house.settle()
        at += [house.clock.now()] * (len(house.web.heard) - len(at))
    assert [round(time - at[0]) for time in at] == [0, 0, 5, 14, 23]
    assert len({headers["x-amz-sns-message-id"] for _, headers, _ in house.web.heard}) == 1
    assert house.web.heard[0][1]["content-type"] == "application/json"
    assert [one["Message"] for one in house.notes(dead)] == ["m"]


def test_a_refusal_is_not_tried_again(house: QueuesHouse) -> None:
    topic, (dead, dead_arn) = house.topic(), house.open_queue("dead")
    hooked(house, topic, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn}), RawMessageDelivery="true")
    house.web.status[HOOK] = 404
    house.sns.publish(TopicArn=topic, Message="raw")
    house.settle()
    assert len(house.web.heard) == 1
    assert house.web.heard[0][1]["x-amz-sns-rawdelivery"] == "true"
    assert house.bodies(dead) == ["raw"]


def test_a_password_in_an_address_is_sent_as_such(house: QueuesHouse) -> None:
    topic = house.topic()
    hooked(house, topic, "http://user:pass@127.0.0.1:9000/p")
    house.sns.publish(TopicArn=topic, Message="m")
    house.settle()
    ((url, headers, _),) = house.web.heard
    assert (url, headers["authorization"]) == ("http://127.0.0.1:9000/p", "Basic dXNlcjpwYXNz")


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        ("{", "parse"),
        ("[]", "object"),
        ('{"x": 1}', "x"),
        ('{"healthyRetryPolicy": {"numRetries": 101}}', "0 to 100"),
        ('{"healthyRetryPolicy": {"minDelayTarget": 30}}', "maxDelayTarget"),
        ('{"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 2}}', "sum"),
        ('{"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 60, "maxDelayTarget": 60}}', "3600"),
        ('{"healthyRetryPolicy": {"backoffFunction": "wild"}}', "backoffFunction"),
        ('{"requestPolicy": {"headerContentType": "image/png"}}', "headerContentType"),
    ],
)
def test_delivery_policies_that_are_none(house: QueuesHouse, policy: str, word: str) -> None:
    topic = house.topic()
    with refused("InvalidParameter", "DeliveryPolicy", word):
        house.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=HOOK, Attributes={"DeliveryPolicy": policy})


def test_a_throttle_is_refused_by_name(house: QueuesHouse) -> None:
    topic, policy = house.topic(), '{"throttlePolicy": {"maxReceivesPerSecond": 1}}'
    with refused("NotImplemented", "throttlePolicy"):
        house.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=HOOK, Attributes={"DeliveryPolicy": policy})


# Mail.


def test_mail_lies_in_the_outbox_and_its_links_work(house: QueuesHouse) -> None:
    topic = house.topic(DisplayName="Wächter")
    house.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com")
    (text,) = house.mail()
    assert "To: me@example.com" in text
    link = re.search(r"http://\S+ConfirmSubscription\S+", text)
    assert link is not None
    assert follow(house, link[0])[0] == 200
    house.sns.publish(TopicArn=topic, Message="grün", Subject="Über")
    house.settle()
    (note,) = [one for one in house.mail() if "grün" in one]
    assert "Subject: =?utf-8?" in note
    end = re.search(r"http://\S+Unsubscribe\S+", note)
    assert end is not None
    assert follow(house, end[0])[0] == 200
    assert house.sns.list_subscriptions()["Subscriptions"] == []
    assert {one.stat().st_mode & 0o777 for one in (house.root / "outbox").iterdir()} == {0o600}


def test_mail_as_json(house: QueuesHouse) -> None:
    topic = house.topic()
    house.sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="me@example.com")
    (text,) = house.mail()
    asked = json.loads(email.message_from_string(text, policy=default).get_content())  # long lines come wrapped
    assert asked["Type"] == "SubscriptionConfirmation"
    follow(house, asked["SubscribeURL"])
    house.sns.publish(TopicArn=topic, Message="m")
    house.settle()
    assert any('"Message":"m"' in email.message_from_string(one, policy=default).get_content() for one in house.mail())
