"""SQS through boto3: queues and their attributes, messages and their receipts."""

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.inprocess import ACCOUNT, URL
from tests.queues_house import QueuesHouse, queues_house, refused


@pytest.fixture
def house(tmp_path: Path) -> Iterator[QueuesHouse]:
    with queues_house(tmp_path) as made:
        yield made


def arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


# Queues.


def test_a_queue_comes_and_goes(house: QueuesHouse) -> None:
    url = house.queue("jobs", VisibilityTimeout="5")
    assert url == f"{URL}/{ACCOUNT}/jobs"
    assert house.queue("jobs", VisibilityTimeout="5") == url
    assert house.queue("jobs") == url
    assert house.sqs.get_queue_url(QueueName="jobs")["QueueUrl"] == url
    with refused("QueueAlreadyExists", "VisibilityTimeout") as error:
        house.queue("jobs", VisibilityTimeout="6")
    assert error["Error"]["QueryErrorCode"] == "QueueNameExists"
    house.sqs.delete_queue(QueueUrl=url)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        house.sqs.get_queue_url(QueueName="jobs")
    with pytest.raises(house.sqs.exceptions.QueueDoesNotExist):
        house.sqs.send_message(QueueUrl=url, MessageBody="late")


def test_a_queue_made_again_is_empty(house: QueuesHouse) -> None:
    url = house.queue()
    house.sqs.send_message(QueueUrl=url, MessageBody="old")
    (old,) = house.take(url, VisibilityTimeout=0)
    house.sqs.delete_queue(QueueUrl=url)
    house.queue()
    assert house.bodies(url) == []
    with refused("ReceiptHandleIsInvalid"):
        house.sqs.delete_message(QueueUrl=url, ReceiptHandle=old["ReceiptHandle"])


def test_names_and_addresses_that_are_none(house: QueuesHouse) -> None:
    for name in ("a.b", "x" * 81, "ü", ""):
        with refused("InvalidParameterValue", "alphanumeric"):
            house.sqs.create_queue(QueueName=name)
    with refused("NotImplemented", "FIFO"):
        house.sqs.create_queue(QueueName="a.fifo", Attributes={"FifoQueue": "true"})
    with refused("NotImplemented", "FIFO"):
        house.sqs.create_queue(QueueName="a", Attributes={"ContentBasedDeduplication": "true"})
    with refused("InvalidAddress", "jobs"):
        house.sqs.send_message(QueueUrl="http://host/jobs", MessageBody="x")
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        house.sqs.send_message(QueueUrl=f"{URL}/000000000000/jobs", MessageBody="x")


def test_attributes_are_checked_and_answered(house: QueuesHouse) -> None:
    url = house.queue("jobs", DelaySeconds="1")
    found = house.attributes(url)
    assert (found["DelaySeconds"], found["VisibilityTimeout"], found["QueueArn"]) == ("1", "30", arn("jobs"))
    assert found["MaximumMessageSize"] == "1048576"
    assert found["CreatedTimestamp"] == str(int(house.clock.now()))
    assert "Policy" not in found
    house.advance(2)
    house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    named = house.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "LastModifiedTimestamp"])
    assert named["Attributes"] == {"VisibilityTimeout": "7", "LastModifiedTimestamp": str(int(house.clock.now()))}
    assert "Attributes" not in house.sqs.get_queue_attributes(QueueUrl=url)
    for name, value in [
        ("DelaySeconds", "901"),
        ("MaximumMessageSize", "1023"),
        ("MessageRetentionPeriod", "59"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("VisibilityTimeout", "-1"),
        ("VisibilityTimeout", "٣"),
        ("Policy", "{"),
    ]:
        with refused("InvalidAttributeValue", name):
            house.sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    with refused("InvalidAttributeName", "Colour"):
        house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Colour": "red"})
    with refused("InvalidAttributeName", "Colour"):
        house.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Colour"])


def test_queues_are_listed(house: QueuesHouse) -> None:
    assert "QueueUrls" not in house.sqs.list_queues()
    urls = [house.queue(f"a{number}") for number in range(5)]
    house.queue("b")
    assert house.sqs.list_queues(QueueNamePrefix="a")["QueueUrls"] == urls
    first = house.sqs.list_queues(QueueNamePrefix="a", MaxResults=3)
    rest = house.sqs.list_queues(QueueNamePrefix="a", MaxResults=3, NextToken=first["NextToken"])
    assert first["QueueUrls"] + rest["QueueUrls"] == urls
    assert "NextToken" not in rest
    with refused("InvalidParameterValue"):
        house.sqs.list_queues(QueueNamePrefix="b", NextToken=first["NextToken"])
    with refused("InvalidParameterValue"):
        house.sqs.list_queues(MaxResults=0)


def test_tags(house: QueuesHouse) -> None:
    url = house.sqs.create_queue(QueueName="jobs", tags={"team": "cars"})["QueueUrl"]
    house.sqs.tag_queue(QueueUrl=url, Tags={"stage": "test"})
    assert house.sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "cars", "stage": "test"}
    house.sqs.untag_queue(QueueUrl=url, TagKeys=["team", "stage"])
    assert "Tags" not in house.sqs.list_queue_tags(QueueUrl=url)
    with refused("InvalidParameterValue", "aws:"):
        house.sqs.tag_queue(QueueUrl=url, Tags={"aws:x": "1"})


