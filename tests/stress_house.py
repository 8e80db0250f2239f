"""Loads for tests, and servers that answer them as a test wants it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from clary.stress.conduct import conduct
from clary.stress.plan import Keys, Plan
from clary.stress.totals import Totals

GOOD = b"HTTP/1.1 200 OK\r\nx-Amzn-Invoked-Production-Variant: a\r\ncontent-length: 3\r\n\r\n1.0"
Serve = Callable[["Answering", int], None]
"""Hears the connection and how many requests came before, on all connections."""


def plan(**given: Any) -> Plan:
    wanted = {"url": "http://127.0.0.1:1", "endpoint": "e", "region": "us-east-1", "keys": Keys("AKIATEST", "secret")}
    return Plan(**{**wanted, "rows": ("1,2", "3,4"), **given})


class Answering(asyncio.Protocol):
    """One connection of the server; requests of these tests come whole."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self._server.connections += 1

    def data_received(self, data: bytes) -> None:
        number, self._server.requests = self._server.requests, self._server.requests + 1
        self._server.bodies.append(data.partition(b"\r\n\r\n")[2])
        self._server.serve(self, number)


class Server:
    """Counts, and leaves the answers to `serve`."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.requests = self.connections = 0
        self.bodies: list[bytes] = []
        self.url = ""


@asynccontextmanager
async def answering(serve: Serve) -> AsyncIterator[Server]:
    server = Server(serve)
    listening = await asyncio.get_running_loop().create_server(lambda: Answering(server), "127.0.0.1", 0, backlog=1024)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


async def load(server: Server, processes: int = 1, stop: asyncio.Event | None = None, **given: Any) -> Totals:
    """What one load saw of this server."""
    totals = Totals()
    await conduct(plan(url=server.url, **given), processes, totals, stop or asyncio.Event(), lambda at: None)
    return totals
