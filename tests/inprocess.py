"""Real boto3 clients against a Gateway, without a socket: botocore signs for real and the gateway verifies for real."""

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from urllib3.response import HTTPResponse

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import HomeKeyRing, KeyRing, Keys, Principal
from clary.aws.gateway import Gateway
from clary.aws.service import Context, Service
from clary.kernel.clock import Clock, SystemClock
from clary.kernel.sqlite import SqliteStore
from clary.services.iam.effective import StoredIdentities

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROOT_KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root")
URL = "http://127.0.0.1:4810"
WAIT_SECONDS = 60.0
_PIECE = 64 * 1024

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread of its own. SQLite stores belong to it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="in-process gateway", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(WAIT_SECONDS)

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """`function` on the loop's thread."""
        if threading.current_thread() is self._thread:
            return function(*args, **kwargs)

        async def once() -> T:
            return function(*args, **kwargs)

        return self.run(once())

    def close(self) -> None:
        async def cancel() -> None:
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.get_running_loop().shutdown_asyncgens()

        self.run(cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT_SECONDS)
        self.loop.close()


class _Marshal:
    """An object whose methods all run on the loop's thread, whoever calls them."""

    def __init__(self, target: Any, thread: LoopThread) -> None:
        self._target = target
        self._thread = thread

    def __getattr__(self, name: str) -> Any:
        return partial(self._thread.call, getattr(self._target, name))


class InProcess:
    """A gateway over `services` and a store in `tmp_path`, on a loop of its own; close it, or use `serving`.

    `.client("s3")` is a boto3 client signing with the root keys; `.store` may be called from any thread; `.run(coro)`
    runs on the gateway's loop; `.context()` is a Context as handlers get it; `.ports` may be filled before the first
    call. Answers that are not of their modelled shape fail (`strict`)."""

    def __init__(
        self,
        tmp_path: Path,
        services: Sequence[Service],
        *,
        ports: Mapping[type, Any] | None = None,
        clock: Clock | None = None,
        ring: KeyRing | None = None,
        strict: bool = True,
    ) -> None:
        self.clock = clock or SystemClock()
        self.ring = ring or HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        self.thread = LoopThread()
        self.raw_store: SqliteStore = self.thread.call(SqliteStore, tmp_path / "clary.db", self.clock)
        self.store: Any = _Marshal(self.raw_store, self.thread)
        self.ports: dict[type, Any] = {**(ports or {})}
        self.ports.setdefault(KeyRing, self.ring)
        self.ports.setdefault(IdentityPolicies, StoredIdentities(self.raw_store, ACCOUNT))
        self.gateway = Gateway(
            services,
            ring=self.ring,
            store=self.raw_store,
            clock=self.clock,
            ports=self.ports,
            account=ACCOUNT,
            strict=strict,
        )

    def client(self, service: str, *, keys: Keys = ROOT_KEYS, region: str = REGION, **config: Any) -> Any:
        """A boto3 client whose requests never leave the process. `config` is botocore's."""
        session = boto3.Session(
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            region_name=region,
        )
        made = session.client(service, endpoint_url=URL, config=Config(**config))
        # A test wants to see the first answer, and to wait for no back-off.
        name = made.meta.service_model.service_id.hyphenize()
        made.meta.events.unregister(f"needs-retry.{name}", unique_id=f"retry-config-{name}")
        made.meta.events.register("before-send.*", self._send)
        return made

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.thread.run(coroutine)

    def context(self, principal: Principal = ROOT, region: str = REGION) -> Context:
        return self.gateway.inside(principal, region)

    def call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """An inside call, as one service makes it to another."""
        return self.run(self.context().call(service, operation, params))

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """A request as it stands, unsigned unless the headers say otherwise: (status, headers, body)."""
        prepared = AWSPreparedRequest(method, f"{URL}{path}", dict(headers or {}), body, False)
        answer = self._send(prepared)
        return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content

    def close(self) -> None:
        self.thread.call(self.raw_store.close)
        self.thread.close()

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        status, headers, body = self.run(drive(self.gateway, request))
        raw = HTTPResponse(
            io.BytesIO(body), headers=headers, status=status, preload_content=False, request_method=request.method
        )
        return AWSResponse(request.url, status, raw.headers, raw)


@contextlib.contextmanager
def serving(tmp_path: Path, services: Sequence[Service], **given: Any) -> Iterator[InProcess]:
    """An InProcess that is closed at the end."""
    made = InProcess(tmp_path, services, **given)
    try:
        yield made
    finally:
        made.close()


async def drive(app: Any, request: AWSPreparedRequest) -> tuple[int, dict[str, str], bytes]:
    """What `app` answers to a prepared request: (status, headers, body). The body of the request is fed in pieces."""
    pieces = _pieces(request.body)
    answered = asyncio.Event()
    status, headers, body = 0, {}, bytearray()

    async def receive() -> dict[str, Any]:
        piece = next(pieces, None)
        if piece is not None:
            return {"type": "http.request", "body": piece, "more_body": True}
        if not getattr(receive, "ended", False):
            receive.ended = True  # type: ignore[attr-defined]
            return {"type": "http.request", "body": b"", "more_body": False}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            return
        body.extend(message.get("body", b""))
        if not message.get("more_body", False):
            answered.set()

    await app(scope_of(request), receive, send)
    if not answered.is_set():
        raise AssertionError("the application returned without a whole answer")
    if request.method != "HEAD" and "content-length" in headers and int(headers["content-length"]) != len(body):
        raise AssertionError(f"Content-Length {headers['content-length']} on a body of {len(body)} bytes")
    return status, headers, bytes(body)


def scope_of(request: AWSPreparedRequest) -> dict[str, Any]:
    """The ASGI scope that uvicorn would make of it."""
    url = urlsplit(request.url)
    given = {name.lower(): value for name, value in request.headers.items()}
    given.setdefault("host", url.netloc)
    if "content-length" not in given and "transfer-encoding" not in given:
        if isinstance(request.body, bytes | str | bytearray):
            given["content-length"] = str(len(request.body))
        elif request.body is not None:
            given["transfer-encoding"] = "chunked"
    headers = [(_bytes(name), _bytes(value)) for name, value in given.items()]
    raw = url.path or "/"
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": unquote(raw),
        "raw_path": raw.encode("ascii"),
        "query_string": url.query.encode("ascii"),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 4810),
    }


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _pieces(body: Any) -> Iterator[bytes]:
    if body is None:
        return
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        data = bytes(body)
        for at in range(0, len(data), _PIECE):
            yield data[at : at + _PIECE]
    elif hasattr(body, "read"):
        while piece := body.read(_PIECE):
            yield piece if isinstance(piece, bytes) else piece.encode()
    else:
        yield from body


def make_role(house: InProcess, name: str = "job-role", policies: Sequence[str] = ("AdministratorAccess",)) -> str:
    """There is a role that SageMaker may assume, with these policies of AWS; its ARN. Needs the service iam."""
    iam = house.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return arn
