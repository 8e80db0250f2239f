"""Compiled models in their workers: real processes that are killed, filled and emptied while requests go on."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from clary.algorithms.graphs import frames as theirs
from clary.algorithms.graphs.hosted import INLINE_BYTES, Hosted
from clary.engines.runners.base import StartError
from clary.engines.serving.answers import PIECE_BYTES, pieces
from clary.engines.serving.base import NoInstance, Route, RouteVariant
from clary.engines.serving.graphs import frames as ours
from clary.engines.serving.graphs import shelf
from clary.engines.serving.graphs.link import MOST_SHAPES
from clary.engines.serving.graphs.pool import GraphPool
from clary.engines.serving.instance import Limits
from clary.engines.serving.paths import graphs_socket
from clary.engines.serving.router import Router
from clary.engines.serving.routes import Table, key
from tests.algorithms.graphs import small
from tests.serving import ACCOUNT, REGION, short_directory, site

KEY = (ACCOUNT, REGION, "e")
CSV = {"content-type": "text/csv"}


class Workers:
    """The supervisor's part: a process for each worker that is asked for."""

    def __init__(self, pool: GraphPool, directory: Path, sockets: Path) -> None:
        self.pool = pool
        self.sockets = sockets
        self._asked = directory / shelf.ASKED
        self.running: dict[int, asyncio.subprocess.Process] = {}

    async def start(self, number: int) -> None:
        module = (sys.executable, "-m", "clary.algorithms.graphs.worker")
        where = ("--asked", str(self._asked), "--socket", str(graphs_socket(self.sockets, number)))
        self.running[number] = await asyncio.create_subprocess_exec(*module, *where, "--worker", str(number))

    async def kill(self, number: int) -> None:
        process = self.running.pop(number)
        process.kill()
        await process.wait()

    async def loaded(self, uid: str) -> str:
        """Its address, once its worker holds it."""
        async with asyncio.timeout(30):
            while (run := await self.pool.observe(uid)).address is None:
                assert run.phase == "running", run
                await asyncio.sleep(0.02)
            return run.address


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    with short_directory() as sockets:
        pool = GraphPool(tmp_path / "graphs", sockets, 2)
        pool.keep("colours", small.colours(tmp_path / "made"))
        pool.keep("sizes", small.sizes(tmp_path / "other"))
        made = Workers(pool, tmp_path / "graphs", sockets)
        yield made
        for process in made.running.values():
            process.terminate()
        for process in made.running.values():
            assert await process.wait() == 0


@pytest.fixture
async def hosted(workers: Workers, tmp_path: Path) -> AsyncIterator[Hosted]:
    """The second worker, in this process."""
    made = Hosted(tmp_path / "graphs" / shelf.ASKED, 1)
    await made.start(graphs_socket(workers.sockets, 1))
    yield made
    made.close()


def table(*addresses: str, generation: int = 1) -> Table:
    route = Route(ACCOUNT, REGION, "e", (RouteVariant("v", 1.0, addresses),))
    return Table(generation, {key(route): route})


async def answers(router: Router, body: bytes) -> bytes:
    reply = await router.invoke(KEY, CSV, body)
    assert reply.status == 200, reply
    return reply.body


def test_both_sides_speak_the_same() -> None:
    assert (theirs.HEAD.format, theirs.WORD, theirs.LONGEST) == (ours.HEAD.format, ours.WORD, ours.LONGEST)
    said = [(3, b""), (1, b"x" * 70_000), (7, b"end")]
    data = b"".join(ours.HEAD.pack(first, len(body)) + body for first, body in said)
    for reader in (ours.Reader(), theirs.Reader()):
        for piece in (1, 7, 8, 9, 4096, len(data)):
            found = [frame for at in range(0, len(data), piece) for frame in reader.feed(data[at : at + piece])]
            assert found == said
    assert ours.word({"ask": "u"})[8:] == theirs.word({"ask": "u"})[8:].replace(b" ", b"")
    for reader, broken in ((ours.Reader(), ours.Broken), (theirs.Reader(), theirs.Broken)):
        with pytest.raises(broken):
            reader.feed(ours.HEAD.pack(1, ours.LONGEST + 1))


async def test_many_at_once_get_their_own_answers(workers: Workers) -> None:
    await workers.pool.start("a", "colours")
    await workers.pool.start("b", "sizes")
    await workers.start(0)
    await workers.start(1)
    router = Router(sockets=workers.sockets)
    router.take(table(await workers.loaded("a")))
    rows = [b"red,small\n", b"red,large\n", b"green,large\n"] * 100
    found = await asyncio.gather(*(answers(router, row) for row in rows))
    assert [one.strip() for one in found] == [b"stop", b"slow", b"go"] * 100
    refused = await asyncio.gather(*(router.invoke(KEY, CSV, body) for body in (b"blue,small\n", b"red,small\n", b"")))
    assert refused[1].status == 200
    assert refused[0].status == 422 and b"red" in refused[0].body
    assert refused[2].status // 100 == 4
    for number in range(20):  # ever new content types
        assert (await router.invoke(KEY, {"content-type": f"text/x-{number}"}, b"red,small\n")).status == 415
    router.close()


