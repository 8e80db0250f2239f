"""Bytes of a client's connection to requests: where one begins and ends, and whether it is an inference at all.

The body is framed here and not by the parser, because a connection may have to be handed over at the exact boundary
between two pipelined requests. Nothing ambiguous is let through: a request that two readers could frame differently is
refused.
"""

import re
from typing import Literal

import httptools

HEAD_LIMIT = 64 * 1024
LINE_LIMIT = 2048
_PREFIX = b"POST /endpoints/"
# Only what the model of the API calls an endpoint name; whatever else looks similar is answered by the gateway, with
# all its words, and so are asynchronous inferences: they are rows before they are answered. A query is a presigned
# request's, or it is another service's (a bucket may be called "endpoints").
_LINE = re.compile(
    rb"POST /endpoints/([a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/(invocations|invocations-response-stream)"
    rb"(\?[^ ]*X-Amz-Signature=[^ ]*)? HTTP/1\.1\r\n"
)
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})(?:[ \t]*;[^\r\n]*)?")


class BadRequest(Exception):
    """The bytes are no request that can be answered, or framed: the connection must close."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def sniff(data: bytes | bytearray) -> Literal["inference", "other", "more"]:
    """What begins with these bytes, at a request boundary. "more": not yet to be told."""
    if not data.startswith(_PREFIX[: len(data)]):
        return "other"
    end = data.find(b"\r\n", 0, LINE_LIMIT)
    if end < 0:
        return "more" if len(data) < LINE_LIMIT else "other"
    line = _LINE.match(data)
    return "inference" if line is not None and len(line[1]) <= 63 else "other"


class Head:
    """A request line and its headers. Filled by `parse_head`."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.operation = ""
        self.path = b""
        self.query = b""
        self.headers: dict[str, str] = {}
        """By lower-case name, without the blanks around a value; a repeated header's values are joined by commas: as
        signatures are made of them."""
        self.length: int | None = 0
        """Bytes of the body; None: chunked."""
        self.keep_alive = True
        self.expects_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip(" \t")
        self.headers[key] = f"{self.headers[key]},{text}" if key in self.headers else text


def parse_head(block: bytes) -> Head:
    """The head of an inference; `block` ends with its empty line. Raises BadRequest."""
    if block.count(b"\n") != block.count(b"\r\n"):
        raise BadRequest(400, "A line of the request's head ends without a carriage return.")
    line = _LINE.match(block)
    assert line is not None  # `sniff` has seen it
    head = Head()
    parser = httptools.HttpRequestParser(head)
    try:
        parser.feed_data(block)
    except httptools.HttpParserUpgrade:
        pass  # an upgrade is offered, and not taken up
    except httptools.HttpParserError as error:
        raise BadRequest(400, f"The request does not parse: {error}") from error
    head.endpoint = line[1].decode()
    head.operation = line[2].decode()
    target = block[5 : line.end() - len(" HTTP/1.1\r\n")]
    head.path, _, head.query = target.partition(b"?")
    connection = head.headers.get("connection")
    head.keep_alive = connection is None or "close" not in [one.strip().lower() for one in connection.split(",")]
    head.expects_continue = head.headers.get("expect", "").lower() == "100-continue"
    head.length = _length(head.headers)
    return head


def _length(headers: dict[str, str]) -> int | None:
    encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if encoding is not None:
        if length is not None:
            raise BadRequest(400, "The request has both a Content-Length and a Transfer-Encoding.")
        if encoding.strip().lower() != "chunked":
            raise BadRequest(501, f"The transfer encoding {encoding!r} is not known here; use chunked.")
        return None
    if length is None:
        return 0
    if not (length.isascii() and length.isdecimal()) or len(length) > 15:
        raise BadRequest(400, "The Content-Length is not a number.")
    return int(length)


class Chunked:
    """Decodes one chunked body; `feed` eats it from the front of a buffer and leaves what follows."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._left = 0
        """Bytes of the chunk at hand that are still to come, its CRLF included."""
        self._trailers = False
        self._trailer_bytes = 0
        self.size = 0

    def feed(self, buffer: bytearray) -> bytes | None:
        """The whole body once its end has come, else None. Raises BadRequest."""
        while True:
            if self._left:
                if not self._data(buffer):
                    return None
                continue
            end = buffer.find(b"\r\n", 0, LINE_LIMIT)
            if end < 0:
                if len(buffer) >= LINE_LIMIT:
                    raise BadRequest(400, "A line of the chunked body is too long.")
                return None
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            if self._trailers:
                self._trailer_bytes += end
                if not line:
                    return b"".join(self._parts)
                if self._trailer_bytes > HEAD_LIMIT:
                    raise BadRequest(431, "The trailers of the request are too long.")
            else:
                self._chunk(line)

    def _chunk(self, line: bytes) -> None:
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise BadRequest(400, "A chunk's size does not parse.")
        size = int(match[1], 16)
        self.size += size
        if self.size > self._limit:
            raise BadRequest(413, too_long(self._limit))
        if size == 0:
            self._trailers = True
        else:
            self._left = size + 2

    def _data(self, buffer: bytearray) -> bool:
        """Eat what is there of the chunk at hand. False: more is needed."""
        data = min(len(buffer), self._left - 2) if self._left > 2 else 0
        if data:
            self._parts.append(bytes(buffer[:data]))
            del buffer[:data]
            self._left -= data
        if self._left > 2:
            return False
        if len(buffer) < 2:
            return False
        if buffer[:2] != b"\r\n":
            raise BadRequest(400, "A chunk does not end where its size says.")
        del buffer[:2]
        self._left = 0
        return True


def too_long(limit: int) -> str:
    """AWS's words for a body that is too long."""
    return f"HTTP content length exceeded {limit} bytes."
