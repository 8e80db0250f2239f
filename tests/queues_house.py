"""A gateway with queues and topics on this test's own clock."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.authorize import ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.engines.queues.sqlite import SqliteQueues
from clary.kernel.clock import ManualClock
from clary.kernel.queues import QueueStore
from clary.services import iam, sqs
from tests.inprocess import ACCOUNT, InProcess


class QueuesHouse:
    """`.sqs` is a client; `.clock` stands still until it is advanced."""

    def __init__(self, root: Path, ports: Mapping[type, Any] | None = None) -> None:
        self.clock = ManualClock(time.time())  # botocore signs with the time of the day
        self.wire = InProcess(root, [iam.service, sqs.service], clock=self.clock, ports=ports)
        self.queues: SqliteQueues = self.wire.thread.call(SqliteQueues, root / "queues.db", self.clock)
        carried = PoliciesByService({"sqs": sqs.policy.QueuePolicies(self.wire.raw_store, ACCOUNT)})
        self.wire.ports.update({QueueStore: self.queues, ResourcePolicies: carried})
        self.sqs: Any = self.wire.client("sqs")

    def queue(self, name: str = "jobs", **attributes: str) -> str:
        """The address of a queue that is there now."""
        url: str = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def advance(self, seconds: float) -> None:
        self.wire.thread.call(self.clock.advance, seconds)

    def take(self, url: str, **how: Any) -> list[dict[str, Any]]:
        """Up to ten messages."""
        found: list[dict[str, Any]] = self.sqs.receive_message(QueueUrl=url, **{"MaxNumberOfMessages": 10, **how}).get(
            "Messages", []
        )
        return found

    def bodies(self, url: str, **how: Any) -> list[str]:
        return [one["Body"] for one in self.take(url, **how)]

    def attributes(self, url: str) -> dict[str, str]:
        found: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    def counts(self, url: str) -> tuple[int, int, int]:
        """(visible, in flight, delayed)."""
        found = self.attributes(url)
        names = ("", "NotVisible", "Delayed")
        visible, flying, delayed = (int(found[f"ApproximateNumberOfMessages{name}"]) for name in names)
        return visible, flying, delayed

    def close(self) -> None:
        self.wire.thread.call(self.queues.close)
        self.wire.close()


@contextmanager
def queues_house(root: Path, **given: Any) -> Iterator[QueuesHouse]:
    made = QueuesHouse(root, **given)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def refused(code: str, *words: str) -> Iterator[dict[str, Any]]:
    """What is inside is refused under that code, with these words in the message."""
    error: dict[str, Any] = {}
    with pytest.raises(ClientError) as caught:
        yield error
    error.update(caught.value.response)
    said = caught.value.response["Error"]
    assert said["Code"] == code, said
    for word in words:
        assert word in said["Message"], said
