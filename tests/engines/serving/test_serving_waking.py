"""Serverless endpoints at a front: requests wait for an instance, the control process hears of them, none is lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.demand import Demands
from clary.engines.serving.paths import wake_socket
from clary.kernel.clock import ManualClock
from tests.serving import ACCOUNT, REGION, Answer, ModelServer, Site, site

KEY = (ACCOUNT, REGION, "cars", "v")


@dataclass
class Heard:
    """The control process's ear."""

    demands: Demands
    clock: ManualClock
    more: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def concurrent(self) -> int:
        return self.demands.of(KEY).concurrent


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made:
        yield made


def hearing(here: Site) -> Heard:
    clock = ManualClock()
    more: list[tuple[str, str, str]] = []
    return Heard(Demands(wake_socket(here.sockets), clock, lambda *key: more.append(key)), clock, more)


@pytest.fixture
async def heard(here: Site) -> AsyncIterator[Heard]:
    made = hearing(here)
    await made.demands.start()
    yield made
    made.demands.close()


async def serve(here: Site, *addresses: str, concurrency: int = 0) -> None:
    route = Route(ACCOUNT, REGION, "cars", (RouteVariant("v", 1.0, addresses, wakes=True, concurrency=concurrency),))
    await here.plane.publish(route)
    assert await here.plane.serves(route)


def asking(here: Site, count: int) -> list["asyncio.Future[Any]"]:
    return [asyncio.ensure_future(here.invoke("cars", b"%d" % n)) for n in range(count)]


async def test_requests_wait_for_the_instance_that_they_wake(here: Site, heard: Heard) -> None:
    await serve(here)
    calls = asking(here, 5)
    await here.until(lambda: heard.concurrent == 5)
    assert heard.more[0] == KEY[:3]
    async with ModelServer(here.sockets / "m.sock") as model:
        await serve(here, model.address)
        answers = await asyncio.gather(*calls)
        assert sorted(answer["Body"] for answer in answers) == [b"%d" % n for n in range(5)]
        await here.until(lambda: heard.concurrent == 0)
        told = len(heard.more)
        assert heard.more[-1] == KEY[:3]
        # It goes to sleep, and is woken again.
        await serve(here)
    again = asking(here, 2)
    await here.until(lambda: heard.concurrent == 2)
    assert len(heard.more) > told
    async with ModelServer(here.sockets / "m2.sock") as model:
        await serve(here, model.address)
        assert len(await asyncio.gather(*again)) == 2


async def test_who_was_not_heard_says_it_again(here: Site) -> None:
    """The control process is away when the requests come, dies while they wait, and another one hears of them."""
    await serve(here)
    calls = asking(here, 3)
    await here.until(lambda: here.front.router.in_flight == 3)
    for _ in range(2):
        heard = hearing(here)
        await heard.demands.start()
        await here.until(lambda heard=heard: heard.concurrent == 3)  # type: ignore[misc]
        heard.demands.close()
        wake_socket(here.sockets).unlink()
    async with ModelServer(here.sockets / "m.sock") as model:
        await serve(here, model.address)
        assert len(await asyncio.gather(*calls)) == 3


async def test_what_a_front_said_goes_with_it(here: Site, heard: Heard) -> None:
    await serve(here)
    calls = asking(here, 3)
    await here.until(lambda: heard.concurrent == 3)
    here.front.router.close()
    await here.until(lambda: heard.concurrent == 0)
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, ClientError)


async def test_the_time_of_the_last_request_is_known(here: Site, heard: Heard) -> None:
    heard.clock.advance(5.0)
    assert heard.demands.of(KEY).used == 5.0  # nobody has asked yet: it counts from the first look
    heard.clock.advance(5.0)
    assert heard.demands.of(KEY).used == 5.0
    async with ModelServer(here.sockets / "m.sock") as model:
        await serve(here, model.address)
        await here.invoke("cars")
        await here.until(lambda: heard.demands.of(KEY).used == 10.0)
    heard.demands.forget(*KEY[:3])
    heard.clock.advance(1.0)
    assert heard.demands.of(KEY).used == 11.0


async def test_beyond_the_concurrency_callers_are_told_to_slow_down(here: Site, heard: Heard) -> None:
    go = asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await go.wait()
        return 200, {}, body

    await serve(here, concurrency=4)
    waiting = asking(here, 4)
    await here.until(lambda: heard.concurrent == 4)
    await throttled(here)
    async with ModelServer(here.sockets / "m.sock", slow) as model:
        await serve(here, model.address, concurrency=4)
        await here.until(lambda: len(model.seen) == 4)
        await throttled(here)  # those that are answered count like those that wait
        go.set()
        assert len(await asyncio.gather(*waiting)) == 4
        assert (await here.invoke("cars", b"x"))["Body"] == b"x"


async def throttled(here: Site) -> None:
    with pytest.raises(ClientError) as caught:
        await here.invoke("cars")
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert "MaxConcurrency" in caught.value.response["Error"]["Message"]


async def test_an_asynchronous_endpoint_answers_nobody_directly(here: Site) -> None:
    async with ModelServer(here.sockets / "m.sock") as model:
        route = Route(ACCOUNT, REGION, "cars", (RouteVariant("v", 1.0, (model.address,)),), asynchronous=True)
        await here.plane.publish(route)
        assert await here.plane.serves(route)
        with pytest.raises(ClientError, match="InvokeEndpointAsync") as caught:
            await here.invoke("cars")
        assert caught.value.response["Error"]["Code"] == "ValidationError"
        assert not model.seen
        # Its backlog reaches it.
        reply, parts = await here.plane.invoke_long(ACCOUNT, REGION, "cars", b"x" * 300_000, {}, 10.0)
        assert reply.status == 200 and b"".join([part async for part in parts]) == b"x" * 300_000