# Messages.


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def digest(attributes: dict[str, Any]) -> str:
    """The digest of attributes, as Amazon documents it for clients."""
    found = hashlib.md5(usedforsecurity=False)

    def part(data: bytes) -> None:
        found.update(struct.pack("!I", len(data)) + data)

    for name in sorted(attributes):
        value = attributes[name]
        part(name.encode())
        part(value["DataType"].encode())
        binary = value["DataType"].startswith("Binary")
        found.update(b"\x02" if binary else b"\x01")
        part(value["BinaryValue"] if binary else value["StringValue"].encode())
    return found.hexdigest()


ATTRIBUTES = {
    "z.kind": {"DataType": "String", "StringValue": "grün"},
    "a-number": {"DataType": "Number.float", "StringValue": "-1.5e3"},
    "raw_bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


def test_a_message_with_all_that_it_can_have(house: QueuesHouse) -> None:
    url = house.queue()
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sent = house.sqs.send_message(
        QueueUrl=url, MessageBody="hällo", MessageAttributes=ATTRIBUTES, MessageSystemAttributes=trace
    )
    assert sent["MD5OfMessageBody"] == md5("hällo")
    assert sent["MD5OfMessageAttributes"] == digest(ATTRIBUTES)
    assert sent["MD5OfMessageSystemAttributes"] == digest(trace)
    house.advance(1)
    (one,) = house.take(url, MessageAttributeNames=["All"], AttributeNames=["All"])
    assert (one["MessageId"], one["Body"], one["MD5OfBody"]) == (sent["MessageId"], "hällo", md5("hällo"))
    assert one["MessageAttributes"] == ATTRIBUTES
    assert one["MD5OfMessageAttributes"] == digest(ATTRIBUTES)
    now = int(house.clock.now() * 1000)
    assert one["Attributes"] == {
        "SenderId": ACCOUNT,
        "SentTimestamp": str(now - 1000),
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(now),
        "AWSTraceHeader": trace["AWSTraceHeader"]["StringValue"],
    }
    house.advance(30)
    (again,) = house.take(url, MessageAttributeNames=["z.*"], MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert list(again["MessageAttributes"]) == ["z.kind"]
    assert again["MD5OfMessageAttributes"] == digest({"z.kind": ATTRIBUTES["z.kind"]})
    assert again["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert again["ReceiptHandle"] != one["ReceiptHandle"]
    with refused("InvalidAttributeName", "Colour"):
        house.take(url, AttributeNames=["Colour"])


def test_visibility(house: QueuesHouse) -> None:
    url = house.queue("jobs", VisibilityTimeout="10")
    house.sqs.send_message(QueueUrl=url, MessageBody="a")
    (one,) = house.take(url)
    assert (house.take(url), house.counts(url)) == ([], (0, 1, 0))
    house.advance(9)
    house.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=10)
    house.advance(9)
    assert house.take(url) == []
    house.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0)
    assert house.counts(url) == (1, 0, 0)
    with refused("AWS.SimpleQueueService.MessageNotInflight"):
        house.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=1)
    (again,) = house.take(url, VisibilityTimeout=20)
    # Who received it before does not own it any more.
    house.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    with refused("InvalidParameterValue", "not available"):
        house.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=1)
    assert house.counts(url) == (0, 1, 0)
    with refused("InvalidParameterValue", "43200"):
        house.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=43201)
    house.advance(10)
    with refused("InvalidParameterValue", "beyond the limit"):
        house.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=43191)
    house.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    house.sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert house.counts(url) == (0, 0, 0)


