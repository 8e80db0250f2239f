"""EventBridge in process, with queues, log groups, buckets, users and roles to work with, on a clock of its own."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies, ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.heralds import Heralds
from clary.aws.route import Router
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.telemetry.segments import SegmentLogs
from clary.engines.web.posts import WebPosts
from clary.kernel.events import Bus, Pattern
from clary.kernel.metrics import Sample
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Controller
from clary.kernel.telemetry import LogStore
from clary.services import events, logs, s3, scheduler, sqs
from clary.services.s3 import heralds as s3_heralds
from clary.services.sagemaker import heralds as sagemaker_heralds
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, REGION, InProcess

TRUST = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


class Counted:
    """A MetricSink that adds up: (metric, dimensions) -> sum."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def add(self, samples: Sequence[Sample]) -> None:
        for one in samples:
            key = (one.metric.name, one.metric.dimensions)
            self.sums[key] = self.sums.get(key, 0.0) + sum(one.values)

    def of(self, name: str, **dimensions: str) -> float:
        return self.sums.get((name, tuple(sorted(dimensions.items()))), 0.0)


class EventsHouse:
    """`.events` and `.sqs` are clients; `settle` makes happen what is due and heard. Time stands still until `advance`;
    far from the time of day only `call` is let in, which signs nothing."""

    def __init__(self, root: Path, wire: InProcess) -> None:
        self.wire, self.clock, self.metrics = wire, wire.clock, Counted()
        self.events: Any = wire.client("events")
        self.sqs: Any = wire.client("sqs")
        store = wire.raw_store
        self.queues: SqliteQueues = wire.thread.call(SqliteQueues, root / "queues.db", wire.clock)
        self.objects, self.logs = DiskObjects(root / "objects"), SegmentLogs(root / "logs", wire.clock)
        happenings = s3.happenings.Happenings(store, self.objects, wire.clock)
        carried = PoliciesByService(
            {
                "events": events.policies.EventPolicies(store, ACCOUNT),
                "logs": events.policies.LogGroupPolicies(ACCOUNT),
                "sqs": sqs.policy.QueuePolicies(store, ACCOUNT),
            }
        )
        self.web = WebPosts()
        self.deliveries = Deliveries(
            store,
            wire.clock,
            ACCOUNT,
            wire.ports[IdentityPolicies],
            inside=wire.gateway.calls,
            web=self.web,
            metrics=self.metrics,
        )
        wire.ports.update(
            {
                QueueStore: self.queues,
                BucketStore: self.objects,
                LogStore: self.logs,
                ResourcePolicies: carried,
                Router: wire.gateway.router,
                Deliverer: self.deliveries,
                s3.happenings.Happenings: happenings,
            }
        )
        self.heralds = Heralds({**s3_heralds.HERALDS, **sagemaker_heralds.HERALDS})
        self.controller: Controller
        self.bus: Bus
        wire.thread.call(self.start)

    def start(self) -> None:
        """A new bus and a new controller: what a restart leaves is what the store holds."""
        store = self.wire.raw_store
        self.bus = Bus(store, self.clock)
        flow = events.flow.Flow(store, self.clock, ACCOUNT, self.heralds, self.deliveries, self.metrics, self.logs)
        self.bus.subscribe_batch(events.flow.SUBSCRIBER, Pattern(), flow)
        reconcilers = {
            **events.reconcilers(store, self.logs, self.clock),
            **scheduler.reconcilers(store, self.clock, self.deliveries),
            delivery.KIND: self.deliveries,
        }
        machines = {**events.MACHINES, **scheduler.MACHINES, delivery.KIND: delivery.MACHINE}
        self.controller = Controller(store, self.clock, reconcilers, machines)

    def settle(self) -> None:
        """Everything that is due is done and everything told is heard."""

        async def all_of_it() -> None:
            while await self.controller.tick() + await self.bus.tick():
                pass

        self.wire.run(all_of_it())

    def advance(self, seconds: float) -> None:
        """Time goes on, and what that makes due is done."""
        self.wire.thread.call(self.clock.advance, seconds)  # type: ignore[attr-defined]
        self.settle()

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return self.wire.call(service, operation, params)

    def queue(self, name: str = "q", *, opened: bool = True) -> str:
        """The ARN of a queue that lets rules send, if it is `opened`."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        if opened:
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn("sqs", name),
                "Condition": {"ArnLike": {"aws:SourceArn": arn("events", "rule/*")}},
            }
            text = json.dumps({"Version": "2012-10-17", "Statement": statement})
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
        return arn("sqs", name)

    def messages(self, name: str = "q") -> list[dict[str, Any]]:
        """What is in the queue, taken out of it."""
        url = f"http://127.0.0.1/{ACCOUNT}/{name}"
        found: list[dict[str, Any]] = []
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while more := self.call("sqs", "ReceiveMessage", **asked).get("Messages"):
            found += more
            for one in more:
                self.call("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    def bodies(self, name: str = "q") -> list[Any]:
        """The bodies of `messages`, read as JSON."""
        return [json.loads(one["Body"]) for one in self.messages(name)]

    def rule(self, pattern: Any, *targets: dict[str, Any], name: str = "r", **more: Any) -> str:
        """The ARN of a rule with these targets, which are numbered from 1 unless they have an Id."""
        said = {"EventPattern": json.dumps(pattern), **more} if pattern is not None else more
        made: str = self.events.put_rule(Name=name, **said)["RuleArn"]
        bus = {"EventBusName": more["EventBusName"]} if "EventBusName" in more else {}
        for number, target in enumerate(targets, 1):
            self.events.put_targets(Rule=name, Targets=[{"Id": str(number), **target}], **bus)
        return made

    def put(self, detail: Any = None, *, settle: bool = True, **more: Any) -> str:
        """The id of an event that was put."""
        entry = {"Source": "app", "DetailType": "t", "Detail": json.dumps(detail if detail is not None else {}), **more}
        answer = self.call("events", "PutEvents", Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        if settle:
            self.settle()
        found: str = answer["Entries"][0]["EventId"]
        return found

    def role(self, name: str, *actions: str, service: str = "events.amazonaws.com") -> str:
        """The ARN of a role that EventBridge may act as, and that may do these actions."""
        iam = self.wire.client("iam")
        statement = {**TRUST, "Principal": {"Service": service}}
        trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
        made: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if actions:
            allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            text = json.dumps({"Version": "2012-10-17", "Statement": allowed})
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=text)
        return made

    def close(self) -> None:
        self.web.close()
        self.wire.thread.call(self.queues.close)
        self.objects.close()
        self.logs.close()


@contextmanager
def events_house(root: Path) -> Iterator[EventsHouse]:
    with iam_house(root, [events.service, scheduler.service, sqs.service, logs.service, s3.service]) as wire:
        made = EventsHouse(root, wire)
        try:
            yield made
        finally:
            made.close()
