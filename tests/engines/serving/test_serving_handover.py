"""Connections that are no inferences reach the control process with every byte, in order, whatever dies meanwhile."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from clary.engines.serving.adopted import Patience, UvicornFactory, uvicorn_factory
from clary.engines.serving.channel import Inbox
from clary.engines.serving.handover import Adopter
from clary.engines.serving.paths import adopt_socket
from clary.engines.serving.shared import Bounds
from tests.serving import ModelServer, Site, read_reply, site


class App:
    """An ASGI app that answers what it was sent: method, path, digest of the body."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.hold: asyncio.Event | None = None
        self.begun = asyncio.Event()
        self.padding = b""

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        self.scopes.append(scope)
        self.begun.set()
        digest, more = hashlib.sha256(), True
        while more:
            message = await receive()
            digest.update(message.get("body", b""))
            more = message.get("more_body", False)
        if self.hold is not None:
            await self.hold.wait()
        body = f"{scope['method']} {scope['path']} {digest.hexdigest()}".encode() + self.padding
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


def said(method: str, path: str, body: bytes = b"") -> bytes:
    return f"{method} {path} {hashlib.sha256(body).hexdigest()}".encode()


class Control:
    """The control process's part of a site."""

    def __init__(self, here: Site, patience: Patience | None = None) -> None:
        self.app = App()
        self.connections: UvicornFactory = uvicorn_factory(self.app, patience)
        self.adopter = Adopter(adopt_socket(here.sockets), self.connections)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as made:
        yield made


@pytest.fixture
async def control(here: Site) -> AsyncIterator[Control]:
    made = Control(here)
    await made.adopter.start()
    yield made
    await made.adopter.close(0.5)


async def test_a_kept_alive_connection_is_handed_over_once(here: Site, control: Control) -> None:
    reader, writer = await here.connect()
    for n in range(3):
        writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
        reply = await read_reply(reader)
        assert reply.body == said("GET", f"/{n}")
        assert "date" in reply.headers
    assert here.front.shared.counters.handed_over == 1
    scope = control.app.scopes[0]
    assert tuple(scope["server"]) == ("127.0.0.1", here.port)
    assert tuple(scope["client"]) == writer.get_extra_info("sockname")


@pytest.mark.parametrize(
    "line",
    [
        b"POST / HTTP/1.1",
        b"PUT /bucket/key HTTP/1.1",
        b"POST /endpoints HTTP/1.1",
        b"POST /endpoints/key?uploads HTTP/1.1",
        b"POST /endpoints/a/invocations?uploads HTTP/1.1",
        b"POST /endpoints/-a/invocations HTTP/1.1",
        b"POST /endpoints/" + b"a" * 64 + b"/invocations HTTP/1.1",
        b"POST /endpoints/a/invocations/more HTTP/1.1",
        b"GET /endpoints/a/invocations HTTP/1.1",
        b"POST /endpoints/" + b"a" * 5000 + b" HTTP/1.1",
    ],
)
async def test_what_is_no_inference_is_handed_over(here: Site, control: Control, line: bytes) -> None:
    reader, writer = await here.connect()
    for piece in (line[:10], line[10:20], line[20:], b"\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"):
        writer.write(piece)
        await writer.drain()
        await here.plane.counters()  # the front has had the chance to read this piece alone
    reply = await read_reply(reader)
    method, path = line.decode().split(" ")[:2]
    assert reply.body == said(method, path.partition("?")[0], b"ab")


async def test_a_big_body_arrives_whole(here: Site, control: Control) -> None:
    body = b"0123456789abcdef" * (1 << 20)  # 16 MiB: nearly all of it is still to come at the hand-over
    reader, writer = await here.connect()
    writer.write(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert (await read_reply(reader)).body == said("PUT", "/b/k", body)


async def test_expect_100_continue_after_the_handover(here: Site, control: Control) -> None:
    reader, writer = await here.connect()
    writer.write(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    assert (await read_reply(reader)).body == said("PUT", "/b/k", b"abc")


async def test_a_connection_with_inferences_leaves_at_the_boundary(here: Site, control: Control) -> None:
    """Pipelined: two inferences, then something else with the beginning of its body, in one segment."""
    body = b"x" * 100_000  # more than one message of the channel
    async with ModelServer(here.sockets / "m.sock") as model:
        await here.serve("cars", ("v", 1.0, [model.address]))
        reader, writer = await here.connect()
        other = b"PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        writer.write(here.request("cars", b"1") + here.request("cars", b"2" * 300_000) + other)
        assert (await read_reply(reader)).body == b"1"
        assert (await read_reply(reader)).body == b"2" * 300_000
        assert (await read_reply(reader)).body == said("PUT", "/k", body)
        writer.write(here.request("cars", b"3"))  # stays where it is: the operation is served there as well
        assert (await read_reply(reader)).body == said("POST", "/endpoints/cars/invocations", b"3")


async def test_many_connections_at_once(here: Site, control: Control) -> None:
    async def one(n: int) -> None:
        reader, writer = await here.connect()
        writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % n)
        assert (await read_reply(reader)).body == said("GET", f"/{n}")
        assert await reader.read() == b""

    await asyncio.gather(*(one(n) for n in range(300)))
    await here.until(lambda: here.front.sender.pending == 0)


async def test_while_nobody_adopts_connections_wait(here: Site) -> None:
    clients = [await here.connect() for _ in range(20)]
    for n, (_, writer) in enumerate(clients):
        writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
    await here.until(lambda: here.front.sender.pending == 20)
    control = Control(here)
    await control.adopter.start()
    for n, (reader, _) in enumerate(clients):
        assert (await read_reply(reader)).body == said("GET", f"/{n}")
    await control.adopter.close(0.5)


async def test_after_a_bound_they_are_refused(tmp_path: Path) -> None:
    async with site(tmp_path, Bounds(adopt_seconds=0.1)) as here:
        reader, writer = await here.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"more" * 1000)
        reply = await read_reply(reader)
        assert reply.status == 503 and reply.headers["retry-after"] == "1" and reply.body == b""
        assert await reader.read() == b""


