"""Requests to the model's containers, one after the other: what one answers is what the next is sent.

Plain sockets and threads: a thread sends one request at a time, so nothing waits but what must."""

import gzip
import itertools
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import httptools

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.transformer.faults import Failure

_CHUNK: Final = 1 << 20
_SHOWN: Final = 512
"""Characters of a model's error that are told."""
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
_CONNECT_SECONDS: Final = 5.0
_PARAMETERS_SECONDS: Final = 60.0
NOT_GZIP: Final = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading an object raises that was to be unpacked and cannot be."""


@dataclass(slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Empty where it went to a file."""

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `body` makes the bytes anew each time, since a request may be repeated."""

    body: "bytes | Callable[[], Iterable[bytes]]"
    """A function: sent in chunks, without a length told before."""
    headers: Mapping[str, str]
    sink: BinaryIO | None = None
    """Where the body of a good answer goes, from its beginning; None: into the reply."""


@dataclass(slots=True)
class _Answer:
    """What httptools has read of an answer so far."""

    sink: BinaryIO | None
    parser: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    begun: bool = False
    done: bool = False

    def on_message_begin(self) -> None:
        self.begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.sink is not None and 200 <= self.parser.get_status_code() < 300:
            self.sink.seek(0)
            self.sink.truncate()

    def on_body(self, body: bytes) -> None:
        if self.sink is not None and 200 <= self.parser.get_status_code() < 300:
            self.sink.write(body)
        else:
            self.parts.append(body)

    def on_message_complete(self) -> None:
        self.done = self.parser.get_status_code() >= 200  # 100 Continue is not the answer yet


class Container:
    """One keep-alive connection to one container. Belongs to one thread."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def ask(self, method: str, path: str, asked: Asked, seconds: float) -> Reply:
        """Raises OSError (TimeoutError among them) when no whole answer came within `seconds`."""
        kept = self._socket is not None
        try:
            return self._once(method, path, asked, seconds)
        except _Unanswered:
            if not kept:
                raise
            # A connection that was kept had been closed at the other end: the request goes out on a new one.
            return self._once(method, path, asked, seconds)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _once(self, method: str, path: str, asked: Asked, seconds: float) -> Reply:
        until = time.monotonic() + seconds
        try:
            if self._socket is None:
                self._socket = _connect(self._address)
            refused = self._send(self._socket, method, path, asked, until)
            return self._read(self._socket, asked.sink, until, refused)
        except BaseException:
            self.close()
            raise

    def _send(self, to: socket.socket, method: str, path: str, asked: Asked, until: float) -> OSError | None:
        """What kept the request from being sent whole: its answer may say why."""
        lines = [f"{method} {path} HTTP/1.1", "host: model"]
        lines += [f"{name}: {value}" for name, value in asked.headers.items()]
        to.settimeout(max(0.001, until - time.monotonic()))
        try:
            if isinstance(asked.body, bytes):
                lines.append(f"content-length: {len(asked.body)}\r\n\r\n")
                head = "\r\n".join(lines).encode("latin-1")
                if len(asked.body) < 65536:
                    to.sendall(head + asked.body)
                else:
                    to.sendall(head)
                    to.sendall(asked.body)
                return None
            lines.append("transfer-encoding: chunked\r\n\r\n")
            to.sendall("\r\n".join(lines).encode("latin-1"))
            for part in asked.body():  # raises Failure, no OSError
                to.sendall(b"%x\r\n%b\r\n" % (len(part), part))
            to.sendall(b"0\r\n\r\n")
        except TimeoutError:
            raise
        except OSError as error:
            return error
        return None

    def _read(self, source: socket.socket, sink: BinaryIO | None, until: float, refused: OSError | None) -> Reply:
        answer = _Answer(sink)
        answer.parser = parser = httptools.HttpResponseParser(answer)
        while not answer.done:
            source.settimeout(max(0.001, until - time.monotonic()))
            try:
                data = source.recv(_CHUNK)
            except ConnectionError as error:
                raise _Unanswered(str(error)) if not answer.begun else error from None
            if not data:
                if answer.begun and "content-length" not in answer.headers and parser.get_status_code() >= 200:
                    break  # an answer that ends with its connection
                if answer.begun:
                    raise ConnectionError("the connection was closed in the middle of the answer")
                raise _Unanswered(str(refused) if refused else "the connection was closed without an answer")
            try:
                parser.feed_data(data)
            except httptools.HttpParserError as error:
                raise ConnectionError(f"the answer is not HTTP: {error}") from None
        if refused is not None or not answer.done or not parser.should_keep_alive():
            self.close()
        return Reply(parser.get_status_code(), answer.headers, b"".join(answer.parts))


