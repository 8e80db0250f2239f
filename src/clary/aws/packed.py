"""Request documents that came packed: clients compress what is long."""

import zlib
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.http import Request

DOCUMENT_BYTES: Final = 16 * 2**20
"""The longest document, unpacked: as long as one may be that came as it is."""
_GZIP: Final = 16 + zlib.MAX_WBITS


class BadPacking(ServiceError):
    """The body is not packed as its Content-Encoding says, or is too long when unpacked."""

    code = "SerializationException"


def document(request: Request) -> bytes:
    """The body, unpacked if it came packed with gzip. What was signed is the body as it came. Raises BadPacking."""
    if request.headers.get("content-encoding", "").lower() == "gzip" and request.body:
        return _unpacked(request.body)
    return request.body


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(body, DOCUMENT_BYTES)
    except zlib.error as error:
        raise BadPacking(f"The request body is not valid gzip: {error}.") from None
    if unpacker.unconsumed_tail:
        raise BadPacking(f"The request body must not be longer than {DOCUMENT_BYTES} bytes when unpacked.", status=413)
    if not unpacker.eof:
        raise BadPacking("The request body is not valid gzip: it ends too early.")
    return text
