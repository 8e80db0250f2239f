"""Killed at every await, a server loses no event that was answered, and its repetitions carry the same id."""

import asyncio
import json
from pathlib import Path
from typing import Any

from clary.aws import delivery
from clary.aws.authorize import ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.credentials import HomeKeyRing, Principal
from clary.aws.delivery import Deliveries
from clary.aws.gateway import Gateway
from clary.aws.heralds import Heralds
from clary.aws.route import Router
from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.telemetry.segments import SegmentLogs
from clary.engines.web.posts import WebPosts
from clary.kernel.clock import ManualClock
from clary.kernel.events import Bus, Pattern
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.services import events, sqs
from clary.services.iam.effective import StoredIdentities
from tests.crash.harness import crashes, pausing
from tests.events_house import arn
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

QUEUE = f"http://127.0.0.1/{ACCOUNT}/q"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn("sqs", "q"),
        },
    }
)


class Life:
    """One server's life on a home: queues, events, bus and controller."""

    def __init__(self, directory: Path, now: float = 1_000.0) -> None:
        self.clock = ManualClock(now)
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.store.release()
        self.queues = SqliteQueues(directory / "queues.db", self.clock)
        self.logs = SegmentLogs(directory / "logs", self.clock)
        identities = StoredIdentities(self.store, ACCOUNT)
        ports: dict[type, Any] = {
            QueueStore: self.queues,
            ResourcePolicies: PoliciesByService({"sqs": sqs.policy.QueuePolicies(self.store, ACCOUNT)}),
        }
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        self.gateway = Gateway(
            [events.service, sqs.service], ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT
        )
        ports[Router] = self.gateway.router
        self.web = WebPosts()
        inside = self.gateway.calls()
        self.deliveries = Deliveries(
            self.store, self.clock, ACCOUNT, identities, inside=lambda: pausing(inside), web=self.web
        )
        self.bus = Bus(self.store, self.clock)
        flow = events.flow.Flow(self.store, self.clock, ACCOUNT, Heralds({}), pausing(self.deliveries))
        self.bus.subscribe_batch(events.flow.SUBSCRIBER, Pattern(), flow)
        self.controller = Controller(
            self.store,
            self.clock,
            {**events.reconcilers(self.store, self.logs, self.clock), delivery.KIND: self.deliveries},
            {**events.MACHINES, delivery.KIND: delivery.MACHINE},
        )

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        principal: Principal = ROOT
        return await self.gateway.inside(principal, REGION).call(service, operation, params)

    async def settle(self) -> None:
        while await self.controller.tick() + await self.bus.tick():
            pass

    async def bodies(self) -> list[dict[str, Any]]:
        found = []
        while True:
            answer = await self.call("sqs", "ReceiveMessage", QueueUrl=QUEUE, MaxNumberOfMessages=10)
            if not answer.get("Messages"):
                return found
            found += [json.loads(one["Body"]) for one in answer["Messages"]]

    def close(self) -> None:
        self.web.close()
        self.queues.close()
        self.logs.close()
        self.store.close()


def _made(directory: Path, **rule: str) -> None:
    """A home with a queue and a rule that sends to it."""

    async def make() -> None:
        life = Life(directory)
        await life.call("sqs", "CreateQueue", QueueName="q", Attributes={"Policy": POLICY})
        await life.call("events", "PutRule", Name="r", **rule)
        await life.call("events", "PutTargets", Rule="r", Targets=[{"Id": "1", "Arn": arn("sqs", "q")}])
        await life.settle()
        life.close()

    asyncio.run(make())


def _prepared(root: Path, **rule: str) -> Path:
    made = root / "made"
    made.mkdir()
    _made(made, **rule)
    return made


def _copied(made: Path, directory: Path) -> None:
    """The home stands in `directory`, unless it was begun there."""
    if (directory / "state.db").exists():
        return
    for one in made.iterdir():
        (directory / one.name).write_bytes(one.read_bytes())


def test_no_event_that_was_answered_is_lost(tmp_path: Path) -> None:
    made = _prepared(tmp_path, EventPattern='{"source": ["app"]}')

    async def scenario(directory: Path) -> None:
        _copied(made, directory)
        life = Life(directory)
        for n in range(3):
            entries = [
                {"Source": "app", "DetailType": "t", "Detail": json.dumps({"n": n, "half": half})} for half in (0, 1)
            ]
            answer = await life.call("events", "PutEvents", Entries=entries)
            with (directory / "answered").open("a") as said:
                said.writelines(one["EventId"] + "\n" for one in answer["Entries"])
            await life.settle()
        life.close()

    async def recovered(directory: Path) -> list[dict[str, Any]]:
        _copied(made, directory)
        life = Life(directory, now=1_001.0)
        await life.settle()
        found = await life.bodies()
        assert life.deliveries.pending() == 0
        life.close()
        return found

    runs = 0
    for crash in crashes(scenario, tmp_path / "runs"):
        runs += 1
        said = crash.directory / "answered"
        answered = set(said.read_text().split()) if said.exists() else set()
        found = asyncio.run(recovered(crash.directory))
        assert answered <= {one["id"] for one in found}, crash
        # Of each event there is one id, however often it came.
        by_detail = {(one["detail"]["n"], one["detail"]["half"]): one["id"] for one in found}
        assert all(by_detail[one["detail"]["n"], one["detail"]["half"]] == one["id"] for one in found), crash
        if crash.completed:
            assert len(found) == 6
    assert runs > 10


def test_a_delivery_that_fails_at_first_survives(tmp_path: Path) -> None:
    """The queue refuses for a while (its file is locked, say): the rows of the deliveries bring the events later."""
    made = _prepared(tmp_path, EventPattern='{"source": ["app"]}')

    async def scenario(directory: Path) -> None:
        _copied(made, directory)
        life = Life(directory)
        _break(life)
        answer = await life.call(
            "events", "PutEvents", Entries=[{"Source": "app", "DetailType": "t", "Detail": "{}"}] * 2
        )
        (directory / "answered").write_text("\n".join(one["EventId"] for one in answer["Entries"]))
        await life.settle()
        life.clock.advance(1.0)
        await life.settle()
        life.close()

    async def recovered(directory: Path) -> set[str]:
        _copied(made, directory)
        life = Life(directory, now=2_000.0)
        await life.settle()
        found = {one["id"] for one in await life.bodies()}
        assert life.deliveries.pending() == 0
        life.close()
        return found

    for crash in crashes(scenario, tmp_path / "runs"):
        said = crash.directory / "answered"
        answered = set(said.read_text().split()) if said.exists() else set()
        assert answered <= asyncio.run(recovered(crash.directory)), crash


def _break(life: Life) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("locked")

    life.queues.send = refuse  # type: ignore[method-assign]


def test_a_moment_of_a_schedule_is_told_once_it_is_due(tmp_path: Path) -> None:
    made = _prepared(tmp_path, ScheduleExpression="rate(1 minute)")

    async def scenario(directory: Path) -> None:
        _copied(made, directory)
        life = Life(directory, now=1_060.0)
        await life.settle()
        life.close()

    async def recovered(directory: Path) -> list[dict[str, Any]]:
        _copied(made, directory)
        life = Life(directory, now=1_061.0)
        await life.settle()
        found = await life.bodies()
        life.close()
        return found

    for crash in crashes(scenario, tmp_path / "runs"):
        found = asyncio.run(recovered(crash.directory))
        assert len({one["id"] for one in found}) == 1, crash
        assert {one["time"] for one in found} == {"1970-01-01T00:17:40Z"}, crash