async def test_a_client_of_the_front_gets_events_when_it_wants_events(tmp_path: Path) -> None:
    """A worker answers in one piece: that is one event. A model's error is an error."""
    async with site(tmp_path) as here:
        pool = GraphPool(tmp_path / "graphs", here.sockets, 1)
        pool.keep("colours", small.colours(tmp_path / "made"))
        await pool.start("a", "colours")
        worker = Hosted(tmp_path / "graphs" / shelf.ASKED, 0)
        await worker.start(graphs_socket(here.sockets, 0))
        await here.serve("e", ("v", 1.0, [await Workers(pool, tmp_path / "graphs", here.sockets).loaded("a")]))
        client = here.client()

        def ask(body: bytes) -> tuple[str, str, list[bytes]]:
            said = client.invoke_endpoint_with_response_stream(EndpointName="e", ContentType="text/csv", Body=body)
            parts = [event["PayloadPart"]["Bytes"] for event in said["Body"]]
            return said["InvokedProductionVariant"], said["ContentType"], parts

        for _ in range(3):  # on one connection, with plain requests between
            variant, content_type, parts = await asyncio.to_thread(ask, b"red,small\ngreen,large\n")
            assert (variant, len(parts), parts[0].split()) == ("v", 1, [b"stop", b"go"])
            assert content_type.startswith("text/csv")
            plain = await asyncio.to_thread(
                lambda: client.invoke_endpoint(EndpointName="e", ContentType="text/csv", Body=b"red,small\n")
            )
            assert plain["Body"].read().strip() == b"stop"
        with pytest.raises(ClientError, match="ModelError"):
            await asyncio.to_thread(ask, b"blue,small\n")
        client.close()
        worker.close()


