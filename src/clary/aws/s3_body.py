"""How the body of an S3 request is opened: plain or aws-chunked, and held against all that the headers say of it."""

from collections.abc import AsyncIterator
from typing import Final

from clary.aws import chunked
from clary.aws.body import Body, IncompleteBody
from clary.aws.checksums import Checks, InvalidRequest
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.http import Request
from clary.aws.sigv4 import UNSIGNED, Signed

_STREAMING: Final = "STREAMING-"


class MissingContentLength(ServiceError):
    """S3 must know how long a chunked body will be."""

    status = 411


def open_body(request: Request, signed: Signed) -> Body:
    """The decoded body, proven at its end. Nothing has been read yet, so a client that waits for "100 Continue" still
    waits. Raises ServiceError when the headers alone are wrong."""
    payload = signed.payload
    is_chunked = payload.startswith(_STREAMING)
    if is_chunked and payload not in (chunked.SIGNED, chunked.SIGNED_TRAILER, chunked.UNSIGNED_TRAILER):
        raise NotImplementedHere(f"x-amz-content-sha256 {payload} is not served.")
    checks = Checks(request.headers, sha256=None if is_chunked or payload == UNSIGNED else payload)
    length = _length(request, "x-amz-decoded-content-length" if is_chunked else "content-length")
    if is_chunked and length is None:
        raise MissingContentLength("You must provide the x-amz-decoded-content-length HTTP header.")
    if length is None and "transfer-encoding" not in request.headers:
        length = 0
    source: AsyncIterator[bytes] = request.chunks()
    if is_chunked:
        source = chunked.decode(source, signed, checks)
    return Body(_whole(source, length), length, checks)


def check_whole(request: Request, required: bool) -> None:
    """Holds a body that was read whole against its Content-MD5 and checksums. Raises InvalidRequest when the operation
    wants one and none came."""
    checks = Checks(request.headers)
    if required and not checks.sums:
        raise InvalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    checks.update(request.body)
    checks.verify()


async def _whole(source: AsyncIterator[bytes], length: int | None) -> AsyncIterator[bytes]:
    size = 0
    async for piece in source:
        size += len(piece)
        if length is not None and size > length:
            raise IncompleteBody("The request body is longer than its announced length.")
        yield piece
    if length is not None and size != length:
        raise IncompleteBody("You did not provide the number of bytes specified by the Content-Length HTTP header.")


def _length(request: Request, header: str) -> int | None:
    text = request.headers.get(header)
    if text is None:
        return None
    if not text.isdecimal():
        raise InvalidRequest(f"The header {header} must be a number of bytes.")
    return int(text)
