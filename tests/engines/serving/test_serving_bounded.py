"""Slow and endless requests to the control process are broken off, honest ones are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from clary.engines.serving.bounded import BoundedHttp
from clary.engines.serving.framing import HEAD_LIMIT

WAIT_SECONDS = 20
Open = Callable[[], Any]


async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(app, http="httptools", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}, silent_seconds=0.1), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    server.close()
    for one in list(state.connections):
        one.transport.close()
    await server.wait_closed()


async def all_that_comes(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), WAIT_SECONDS)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n", b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab", b""),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", b""),
    ],
)
async def test_a_client_that_falls_silent_in_a_request_is_disconnected(port: int, sent: bytes, answer: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    said = await all_that_comes(reader)
    assert said.startswith(answer) and bool(said) == bool(answer)
    writer.close()


async def test_a_client_that_is_slow_but_goes_on_is_served(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n")
    for _ in range(10):  # a byte now and then, for several times as long as silence may last
        ticked = asyncio.Event()
        loop.call_later(0.05, ticked.set)
        await ticked.wait()
        writer.write(b"a")
    assert (await asyncio.wait_for(reader.readuntil(b"10"), WAIT_SECONDS)).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_head_without_end_is_refused_soon(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\na: ")
    sent = 0
    try:
        while sent < 100 * HEAD_LIMIT and not reader.at_eof():
            writer.write(b"b" * 8192)
            sent += 8192
            await writer.drain()
    except ConnectionError:
        pass
    assert sent < 100 * HEAD_LIMIT
    writer.close()


async def test_many_requests_on_one_connection_have_a_bound_each(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(5):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * (HEAD_LIMIT // 2) + b"\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n0"), WAIT_SECONDS)).startswith(b"HTTP/1.1 200 ")
    writer.close()
