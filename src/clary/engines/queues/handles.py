"""Receipt handles: what names one receipt of one message, to clients an opaque text."""

import base64
import binascii
import struct
from hashlib import blake2b
from typing import Final

from clary.kernel.queues import ForeignHandle

_FORM: Final = struct.Struct(">6sqq4s")


def encode(queue: str, seq: int, receipt: int) -> str:
    """It holds all that is needed, so that it is good after a restart."""
    owner = _owner(queue)
    return base64.b64encode(_FORM.pack(owner, seq, receipt, _check(owner, seq, receipt))).decode()


def decode(queue: str, handle: str) -> tuple[int, int]:
    """(seq, receipt). Raises ForeignHandle."""
    try:
        owner, seq, receipt, check = _FORM.unpack(base64.b64decode(handle, validate=True))
    except (ValueError, binascii.Error, struct.error):
        raise ForeignHandle(handle) from None
    if owner != _owner(queue) or check != _check(owner, seq, receipt):
        raise ForeignHandle(handle)
    return seq, receipt


def _owner(queue: str) -> bytes:
    return blake2b(queue.encode(), digest_size=6).digest()


def _check(owner: bytes, seq: int, receipt: int) -> bytes:
    return blake2b(struct.pack(">6sqq", owner, seq, receipt), digest_size=4).digest()
