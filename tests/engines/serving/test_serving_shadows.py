"""Shadow variants see copies of their share of the requests, and neither slow nor fail the originals."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.exchange import Exchange
from clary.engines.serving.faults import ModelTimeout
from clary.engines.serving.instance import Limits
from clary.engines.serving.router import Router
from clary.engines.serving.routes import Table, key
from tests.serving import ACCOUNT, REGION, Answer, ModelServer, short_directory

KEY = (ACCOUNT, REGION, "e")


class Counted:
    """The copies that have ended, and a way to wait for so many."""

    def __init__(self) -> None:
        self.copies: list[Exchange] = []
        self._more = asyncio.Event()

    def __call__(self, copy: Exchange) -> None:
        self.copies.append(copy)
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.copies) < count:
                self._more.clear()
                await self._more.wait()


@pytest.fixture
def sockets() -> AsyncIterator[Path]:
    with short_directory() as made:
        yield made


def shadowed(real: str, shadow: str | None, share: float = 1.0) -> Table:
    seen = () if shadow is None else (RouteVariant("shadow", share, (shadow,)),)
    route = Route(ACCOUNT, REGION, "e", (RouteVariant("v", 1.0, (real,)),), seen)
    return Table(1, {key(route): route})


def router(counted: Counted, limits: Limits | None = None) -> Router:
    numbers = itertools.cycle([n / 10 for n in range(10)])
    made = Router(limits, share=lambda: next(numbers))
    made.copied = counted
    return made


async def test_a_share_of_the_requests_is_copied_exactly(sockets: Path) -> None:
    counted = Counted()
    made = router(counted)
    async with ModelServer(sockets / "a.sock") as real, ModelServer(sockets / "b.sock") as shadow:
        made.take(shadowed(real.address, shadow.address, 0.3))
        for n in range(100):
            reply = await made.invoke(KEY, {"content-type": "text/csv"}, b"%d" % n)
            assert (reply.body, reply.variant) == (b"%d" % n, "v")
        await counted.until(30)
        made.close()
    assert (len(real.seen), len(shadow.seen), len(counted.copies)) == (100, 30, 30)
    assert {copy.variant for copy in counted.copies} == {"shadow"}
    assert all(copy.reply is not None and copy.reply.status == 200 for copy in counted.copies)


async def test_a_shadow_that_hangs_fails_or_is_gone_costs_the_originals_nothing(sockets: Path) -> None:
    counted = Counted()
    release = asyncio.Event()

    async def hangs(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await release.wait()
        return 500, {}, b"late"

    made = router(counted, Limits(answer_seconds=0.3))
    async with ModelServer(sockets / "a.sock") as real, ModelServer(sockets / "b.sock", hangs) as shadow:
        made.take(shadowed(real.address, shadow.address))
        for _ in range(20):
            assert (await made.invoke(KEY, {}, b"x")).status == 200
        assert counted.copies == []
        made.sweep(asyncio.get_running_loop().time() + 1.0)
        await counted.until(20)
        assert all(isinstance(copy.error, ModelTimeout) for copy in counted.copies)
        made.take(shadowed(real.address, f"unix:{sockets}/nobody.sock"))
        for _ in range(20):
            assert (await made.invoke(KEY, {}, b"x")).status == 200
        made.take(shadowed(real.address, None))
        assert (await made.invoke(KEY, {}, b"x")).status == 200
        release.set()
        made.close()
    assert len(counted.copies) == 20, "what no shadow was asked is no invocation of it"


async def test_copies_are_bounded(sockets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clary.engines.serving.shadowing.MOST_BYTES", 5000)
    counted = Counted()
    release = asyncio.Event()

    async def hangs(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        await release.wait()
        return 200, {}, b"ok"

    made = router(counted)
    async with ModelServer(sockets / "a.sock") as real, ModelServer(sockets / "b.sock", hangs) as shadow:
        made.take(shadowed(real.address, shadow.address))
        for _ in range(20):
            assert (await made.invoke(KEY, {}, b"x" * 1000)).status == 200
        release.set()
        await counted.until(5)
        made.close()
    assert len(counted.copies) == 5
