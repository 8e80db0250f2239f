"""A message that was answered reaches every subscription, whatever await its server was killed at: at least once, and
always under the id that was answered."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies, ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.credentials import HomeKeyRing
from clary.aws.delivery import Deliverer, Deliveries
from clary.aws.endpoint import Endpoint
from clary.aws.gateway import Gateway
from clary.engines.queues.sqlite import SqliteQueues
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.queues import QueueStore, Take
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc
from clary.kernel.sqlite import SqliteStore
from clary.kernel.web import Web, WebAnswer
from clary.services import sns, sqs
from clary.services.iam.effective import StoredIdentities
from clary.services.sns import fanout
from tests.crash.harness import Crash, crashes
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS
from tests.queues_house import allowing

HOOK = "http://127.0.0.1:9000/hook"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:news"


class Signer:
    """Signs nothing: a key is not what these tests are about."""

    async def sign(self, text: bytes, digest: str) -> bytes:
        return b""

    async def certificate(self) -> tuple[str, bytes]:
        return "none", b""


class Listener:
    """A web address that writes down what it takes, before it says so."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def check(self, url: str) -> None: ...

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> WebAnswer:
        await asyncio.sleep(0)
        with self.file.open("a") as said:
            said.write(body.decode() + "\n")
        await asyncio.sleep(0)
        return WebAnswer(200, b"")


class Life:
    """One life of the server over the directory."""

    def __init__(self, directory: Path, later: float = 0.0) -> None:
        self.directory = directory
        self.clock = ManualClock(1_700_000_000.0 + later)
        self.store = SqliteStore(directory / "clary.db", self.clock)
        self.queues = SqliteQueues(directory / "queues.db", self.clock)
        identities = StoredIdentities(self.store, ACCOUNT)
        notices = sns.notices.Notices(Signer(), "http://127.0.0.1")
        carried = {
            "sns": sns.policy.TopicPolicies(self.store, ACCOUNT),
            "sqs": sqs.policy.QueuePolicies(self.store, ACCOUNT),
        }
        ports: dict[type, Any] = {
            Endpoint: Endpoint("http://127.0.0.1"),
            IdentityPolicies: identities,
            QueueStore: self.queues,
            ResourcePolicies: PoliciesByService(carried),
            sns.notices.Notices: notices,
        }
        self.gateway = Gateway(
            [sns.service, sqs.service],
            ring=HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32),
            store=self.store,
            clock=self.clock,
            ports=ports,
            account=ACCOUNT,
        )
        web = ports[Web] = Listener(directory / "web")
        self.deliveries = ports[Deliverer] = Deliveries(
            self.store, self.clock, ACCOUNT, identities, inside=self.gateway.calls, web=web
        )
        self.bus = Bus(self.store, self.clock)
        fan = fanout.Fanout(self.store, self.clock, self.deliveries, notices)
        self.bus.subscribe(fanout.SUBSCRIBER, Pattern(kind=sns.publish.KIND, type="told"), fan)
        reconcilers = {delivery.KIND: self.deliveries, **sqs.reconcilers(self.store, self.queues, self.clock)}
        machines = {delivery.KIND: delivery.MACHINE, **sqs.MACHINES}
        self.controller = Controller(self.store, self.clock, reconcilers, machines)

    async def call(self, service: str, operation: str, params: Doc) -> Doc:
        return await self.gateway.inside(ROOT, REGION).call(service, operation, params)

    async def settle(self) -> None:
        while await self.bus.tick() + await self.controller.tick() + await self._posted():
            pass

    async def _posted(self) -> int:
        posts = list(self.deliveries._posts.values())
        for post in posts:
            await post
        return len(posts)

    def close(self) -> None:
        self.deliveries.close()
        self.queues.close()
        self.store.close()


async def _furnish(life: Life) -> None:
    await life.call("sns", "CreateTopic", {"Name": "news"})
    for name in ("one", "two"):
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        policy = allowing("sns.amazonaws.com", "sqs:SendMessage", arn)
        await life.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": {"Policy": policy}})
        await life.call("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": arn})
    await life.call("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "http", "Endpoint": HOOK})
    await life.settle()
    asked = json.loads((life.directory / "web").read_text())
    await life.call("sns", "ConfirmSubscription", {"TopicArn": TOPIC, "Token": asked["Token"]})
    (life.directory / "web").unlink()


async def _publish(directory: Path) -> None:
    life = Life(directory)
    await _furnish(life)
    (directory / "furnished").touch()
    answer = await life.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "m"})
    (directory / "answered").write_text(answer["MessageId"])
    await life.settle()
    life.close()


async def _heard(crash: Crash) -> dict[str, set[str]]:
    """The ids under which each subscription has the message, after a restart."""
    life = Life(crash.directory, later=3_600.0)
    await life.settle()
    found: dict[str, set[str]] = {}
    for name in ("one", "two"):
        queue = life.store.get(ACCOUNT, REGION, "queue", name)
        messages = await life.queues.receive(queue.uid, Take(10, 30.0, 1e9))
        found[name] = {json.loads(one.body)["MessageId"] for one in messages}
    with suppress(FileNotFoundError):
        found["web"] = {json.loads(line)["MessageId"] for line in (crash.directory / "web").read_text().splitlines()}
    life.close()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("lines_of", [[], [fanout]], ids=["awaits", "lines"])
def test_an_answered_message_reaches_everybody(tmp_path: Path, lines_of: list[ModuleType]) -> None:
    killed = 0
    for crash in crashes(_publish, tmp_path, lines_of=lines_of):
        if not (crash.directory / "furnished").exists():
            continue
        found = asyncio.run(_heard(crash))
        if (crash.directory / "answered").exists():
            killed += not crash.completed
            told = (crash.directory / "answered").read_text()
            assert found == {"one": {told}, "two": {told}, "web": {told}}, crash
        else:
            # Whether it was told of or not, it is one message.
            assert len(set().union(*found.values())) <= 1, crash
    assert killed > 5


async def _move(directory: Path) -> None:
    life = Life(directory)
    await life.call("sqs", "CreateQueue", {"QueueName": "dead"})
    redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": 1})
    await life.call("sqs", "CreateQueue", {"QueueName": "jobs", "Attributes": {"RedrivePolicy": redrive}})
    url = f"http://127.0.0.1/{ACCOUNT}/jobs"
    for body in "abc":
        await life.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": body})
    asked = {"QueueUrl": url, "VisibilityTimeout": 0, "MaxNumberOfMessages": 10}
    await life.call("sqs", "ReceiveMessage", asked)
    await life.call("sqs", "ReceiveMessage", asked)
    params = {"SourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "MaxNumberOfMessagesPerSecond": 2}
    await life.call("sqs", "StartMessageMoveTask", params)
    (directory / "asked").touch()
    await life.controller.tick()
    life.clock.advance(1.0)
    await life.controller.tick()
    life.close()


async def _moved(crash: Crash) -> tuple[list[str], int]:
    life = Life(crash.directory, later=3_600.0)
    for _ in range(5):
        await life.controller.tick()
        life.clock.advance(60.0)
    found = await life.queues.receive(life.store.get(ACCOUNT, REGION, "queue", "jobs").uid, Take(10, 30.0, 1e9))
    answer = await life.call("sqs", "ListMessageMoveTasks", {"SourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"})
    life.close()
    return sorted(one.body for one in found), answer["Results"][0]["ApproximateNumberOfMessagesMoved"]


@pytest.mark.slow
def test_a_move_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for crash in crashes(_move, tmp_path):
        if (crash.directory / "asked").exists():
            assert asyncio.run(_moved(crash)) == (["a", "b", "c"], 3), crash
