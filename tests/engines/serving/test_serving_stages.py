"""Instances of several containers: answers handed on, errors with the container's name, and nothing lost on the way."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.faults import BadTarget, ModelTimeout, NoAnswer, Target, fault_in, fault_of
from clary.engines.serving.instance import Limits
from clary.engines.serving.router import Router
from clary.engines.serving.routes import Table, key
from tests.serving import (
    ACCOUNT,
    REGION,
    Answer,
    ModelServer,
    Site,
    model_process,
    read_reply,
    short_directory,
    signed,
    site,
)

KEY = (ACCOUNT, REGION, "e")
TARGET = Target(*KEY)
HOST = "x-amzn-sagemaker-target-container-hostname"
MODEL = "x-amzn-sagemaker-target-model"


def table(*addresses: str, hosts: tuple[str, ...] = ("head", "tail"), generation: int = 1, **more: bool) -> Table:
    route = Route(ACCOUNT, REGION, "e", (RouteVariant("v", 1.0, addresses, hosts, **more),))
    return Table(generation, {key(route): route})


@pytest.fixture
def sockets() -> Iterator[Path]:
    with short_directory() as made:
        yield made


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    made = Router(Limits(patience_seconds=0.5, retry_seconds=0.02))
    yield made
    made.close()


async def upper(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    return 200, {"content-type": "application/x-upper"}, body.upper()


async def refuses(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    return 422, {"content-type": "text/plain"}, b"unknown category"


async def test_an_answer_is_the_next_ones_request(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a", upper) as head, ModelServer(sockets / "b") as tail:
        router.take(table(f"{head.address}|{tail.address}"))
        asked = {"content-type": "text/csv", "accept": "text/x", "x-amzn-sagemaker-inference-id": "7"}
        reply = await router.invoke(KEY, asked, b"abc")
        assert (reply.status, reply.body, reply.variant) == (200, b"ABC", "v")
        assert reply.headers["content-type"] == "application/x-upper"
        ((_, first, _),), ((_, second, body),) = head.seen, tail.seen
        assert body == b"ABC"
        assert "accept" not in first
        assert (first["content-type"], first["x-amzn-sagemaker-inference-id"]) == ("text/csv", "7")
        assert (second["content-type"], second["accept"]) == ("application/x-upper", "text/x")
        assert second["x-amzn-sagemaker-inference-id"] == "7"


async def test_an_error_ends_the_chain_and_names_its_container(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a", refuses) as head, ModelServer(sockets / "b") as tail:
        router.take(table(f"{head.address}|{tail.address}"))
        fault = fault_in(await router.invoke(KEY, {}, b"abc"), TARGET)
        assert fault is not None
        assert (fault.code, fault.fields["OriginalStatusCode"]) == ("ModelError", 422)
        assert 'Received client error (422) from head with message "unknown category"' in fault.message
        assert not tail.seen


async def test_a_container_that_gives_no_answer_is_named(router: Router, sockets: Path) -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nabc")
        writer.close()

    server = await asyncio.start_unix_server(closes, sockets / "b")
    async with ModelServer(sockets / "a") as head:
        router.take(table(f"{head.address}|unix:{sockets}/b"))
        with pytest.raises(NoAnswer) as caught:
            await router.invoke(KEY, {}, b"abc")
    server.close()
    assert "from tail with message" in fault_of(caught.value, TARGET).message


async def test_time_that_is_over_names_the_container_that_took_it(router: Router, sockets: Path) -> None:
    reached, forever = asyncio.Event(), asyncio.Event()

    async def sleeps(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        reached.set()
        await forever.wait()
        return 200, {}, b""

    async with ModelServer(sockets / "a") as head, ModelServer(sockets / "b", sleeps) as tail:
        router.take(table(f"{head.address}|{tail.address}"))
        asked = asyncio.ensure_future(router.invoke(KEY, {}, b"abc"))
        await reached.wait()
        router.sweep(asyncio.get_running_loop().time() + 100.0)
        with pytest.raises(ModelTimeout, match="from container tail"):
            await asked
        forever.set()


async def test_the_last_one_answers_in_parts(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a", upper) as head, ModelServer(sockets / "b") as tail:
        router.take(table(f"{head.address}|{tail.address}"))
        reply, parts = await router.stream(KEY, {}, b"abc")
        assert reply.headers["content-type"] == "application/x-upper"
        assert b"".join([part async for part in parts]) == b"ABC"


async def test_a_retired_pipeline_takes_what_it_has_begun_to_its_end(router: Router, sockets: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def waits(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begun.set()
        await go_on.wait()
        return 200, {}, body

    async with ModelServer(sockets / "a", waits) as head, ModelServer(sockets / "b") as tail:
        router.take(table(f"{head.address}|{tail.address}"))
        asked = asyncio.ensure_future(router.invoke(KEY, {}, b"abc"))
        await begun.wait()
        async with ModelServer(sockets / "c") as other:
            router.take(table(f"{other.address}|{other.address}", generation=2))
            go_on.set()
            assert (await asked).body == b"abc"
            assert len(tail.seen) == 1
            assert not other.seen


async def test_a_request_whose_next_container_is_gone_begins_anew_in_another_instance(
    router: Router, sockets: Path
) -> None:
    async with ModelServer(sockets / "a") as head, ModelServer(sockets / "b") as tail:
        router.take(table(f"{head.address}|unix:{sockets}/none", f"{head.address}|{tail.address}"))
        for _ in range(6):
            assert (await router.invoke(KEY, {}, b"abc")).body == b"abc"
        assert len(tail.seen) == 6


async def test_a_request_names_its_container(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a", upper) as head, ModelServer(sockets / "b") as tail:
        router.take(table(f"{head.address}|{tail.address}", direct=True))
        assert (await router.invoke(KEY, {HOST: "head", "accept": "x/y"}, b"abc")).body == b"ABC"
        assert (await router.invoke(KEY, {HOST: "tail"}, b"abc")).body == b"abc"
        assert head.seen[0][1]["accept"] == "x/y"
        for asked, words in (({}, "missing a target container hostname"), ({HOST: "none"}, "no container 'none'")):
            with pytest.raises(BadTarget, match=words) as caught:
                await router.invoke(KEY, asked, b"abc")
            assert fault_of(caught.value, TARGET).code == "ValidationError"


async def test_targets_that_an_endpoint_does_not_understand_are_refused(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a") as only:
        router.take(table(only.address, hosts=()))
        with pytest.raises(BadTarget, match="is not a multi-model endpoint and does not support target model header"):
            await router.invoke(KEY, {MODEL: "m.tar.gz"}, b"abc")
        with pytest.raises(BadTarget, match="does not support target container hostname"):
            await router.invoke(KEY, {HOST: "head"}, b"abc")


async def test_a_model_has_a_home_among_the_instances(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a") as one, ModelServer(sockets / "b") as two:
        router.take(table(one.address, two.address, hosts=(), multi_model=True))
        with pytest.raises(BadTarget, match="missing a target model header"):
            await router.invoke(KEY, {}, b"abc")
        for model in "mnopqrst":
            for _ in range(3):
                await router.invoke(KEY, {MODEL: model}, b"abc")
        homes = [{headers[MODEL] for _, headers, _ in server.seen} for server in (one, two)]
        assert not homes[0] & homes[1]
        assert all(homes)


async def test_no_request_is_lost_while_containers_are_killed_and_replaced(tmp_path: Path) -> None:
    """Sixteen clients while the second container dies, a new instance comes, and the route names it."""
    with short_directory() as sockets:
        async with site(tmp_path) as place:
            head, tail = [await model_process(sockets / name) for name in ("a", "b")]
            await _publish(place, f"unix:{sockets}/a|unix:{sockets}/b")
            stop = asyncio.Event()
            clients = [asyncio.ensure_future(_client(place, stop)) for _ in range(16)]
            await place.until(lambda: place.front.shared.counters.requests > 300)
            tail.send_signal(signal.SIGKILL)
            await tail.wait()
            after = [await model_process(sockets / name) for name in ("c", "d")]
            await _publish(place, f"unix:{sockets}/c|unix:{sockets}/d")
            seen = place.front.shared.counters.requests
            await place.until(lambda: place.front.shared.counters.requests > seen + 300)
            stop.set()
            statuses = [status for client in clients for status in await client]
            for process in (head, *after):
                process.kill()
                await process.wait()
    # What the killed container had read may be lost to it; nothing else is.
    assert statuses.count(424) <= 16
    assert set(statuses) <= {200, 424}
    assert statuses[-16:].count(200) == 16


async def _publish(place: Site, address: str) -> None:
    route = Route(ACCOUNT, REGION, "e", (RouteVariant("v", 1.0, (address,), ("head", "tail")),))
    await place.plane.publish(route)
    assert await place.plane.serves(route)


async def _client(place: Site, stop: asyncio.Event) -> list[int]:
    reader, writer = await place.connect()
    found = []
    while not stop.is_set():
        writer.write(signed(f"{place.url}/endpoints/e/invocations", b"1,2", {}))
        found.append((await read_reply(reader)).status)
    return found
