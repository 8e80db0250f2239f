"""How full queues are, as metrics; and what makes room when nobody asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.kernel.store import Where
from clary.services import sns, sqs
from clary.services.sqs.counting import Used
from clary.services.sqs.depths import ACTIVE_SECONDS, Depths
from tests.queues_house import QueuesHouse, queues_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[QueuesHouse]:
    with queues_house(tmp_path) as made:
        yield made


def test_queues_in_use_tell_how_full_they_are(house: QueuesHouse) -> None:
    store, call = house.wire.raw_store, house.wire.thread.call
    depths: Depths = call(Depths, store, house.queues, house.metrics, house.clock)
    house.wire.ports[Used] = depths
    call(depths.tell)
    assert house.metrics.samples == []
    url = house.queue("q")
    house.queue("unused")
    for body in "abc":
        house.sqs.send_message(QueueUrl=url, MessageBody=body)
    house.sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)
    house.take(url, MaxNumberOfMessages=1)
    house.advance(5)
    house.metrics.samples.clear()
    call(depths.tell)
    found = {one.metric.name: (one.values[0], one.metric.dimensions) for one in house.metrics.samples}
    name = (("QueueName", "q"),)
    assert found == {
        "ApproximateNumberOfMessagesVisible": (2.0, name),
        "ApproximateNumberOfMessagesNotVisible": (1.0, name),
        "ApproximateNumberOfMessagesDelayed": (1.0, name),
        "ApproximateAgeOfOldestMessage": (5.0, name),
    }
    house.advance(ACTIVE_SECONDS + 1)
    call(depths.tell)
    house.metrics.samples.clear()
    call(depths.tell)
    assert house.metrics.samples == []


def test_what_nobody_will_receive_makes_room(house: QueuesHouse) -> None:
    old, gone = house.queue("old", MessageRetentionPeriod="60"), house.queue("gone")
    for url in (old, gone):
        house.sqs.send_message(QueueUrl=url, MessageBody="x")
    # As a deletion that was killed between the queue and its messages.
    store = house.wire.raw_store
    row = house.wire.store.get("123456789012", "us-east-1", "queue", "gone")
    house.wire.store.delete(row)
    house.advance(61)
    house.wire.run(sqs.tidying.tidy(store, house.queues, house.clock))
    left = house.wire.thread.call(lambda: house.queues._run("SELECT count(*) FROM content").fetchone()[0])
    assert left == 0
    assert len(house.wire.thread.call(house.queues.queues)) == 1


def test_subscriptions_of_a_topic_that_is_gone_make_room(house: QueuesHouse) -> None:
    _, queue = house.open_queue("q")
    house.subscribed(house.topic("a"), queue)
    kept = house.subscribed(house.topic("b"), queue)
    house.wire.store.delete(house.wire.store.get("123456789012", "us-east-1", "topic", "a"))
    house.wire.thread.call(sns.tidying.tidy, house.wire.raw_store)
    (left,) = house.wire.store.page("topic-subscription", Where())
    assert left.arn == kept
