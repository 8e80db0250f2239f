"""The first bytes of a file, with its compression undone."""

import bz2
import zlib
from dataclasses import dataclass
from typing import Any, Final

HEAD_BYTES: Final = 1 << 20
"""So much of a file is read, and of a compressed one so much comes out of it."""
_PIECE: Final = 1 << 16
_ZIP: Final = b"PK\x03\x04"
_MAGIC: Final = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


class Unreadable(Exception):
    """The file is of a known format, but broken; says how."""


class Unknown(Exception):
    """The file is of none of the formats; says what it is."""


@dataclass(frozen=True, slots=True)
class Head:
    data: bytes
    whole: bool
    """There is nothing behind it."""
    compression: str
    """gzip, bzip2, zstd or none."""
    scale: float
    """What was counted in `data` is to be multiplied by this for the whole file."""


def read(path: str, size: int, most: int = HEAD_BYTES) -> Head:
    """The first `most` bytes or so. Raises Unreadable, and Unknown for archives."""
    with open(path, "rb", 0) as file:  # noqa: PTH123 - ten thousands of files: no Path is made for each
        first = file.read(most)
        if first.startswith(_ZIP):
            raise Unknown("it is a zip archive: put what is in it there, or compress it with gzip")
        kind = next((name for magic, name in _MAGIC.items() if first.startswith(magic)), "none")
        if kind == "none":
            whole = len(first) >= size
            return Head(first, whole, kind, 1.0 if whole else size / len(first))
        try:
            data, used, ended = _opened(kind, first, file, most)
        except (OSError, zlib.error, ValueError, EOFError) as error:
            raise Unreadable(f"it begins as {kind}, but cannot be decompressed: {error}") from None
    if not ended and used >= size:
        raise Unreadable(f"it begins as {kind}, but ends in the middle")
    # The members of a file of several, one behind the other, are all counted by what the first ones needed.
    whole = ended and used >= size
    return Head(data, whole, kind, 1.0 if whole or not used else size / used)


def _opened(kind: str, first: bytes, file: Any, most: int) -> tuple[bytes, int, bool]:
    """(what came out, how many bytes that took, whether the stream ended there)."""
    out, used, piece = bytearray(), 0, first
    machine = _machine(kind)
    while piece:
        for at in range(0, len(piece), _PIECE):
            part = piece[at : at + _PIECE]
            if machine.eof:
                machine = _machine(kind)
            out += machine.decompress(part)
            used += len(part)
            if machine.eof and machine.unused_data:
                # Another member follows: gzip files may be concatenated, and big ones are.
                used -= len(machine.unused_data)
                piece, machine = machine.unused_data + piece[at + _PIECE :], _machine(kind)
                break
            if len(out) >= most:
                return bytes(out), used, machine.eof
        else:
            piece = file.read(most)
    return bytes(out), used, machine.eof


def _machine(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(wbits=31)
    return bz2.BZ2Decompressor() if kind == "bzip2" else _Zstd()


class _Zstd:
    """pyarrow reads zstd; its streams need a file, so what has come so far is read anew, which heads can afford."""

    def __init__(self) -> None:
        self._given, self._out = bytearray(), 0
        self.eof, self.unused_data = False, b""

    def decompress(self, part: bytes) -> bytes:
        import pyarrow

        self._given += part
        self.eof = False
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(bytes(self._given)), "zstd") as stream:
            found = bytearray()
            try:
                while more := stream.read(_PIECE):
                    found += more
                self.eof = True
            except OSError as error:
                if "truncated" not in str(error).lower():
                    raise
        new = bytes(found[self._out :])
        self._out = max(self._out, len(found))
        return new