async def test_what_was_not_read_goes_to_the_successor(here: Site) -> None:
    """A control process takes the channel, reads one connection, and is killed: the others lose nothing."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.setblocking(False)
    listener.bind(str(adopt_socket(here.sockets)))
    listener.listen()
    clients = [await here.connect() for _ in range(6)]
    for n, (_, writer) in enumerate(clients):
        writer.write(b"PUT /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n" % n + b"x" * 65536)
        await here.until(lambda n=n: here.front.shared.counters.handed_over == n + 1)  # type: ignore[misc]
    link, _ = listener.accept()
    _, (descriptor,), *_ = socket.recv_fds(link, 16, 1)
    inbox = Inbox(socket.socket(fileno=descriptor))
    ((begun, first),) = inbox.read(2)
    assert first.startswith(b"PUT /0 ")
    for one in (begun, inbox, link, listener):
        one.close()
    with pytest.raises(ConnectionResetError):  # it was begun, so nobody begins it again
        await clients[0][0].read()
    control = Control(here)
    await control.adopter.start()
    for n, (reader, _) in enumerate(clients[1:], 1):
        assert (await read_reply(reader)).body == said("PUT", f"/{n}", b"x" * 65536)
    assert len(control.app.scopes) == 5
    await control.adopter.close(0.5)


async def test_closing_finishes_requests_in_progress(here: Site, control: Control) -> None:
    control.app.hold = asyncio.Event()
    busy, idle = await here.connect(), await here.connect()
    busy[1].write(b"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n")
    await control.app.begun.wait()
    closing = asyncio.ensure_future(control.adopter.close(5))
    idle[1].write(b"GET /idle HTTP/1.1\r\nHost: x\r\n\r\n")  # comes too late for this one
    await here.until(lambda: here.front.sender.pending == 1)
    control.app.hold.set()
    assert (await read_reply(busy[0])).body == said("GET", "/busy")
    await closing
    successor = Control(here)
    await successor.adopter.start()
    assert (await read_reply(idle[0])).body == said("GET", "/idle")
    await successor.adopter.close(0.5)


@pytest.mark.parametrize(
    "sent", [b"GE", b"GET / HT", b"GET / HTTP/1.1\r\nHost:", b"PUT /k HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"]
)
async def test_a_client_that_stops_in_the_middle_is_broken_off(here: Site, sent: bytes) -> None:
    control = Control(here, Patience(head=0.05, body=0.05, sweep=0.02))
    await control.adopter.start()
    control.app.hold = asyncio.Event()
    patient = await here.connect()
    patient[1].write(b"GET /patient HTTP/1.1\r\nHost: x\r\n\r\n")  # its answer takes longer than a client may be silent
    reader, writer = await here.connect()
    writer.write(sent)
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    control.app.hold.set()
    assert (await read_reply(patient[0])).body == said("GET", "/patient")
    await control.adopter.close(0.5)


async def test_closing_waits_for_answers_to_be_taken(here: Site, control: Control) -> None:
    """The last piece of an answer stands in a buffer of this process while its client is slow."""
    control.app.padding = b"x" * 8_000_000
    reader, writer = await here.connect()
    writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    closing = asyncio.ensure_future(control.adopter.close(5))
    body = await reader.read()
    assert b"content-length: %d" % len(body) in head
    await closing


async def test_one_that_is_halfway_across_does_not_hold_up_the_refusal_of_others(tmp_path: Path) -> None:
    """A control process that lives but reads nothing: its channel fills up in the middle of a connection."""
    async with site(tmp_path, Bounds(adopt_seconds=0.1)) as here:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(adopt_socket(here.sockets)))
        listener.listen()
        filling = [await here.connect() for _ in range(30)]
        for _, writer in filling:
            writer.write(b"PUT /k HTTP/1.1\r\nContent-Length: 65000\r\n\r\n" + b"x" * 65_000)
        await here.until(lambda: here.front.sender.pending > 5)
        assert here.front.sender._queue[0].sent > 0  # the very case
        reader, writer = await here.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_reply(reader)).status == 503
        listener.close()
