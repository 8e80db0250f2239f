"""A small HTTP/1.1 server for model servers: GET /ping and POST /invocations, on a Unix socket or a TCP port."""

import asyncio
import contextlib
import gc
import json
import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from clary.algorithms.connection import Connection, Request, Response
from clary.algorithms.contract import say, visible_cpus
from clary.algorithms.refused import Refused as Refused

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    content_type: str


class Model(Protocol):
    @property
    def repeatable(self) -> bool:
        """Its answers are functions of the request alone: whoever was not answered may ask another instance."""
        ...

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """The prediction. Called from several threads at once. Raises Refused."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How to listen and what to take, from the variables of the container contract."""

    unix: Path | None
    host: str
    port: int
    body_limit: int
    """Bytes of the largest request body."""
    threads: int
    queue_limit: int = 1024
    """Requests that may wait for a thread; more are answered 503."""
    inline_limit: int = 4096
    """Bodies of up to so many bytes are predicted at once, without a thread: the hop would cost more than the model."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises ValueError with the variable's name when a value does not parse."""
        unix, host, port = _bind(environ)
        return cls(
            unix=unix,
            host=host,
            port=port,
            body_limit=_whole(environ, "MAX_CONTENT_LENGTH", 6 * MEGABYTE),
            threads=_whole(environ, "MODEL_SERVER_WORKERS", visible_cpus(environ)),
        )


def _bind(environ: Mapping[str, str]) -> tuple[Path | None, str, int]:
    bind = environ.get("CLARY_BIND", "")
    if bind.startswith("unix:"):
        return Path(bind.removeprefix("unix:")), "", 0
    if not bind:
        return None, "0.0.0.0", _whole(environ, "SAGEMAKER_BIND_TO_PORT", 8080)
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"CLARY_BIND={bind!r}: must be unix:/path or host:port")
    return None, host.strip("[]"), int(port)


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"{name}={text!r}: must be a whole number of at least 1")
    return int(text)


class Server:
    """Answers for one model. What is in flight when `drain` is called is still answered."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model = model
        self.settings = settings
        self.connections: set[Connection] = set()
        self.draining = False
        self._threads = ThreadPoolExecutor(settings.threads, "predict")
        self._waiting = 0
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens: from now on /ping answers 200."""
        loop = asyncio.get_running_loop()
        if self.settings.unix is not None:
            _clear(self.settings.unix)
            self._listener = await loop.create_unix_server(self._accept, str(self.settings.unix), backlog=1024)
        else:
            self._listener = await loop.create_server(
                self._accept, self.settings.host, self.settings.port, backlog=1024
            )

    @property
    def port(self) -> int:
        """The TCP port that it listens on; 0 on a Unix socket."""
        if self._listener is None or self.settings.unix is not None:
            return 0
        return int(self._listener.sockets[0].getsockname()[1])

    def _accept(self) -> Connection:
        return Connection(self.answer, self.settings.body_limit, self.connections)

    async def drain(self, seconds: float = 30.0) -> None:
        """Nothing new is accepted; what was received is answered, within `seconds`; then all connections are closed."""
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        open_ones = list(self.connections)
        for one in open_ones:
            one.finish()
        if open_ones:
            await asyncio.wait([one.closed for one in open_ones], timeout=seconds)
        for one in list(self.connections):
            one.abort()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self.settings.unix is not None:
            self.settings.unix.unlink(missing_ok=True)

    async def answer(self, request: Request) -> Response:
        """Never raises: what goes wrong becomes a status and a sentence."""
        try:
            return await self._route(request)
        except Refused as refused:
            return text(refused.status, str(refused))
        except Exception as error:
            say(f"{request.method} {request.path} failed: {error!r}", level="ERROR")
            return text(500, f"The model failed on this request: {type(error).__name__}: {error}")

    async def _route(self, request: Request) -> Response:
        match (request.path, request.method):
            case ("/ping", "GET" | "HEAD"):
                return Response(200)
            case ("/invocations", "POST"):
                return await self._invoke(request, self.model)
            case ("/execution-parameters", "GET"):
                return self._parameters()
            case ("/ping" | "/invocations" | "/execution-parameters", _):
                return text(405, f"{request.method} is not allowed on {request.path}")
        return text(404, f"{request.path} is not served here; there are GET /ping and POST /invocations")

    async def _invoke(self, request: Request, model: Model) -> Response:
        accept, kind = request.headers.get("accept"), request.headers.get("content-type")
        if len(request.body) <= self.settings.inline_limit:
            return _ok(model, model.invoke(request.body, kind, accept))
        if self._waiting >= self.settings.queue_limit:
            return Response(503, {"retry-after": "1"}, b"The model server is busy; try again.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return _ok(model, await loop.run_in_executor(self._threads, model.invoke, request.body, kind, accept))
        finally:
            self._waiting -= 1

    def _parameters(self) -> Response:
        """What a batch transform may send: asked before it starts."""
        body = json.dumps(
            {
                "MaxConcurrentTransforms": self.settings.threads,
                "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": max(1, self.settings.body_limit // MEGABYTE),
            }
        ).encode()
        return Response(200, {"content-type": "application/json"}, body)


def text(status: int, message: str) -> Response:
    return Response(status, {"content-type": "text/plain; charset=utf-8"}, message.encode())


def _ok(model: Model, answer: Answer) -> Response:
    headers = {"content-type": answer.content_type}
    if model.repeatable:
        headers["x-clary-repeatable"] = "true"
    return Response(200, headers, answer.body)


def _clear(path: Path) -> None:
    """A socket that a killed server left behind is gone. Anything else at that path stays, and binding fails."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()


def run(
    load: Callable[[], Model],
    environ: Mapping[str, str],
    *,
    inline_limit: int | None = None,
    threads: int | None = None,
    server: Callable[[Model, Settings], Server] = Server,
) -> int:
    """Loads the model, then serves it until SIGTERM. The exit code: 0, or 1 with the reason in the log when the model
    does not load or the address cannot be used. It listens only once the model is there, so /ping never lies.
    `inline_limit` and `threads` replace those of Settings, for models that do their work elsewhere; `server` makes
    another one of the model than usual."""
    try:
        settings = Settings.read(environ)
    except ValueError as error:
        say(str(error), level="ERROR")
        return 1
    if inline_limit is not None:
        settings = replace(settings, inline_limit=inline_limit)
    if threads is not None:
        settings = replace(settings, threads=threads)
    try:
        model = load()
    except Exception as error:
        say(f"Unable to load the model: {error}", level="ERROR")
        return 1
    # What stands now stays until the end: no collection need walk it while somebody waits for an answer.
    gc.collect()
    gc.freeze()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(server, model, settings))
    except OSError as error:
        say(f"Cannot listen on {settings.unix or f'{settings.host}:{settings.port}'}: {error}", level="ERROR")
        return 1
    sys.stdout.flush()
    # Threads may still be inside a prediction that outlived the time to drain; nobody waits for its answer any more.
    os._exit(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(make: Callable[[Model, Settings], Server], model: Model, settings: Settings) -> None:
    server = make(model, settings)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await server.start()
    say(f"Serving on {server.settings.unix or f'{server.settings.host}:{server.port}'}.")
    await ended.wait()
    await server.drain()
