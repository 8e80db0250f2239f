"""Which request is sent again, and which never; and what becomes of requests when their instance goes away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from clary.engines.serving.base import NoInstance, NoRoute, Route, RouteVariant
from clary.engines.serving.exchange import Exchange, check_headers
from clary.engines.serving.faults import ModelTimeout, NoAnswer, NoTraffic, Overloaded
from clary.engines.serving.instance import Limits
from clary.engines.serving.ping import answers_ping
from clary.engines.serving.router import Router
from clary.engines.serving.routes import Table, key
from tests.serving import ACCOUNT, REGION, Answer, ModelServer, Site, model_process, read_reply, short_directory, site

FAST = Limits(patience_seconds=0.2, retry_seconds=0.02)
KEY = (ACCOUNT, REGION, "e")


def table(*variants: tuple[str, float, list[str]], generation: int = 1) -> Table:
    route = Route(ACCOUNT, REGION, "e", tuple(RouteVariant(n, w, tuple(a)) for n, w, a in variants))
    return Table(generation, {key(route): route})


@pytest.fixture
def sockets() -> AsyncIterator[Path]:
    with short_directory() as made:
        yield made


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    made = Router(FAST)
    yield made
    made.close()


class Raw:
    """A Unix server that does with each connection what the test says."""

    def __init__(self, path: Path, serve: "Serve") -> None:
        self.path, self.address, self._serve = path, f"unix:{path}", serve

    async def __aenter__(self) -> "Raw":
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


async def closes_unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def closes_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\nx")
    writer.close()


async def answers_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\nx")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    writer.close()


async def speaks_no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\nx")
    writer.write(b"hello\r\n\r\n")
    await writer.drain()
    writer.close()


async def answers_to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\nx")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\n\r\nuntil the end")
    writer.close()


async def continues_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\nx")
    writer.write(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )
    await writer.drain()
    writer.close()


Serve = type(closes_unread)


async def test_a_request_that_was_never_read_goes_to_another_instance(router: Router, sockets: Path) -> None:
    async with Raw(sockets / "a.sock", closes_unread) as bad, ModelServer(sockets / "b.sock") as good:
        router.take(table(("v", 1.0, [bad.address, good.address])))
        for _ in range(20):
            assert (await router.invoke(KEY, {}, b"x")).body == b"x"
        assert len(good.seen) == 20


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (closes_after_reading, "before it answered"),
        (answers_half, "in the middle of its answer"),
        (speaks_no_http, "is not HTTP"),
    ],
)
async def test_a_request_that_was_read_is_never_sent_again(
    router: Router, sockets: Path, serve: "Serve", words: str
) -> None:
    async with Raw(sockets / "a.sock", serve) as bad, ModelServer(sockets / "b.sock") as good:
        router.take(table(("v", 1.0, [bad.address]), ("w", 0.0, [good.address])))
        with pytest.raises(NoAnswer, match=words):
            await router.invoke(KEY, {}, b"x")
        assert not good.seen


SAYS_REPEATABLE = b"HTTP/1.1 200 OK\r\nX-Clary-Repeatable: true\r\ncontent-length: 2\r\n\r\nok"


def says_repeatable_and_then(then: "Serve") -> "Serve":
    """Answers the first request, whatever becomes of the next ones."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\nx")
        if serve.asked:  # type: ignore[attr-defined]
            async with asyncio.timeout(5):
                await then(_Again(reader), writer)
            return
        serve.asked = True  # type: ignore[attr-defined]
        writer.write(SAYS_REPEATABLE)
        await writer.drain()
        await then(reader, writer)

    serve.asked = False  # type: ignore[attr-defined]
    return serve


