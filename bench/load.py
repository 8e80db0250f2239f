"""A load of requests that were signed before the clock starts, sent over kept-alive connections."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.servers import Server


def sagemaker(server: Server, operation: str, body: dict[str, object]) -> bytes:
    """One signed request to the SageMaker API, as it goes over the wire."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"SageMaker.{operation}"}
    return signed(server, "/", json.dumps(body).encode(), headers)


def signed(server: Server, path: str, data: bytes, headers: dict[str, str], service: str = "sagemaker") -> bytes:
    """One POST that is signed for the service of that signing name, as it goes over the wire."""
    request = AWSRequest("POST", server.url + path, headers=headers, data=data)
    SigV4Auth(Credentials(server.access_key_id, server.secret_access_key), service, "us-east-1").add_auth(request)
    lines = [f"Host: {urlsplit(server.url).netloc}", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return f"POST {path} HTTP/1.1\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n\r\n" + data


Wire = bytes | tuple[bytes, bytes]
"""A request as it goes over the wire, whole or as its head and a body that several requests share."""


@dataclass(frozen=True)
class Measured:
    requests: int
    seconds: float
    cpu_seconds: float
    waits: list[float]

    def figures(self) -> dict[str, float]:
        waits = sorted(self.waits)
        return {
            "per_second": round(self.requests / self.seconds, 1),
            "per_cpu_second": round(self.requests / self.cpu_seconds, 1),
            "p50_ms": round(waits[len(waits) // 2] * 1e3, 3),
            "p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 3),
        }


class _Connection(asyncio.Protocol):
    """One kept-alive connection with one request under way."""

    def __init__(self) -> None:
        self.usable = False
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is none of asyncio's
        self.usable = True

    async def ask(self, request: Wire) -> int:
        """The status of the answer, once it is here to its last byte."""
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self.body = b""
        self._transport.writelines(request if isinstance(request, tuple) else (request,))
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        if self._parser.get_status_code() != 200:  # kept to be told; a load reads no good answers
            self.body += data

    def on_message_complete(self) -> None:
        self.usable = self._parser.should_keep_alive()
        if not self.usable:
            self._transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed before it answered"))


async def _client(host: str, port: int, requests: Sequence[Wire], waits: list[float]) -> None:
    loop = asyncio.get_running_loop()
    connection = _Connection()
    for request in requests:
        began = time.perf_counter()
        if not connection.usable:
            _, connection = await loop.create_connection(_Connection, host, port)
        status = await connection.ask(request)
        if status != 200:
            raise RuntimeError(f"status {status}: {connection.body.decode(errors='replace')}")
        waits.append(time.perf_counter() - began)


def run(server: Server, requests: Sequence[Wire], connections: int) -> Measured:
    """All requests were answered with 200, `connections` at a time. Raises when one was not."""
    where = urlsplit(server.url)
    waits: list[float] = []

    async def go() -> None:
        shares = [requests[n::connections] for n in range(connections)]
        await asyncio.gather(*(_client(where.hostname or "", where.port or 80, one, waits) for one in shares))

    cpu = server.cpu_seconds()
    began = time.perf_counter()
    uvloop.run(go())
    seconds = time.perf_counter() - began
    return Measured(len(requests), seconds, max(server.cpu_seconds() - cpu, 1e-9), waits)


def paced(
    server: Server, requests: Sequence[Wire], connections: int, per_second: float
) -> tuple[Measured, list[float]]:
    """All requests were answered with 200, so many a second whatever the answers took; and when each was due to be
    sent (epoch seconds), in order. `waits` count from then, so that a late answer costs all that it held up."""
    where = urlsplit(server.url)
    waits: list[float] = []
    due: list[float] = [0.0] * len(requests)

    async def one(numbers: range, epoch: float, start: float) -> None:
        loop = asyncio.get_running_loop()
        connection = _Connection()
        for number in numbers:
            at = start + number / per_second
            due[number] = epoch + number / per_second
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            if not connection.usable:
                _, connection = await loop.create_connection(_Connection, where.hostname or "", where.port or 80)
            status = await connection.ask(requests[number])
            if status != 200:
                raise RuntimeError(f"status {status}: {connection.body.decode(errors='replace')}")
            waits.append(time.perf_counter() - at)

    async def go() -> None:
        epoch, start = time.time() + 0.1, time.perf_counter() + 0.1
        await asyncio.gather(*(one(range(n, len(requests), connections), epoch, start) for n in range(connections)))

    cpu = server.cpu_seconds()
    began = time.perf_counter()
    uvloop.run(go())
    seconds = time.perf_counter() - began
    return Measured(len(requests), seconds, max(server.cpu_seconds() - cpu, 1e-9), waits), due