def test_delays(house: QueuesHouse) -> None:
    url = house.queue("jobs", DelaySeconds="5")
    house.sqs.send_message(QueueUrl=url, MessageBody="by the queue")
    house.sqs.send_message(QueueUrl=url, MessageBody="at once", DelaySeconds=0)
    assert house.counts(url) == (1, 0, 1)
    assert house.bodies(url) == ["at once"]
    house.advance(5)
    assert house.bodies(url) == ["by the queue"]
    with refused("InvalidParameterValue", "901"):
        house.sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=901)


def test_retention(house: QueuesHouse) -> None:
    url = house.queue("jobs", MessageRetentionPeriod="60")
    for body in "ab":
        house.sqs.send_message(QueueUrl=url, MessageBody=body)
    house.advance(60)
    house.sqs.send_message(QueueUrl=url, MessageBody="c")
    assert len(house.take(url, MaxNumberOfMessages=1, VisibilityTimeout=0)) == 1
    house.advance(1)
    assert house.counts(url) == (1, 0, 0)
    assert house.bodies(url) == ["c"]


def test_a_purge_empties_the_queue_at_once(house: QueuesHouse) -> None:
    url = house.queue()
    for body in "abc":
        house.sqs.send_message(QueueUrl=url, MessageBody=body)
    (flying,) = house.take(url, MaxNumberOfMessages=1)
    house.sqs.purge_queue(QueueUrl=url)
    house.sqs.send_message(QueueUrl=url, MessageBody="after")
    house.sqs.delete_message(QueueUrl=url, ReceiptHandle=flying["ReceiptHandle"])
    assert house.counts(url) == (1, 0, 0)
    assert house.bodies(url) == ["after"]


def test_batches_answer_entry_by_entry(house: QueuesHouse) -> None:
    url = house.queue()
    entries = [
        {"Id": "good", "MessageBody": "a", "MessageAttributes": ATTRIBUTES},
        {"Id": "late", "MessageBody": "b", "DelaySeconds": 901},
        {"Id": "bad", "MessageBody": "\x00"},
    ]
    sent = house.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    (good,) = sent["Successful"]
    assert (good["Id"], good["MD5OfMessageAttributes"]) == ("good", digest(ATTRIBUTES))
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in sent["Failed"]] == [
        ("late", "InvalidParameterValue", True),
        ("bad", "InvalidMessageContents", True),
    ]
    (one,) = house.take(url)
    assert one["MessageId"] == good["MessageId"]
    handle = one["ReceiptHandle"]
    longer = [{"Id": "1", "ReceiptHandle": handle, "VisibilityTimeout": 0}, {"Id": "2", "ReceiptHandle": "x"}]
    longer[1]["VisibilityTimeout"] = 1
    changed = house.sqs.change_message_visibility_batch(QueueUrl=url, Entries=longer)
    assert [one["Id"] for one in changed["Successful"]] == ["1"]
    assert [(one["Id"], one["Code"]) for one in changed["Failed"]] == [("2", "ReceiptHandleIsInvalid")]
    (again,) = house.take(url)
    both = [{"Id": "1", "ReceiptHandle": again["ReceiptHandle"]}, {"Id": "2", "ReceiptHandle": "AAAA"}]
    gone = house.sqs.delete_message_batch(QueueUrl=url, Entries=both)
    assert [one["Id"] for one in gone["Successful"]] == ["1"]
    assert [one["Code"] for one in gone["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert house.counts(url) == (0, 0, 0)


# What is refused.


def test_batches_that_are_none(house: QueuesHouse) -> None:
    url = house.queue()

    def send(*ids: str, body: str = "x") -> None:
        house.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": one, "MessageBody": body} for one in ids])

    with refused("AWS.SimpleQueueService.EmptyBatchRequest"):
        send()
    with refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "11"):
        send(*map(str, range(11)))
    with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated"):
        send("a", "b", "a")
    with refused("AWS.SimpleQueueService.InvalidBatchEntryId"):
        send("a b")
    with refused("AWS.SimpleQueueService.BatchRequestTooLong", "1048580"):
        send("a", "b", body="x" * 524290)
    assert house.counts(url) == (0, 0, 0)
    with refused("AWS.SimpleQueueService.EmptyBatchRequest"):
        house.sqs.delete_message_batch(QueueUrl=url, Entries=[])


def test_messages_that_are_too_long(house: QueuesHouse) -> None:
    url = house.queue()
    house.sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    assert [len(body) for body in house.bodies(url)] == [1_048_576]
    with refused("InvalidParameterValue", "1048576 bytes"):
        house.sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_577)
    small = house.queue("small", MaximumMessageSize="1024")
    tail = {"t": {"DataType": "String", "StringValue": "y"}}  # 1 + 6 + 1 bytes
    house.sqs.send_message(QueueUrl=small, MessageBody="x" * 1016, MessageAttributes=tail)
    with refused("InvalidParameterValue", "1024 bytes"):
        house.sqs.send_message(QueueUrl=small, MessageBody="x" * 1017, MessageAttributes=tail)


