"""A client that sends what it is told, byte by byte, and reads what comes until an answer is whole or the end."""

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from clary.aws import model
from tests.real import RealClary

WAIT_SECONDS = 20.0
"""Longer than any answer may take."""
REGION = "us-east-1"


@dataclass(frozen=True)
class Said:
    """What the server answered; status 0: it closed the connection without a word."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def talk(port: int, *pieces: bytes, half_close: bool = False, seconds: float = WAIT_SECONDS) -> Said:
    """The first answer to these bytes. Fails when neither an answer nor the end comes within `seconds`."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # it has been refused while we were still talking: the answer may be there to be read
            pass
        return _read(connection)


def _read(connection: socket.socket) -> Said:
    data = b""
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if end:
            said = _head(head)
            length = said.headers.get("content-length")
            if said.status >= 200 and length is not None and len(rest) >= int(length):
                return Said(said.status, said.headers, rest[: int(length)])
        try:
            more = connection.recv(65536)
        except ConnectionError:
            more = b""
        if not more:
            return Said(*(_head(head).status, _head(head).headers, rest)) if end else Said(0, {}, data)
        data += more


def _head(head: bytes) -> Said:
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Said(int(first.split(" ")[1]), headers, b"")


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """An unsigned request as it goes over the wire."""
    given = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


class Signer:
    """Signs with the root key of a home, whatever it is that is asked."""

    def __init__(self, server: RealClary) -> None:
        keys = json.loads((server.home / "credentials.json").read_text())
        self.credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])
        self.url = f"http://127.0.0.1:{server.port}"

    def signed(
        self, service: str, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> bytes:
        given = AWSRequest(method, self.url + path, dict(headers or {}), body)
        given.headers["Host"] = urlsplit(self.url).netloc
        signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(self.credentials, model.load(service).signing_name, REGION).add_auth(given)
        return request(method, path, {**dict(given.headers), "Content-Length": str(len(body))}, body)

    def presigned(self, service: str, path: str) -> str:
        """Path and query of a GET that anybody may send."""
        given = AWSRequest("GET", self.url + path)
        SigV4QueryAuth(self.credentials, model.load(service).signing_name, REGION).add_auth(given)
        return given.url.removeprefix(self.url)

    def json(self, service: str, operation: str, body: bytes) -> bytes:
        one = model.load(service)
        kind = f"application/x-amz-json-{one.json_version}"
        return self.signed(
            service, "POST", "/", {"X-Amz-Target": f"{one.target_prefix}.{operation}", "Content-Type": kind}, body
        )


def endless(piece: bytes, count: int) -> Iterable[bytes]:
    return (piece for _ in range(count))
