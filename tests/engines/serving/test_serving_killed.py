"""Processes of the hand-over die by SIGKILL under load, again and again. Every answer that a client sees is whole and
its own, and nothing is executed twice unless the client itself asked twice."""

import asyncio
import contextlib
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.engines.serving.shared import Bounds
from tests.control_process import answer_to
from tests.serving import ModelServer, Site, read_reply, site

CLIENTS = 40
GONE = (ConnectionError, asyncio.IncompleteReadError)


class Control:
    """One control process after the other."""

    def __init__(self, here: Site, directory: Path) -> None:
        self.sockets, self.begun = here.sockets, directory / "begun"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> "Control":
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.control_process", str(self.sockets), str(self.begun)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert await self.process.stdout.readline() == b"ready\n"
        return self

    async def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.communicate()
            self.process = None


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made:
        yield made


@pytest.fixture
async def control(here: Site, tmp_path: Path) -> AsyncIterator[Control]:
    made = Control(here, tmp_path)
    yield made
    await made.kill()


class Client:
    """Keeps its connection alive, asks again by another when it ends, and numbers every single attempt."""

    def __init__(self, here: Site, number: int) -> None:
        self.here, self.number = here, number
        self.random = random.Random(number)
        self.attempts = self.answers = 0
        self.connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def next_request(self) -> tuple[str, bytes]:
        self.attempts += 1
        path = f"/{self.number}-{self.attempts}"
        if self.random.random() < 0.7:
            return path, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode()
        body = b"b" * self.random.choice((2, 2000, 150_000))  # the largest crosses in several messages
        return path, b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body

    async def ask(self) -> None:
        """One to three requests at once on the connection; those without an answer are forgotten with it."""
        if self.connection is None or self.random.random() < 0.8:
            self.close()
            self.connection = await self.here.connect()
        asked = [self.next_request() for _ in range(self.random.choice((1, 1, 1, 3)))]
        reader, writer = self.connection
        try:
            writer.write(b"".join(request for _, request in asked))
            for path, _ in asked:
                reply = await read_reply(reader)
                assert (reply.status, reply.body) == (200, answer_to(path)), path
                self.answers += 1
        except GONE as error:
            # Some clients take what has come for the whole answer. A head alone, or half a body, must not come at all.
            assert getattr(error, "expected", None) is None, "half an answer"
            self.close()

    def close(self) -> None:
        if self.connection is not None:
            self.connection[1].close()
            self.here.clients.remove(self.connection[1])
            self.connection = None

    async def until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.ask()
        self.close()


@pytest.mark.slow
async def test_no_kill_of_the_control_process_mixes_up_or_repeats(here: Site, control: Control) -> None:
    dice, over = random.Random(7), asyncio.Event()
    clients = [Client(here, n) for n in range(CLIENTS)]
    await control.start()
    tasks = [asyncio.ensure_future(client.until(over)) for client in clients]
    for _ in range(40):
        await _answered(here, clients, tasks, dice.choice((0, 20, 100, 150, 200)))
        await control.kill()
        await control.start()
    await _answered(here, clients, tasks, 200)
    over.set()
    await asyncio.gather(*tasks)
    begun = Counter(control.begun.read_text().splitlines())
    assert [path for path, times in begun.items() if times > 1] == []
    assert sum(client.answers for client in clients) <= len(begun) <= sum(client.attempts for client in clients)
    assert all(client.answers > 0 for client in clients)


async def _answered(here: Site, clients: list[Client], tasks: list[asyncio.Future[None]], more: int) -> None:
    """So many more answers have come, or a client has failed."""
    enough = sum(client.answers for client in clients) + more

    def holds() -> bool:
        return sum(client.answers for client in clients) >= enough or any(task.done() for task in tasks)

    await here.until(holds, 60)


async def test_whoever_waits_too_long_is_told_and_later_ones_are_served(tmp_path: Path) -> None:
    async with site(tmp_path, Bounds(adopt_seconds=0.3)) as here:
        early = [await here.connect() for _ in range(50)]
        for n, (_, writer) in enumerate(early):
            writer.write(b"GET /early-%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
        for reader, _ in early:
            reply = await read_reply(reader)
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        control = Control(here, tmp_path)
        late = await here.connect()
        late[1].write(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        if (await _reply_or_started(late[0], control)).status == 503:  # the start took longer than its patience
            late = await here.connect()
            late[1].write(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await read_reply(late[0])).body == answer_to("/late")
        assert "early" not in control.begun.read_text()
        await control.kill()


async def _reply_or_started(reader: asyncio.StreamReader, control: Control):  # type: ignore[no-untyped-def]
    starting = asyncio.ensure_future(control.start())
    reply = await read_reply(reader)
    await starting
    return reply


async def test_two_thousand_connections_at_once(tmp_path: Path) -> None:
    """They come while nobody is there to take them: all wait, and all are answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10_000:
        pytest.skip("this machine does not allow so many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        async with site(tmp_path, Bounds(adopt_seconds=60)) as here:
            control = Control(here, tmp_path)

            async def one(n: int) -> bool:
                reader, writer = await here.connect()
                writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
                return (await read_reply(reader)).body == answer_to(f"/{n}")

            calls = [asyncio.ensure_future(one(n)) for n in range(2000)]
            await here.until(lambda: here.front.sender.pending == 2000)
            await control.start()
            assert all(await asyncio.gather(*calls))
            await control.kill()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_control_process_killed_between_the_parts_of_a_pipeline(here: Site, control: Control) -> None:
    """Inference, something else, inference in one segment: what was answered is answered once, and nothing follows."""
    async with ModelServer(here.sockets / "m.sock") as model:
        await here.serve("cars", ("v", 1.0, [model.address]))
        reader, writer = await here.connect()
        writer.write(here.request("cars", b"1") + b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n" + here.request("cars", b"3"))
        assert (await read_reply(reader)).body == b"1"
        await here.until(lambda: here.front.sender.pending == 1)
        await control.start()
        assert (await read_reply(reader)).body == answer_to("/2")
        assert (await read_reply(reader)).body == answer_to("/endpoints/cars/invocations")
        await control.kill()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert [body for _, _, body in model.seen] == [b"1"]