@pytest.mark.parametrize("letter", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_letters_that_sqs_does_not_take(house: QueuesHouse, letter: str) -> None:
    url = house.queue()
    with refused("InvalidMessageContents", f"#x{ord(letter):X}", "position 2"):
        house.sqs.send_message(QueueUrl=url, MessageBody=f"ab{letter}")
    named = {"n": {"DataType": "String", "StringValue": letter}}
    with refused("InvalidMessageContents", "'n'"):
        house.sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=named)


def test_letters_that_sqs_takes(house: QueuesHouse) -> None:
    url = house.queue()
    body = "\t\n\r ~\x7f\x85\ud7ff\ue000\ufffd\U00010000\U0010ffff"
    house.sqs.send_message(QueueUrl=url, MessageBody=body)
    assert house.bodies(url) == [body]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("AWS.x", {"DataType": "String", "StringValue": "x"}, "reserved"),
        ("amazon.x", {"DataType": "String", "StringValue": "x"}, "reserved"),
        ("a..b", {"DataType": "String", "StringValue": "x"}, "succession"),
        ("a b", {"DataType": "String", "StringValue": "x"}, "invalid"),
        ("x" * 257, {"DataType": "String", "StringValue": "x"}, "256"),
        ("n", {"DataType": "Text", "StringValue": "x"}, "type"),
        ("n", {"DataType": "String"}, "StringValue"[:-5]),
        ("n", {"DataType": "Binary", "StringValue": "x"}, "Binary"),
        ("n", {"DataType": "String", "StringValue": ""}, "non-empty"),
        ("n", {"DataType": "Number", "StringValue": "one"}, "number"),
        ("n", {"DataType": "Number", "StringValue": "1" * 39}, "38"),
        ("n", {"DataType": "String", "StringListValues": ["x"]}, "not supported"),
    ],
)
def test_message_attributes_that_are_none(house: QueuesHouse, name: str, value: dict[str, Any], word: str) -> None:
    url = house.queue()
    with refused("InvalidParameterValue", word):
        house.sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={name: value})


def test_eleven_attributes_are_too_many(house: QueuesHouse) -> None:
    url = house.queue()
    many = {f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)}
    with refused("InvalidParameterValue", "11"):
        house.sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=many)


def test_parameters_that_are_out_of_bounds(house: QueuesHouse) -> None:
    url = house.queue()
    for how in ({"MaxNumberOfMessages": 11}, {"VisibilityTimeout": 43201}, {"WaitTimeSeconds": 21}):
        with refused("InvalidParameterValue", *how):
            house.take(url, **how)
    with refused("InvalidParameterValue", "ReceiveRequestAttemptId"):
        house.take(url, ReceiveRequestAttemptId="x")
    with refused("InvalidParameterValue", "MessageDeduplicationId"):
        house.sqs.send_message(QueueUrl=url, MessageBody="x", MessageDeduplicationId="x")
    with refused("MissingParameter", "MessageBody"):
        house.sqs.send_message(QueueUrl=url, MessageBody="")


def test_handles_that_are_foreign(house: QueuesHouse) -> None:
    one, other = house.queue("one"), house.queue("other")
    house.sqs.send_message(QueueUrl=one, MessageBody="x")
    (message,) = house.take(one)
    for handle in (message["ReceiptHandle"], "", "nonsense", message["ReceiptHandle"][:-4] + "AAAA"):
        with refused("ReceiptHandleIsInvalid"):
            house.sqs.delete_message(QueueUrl=other, ReceiptHandle=handle)
        with refused("ReceiptHandleIsInvalid"):
            house.sqs.change_message_visibility(QueueUrl=other, ReceiptHandle=handle, VisibilityTimeout=1)
    assert house.counts(one) == (0, 1, 0)
