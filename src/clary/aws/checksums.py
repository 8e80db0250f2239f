"""The checksums that travel with a body: which there are, and running ones over a stream."""

import base64
import hashlib
import importlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

from clary.aws.errors import NotImplementedHere, ServiceError


class BadDigest(ServiceError):
    """The body is not the one that the checksum was made of."""


class InvalidDigest(ServiceError):
    """The Content-MD5 is not the base64 of 16 bytes."""


class InvalidRequest(ServiceError):
    """Headers that contradict each other or lack a part."""


class Running(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    """A CRC as S3 writes it: big-endian bytes of the register."""

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


_CRCS = {"CRC32": ("CRC32-ISO-HDLC", 4), "CRC32C": ("CRC32-ISCSI", 4), "CRC64NVME": ("CRC64-NVME", 8)}
"""By S3's name: the name in the catalogue of CRCs, and the bytes of the register."""


@cache
def _model(algorithm: str) -> tuple[Any, int]:
    """Made when first asked for: a start that needs none of this costs less."""
    name, size = _CRCS[algorithm]
    return importlib.import_module("anycrc").Model(name), size


def _counted(algorithm: str) -> Running:
    model, size = _model(algorithm)
    return _Crc(model.calc, size)


def _xxh(name: str) -> Running:
    """An xxHash, seeded with zero; its digest is big-endian as S3 writes it."""
    made: Running = getattr(importlib.import_module("xxhash"), name)()
    return made


def combines(algorithm: str) -> bool:
    """The checksum of a whole can be made from those of its parts, without the bytes."""
    return algorithm in _CRCS


def combined(algorithm: str, parts: Iterable[tuple[bytes, int]]) -> bytes:
    """The digest of a whole from (digest, length in bytes) of its parts, in order."""
    model, size = _model(algorithm)
    whole = 0
    for digest, length in parts:
        whole = model.combine(whole, int.from_bytes(digest, "big"), length)
    return int(whole).to_bytes(size, "big")


ALGORITHMS: Mapping[str, Callable[[], Running]] = {
    "CRC32": lambda: _Crc(zlib.crc32, 4),
    "CRC32C": lambda: _counted("CRC32C"),
    "CRC64NVME": lambda: _counted("CRC64NVME"),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
    "MD5": lambda: hashlib.md5(usedforsecurity=False),
    "XXHASH64": lambda: _xxh("xxh64"),
    "XXHASH3": lambda: _xxh("xxh3_64"),
    "XXHASH128": lambda: _xxh("xxh3_128"),
}
"""By the name in the SDKs' ChecksumAlgorithm."""

_PREFIX = "x-amz-checksum-"
_NOT_VALUES = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"})


def running(algorithm: str) -> Running:
    """A checksum over nothing yet. Raises NotImplementedHere, naming the algorithm."""
    make = ALGORITHMS.get(algorithm)
    if make is None:
        raise NotImplementedHere(f"The checksum {algorithm} is not served; use one of {', '.join(ALGORITHMS)}.")
    return make()


def algorithm_of(header: str) -> str | None:
    """ "x-amz-checksum-crc32" is "CRC32"; None for a header that carries no checksum."""
    name = header.lower()
    if not name.startswith(_PREFIX) or name in _NOT_VALUES:
        return None
    return name[len(_PREFIX) :].upper()


class Checks:
    """Every checksum that the headers of one request name, counted in one pass over its body."""

    def __init__(self, headers: Mapping[str, str], *, sha256: str | None = None) -> None:
        """`sha256`: the hex digest that the signature covers. Raises InvalidDigest, NotImplementedHere."""
        self.expected: dict[str, str] = {}
        self.sums: dict[str, Running] = {}
        self._payload = sha256.lower() if sha256 else None
        for header, value in headers.items():
            if (algorithm := algorithm_of(header)) is not None:
                self.expect(algorithm, value.strip())
        self._md5 = headers.get("content-md5")
        if self._md5 is not None:
            _must_be_md5(self._md5)
            self.sums["MD5"] = running("MD5")
        if self._payload is not None:
            self.sums["SHA256"] = running("SHA256")
        self.announced = frozenset(one.strip().lower() for one in headers.get("x-amz-trailer", "").split(",") if one)
        """The trailers that shall follow the body."""
        for trailer in self.announced:
            if (algorithm := algorithm_of(trailer)) is not None:
                self.sums.setdefault(algorithm, running(algorithm))

    def expect(self, algorithm: str, value: str) -> None:
        """The body shall have this checksum (base64). Only for an algorithm that has been counted from the start."""
        self.expected[algorithm] = value
        self.sums.setdefault(algorithm, running(algorithm))

    def update(self, data: bytes) -> None:
        for one in self.sums.values():
            one.update(data)

    def verify(self) -> dict[str, str]:
        """The checksums that clients sent, by algorithm, now known to be true. Raises BadDigest or
        XAmzContentSHA256Mismatch."""
        found = {name: base64.b64encode(one.digest()).decode() for name, one in self.sums.items()}
        if self._md5 is not None and self._md5.strip() != found["MD5"]:
            raise BadDigest("The Content-MD5 you specified did not match what we received.")
        if self._payload is not None and self._payload != self.sums["SHA256"].digest().hex():
            raise XAmzContentSHA256Mismatch(
                "The provided 'x-amz-content-sha256' header does not match what was computed."
            )
        for name, value in self.expected.items():
            if found[name] != value:
                raise BadDigest(f"The {name} you specified did not match the calculated checksum.")
        return {name: found[name] for name in self.expected}


class XAmzContentSHA256Mismatch(ServiceError):
    """The body is not the one that was signed."""


def _must_be_md5(value: str) -> None:
    try:
        ok = len(base64.b64decode(value.strip(), validate=True)) == 16
    except ValueError:
        ok = False
    if not ok:
        raise InvalidDigest("The Content-MD5 you specified is not valid.")