def test_a_long_answer_is_several_parts() -> None:
    long = bytes(range(256)) * (PIECE_BYTES // 100)
    assert [b"".join(pieces(body)) for body in (b"", b"x", long)] == [b"", b"x", long]
    assert max(map(len, pieces(long))) == PIECE_BYTES


async def test_the_numbers_of_shapes_begin_anew(workers: Workers) -> None:
    await workers.pool.start("a", "colours")
    await workers.start(0)
    router = Router(sockets=workers.sockets)
    router.take(table(await workers.loaded("a")))
    for start in range(0, MOST_SHAPES + 100, 100):
        accepts = [{**CSV, "accept": f"text/csv; n={start + n}"} for n in range(100)]
        await asyncio.gather(*(router.invoke(KEY, one, b"red,small\n") for one in accepts))
    assert (await answers(router, b"red,small\n")).strip() == b"stop"
    router.close()


@pytest.mark.slow
async def test_killed_workers_lose_no_request(workers: Workers) -> None:
    """Two instances in two workers; each is killed in turn, four times, under sixteen clients. Then both at once."""
    for uid in ("a", "b"):
        await workers.pool.start(uid, "colours")
    for number in (0, 1):
        await workers.start(number)
    router = Router(sockets=workers.sockets)
    router.take(table(*[await workers.loaded(uid) for uid in ("a", "b")]))
    stop, count = asyncio.Event(), 0

    async def client(row: bytes, said: bytes) -> None:
        nonlocal count
        while not stop.is_set():
            assert (await answers(router, row)).strip() == said
            count += 1

    clients = [
        asyncio.ensure_future(client(*one)) for one in [(b"red,small\n", b"stop"), (b"green,large\n", b"go")] * 8
    ]
    for turn in range(4):
        await workers.kill(turn % 2)
        await workers.start(turn % 2)
        await workers.loaded("ab"[turn % 2])
    before = count
    for number in (0, 1):
        await workers.kill(number)
    for number in (0, 1):
        await workers.start(number)
    await workers.loaded("a")
    async with asyncio.timeout(10):
        while count < before + 100:
            await answers(router, b"red,small\n")
    stop.set()
    await asyncio.gather(*clients)
    router.close()


async def test_nobody_waits_for_ever(workers: Workers) -> None:
    """No worker comes up: the request ends with the reason, in time."""
    await workers.pool.start("a", "colours")
    router = Router(Limits(patience_seconds=0.3, retry_seconds=0.02), sockets=workers.sockets)
    router.take(table("graph:0/a"))
    with pytest.raises(NoInstance):
        await router.invoke(KEY, CSV, b"red,small\n")
    await workers.start(0)
    await workers.loaded("a")
    router.take(table("graph:0/gone", generation=2))
    with pytest.raises(NoInstance):  # the worker is up, and holds no such instance
        await router.invoke(KEY, CSV, b"red,small\n")
    router.close()


async def test_instances_have_workers_of_their_own_while_there_are_few(tmp_path: Path) -> None:
    woken: list[int] = []
    pool = GraphPool(tmp_path / "graphs", tmp_path, 2, lambda: woken.append(1))
    with pytest.raises(StartError, match="not on this machine"):
        await pool.start("x", "nothing")
    kept = pool.keep("d", small.colours(tmp_path / "made"))
    assert pool.keep("d", tmp_path / "not looked at") == kept == pool.directory("d")
    for uid in ("a", "b", "c", "a"):
        await pool.start(uid, "d")
    asked = shelf.read_asked(tmp_path / "graphs" / shelf.ASKED)
    assert {uid: one.worker for uid, one in asked.items()} == {"a": 0, "b": 1, "c": 0}
    assert len(woken) == 4
    assert (await pool.observe("a")).phase == "running"  # asked for; nobody has said that it is loaded
    assert (await pool.observe("z")).phase == "absent"
    pool.forget(["d", "other"])
    assert pool.directory("d") is not None  # instances want it
    again = GraphPool(tmp_path / "graphs", tmp_path, 2)
    assert sorted(await again.uids()) == ["a", "b", "c"]
    for uid in ("a", "b", "c", "b"):
        await again.stop(uid)
    again.forget(["d"])
    assert again.directory("d") is None and again.kept() == []
    (tmp_path / "graphs" / shelf.ASKED).write_text("{")
    assert await GraphPool(tmp_path / "graphs", tmp_path, 2).uids() == []


async def test_what_cannot_be_loaded_says_why(workers: Workers, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "graph.onnx").write_bytes(b"no graph")
    (broken / "graph.json").write_text('{"version": 1}')
    workers.pool.keep("broken", broken)
    await workers.pool.start("a", "broken")
    await workers.pool.start("b", "colours")
    await workers.start(0)
    await workers.start(1)
    with pytest.raises(AssertionError, match="broken"):
        await workers.loaded("a")
    run = await workers.pool.observe("a")
    assert run.phase == "ended" and run.broken is not None and "broken" in run.broken
    assert await workers.loaded("b")
    usage = await workers.pool.usage("b")
    assert usage is not None and 10e6 < usage.memory_bytes < 500e6


async def test_a_worker_ends_when_it_is_told(workers: Workers) -> None:
    await workers.pool.start("a", "colours")
    await workers.start(0)
    await workers.loaded("a")
    process = workers.running.pop(0)
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == 0
    assert not graphs_socket(workers.sockets, 0).exists()


async def test_a_front_may_hold_graphs_itself(workers: Workers, hosted: Hosted) -> None:
    """It answers its own requests, and those of others through its socket; in order, long ones in a thread."""
    for uid in ("a", "b"):
        await workers.pool.start(uid, "colours")
    await workers.start(0)
    addresses = [await workers.loaded(uid) for uid in ("a", "b")]
    near, far = Router(sockets=workers.sockets, holder=hosted), Router(sockets=workers.sockets)
    for router in (near, far):
        router.take(table(*addresses))
    assert [one.address for one in near._endpoints[KEY]._variants[0].instances] == ["graph:1/b", "graph:0/a"]
    far.take(table("graph:1/b", generation=2))
    rows = [b"red,small\n", b"red,large\n", b"green,large\n"] * 50
    long = b"red,large\n" * (INLINE_BYTES // 4)
    for router in (near, far):
        found = await asyncio.gather(*(answers(router, body) for body in [*rows, long, *rows]))
        said = [b"stop", b"slow", b"go"] * 50
        assert [one.strip() for one in found] == [*said, b"\n".join([b"slow"] * (INLINE_BYTES // 4)), *said]
        router.close()
    assert near.in_flight == far.in_flight == 0


async def test_what_a_front_does_not_hold_goes_elsewhere(workers: Workers, hosted: Hosted) -> None:
    await workers.pool.start("a", "colours")
    await workers.start(0)
    await workers.loaded("a")
    router = Router(Limits(patience_seconds=0.3, retry_seconds=0.02), sockets=workers.sockets, holder=hosted)
    router.take(table("graph:1/gone", "graph:0/a"))
    assert (await answers(router, b"red,small\n")).strip() == b"stop"
    router.take(table("graph:1/gone", generation=2))
    with pytest.raises(NoInstance):
        await router.invoke(KEY, CSV, b"red,small\n")
    router.close()