class _Unanswered(ConnectionError):
    """Not a byte of an answer came."""


class Chain:
    """The containers of a model. Each thread that sends has connections of its own."""

    def __init__(self, addresses: Sequence[str], *, seconds: float, retries: int, pause: float) -> None:
        self._addresses = addresses
        self._seconds = seconds
        self._retries = retries
        self._pause = pause
        self._local = threading.local()

    def preferred(self) -> Mapping[str, Any]:
        """What the first container answers to GET /execution-parameters; {} when it does not know that."""
        try:
            reply = self._containers()[0].ask("GET", "/execution-parameters", Asked(b"", {}), _PARAMETERS_SECONDS)
            told = json.loads(reply.body) if reply.status == 200 else {}
        except ValueError:
            return {}
        except OSError as error:
            raise AlgorithmError(f"Unable to get response from the algorithm: {error}") from None
        return told if isinstance(told, dict) else {}

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Reply:
        """What the last container answers. Raises Failure for another status than 2xx, and when there was no answer,
        also after the retries."""
        reply = Reply(200, {"content-type": content_type} if content_type else {}, body)
        for container, wanted in self._steps(accept):
            reply = self._tried(container, Asked(reply.body, _headers(reply.content_type, wanted)))
        return reply

    def stream(self, source: "Callable[[], BinaryIO]", content_type: str | None, accept: str | None, out: Path) -> None:
        """What the last container answers to an object of any size is in the file `out`. Raises Failure."""
        opened, kind = source, content_type
        for number, (container, wanted) in enumerate(self._steps(accept)):
            place = out.with_name(f"{out.name}.{number}")
            with place.open("w+b") as sink:
                parts = _parts(opened)
                reply = self._tried(container, Asked(parts, _headers(kind, wanted), sink))
            kind = reply.content_type
            opened = _opener(place)
        place.replace(out)
        for number in range(len(self._addresses) - 1):
            out.with_name(f"{out.name}.{number}").unlink()

    def _steps(self, accept: str | None) -> Iterator[tuple[Container, str | None]]:
        """Only the last is asked for the type that the job wants: those before it answer what the next one takes."""
        containers = self._containers()
        for number, container in enumerate(containers, 1):
            yield container, accept if number == len(containers) else None

    def _containers(self) -> list[Container]:
        found: list[Container] | None = getattr(self._local, "containers", None)
        if found is None:
            found = self._local.containers = [Container(address) for address in self._addresses]
        return found

    def _tried(self, container: Container, asked: Asked) -> Reply:
        for attempt in itertools.count():
            last = attempt >= self._retries
            try:
                reply = container.ask("POST", "/invocations", asked, self._seconds)
            except OSError as error:
                if last:
                    raise Failure("AlgorithmError", _unanswered(error, self._seconds)) from None
            else:
                if 200 <= reply.status < 300:
                    return reply
                if last or reply.status not in _RETRIED:
                    raise _refused(reply)
            time.sleep(self._pause * 2**attempt)
        raise AssertionError("the last attempt returns or raises")


def _connect(address: str) -> socket.socket:
    if address.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(_CONNECT_SECONDS)
        try:
            made.connect(address.removeprefix("unix:"))
        except BaseException:
            made.close()
            raise
        return made
    host, _, port = address.rpartition(":")
    made = socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _headers(content_type: str | None, accept: str | None) -> dict[str, str]:
    found = {"content-type": content_type} if content_type else {}
    return found | ({"accept": accept} if accept else {})


def _parts(opened: "Callable[[], BinaryIO]") -> Callable[[], Iterator[bytes]]:
    def parts() -> Iterator[bytes]:
        try:
            with opened() as file:
                while part := file.read(_CHUNK):
                    yield part
        except NOT_GZIP as error:
            raise Failure("ClientError", f"The object is not gzip: {error}") from None

    return parts


def _opener(path: Path) -> "Callable[[], BinaryIO]":
    def opened() -> BinaryIO:
        return path.open("rb")

    return opened


def _refused(reply: Reply) -> Failure:
    said = reply.body.decode("utf-8", "replace").strip()
    kind = "ClientError" if reply.status < 500 else "AlgorithmError"
    message = f"Bad HTTP status received from algorithm: {reply.status}"
    return Failure(kind, f"{message}\n\nMessage:\n{said[:_SHOWN]}" if said else message)  # type: ignore[arg-type]


def _unanswered(error: OSError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return (
            f"Unable to get response from algorithm: none came within {seconds:g} s (InvocationsTimeoutInSeconds): "
            "allow more in ModelClientConfig, or send less in one request"
        )
    return f"Unable to get response from algorithm: {error}"
