"""Heads without end cost the control process no memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from clary.engines.serving.adopted import uvicorn_factory
from clary.engines.serving.framing import HEAD_LIMIT

WAIT_SECONDS = 20


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
    connections = uvicorn_factory(app)
    server = await asyncio.get_running_loop().create_server(connections, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await connections.shutdown(0)
    await server.wait_closed()


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
