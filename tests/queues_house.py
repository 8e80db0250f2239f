"""A gateway with queues, topics and buckets on this test's own clock, and the loops that bring messages to them."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws import delivery
from clary.aws.authorize import ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.endpoint import Endpoint
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.web.mail import MailDirectory
from clary.engines.web.signer import HomeSigner
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import MetricSink, Sample
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Controller
from clary.kernel.web import Web, WebAnswer, WebFailed, WebRefused
from clary.services import iam, resourcegroupstaggingapi, s3, sns, sqs
from clary.services.iam.effective import StoredIdentities
from tests.inprocess import ACCOUNT, URL, InProcess

SERVICES = [iam.service, resourcegroupstaggingapi.service, s3.service, sns.service, sqs.service]


class Metrics:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def add(self, samples: Any) -> None:
        self.samples += samples

    def total(self, name: str) -> float:
        return sum(sum(one.values) for one in self.samples if one.metric.name == name)


class Listeners:
    """Web addresses of the test: each answers what it is told to, and remembers what it was sent."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], str]] = []
        self.status: dict[str, int] = {}
        """By address: 0 for nobody there."""

    async def check(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1", "https://127.0.0.1", "http://user:pass@127.0.0.1")):
            raise WebRefused(f"{url} is not an address of this machine")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> WebAnswer:
        self.heard.append((url, dict(headers), body.decode()))
        status = self.status.get(url, 200)
        if status == 0:
            raise WebFailed(f"{url} could not be reached")
        return WebAnswer(status, b"")

    def said(self, url: str) -> list[dict[str, Any]]:
        """The JSON of all that went to that address."""
        return [json.loads(body) for at, _, body in self.heard if at == url]


class QueuesHouse:
    """`.sqs` and `.sns` are clients; `.clock` stands still until it is advanced; `settle` does what is due."""

    def __init__(self, root: Path, ports: Mapping[type, Any] | None = None) -> None:
        self.root = root
        self.clock = ManualClock(time.time())  # botocore signs with the time of the day
        self.metrics, self.web = Metrics(), Listeners()
        self.objects = DiskObjects(root / "objects", self.clock)
        self.wire = InProcess(root, SERVICES, clock=self.clock, ports=ports)
        self.queues: SqliteQueues = self.wire.thread.call(SqliteQueues, root / "queues.db", self.clock)
        self.wire.thread.call(self._build)
        self.sqs: Any = self.wire.client("sqs")
        self.sns: Any = self.wire.client("sns")

    def _build(self) -> None:
        store, clock, held = self.wire.raw_store, self.clock, self.wire.ports
        carried = {
            "s3": s3.policy.BucketPolicies(store, ACCOUNT, self.objects),
            "sns": sns.policy.TopicPolicies(store, ACCOUNT),
            "sqs": sqs.policy.QueuePolicies(store, ACCOUNT),
        }
        happenings = s3.happenings.Happenings(store, self.objects, clock)
        notices = sns.notices.Notices(HomeSigner(self.root / "signing"), URL)
        self.deliveries = Deliveries(
            store,
            clock,
            ACCOUNT,
            StoredIdentities(store, ACCOUNT),
            inside=self.wire.gateway.calls,
            web=self.web,
            metrics=self.metrics,
            carriers={sns.mail.MAIL: sns.mail.carrier(MailDirectory(self.root / "outbox"))},
        )
        held.update(
            {
                BucketStore: self.objects,
                Deliverer: self.deliveries,
                Endpoint: Endpoint(URL),
                MetricSink: self.metrics,
                QueueStore: self.queues,
                ResourcePolicies: PoliciesByService(carried),
                Web: self.web,
                s3.happenings.Happenings: happenings,
                sns.notices.Notices: notices,
            }
        )
        self.bus = Bus(store, clock)
        fanout = sns.fanout.Fanout(store, clock, self.deliveries, notices, self.metrics)
        self.bus.subscribe(sns.fanout.SUBSCRIBER, Pattern(kind=sns.publish.KIND, type="told"), fanout)
        told = Pattern(kind=s3.happenings.KIND, phase="Happened", type="moved")
        self.bus.subscribe(s3.notify.SUBSCRIBER, told, s3.notify.Notify(self.deliveries, Endpoint(URL)))
        self.controller = Controller(
            store,
            clock,
            {
                **s3.reconcilers(self.objects, happenings, clock),
                **sns.reconcilers(clock),
                **sqs.reconcilers(store, self.queues, clock),
                delivery.KIND: self.deliveries,
            },
            {**s3.MACHINES, **sns.MACHINES, **sqs.MACHINES, delivery.KIND: delivery.MACHINE},
        )

    def settle(self) -> None:
        """What is due now is done, on the bus and in the loop, and so are posts that were begun."""
        while self.wire.run(self._settle()):
            pass

    async def _settle(self) -> int:
        done = await self.bus.tick() + await self.controller.tick()
        posts = list(self.deliveries._posts.values())
        for post in posts:
            await post
        return done + len(posts)

    def queue(self, name: str = "jobs", **attributes: str) -> str:
        """The address of a queue that is there now."""
        url: str = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def open_queue(self, name: str, principal: str = "sns.amazonaws.com") -> tuple[str, str]:
        """(address, ARN) of a queue to which that service may send."""
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        return self.queue(name, Policy=allowing(principal, "sqs:SendMessage", arn)), arn

    def topic(self, name: str = "news", **attributes: str) -> str:
        arn: str = self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        return arn

    def subscribed(self, topic: str, queue: str, **attributes: str) -> str:
        """The ARN of a queue's subscription."""
        arn: str = self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=attributes)[
            "SubscriptionArn"
        ]
        return arn

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

    def notes(self, url: str) -> list[dict[str, Any]]:
        """The notifications of a topic that wait in a queue."""
        self.settle()
        return [json.loads(body) for body in self.bodies(url)]

    def attributes(self, url: str) -> dict[str, str]:
        found: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    def counts(self, url: str) -> tuple[int, int, int]:
        """(visible, in flight, delayed)."""
        found = self.attributes(url)
        names = ("", "NotVisible", "Delayed")
        visible, flying, delayed = (int(found[f"ApproximateNumberOfMessages{name}"]) for name in names)
        return visible, flying, delayed

    def mail(self) -> list[str]:
        """The texts in the outbox."""
        return [one.read_text() for one in sorted((self.root / "outbox").glob("*.eml"))]

    def close(self) -> None:
        self.wire.thread.call(self.deliveries.close)
        self.wire.thread.call(self.queues.close)
        self.objects.close()
        self.wire.close()


def allowing(principal: str, action: str, resource: str, **condition: Any) -> str:
    """A resource's policy with one statement."""
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": action, "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


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
