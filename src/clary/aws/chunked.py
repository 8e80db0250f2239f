"""The aws-chunked encoding: sizes, signatures and trailers around the bytes of a body, taken off and proven."""

import hmac
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Final

from clary.aws.body import IncompleteBody
from clary.aws.checksums import Checks, InvalidRequest, algorithm_of
from clary.aws.refusals import refusal
from clary.aws.sigv4 import ALGORITHM, EMPTY, Refused, Signed

SIGNED: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_LINE_BYTES: Final = 4096
_TRAILERS: Final = 32


class _Reader:
    """Lines and runs of bytes out of a stream of pieces."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._held = bytearray()

    async def _more(self) -> None:
        try:
            self._held += await anext(self._source)
        except StopAsyncIteration:
            raise IncompleteBody("The request body terminated unexpectedly.") from None

    async def line(self) -> bytes:
        while (at := self._held.find(b"\r\n")) < 0:
            if len(self._held) > _LINE_BYTES:
                raise InvalidRequest("A line of the aws-chunked body is too long.")
            await self._more()
        found = bytes(self._held[:at])
        del self._held[: at + 2]
        return found

    async def run(self, size: int) -> AsyncIterator[bytes]:
        """Exactly `size` bytes, in pieces as they arrive."""
        while size:
            if not self._held:
                await self._more()
            piece = bytes(self._held[:size])
            del self._held[: len(piece)]
            size -= len(piece)
            yield piece

    async def end(self) -> None:
        """Nothing may follow."""
        async for piece in self._source:
            if piece:
                raise InvalidRequest("Bytes follow the end of the aws-chunked body.")
        if self._held:
            raise InvalidRequest("Bytes follow the end of the aws-chunked body.")


class _Chain:
    """Each chunk's signature covers its digest and the signature before it, from the request's own on."""

    def __init__(self, signed: Signed) -> None:
        self._signed = signed
        self._last = signed.signature

    def chunk(self, digest: str, given: bytes) -> None:
        self._prove("PAYLOAD", f"{EMPTY}\n{digest}", given)

    def trailer(self, digest: str, given: bytes) -> None:
        self._prove("TRAILER", digest, given)

    def _prove(self, kind: str, tail: str, given: bytes) -> None:
        one = self._signed
        text = f"{ALGORITHM}-{kind}\n{one.date}\n{one.scope}\n{self._last}\n{tail}"
        self._last = hmac.digest(one.key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(self._last.encode(), given):
            raise refusal(
                Refused("mismatch", "The signature of a chunk does not match the signature you provided."), "s3"
            )


async def decode(source: AsyncIterator[bytes], signed: Signed, checks: Checks) -> AsyncIterator[bytes]:
    """The bytes inside. Checksums that come as trailers are handed to `checks` before the end. Raises ServiceError when
    a signature does not hold or the encoding is broken."""
    reader = _Reader(source)
    chain = None if signed.payload == UNSIGNED_TRAILER else _Chain(signed)
    while True:
        size, given = _header(await reader.line())
        digest = sha256()
        async for piece in reader.run(size):
            if chain:
                digest.update(piece)
            # Given out before the chunk is proven: whoever stores it commits only after the end.
            yield piece
        if chain:
            chain.chunk(digest.hexdigest(), given)
        if size == 0:
            break
        if await reader.line():
            raise InvalidRequest("A chunk of the aws-chunked body is longer than its announced size.")
    await _trailers(reader, signed, chain, checks)
    await reader.end()


def _header(line: bytes) -> tuple[int, bytes]:
    size, _, extension = line.partition(b";")
    given = extension.partition(b"chunk-signature=")[2].strip()
    try:
        number = int(size, 16)
    except ValueError:
        number = -1
    if number < 0:
        raise InvalidRequest("The size of a chunk in the aws-chunked body is not a hexadecimal number.")
    return number, given


async def _trailers(reader: _Reader, signed: Signed, chain: _Chain | None, checks: Checks) -> None:
    text, given, missing = "", b"", set(checks.announced)
    for _ in range(_TRAILERS):
        line = await reader.line()
        if not line:
            break
        raw_name, _, raw_value = line.decode("latin-1").partition(":")
        name, value = raw_name.strip().lower(), raw_value.strip()
        if name == "x-amz-trailer-signature":
            given = value.encode()
            continue
        text += f"{name}:{value}\n"
        missing.discard(name)
        if (algorithm := algorithm_of(name)) is not None and name in checks.announced:
            checks.expect(algorithm, value)
    if missing:
        raise InvalidRequest(f"The trailer {missing.pop()} was announced in x-amz-trailer but did not arrive.")
    if chain and signed.payload == SIGNED_TRAILER:
        chain.trailer(sha256(text.encode("latin-1")).hexdigest(), given)
