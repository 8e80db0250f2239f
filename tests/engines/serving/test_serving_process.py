"""The front as its own process: inherited socket, kill -9, restart, SIGTERM."""

import asyncio
import base64
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.paths import socket_dir
from clary.engines.serving.plane import Plane
from tests.serving import ACCOUNT, KEYS, REGION, ModelServer, model_process, read_reply, signed


@dataclass
class Place:
    """A home, a listening socket, and fronts started on them."""

    home: Path
    listener: socket.socket

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    async def front(self, name: str = "0") -> asyncio.subprocess.Process:
        """A front process that has said that it serves."""
        ready_read, ready_write = os.pipe()
        descriptor = self.listener.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clary.processes.front", "--home", str(self.home)),
            *("--fd", str(descriptor), "--name", name, "--ready-fd", str(ready_write)),
            pass_fds=(descriptor, ready_write),
        )
        os.close(ready_write)
        said = await asyncio.to_thread(os.read, ready_read, 100)
        os.close(ready_read)
        assert said, "the front did not start"
        return process

    async def invoke(self, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(signed(f"http://127.0.0.1:{self.port}/endpoints/cars/invocations", body, {}))
        reply = await read_reply(reader)
        writer.close()
        assert reply.status == 200, reply
        return reply.body


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    home = tmp_path / "home"
    (home / "serving").mkdir(parents=True)
    credentials = {
        "AccountId": ACCOUNT,
        "AccessKeyId": KEYS.access_key_id,
        "SecretAccessKey": KEYS.secret_access_key,
        "MasterKey": base64.b64encode(b"m" * 32).decode(),
    }
    (home / "credentials.json").write_bytes(orjson.dumps(credentials))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield Place(home, listener)


async def test_killed_fronts_come_back_with_every_route(place: Place, tmp_path: Path) -> None:
    plane = Plane(place.home / "serving")
    async with ModelServer(socket_dir(place.home) / "m.sock") as model:
        route = Route(ACCOUNT, REGION, "cars", (RouteVariant("v", 1.0, (model.address,)),))
        await plane.publish(route)
        assert not await plane.serves(route)
        first, second = await place.front("0"), await place.front("1")
        assert await plane.serves(route)
        assert await place.invoke(b"before") == b"before"
        first.send_signal(signal.SIGKILL)
        second.send_signal(signal.SIGKILL)
        await asyncio.gather(first.wait(), second.wait())
        assert not await plane.serves(route)
        waiting = asyncio.ensure_future(place.invoke(b"meanwhile"))  # the socket lives on: it queues there
        third = await place.front("0")
        assert await plane.serves(route)
        assert await waiting == b"meanwhile"
        third.send_signal(signal.SIGTERM)
        assert await third.wait() == 0


@pytest.mark.slow
async def test_fronts_killed_under_load_mix_nothing_up(place: Place) -> None:
    """One of two fronts dies again and again: clients lose at most its connections, and no answer goes astray."""
    plane, url = Plane(place.home / "serving"), f"http://127.0.0.1:{place.port}/endpoints/cars/invocations"
    path = socket_dir(place.home) / "m.sock"
    model = await model_process(path)
    route = Route(ACCOUNT, REGION, "cars", (RouteVariant("v", 1.0, (f"unix:{path}",)),))
    await plane.publish(route)
    over, answers, lost = asyncio.Event(), [0] * 16, [0] * 16

    async def client(number: int) -> None:
        writer: asyncio.StreamWriter | None = None
        while not over.is_set():
            body = b"%d-%d" % (number, answers[number])
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
                writer.write(signed(url, body, {}))
                reply = await read_reply(reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                lost[number] += 1
                if writer is not None:
                    writer.close()
                writer = None
                continue
            assert (reply.status, reply.body) == (200, body)
            answers[number] += 1
        if writer is not None:
            writer.close()

    fronts = [await place.front("0"), await place.front("1")]
    clients = [asyncio.ensure_future(client(n)) for n in range(16)]
    for kill in range(10):
        enough = sum(answers) + 200
        async with asyncio.timeout(60):
            while sum(answers) < enough and not any(one.done() for one in clients):
                await plane.serves(route)
        which = kill % 2
        fronts[which].send_signal(signal.SIGKILL)
        await fronts[which].wait()
        fronts[which] = await place.front(str(which))
    assert await plane.serves(route)
    over.set()
    await asyncio.gather(*clients)
    assert min(answers) > 10
    for process in (*fronts, model):
        process.kill()
        await process.communicate()
