"""Dead letters and what becomes of them; policies of queues; long polls."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.inprocess import ACCOUNT
from tests.queues_house import QueuesHouse, queues_house, refused


@pytest.fixture
def house(tmp_path: Path) -> Iterator[QueuesHouse]:
    with queues_house(tmp_path) as made:
        yield made


def arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def redrive(target: str, times: Any = 2) -> str:
    return json.dumps({"deadLetterTargetArn": arn(target), "maxReceiveCount": times})


def fail(house: QueuesHouse, url: str, times: int) -> None:
    """The messages are received so often, and never deleted."""
    for _ in range(times):
        house.take(url, VisibilityTimeout=1)
        house.advance(2)


def test_what_is_received_too_often_goes_to_the_dead_letters(house: QueuesHouse) -> None:
    dead = house.queue("dead")
    url = house.queue("jobs", RedrivePolicy=redrive("dead"))
    sent = house.sqs.send_message(QueueUrl=url, MessageBody="poison")["MessageId"]
    at = int(house.clock.now() * 1000)
    fail(house, url, 2)
    assert house.counts(url) == (1, 0, 0)
    assert house.take(url) == []
    (letter,) = house.take(dead, AttributeNames=["All"])
    assert (letter["MessageId"], letter["Body"]) == (sent, "poison")
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn("jobs")
    assert letter["Attributes"]["ApproximateReceiveCount"] == "3"
    assert letter["Attributes"]["SentTimestamp"] == str(at)
    assert (house.counts(url), house.counts(dead)) == ((0, 0, 0), (0, 1, 0))


def test_a_dead_letter_does_not_hold_up_the_others(house: QueuesHouse) -> None:
    house.queue("dead")
    url = house.queue("jobs", RedrivePolicy=redrive("dead", "1"))
    for body in ("poison", "good"):
        house.sqs.send_message(QueueUrl=url, MessageBody=body)
    assert house.bodies(url, MaxNumberOfMessages=1, VisibilityTimeout=0) == ["poison"]
    assert house.bodies(url) == ["good"]


def test_dead_letters_of_a_queue_that_is_gone_stay(house: QueuesHouse) -> None:
    dead = house.queue("dead")
    url = house.queue("jobs", RedrivePolicy=redrive("dead", 1))
    house.sqs.send_message(QueueUrl=url, MessageBody="poison")
    fail(house, url, 1)
    house.sqs.delete_queue(QueueUrl=dead)
    assert house.bodies(url) == ["poison"]


def test_redrive_policies_are_checked(house: QueuesHouse) -> None:
    url = house.queue("jobs")
    dead = house.queue("dead")
    for text, word in [
        ("{", "RedrivePolicy"),
        ("[]", "object"),
        ("{}", "deadLetterTargetArn"),
        (json.dumps({"deadLetterTargetArn": arn("dead")}), "maxReceiveCount"),
        (redrive("dead", 0), "1 to 1000"),
        (redrive("dead", 1001), "1 to 1000"),
        (redrive("none"), "does not exist"),
        (json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1, "x": 1}), "x"),
    ]:
        with refused("InvalidParameterValue", word):
            house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": text})
    for said, word in [
        ("{", "RedriveAllowPolicy"),
        ('{"redrivePermission": "maybe"}', "byQueue"),
        ('{"redrivePermission": "byQueue"}', "sourceQueueArns"),
        ('{"redrivePermission": "byQueue", "sourceQueueArns": ["x"]}', "x"),
    ]:
        with refused("InvalidParameterValue", word):
            house.sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": said})
    by_queue = {"redrivePermission": "byQueue", "sourceQueueArns": [arn("jobs")]}
    house.sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(by_queue)})
    house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive("dead")})
    with refused("InvalidParameterValue", "does not allow"):
        house.queue("other", RedrivePolicy=redrive("dead"))
    house.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in house.attributes(url)


def test_sources_of_dead_letters_are_listed(house: QueuesHouse) -> None:
    dead = house.queue("dead")
    urls = [house.queue(f"jobs{number}", RedrivePolicy=redrive("dead")) for number in range(3)]
    house.queue("other")
    assert house.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == urls
    first = house.sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2)
    rest = house.sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=2, NextToken=first["NextToken"])
    assert first["queueUrls"] + rest["queueUrls"] == urls
    with refused("InvalidParameterValue"):
        house.sqs.list_dead_letter_source_queues(QueueUrl=dead, NextToken="x")


# Moving them back.


def buried(house: QueuesHouse, count: int = 1) -> tuple[str, str]:
    """(queue, dead-letter queue) with so many dead letters."""
    dead = house.queue("dead")
    url = house.queue("jobs", RedrivePolicy=redrive("dead", 1))
    for number in range(count):
        house.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    house.take(url, VisibilityTimeout=0)
    assert house.take(url) == []
    assert house.counts(dead)[0] == count
    return url, dead


def test_dead_letters_go_back_to_where_they_came_from(house: QueuesHouse) -> None:
    url, dead = buried(house, 3)
    (flying,) = house.take(dead, MaxNumberOfMessages=1)
    handle = house.sqs.start_message_move_task(SourceArn=arn("dead"))["TaskHandle"]
    (task,) = house.sqs.list_message_move_tasks(SourceArn=arn("dead"))["Results"]
    assert (task["Status"], task["TaskHandle"], task["ApproximateNumberOfMessagesToMove"]) == ("RUNNING", handle, 2)
    with refused("AWS.SimpleQueueService.UnsupportedOperation", "already"):
        house.sqs.start_message_move_task(SourceArn=arn("dead"))
    house.settle()
    (task,) = house.sqs.list_message_move_tasks(SourceArn=arn("dead"))["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert "TaskHandle" not in task
    moved = house.take(url, AttributeNames=["All"])
    assert len(moved) == 2 and flying["Body"] not in {one["Body"] for one in moved}
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in moved} == {"1"}
    assert house.counts(dead) == (0, 1, 0)


def test_dead_letters_go_where_they_are_told_at_the_pace_they_are_told(house: QueuesHouse) -> None:
    _, dead = buried(house, 5)
    other = house.queue("other")
    house.sqs.start_message_move_task(
        SourceArn=arn("dead"), DestinationArn=arn("other"), MaxNumberOfMessagesPerSecond=2
    )
    seen = []
    for _ in range(4):
        house.settle()
        seen.append((house.counts(dead)[0], house.counts(other)[0]))
        house.advance(1)
    assert seen == [(3, 2), (1, 4), (0, 5), (0, 5)]
    (task,) = house.sqs.list_message_move_tasks(SourceArn=arn("dead"), MaxResults=10)["Results"]
    assert (task["Status"], task["DestinationArn"]) == ("COMPLETED", arn("other"))


def test_a_move_can_be_stopped(house: QueuesHouse) -> None:
    _, dead = buried(house, 3)
    handle = house.sqs.start_message_move_task(SourceArn=arn("dead"), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    house.settle()
    assert house.sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] == 1
    house.advance(1)
    house.settle()
    assert house.counts(dead)[0] == 2
    (task,) = house.sqs.list_message_move_tasks(SourceArn=arn("dead"))["Results"]
    assert task["Status"] == "CANCELLED"
    with refused("AWS.SimpleQueueService.UnsupportedOperation"):
        house.sqs.cancel_message_move_task(TaskHandle=handle)


def test_moves_that_are_none(house: QueuesHouse) -> None:
    buried(house)
    with refused("InvalidParameterValue", "Dead Letter Queue"):
        house.sqs.start_message_move_task(SourceArn=arn("jobs"))
    with refused("ResourceNotFoundException"):
        house.sqs.start_message_move_task(SourceArn=arn("none"))
    with refused("ResourceNotFoundException"):
        house.sqs.start_message_move_task(SourceArn=arn("dead"), DestinationArn=arn("none"))
    with refused("InvalidParameterValue", "500"):
        house.sqs.start_message_move_task(SourceArn=arn("dead"), MaxNumberOfMessagesPerSecond=501)
    for handle in ("x", "e30=", "[]", "W10="):
        with refused("InvalidParameterValue", "TaskHandle"):
            house.sqs.cancel_message_move_task(TaskHandle=handle)


def test_a_move_whose_target_is_gone_fails(house: QueuesHouse) -> None:
    buried(house)
    other = house.queue("other")
    house.sqs.start_message_move_task(SourceArn=arn("dead"), DestinationArn=arn("other"))
    house.sqs.delete_queue(QueueUrl=other)
    house.settle()
    (task,) = house.sqs.list_message_move_tasks(SourceArn=arn("dead"))["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")


def test_letters_whose_origin_is_gone_stay(house: QueuesHouse) -> None:
    url, dead = buried(house)
    house.queue("other", RedrivePolicy=redrive("dead"))
    house.sqs.delete_queue(QueueUrl=url)
    house.sqs.start_message_move_task(SourceArn=arn("dead"))
    house.settle()
    (task,) = house.sqs.list_message_move_tasks(SourceArn=arn("dead"))["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert house.counts(dead) == (1, 0, 0)


# Policies.


def test_permissions_are_statements_of_the_policy(house: QueuesHouse) -> None:
    url = house.queue()
    house.sqs.add_permission(QueueUrl=url, Label="other", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    (statement,) = json.loads(house.attributes(url)["Policy"])["Statement"]
    assert statement == {
        "Sid": "other",
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]},
        "Action": ["SQS:SendMessage"],
        "Resource": arn("jobs"),
    }
    with refused("InvalidParameterValue", "Already exists"):
        house.sqs.add_permission(QueueUrl=url, Label="other", AWSAccountIds=["111122223333"], Actions=["*"])
    with refused("InvalidParameterValue", "Fly"):
        house.sqs.add_permission(QueueUrl=url, Label="more", AWSAccountIds=["111122223333"], Actions=["Fly"])
    with refused("MissingParameter", "Actions"):
        house.sqs.add_permission(QueueUrl=url, Label="more", AWSAccountIds=["111122223333"], Actions=[])
    house.sqs.remove_permission(QueueUrl=url, Label="other")
    assert "Policy" not in house.attributes(url)
    with refused("InvalidParameterValue", "can't find label"):
        house.sqs.remove_permission(QueueUrl=url, Label="other")


def test_the_tagging_api_sees_queues_and_topics(house: QueuesHouse) -> None:
    from clary.aws.tagging import Taggables
    from clary.services.sns import taggable as of_topics
    from clary.services.sqs import taggable as of_queues

    house.wire.ports[Taggables] = Taggables([*of_topics.TAGGABLES, *of_queues.TAGGABLES])
    tagging = house.wire.client("resourcegroupstaggingapi")
    house.queue("q")
    topic = house.topic("t")
    tagging.tag_resources(ResourceARNList=[arn("q"), topic], Tags={"team": "cars"})
    found = tagging.get_resources(TagFilters=[{"Key": "team", "Values": ["cars"]}])["ResourceTagMappingList"]
    assert sorted(one["ResourceARN"] for one in found) == sorted([arn("q"), topic])
    tagging.untag_resources(ResourceARNList=[arn("q"), topic], TagKeys=["team"])
    assert tagging.get_resources(TagFilters=[{"Key": "team"}])["ResourceTagMappingList"] == []


# Long polls.


def polled(house: QueuesHouse, url: str, seconds: int, meanwhile: Any) -> list[str]:
    """The bodies that a long poll answers while something happens; by inside calls, on the gateway's own loop."""

    async def both() -> list[str]:
        ctx = house.wire.context()
        params = {"QueueUrl": url, "WaitTimeSeconds": seconds, "MaxNumberOfMessages": 10}
        poll = asyncio.ensure_future(ctx.call("sqs", "ReceiveMessage", params))
        for _ in range(5):  # until it waits
            await asyncio.sleep(0)
        await meanwhile(ctx)
        return [one["Body"] for one in (await poll).get("Messages", [])]

    found: list[str] = house.wire.run(both())
    return found


def test_a_long_poll_ends_with_a_message(house: QueuesHouse) -> None:
    url = house.queue()

    async def send(ctx: Any) -> None:
        await ctx.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "there"})

    assert polled(house, url, 20, send) == ["there"]


def test_a_long_poll_ends_with_its_time(house: QueuesHouse) -> None:
    url = house.queue("jobs", ReceiveMessageWaitTimeSeconds="20")

    async def wait(ctx: Any) -> None:
        house.clock.advance(20)

    assert polled(house, url, 20, wait) == []
    assert house.metrics.total("NumberOfEmptyReceives") == 1


def test_a_long_poll_hears_of_a_message_whose_delay_is_over(house: QueuesHouse) -> None:
    url = house.queue()
    house.sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=5)

    async def wait(ctx: Any) -> None:
        house.clock.advance(5)

    assert polled(house, url, 20, wait) == ["late"]


def test_a_long_poll_ends_when_the_server_does(house: QueuesHouse) -> None:
    url = house.queue()

    async def end(ctx: Any) -> None:
        house.queues.let_go()

    assert polled(house, url, 20, end) == []
