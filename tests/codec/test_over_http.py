"""The gateway under uvicorn, over a real connection: what a client sees byte by byte, and what is left behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from clary.aws.credentials import HomeKeyRing
from clary.aws.gateway import Gateway
from clary.aws.service import Context, Service
from clary.kernel.clock import SystemClock
from clary.kernel.sqlite import SqliteStore
from tests.inprocess import ACCOUNT, ROOT_KEYS

WAIT_SECONDS = 20
PIECE = b"x" * 65_536


class House:
    """A gateway on a free port, with an S3 that counts."""

    def __init__(self) -> None:
        self.received = 0
        self.ended = asyncio.Event()
        self.port = 0

    def service(self) -> Service:
        s3 = Service("s3")

        @s3.operation("PutObject")
        async def put_object(ctx: Context, req: dict[str, Any]) -> dict[str, Any]:
            async for piece in req["Body"]:
                self.received += len(piece)
            return {"ETag": '"e"'}

        @s3.operation("GetObject")
        async def get_object(ctx: Context, req: dict[str, Any]) -> dict[str, Any]:
            async def for_ever() -> AsyncIterator[bytes]:
                try:
                    while True:
                        yield PIECE
                finally:
                    self.ended.set()

            return {"Body": for_ever(), "ContentLength": 2**50}

        @s3.operation("HeadObject")
        async def head_object(ctx: Context, req: dict[str, Any]) -> dict[str, Any]:
            return {"ContentLength": 12_345}

        return s3

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    def head(self, method: str, path: str, body: bytes = b"", *, key: str = "", more: str = "") -> bytes:
        """A signed request up to its body."""
        request = AWSRequest(method, f"http://127.0.0.1:{self.port}{path}", data=body)
        credentials = Credentials(key or ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key)
        S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n" + more + "\r\n").encode()


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    text = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)).decode()
    first, *lines = text.rstrip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    status, headers = await read_head(reader)
    return status, headers, await reader.readexactly(int(headers.get("content-length", "0")))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House()
    clock = SystemClock()
    store = SqliteStore(tmp_path / "clary.db", clock)
    ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"m" * 32)
    app = Gateway([made.service()], ring=ring, store=store, clock=clock, ports={}, account=ACCOUNT)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", http="httptools", ws="none")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    made.port = server.servers[0].sockets[0].getsockname()[1]
    yield made
    await server.shutdown()
    store.close()


async def test_a_body_is_asked_for_only_when_it_is_wanted(house: House) -> None:
    reader, writer = await house.connect()
    writer.write(house.head("PUT", "/b/k", b"abc", more="Expect: 100-continue\r\n"))
    assert (await read_head(reader))[0] == 100
    writer.write(b"abc")
    assert (await read_answer(reader))[0] == 200
    assert house.received == 3
    writer.write(house.head("PUT", "/b/k", b"abc", key="AKIAUNKNOWN", more="Expect: 100-continue\r\n"))
    status, headers, body = await read_answer(reader)
    assert (status, headers["connection"]) == (403, "close")
    assert b"InvalidAccessKeyId" in body
    assert await reader.read() == b""
    assert house.received == 3
    writer.close()


async def test_a_refused_request_leaves_its_connection_usable(house: House) -> None:
    reader, writer = await house.connect()
    for _ in range(3):
        writer.write(house.head("PUT", "/b/k", b"abc", key="AKIAUNKNOWN") + b"abc")
        assert (await read_answer(reader))[0] == 403
        writer.write(house.head("PUT", "/b/k", b"abc") + b"abc")
        assert (await read_answer(reader))[0] == 200
    assert house.received == 9
    writer.close()


async def test_head_tells_a_length_without_a_body(house: House) -> None:
    reader, writer = await house.connect()
    for _ in range(2):
        writer.write(house.head("HEAD", "/b/k"))
        status, headers = await read_head(reader)
        assert (status, headers["content-length"]) == (200, "12345")
    writer.close()


async def test_a_download_that_nobody_reads_any_more_ends(house: House) -> None:
    before = asyncio.all_tasks()
    reader, writer = await house.connect()
    writer.write(house.head("GET", "/b/k"))
    assert (await read_head(reader))[0] == 200
    await reader.readexactly(len(PIECE))
    writer.transport.abort()
    await asyncio.wait_for(house.ended.wait(), WAIT_SECONDS)
    if left := asyncio.all_tasks() - before:
        _, pending = await asyncio.wait(left, timeout=WAIT_SECONDS)
        assert pending == set()


async def test_an_upload_that_breaks_off_is_not_answered_as_stored(house: House) -> None:
    reader, writer = await house.connect()
    body = PIECE * 4
    writer.write(house.head("PUT", "/b/k", body) + body[: len(PIECE)])
    await writer.drain()
    writer.write_eof()
    assert b"200" not in (await asyncio.wait_for(reader.read(), WAIT_SECONDS))[:12]
    writer.close()
