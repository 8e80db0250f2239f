"""Killed at every await, a server misses no moment of a schedule, and what it sends again carries the same id."""

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clary.aws import delivery
from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import HomeKeyRing
from clary.aws.delivery import Deliveries
from clary.aws.gateway import Gateway
from clary.aws.route import Router
from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.web.posts import WebPosts
from clary.kernel.clock import ManualClock
from clary.kernel.queues import QueueStore
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.services import iam, scheduler, sqs
from clary.services.iam.effective import StoredIdentities
from tests.crash.harness import crashes, pausing
from tests.events_house import arn
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

QUEUE = f"http://127.0.0.1/{ACCOUNT}/q"
BEGUN = 1_700_000_000.0
MOMENTS = (60.0, 120.0, 120.0)


class Life:
    """One server's life on a home: a queue, schedules and the controller."""

    def __init__(self, directory: Path, now: float = BEGUN) -> None:
        self.clock = ManualClock(now)
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.store.release()
        self.queues = SqliteQueues(directory / "queues.db", self.clock)
        identities = StoredIdentities(self.store, ACCOUNT)
        ports: dict[type, Any] = {QueueStore: self.queues, IdentityPolicies: identities}
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        services = [iam.service, scheduler.service, sqs.service]
        self.gateway = Gateway(services, ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT)
        ports[Router] = self.gateway.router
        self.web = WebPosts()
        inside = self.gateway.calls()
        deliveries = Deliveries(
            self.store, self.clock, ACCOUNT, identities, inside=lambda: pausing(inside), web=self.web
        )
        self.controller = Controller(
            self.store,
            self.clock,
            {**scheduler.reconcilers(self.store, self.clock, pausing(deliveries)), delivery.KIND: deliveries},
            {**scheduler.MACHINES, delivery.KIND: delivery.MACHINE},
        )

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return await self.gateway.inside(ROOT, REGION).call(service, operation, params)

    async def settle(self) -> None:
        while await self.controller.tick():
            pass

    def close(self) -> None:
        self.web.close()
        self.queues.close()
        self.store.close()


async def make(directory: Path) -> None:
    """A home with a queue and schedules of one moment each."""
    life = Life(directory)
    await life.call("sqs", "CreateQueue", QueueName="q")
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    texts = [json.dumps({"Version": "2012-10-17", "Statement": one}) for one in (trust, may)]
    role = (await life.call("iam", "CreateRole", RoleName="r", AssumeRolePolicyDocument=texts[0]))["Role"]["Arn"]
    await life.call("iam", "PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=texts[1])
    for number, after in enumerate(MOMENTS):
        target = {"Arn": arn("sqs", "q"), "RoleArn": role, "Input": f"{number} <aws.scheduler.execution-id>"}
        at = datetime.fromtimestamp(BEGUN + after, UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")
        await life.call(
            "scheduler",
            "CreateSchedule",
            Name=f"s{number}",
            ScheduleExpression=at,
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target=target,
        )
    life.close()


async def scenario(directory: Path) -> None:
    life = Life(directory)
    for _ in range(3):
        life.clock.advance(60.0)
        await life.settle()
    life.close()


async def recovered(directory: Path) -> tuple[dict[str, set[str]], list[Any]]:
    """(the ids that came of each schedule, schedules that are left) when the next server has gone on for a while."""
    life = Life(directory, BEGUN + 300.0)
    await life.settle()
    came: dict[str, set[str]] = defaultdict(set)
    while messages := (await life.call("sqs", "ReceiveMessage", QueueUrl=QUEUE, MaxNumberOfMessages=10)).get(
        "Messages"
    ):
        for one in messages:
            number, _, name = one["Body"].partition(" ")
            came[number].add(name)
    left = (await life.call("scheduler", "ListSchedules"))["Schedules"]
    life.close()
    return came, left


def test_every_moment_comes_under_one_id_and_then_the_schedule_is_gone(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    asyncio.run(make(made))

    async def begun(directory: Path) -> None:
        if not (directory / "state.db").exists():
            for one in made.iterdir():
                (directory / one.name).write_bytes(one.read_bytes())
        await scenario(directory)

    for crash in crashes(begun, tmp_path / "crashes"):
        if not (crash.directory / "state.db").exists():
            continue  # killed before it began
        came, left = asyncio.run(recovered(crash.directory))
        assert {number: len(ids) for number, ids in came.items()} == {"0": 1, "1": 1, "2": 1}, crash
        assert left == [], crash
