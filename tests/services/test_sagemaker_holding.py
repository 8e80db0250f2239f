"""A Describe of a waiting loop is held until there is something new to tell; nobody else's is."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import Principal
from clary.kernel import ids
from clary.kernel.clock import ManualClock
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.services.sagemaker import holding
from clary.services.sagemaker.holding import MOST, Holding

SDK = "AWS-SageMaker-Python-SDK/2.257.0 Python/3.11 Boto3/1.44.5 m/Z cfg/retry-mode#legacy"
WAITER = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux m/Z,B,b cfg/retry-mode#legacy Botocore/1.44.5"
PLAIN = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux m/Z,b cfg/retry-mode#legacy Botocore/1.44.5 BoB/1"
ROOT = Principal("1", "arn:aws:iam::1:root", "1", "root")


@dataclass(frozen=True)
class Ctx:
    """What of a Context is asked here."""

    headers: dict[str, str]
    ports: dict[type, Any]
    principal: Principal = ROOT


@dataclass
class House:
    store: SqliteStore
    clock: ManualClock
    holding: Holding
    job: Resource
    asking: list["asyncio.Task[Resource]"] = field(default_factory=list)

    def ctx(self, agent: str, arn: str = ROOT.arn) -> Any:
        return Ctx({"user-agent": agent}, {Holding: self.holding}, replace(ROOT, arn=arn))

    def read(self) -> Resource:
        return self.store.find("training-job", self.job.uid)

    async def ask(self, agent: str, arn: str = ROOT.arn) -> "asyncio.Task[Resource]":
        """A Describe that has come as far as it can."""
        asked = holding.answer(self.ctx(agent, arn), self.read, lambda phase: phase != "InProgress")
        task = asyncio.ensure_future(asked)
        for _ in range(5):
            await asyncio.sleep(0)
        return task


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock = ManualClock()
    store = SqliteStore(tmp_path / "clary.db", clock)
    job = store.create(Resource("training-job", "fit", "1", "r", ids.new(), phase="InProgress"))
    yield House(store, clock, Holding(store, clock, 20.0), job)
    store.close()


async def test_a_loop_of_the_sdk_is_held_until_the_phase_changes(house: House) -> None:
    holding.made(house.ctx(SDK), house.job)
    house.clock.advance(5)
    asked = await house.ask(SDK)
    assert not asked.done() and house.holding.held == 1
    working = house.store.update(house.job, SecondaryStatus="Training")
    for _ in range(5):
        await asyncio.sleep(0)
    assert not asked.done()  # it is woken by every write, and waits on for its own
    house.store.update(working, phase="Completed")
    assert (await asked).phase == "Completed"
    assert house.holding.held == 0


async def test_what_is_asked_right_after_it_was_made_is_answered(house: House) -> None:
    holding.made(house.ctx(SDK), house.job)
    asked = await house.ask(SDK)
    assert asked.done()
    house.clock.advance(5)
    held = await house.ask(SDK)
    assert not held.done()
    held.cancel()


async def test_who_has_not_been_told_is_answered(house: House) -> None:
    for arn in ("arn:one", "arn:two"):
        assert (await house.ask(SDK, arn)).done()
    house.clock.advance(61)  # and who was told so long ago that it is no loop
    assert (await house.ask(SDK, "arn:one")).done()


async def test_a_waiter_is_held_from_the_first(house: House) -> None:
    asked = await house.ask(WAITER)
    assert not asked.done()
    house.store.update(house.job, phase="Failed")
    assert (await asked).phase == "Failed"


@pytest.mark.parametrize("agent", [PLAIN, "aws-cli/1.46.3 m/b,C,Z", "Mozilla/5.0", ""])
async def test_nobody_else_is_ever_held(house: House, agent: str) -> None:
    for _ in range(3):
        assert (await house.ask(agent)).done()
        house.clock.advance(10)


async def test_nothing_is_held_beyond_its_time(house: House) -> None:
    asked = await house.ask(WAITER)
    house.clock.advance(19.9)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not asked.done()
    house.clock.advance(0.2)
    assert (await asked).phase == "InProgress"


async def test_what_is_settled_is_answered(house: House) -> None:
    house.store.update(house.job, phase="Completed")
    assert (await house.ask(WAITER)).done()


async def test_only_so_many_are_held(house: House) -> None:
    asked = [await house.ask(WAITER) for _ in range(MOST + 3)]
    assert [one.done() for one in asked] == [False] * MOST + [True] * 3
    house.holding.close()
    assert {one.phase for one in await asyncio.gather(*asked)} == {"InProgress"}
    assert (await house.ask(WAITER)).done()


async def test_a_client_that_is_gone_holds_nothing(house: House) -> None:
    asked = await house.ask(WAITER)
    asked.cancel()
    await asyncio.wait([asked])
    assert house.holding.held == 0


async def test_it_can_be_switched_off(house: House) -> None:
    house.holding = Holding(house.store, house.clock, 0.0)
    assert (await house.ask(WAITER)).done()


async def test_botocores_waiters_still_say_what_they_are() -> None:
    """The sign that is looked for is what the installed botocore sends."""
    from botocore.useragent import (
        _USERAGENT_FEATURE_MAPPINGS,
        register_feature_id,  # noqa: F401
    )

    assert _USERAGENT_FEATURE_MAPPINGS["WAITER"] == "B"
