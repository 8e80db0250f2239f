"""An HTTP request and its answer, as every codec sees them: bytes outside, one dict of headers inside."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes

from clary.aws import headers
from clary.aws.body import Body
from clary.aws.errors import ServiceError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Chunks = AsyncIterator[bytes]


class RequestEntityTooLarge(ServiceError):
    """The body of an operation that is read whole is longer than it may be."""

    status = 413


class RequestTimeout(ServiceError):
    """The client stopped sending."""


class ClientGone(ConnectionError):
    """The client closed the connection before its body was whole. Nobody is left to answer."""


@dataclass(slots=True)
class Answer:
    """What goes back. A bytes body gets its Content-Length; an iterator is sent as it comes, with the length that
    `headers` names, or chunked."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes | Chunks = b""
    code: str = ""
    """The error code, for the access line."""


class Request:
    """One HTTP request. `path` and `query` are as they stood on the request line."""

    def __init__(self, scope: Message, receive: Receive) -> None:
        self.method: str = scope["method"]
        raw: bytes | None = scope.get("raw_path")
        self.path: bytes = (raw or scope["path"].encode()).split(b"?", 1)[0]
        self.query: bytes = scope.get("query_string", b"")
        self.client: str = (scope.get("client") or ("",))[0]
        """The address of the peer; "" when it is not known."""
        self.scheme: str = scope.get("scheme", "http")
        self.headers = headers.read(scope["headers"])
        self.body = b""
        self.read = not _has_body(self.headers)
        """The whole body has been taken off the connection."""
        self.labels: dict[str, str] = {}
        """What the path holds by the labels of the operation's template; set by the router."""
        self.door = ""
        """The name of the door that answers it, if it is no operation; for the access line."""
        self.stream: Body | None = None
        """The body of a streaming operation; set by the gateway before decoding."""
        self._receive = receive

    @cached_property
    def args(self) -> dict[str, list[str]]:
        """The query string, decoded; a name without "=" has the value ""."""
        found: dict[str, list[str]] = {}
        for pair in self.query.split(b"&"):
            if pair:
                name, _, value = pair.partition(b"=")
                found.setdefault(_unquote_plus(name), []).append(_unquote_plus(value))
        return found

    async def chunks(self) -> Chunks:
        """The body as it arrives. Raises ClientGone."""
        while not self.read:
            if chunk := await self._next():
                yield chunk

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self.read = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk

    async def read_body(self, limit: int) -> bytes:
        """The whole body, kept in `body`. Raises RequestEntityTooLarge as soon as it is longer than `limit` bytes."""
        length = self.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise _too_large(limit)
        self.body = b"" if self.read else await self._next()
        if not self.read:
            return await self.keep(self._after(self.body), limit)
        if len(self.body) > limit:
            raise _too_large(limit)
        return self.body

    async def _after(self, first: bytes) -> Chunks:
        yield first
        async for chunk in self.chunks():
            yield chunk

    async def keep(self, source: AsyncIterator[bytes], limit: int) -> bytes:
        """All of `source`, kept in `body`. Raises RequestEntityTooLarge."""
        parts: list[bytes] = []
        size = 0
        async for chunk in source:
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            parts.append(chunk)
        self.body = b"".join(parts)
        return self.body

    async def gone(self) -> None:
        """Returns when the client has closed the connection. To be awaited only after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _too_large(limit: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"The request body must not be longer than {limit} bytes.")


def _unquote_plus(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


def _has_body(headers: dict[str, str]) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
