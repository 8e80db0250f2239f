"""A front of the data plane over real sockets, and small model servers behind it."""

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from clary.aws.credentials import HomeKeyRing, Keys
from clary.aws.sigv4 import Verifier
from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.front import Front
from clary.engines.serving.instance import Limits
from clary.engines.serving.plane import Plane
from clary.engines.serving.routes import RouteFile
from clary.engines.serving.shared import Authenticate, Bounds
from clary.kernel.clock import SystemClock
from clary.kernel.resource import Doc
from clary.processes.admission import Admission
from clary.processes.front import EVENTS

ACCOUNT = "123456789012"
REGION = "us-east-1"
KEYS = Keys("AKIATESTTESTTESTTEST", "a-secret-that-only-tests-know")
RING = HomeKeyRing(KEYS, ACCOUNT, b"master" * 6)

Answer = tuple[int, Mapping[str, str], bytes]
Model = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]


async def echo(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    return 200, {"content-type": headers.get("content-type", "-")}, body


class ModelServer:
    """An HTTP server on a Unix socket in this process. Counts what it was asked."""

    def __init__(self, path: Path, model: Model = echo) -> None:
        self.path = path
        self.address = f"unix:{path}"
        self.model = model
        self.seen: list[tuple[str, Mapping[str, str], bytes]] = []
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "ModelServer":
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        self._server.close()
        self.path.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while True:
                path, headers, body = await read_request(reader)
                self.seen.append((path, headers, body))
                if path == "/ping":
                    status, said, answer = 200, {}, b""
                else:
                    status, said, answer = await self.model(path, headers, body)
                lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
                head = f"HTTP/1.1 {status} X\r\n{lines}content-length: {len(answer)}\r\n\r\n"
                writer.write(head.encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head[0].split(" ")[1], headers, body


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """One answer as a client reads it (interim answers skipped)."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        if status >= 200:
            break
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Reply(status, headers, body)


@dataclass
class Site:
    """One front, its plane, and where to reach it."""

    front: Front
    plane: Plane
    port: int
    directory: Path
    sockets: Path
    listener: socket.socket
    clients: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, endpoint: str, *variants: tuple[str, float, list[str]]) -> Route:
        """The endpoint is served by the front (observed)."""
        route = Route(ACCOUNT, REGION, endpoint, tuple(RouteVariant(n, w, tuple(a)) for n, w, a in variants))
        await self.plane.publish(route)
        assert await self.plane.serves(route)
        return route

    def client(self, keys: Keys = KEYS, **settings: Any) -> Any:
        return boto3_client(self.url, keys, **settings)

    async def invoke(self, endpoint: str, body: bytes = b"1", keys: Keys = KEYS, **params: Any) -> Any:
        """Through a real boto3 client."""

        def call() -> Any:
            client = self.client(keys)
            try:
                answer = client.invoke_endpoint(EndpointName=endpoint, Body=body, **params)
                return {**answer, "Body": answer["Body"].read()}
            finally:
                client.close()

        return await asyncio.to_thread(call)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection, closed with the site."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(writer)
        return reader, writer

    async def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Ask the front, which serves meanwhile, until `holds`."""
        async with asyncio.timeout(seconds):
            while not holds():
                await self.plane.counters()

    def request(self, endpoint: str, body: bytes = b"1", path: str = "invocations", **headers: str) -> bytes:
        """A signed request as bytes."""
        return signed(f"{self.url}/endpoints/{endpoint}/{path}", body, headers)


def signed(url: str, body: bytes, headers: Mapping[str, str], keys: Keys = KEYS, framing: str = "") -> bytes:
    given = AWSRequest(method="POST", url=url, data=body, headers=dict(headers))
    given.headers["Host"] = url.split("/")[2]
    credentials = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(credentials, "sagemaker", REGION).add_auth(given)
    framing = framing or f"Content-Length: {len(body)}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.headers.items() if name != "Content-Length")
    path = "/" + url.split("/", 3)[3]
    return f"POST {path} HTTP/1.1\r\n{lines}{framing}\r\n\r\n".encode() + (b"" if "chunked" in framing else body)


def boto3_client(url: str, keys: Keys = KEYS, service: str = "sagemaker-runtime", **settings: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=Config(retries={"total_max_attempts": 1}, **settings),
    )


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="clary-") as made:
        yield Path(made)


@contextlib.asynccontextmanager
async def site(
    tmp_path: Path,
    bounds: Bounds | None = None,
    limits: Limits | None = None,
    name: str = "0",
    authenticate: Authenticate | None = None,
    uses: Callable[[], list[Doc]] = list,
) -> AsyncIterator[Site]:
    with short_directory() as sockets:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        directory = tmp_path / "serving"
        front = Front(
            name,
            listener,
            RouteFile(directory),
            sockets,
            authenticate or Admission(Verifier(RING, SystemClock()), ACCOUNT),
            SystemClock(),
            bounds,
            limits,
            EVENTS,
            uses,
        )
        await front.start()
        plane = Plane(directory, sockets, limits)
        made = Site(front, plane, listener.getsockname()[1], directory, sockets, listener)
        try:
            yield made
        finally:
            for writer in made.clients:
                writer.close()
            plane.close()
            await front.drain(0.5)


async def model_process(path: Path, *arguments: str) -> asyncio.subprocess.Process:
    """A model server in a process of its own, ready to answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.model_server", str(path), *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process