class _Again(asyncio.StreamReader):
    """A request that was read already."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self.feed_data(b"\r\n\r\nx")


@pytest.mark.parametrize("serve", [closes_after_reading, answers_half])
async def test_what_a_repeatable_server_had_read_is_asked_of_another(
    router: Router, sockets: Path, serve: "Serve"
) -> None:
    dies = says_repeatable_and_then(serve)
    async with Raw(sockets / "a.sock", dies) as bad, ModelServer(sockets / "b.sock") as good:
        router.take(table(("v", 1.0, [bad.address])))
        assert (await router.invoke(KEY, {}, b"x")).body == b"ok"
        router.take(table(("v", 1.0, [bad.address, good.address]), generation=2))
        for _ in range(8):
            assert (await router.invoke(KEY, {}, b"x")).body == b"x"
        assert len(good.seen) == 8


@pytest.mark.parametrize(
    ("serve", "words"), [(closes_after_reading, "before it answered"), (speaks_no_http, "is not HTTP")]
)
async def test_a_request_that_takes_its_servers_down_is_given_up(
    router: Router, sockets: Path, serve: "Serve", words: str
) -> None:
    async with Raw(sockets / "a.sock", says_repeatable_and_then(serve)) as bad:
        router.take(table(("v", 1.0, [bad.address])))
        assert (await router.invoke(KEY, {}, b"x")).body == b"ok"
        with pytest.raises(NoAnswer, match=words):
            await router.invoke(KEY, {}, b"x")


@pytest.mark.parametrize(("serve", "body"), [(answers_to_the_end, b"until the end"), (continues_first, b"ok")])
async def test_answers_in_every_framing(router: Router, sockets: Path, serve: "Serve", body: bytes) -> None:
    async with Raw(sockets / "a.sock", serve) as server:
        router.take(table(("v", 1.0, [server.address])))
        assert (await router.invoke(KEY, {}, b"x")).body == body


async def test_a_connection_gone_stale_costs_no_request(router: Router, sockets: Path) -> None:
    """The server closes its kept-alive connection exactly when the next request is written."""
    served = 0

    async def one_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\nx")
        served += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with Raw(sockets / "a.sock", one_each) as server:
        router.take(table(("v", 1.0, [server.address])))
        for _ in range(50):
            assert (await router.invoke(KEY, {}, b"x")).status == 200
        assert served == 50


async def test_connections_are_kept(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a.sock") as server:
        router.take(table(("v", 1.0, [server.address])))
        for _ in range(10):
            await router.invoke(KEY, {}, b"x")
        assert server.connections == 1
        router.sweep(asyncio.get_running_loop().time() + 100)  # idle for too long
        await router.invoke(KEY, {}, b"x")
        assert server.connections == 2


async def test_a_request_waits_for_its_instance_to_come_back(sockets: Path) -> None:
    router = Router(Limits(patience_seconds=30, retry_seconds=0.01))
    server = ModelServer(sockets / "a.sock")
    router.take(table(("v", 1.0, [server.address])))
    waiting = asyncio.ensure_future(router.invoke(KEY, {}, b"x"))
    moved = asyncio.ensure_future(router.invoke(KEY, {}, b"x"))
    async with server:
        assert (await waiting).body == b"x"
        assert (await moved).body == b"x"
    router.close()


async def test_a_new_table_takes_the_waiting_with_it(sockets: Path) -> None:
    router = Router(Limits(patience_seconds=30, retry_seconds=1000))
    async with ModelServer(sockets / "b.sock") as server:
        router.take(table(("v", 1.0, [f"unix:{sockets}/nobody.sock"])))
        waiting = asyncio.ensure_future(router.invoke(KEY, {}, b"x"))
        await asyncio.wait([waiting], timeout=0.05)
        router.take(table(("w", 1.0, [server.address]), generation=2))
        assert (await waiting).variant == "w"
    router.close()


async def test_a_retired_instance_finishes_what_it_has(router: Router, sockets: Path) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begun.set()
        await release.wait()
        return 200, {}, b"old"

    async with ModelServer(sockets / "a.sock", slow) as old, ModelServer(sockets / "b.sock") as new:
        router.take(table(("v", 1.0, [old.address])))
        first = asyncio.ensure_future(router.invoke(KEY, {}, b"x"))
        await begun.wait()
        router.take(table(("v", 1.0, [new.address]), generation=2))
        assert (await router.invoke(KEY, {}, b"new")).body == b"new"
        release.set()
        assert (await first).body == b"old"
        router.take(Table(3))
        with pytest.raises(NoRoute):
            await router.invoke(KEY, {}, b"x")


async def test_a_model_that_does_not_answer_in_time(router: Router, sockets: Path) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begun.set()
        await release.wait()
        return 200, {}, b"late"

    async with ModelServer(sockets / "a.sock", slow) as server:
        router.take(table(("v", 1.0, [server.address])))
        waiting = asyncio.ensure_future(router.invoke(KEY, {}, b"x"))
        await begun.wait()
        router.sweep(asyncio.get_running_loop().time() + FAST.answer_seconds + 1)
        with pytest.raises(ModelTimeout, match="timed out while waiting"):
            await waiting
        release.set()
        assert (await router.invoke(KEY, {}, b"x")).body == b"late"  # by another connection: none is mixed up
        assert router.in_flight == 0


async def test_a_timed_out_request_gives_its_place_to_the_next(sockets: Path) -> None:
    begun, hang = asyncio.Event(), asyncio.Event()

    async def hangs_once(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if body == b"first":
            begun.set()
            await hang.wait()
        return 200, {}, body

    router = Router(Limits(connections=1, waiting=2))
    async with ModelServer(sockets / "a.sock", hangs_once) as server:
        router.take(table(("v", 1.0, [server.address])))
        ended = list[Exchange]()
        first = router.dispatch(KEY, {}, b"first", ended.append)
        await begun.wait()
        given_up = [asyncio.ensure_future(router.invoke(KEY, {}, b"never")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await router.invoke(KEY, {}, b"x")
        for one in given_up:
            one.cancel()
        await asyncio.wait(given_up)
        second = asyncio.ensure_future(router.invoke(KEY, {}, b"second"))  # their places in the line are free again
        await asyncio.sleep(0)
        first.deadline = 0.0
        router.sweep(asyncio.get_running_loop().time())
        assert ended == [first] and isinstance(first.error, ModelTimeout)
        assert (await second).body == b"second"
        hang.set()
        assert [body for _, _, body in server.seen] == [b"first", b"second"]
    router.close()


async def test_equals_take_turns(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "a.sock") as a, ModelServer(sockets / "b.sock") as b:
        router.take(table(("v", 1.0, [a.address, b.address])))
        for _ in range(10):
            await router.invoke(KEY, {}, b"x")
        assert len(a.seen) == len(b.seen) == 5


async def test_a_variant_that_is_down_gives_its_share_away(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "b.sock") as server:
        router.take(table(("a", 1.0, [f"unix:{sockets}/nobody.sock"]), ("b", 1.0, [server.address]), ("c", 1.0, [])))
        assert {(await router.invoke(KEY, {}, b"x")).variant for _ in range(20)} == {"b"}
        with pytest.raises(NoInstance):
            await router.invoke(KEY, {"x-amzn-sagemaker-target-variant": "a"}, b"x")


async def test_no_traffic_is_asked_for(router: Router, sockets: Path) -> None:
    async with ModelServer(sockets / "b.sock") as server:
        router.take(table(("a", 0.0, [server.address])))
        with pytest.raises(NoTraffic, match="TargetVariant"):
            await router.invoke(KEY, {}, b"x")
        assert (await router.invoke(KEY, {"x-amzn-sagemaker-target-variant": "a"}, b"x")).status == 200


async def test_requests_that_wait_for_nobody_are_bounded(sockets: Path) -> None:
    router = Router(Limits(waiting=2, patience_seconds=30, retry_seconds=1000))
    router.take(table(("v", 1.0, [f"unix:{sockets}/nobody.sock"])))
    calls = [asyncio.ensure_future(router.invoke(KEY, {}, b"x")) for _ in range(5)]
    done, pending = await asyncio.wait(calls, timeout=0.1)
    assert len(done) == 3 and all(isinstance(one.exception(), Overloaded) for one in done)
    router.close()
    assert {type(one) for one in await asyncio.gather(*pending, return_exceptions=True)} == {NoInstance}


def test_a_header_cannot_smuggle_a_line() -> None:
    with pytest.raises(ValueError, match="line break"):
        check_headers({"accept": "a\r\nx: 1"})


async def test_ping(sockets: Path) -> None:
    async with ModelServer(sockets / "a.sock") as server:
        assert await answers_ping(server.address, 2)
        assert server.seen[0][0] == "/ping"
    assert not await answers_ping(server.address, 2)
    async with Raw(sockets / "b.sock", closes_after_reading) as silent:
        assert not await answers_ping(silent.address, 0.05)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made:
        yield made


async def test_killed_instance_loses_only_what_it_had_read(here: Site) -> None:
    """kill -9 of one of two instances under load: whatever it had not read is answered by the other."""
    paths = [here.sockets / "a.sock", here.sockets / "b.sock"]
    doomed, survivor = [await model_process(path) for path in paths]
    await here.serve("cars", ("v", 1.0, [f"unix:{path}" for path in paths]))
    request, killed, statuses = here.request("cars"), asyncio.Event(), list[int]()

    async def client() -> None:
        reader, writer = await here.connect()
        after = 0
        while after < 50:
            writer.write(request)
            reply = await read_reply(reader)
            statuses.append(reply.status)
            if reply.status != 200:
                assert reply.status == 424 and b"closed the connection before it answered" in reply.body
            after += killed.is_set()

    clients = [asyncio.ensure_future(client()) for _ in range(16)]
    await here.until(lambda: len(statuses) > 200)
    doomed.send_signal(signal.SIGKILL)
    await doomed.wait()
    killed.set()
    await asyncio.gather(*clients)
    survivor.kill()
    await survivor.wait()
    # At the kill at most one request was on each connection to it; every one not answered had been read whole.
    assert sum(status != 200 for status in statuses) <= 16
    assert len(statuses) >= 16 * 50
