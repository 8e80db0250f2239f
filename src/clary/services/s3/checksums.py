"""The checksums that S3 keeps with an object: which a write asks for, and those of parts put together."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from clary.aws.checksums import ALGORITHMS, BadDigest, Running, combined, combines, running
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import errors

COMPOSITE: Final = "COMPOSITE"
FULL: Final = "FULL_OBJECT"
DEFAULT: Final = "CRC64NVME"
"""What S3 keeps when nothing is asked for."""

_PREFIX: Final = "Checksum"


def given(req: Doc) -> dict[str, str]:
    """The checksum values that a request carries, by algorithm."""
    return {name: req[_PREFIX + name] for name in ALGORITHMS if req.get(_PREFIX + name) is not None}


def members(sums: dict[str, str]) -> Doc:
    """Checksums as members of an answer."""
    return {_PREFIX + name: value for name, value in sums.items()}


def of(stat: Stat) -> Doc:
    """The checksums of an object, as members of an answer."""
    sums = stat.meta.get("_sums")
    return {**members(sums), "ChecksumType": stat.meta.get("_sum_type", FULL)} if sums else {}


def of_part(stat: Stat, number: int) -> Doc:
    """The checksum of one part of an object, as members of an answer."""
    sums: dict[str, list[str]] = stat.meta.get("_part_sums", {})
    return members({name: values[number - 1] for name, values in sums.items()})


class Wanted:
    """The checksums of one body: those that the client sent, one that it asked for, else the default.

    Those that came with the request are proven by the wire at the body's end; the others are counted here."""

    def __init__(self, req: Doc, headers: Any, *more: str) -> None:
        """Raises NotImplementedHere, naming the algorithm. `more` are counted whatever the client sends."""
        self._expected = given(req)
        asked = req.get("ChecksumAlgorithm")
        trailers = {part.strip().lower() for part in headers.get("x-amz-trailer", "").split(",")}
        names = {*self._expected, *more, *([asked] if asked else [])}
        if not names and not any(one.startswith("x-amz-checksum-") for one in trailers):
            names = {DEFAULT}
        proven = {name for name in names if _header(name) in headers or _header(name) in trailers}
        self.hashes: dict[str, Running] = {name: running(name) for name in sorted(names - proven)}
        self._md5 = req.get("ContentMD5")

    def found(self, body: Any, digests: dict[str, bytes]) -> dict[str, str]:
        """The true checksums of a body that has been read to its end. Raises BadDigest."""
        if self._md5 is not None and self._md5.strip() != _text(digests["MD5"]):
            raise BadDigest("The Content-MD5 you specified did not match what we received.")
        sums: dict[str, str] = dict(getattr(body, "checksums", {}))
        sums.update({name: _text(digests[name]) for name in self.hashes})
        for name, value in self._expected.items():
            if sums.get(name) != value:
                raise BadDigest(f"The {name} you specified did not match the calculated checksum.")
        return sums


def asked_type(algorithm: str, kind: str | None) -> str:
    """COMPOSITE or FULL_OBJECT for a multipart upload. Raises InvalidRequest for what S3 does not combine."""
    whole = combines(algorithm)
    if kind is None:
        return FULL if algorithm == DEFAULT else COMPOSITE
    if (kind == FULL and not whole) or (kind == COMPOSITE and algorithm == DEFAULT):
        raise errors.InvalidRequest(f"The {kind} checksum type cannot be used with the {algorithm.lower()} algorithm.")
    return kind


def of_parts(algorithm: str, kind: str, parts: Sequence[tuple[str, int]]) -> str:
    """The checksum of an object from (checksum, size) of its parts."""
    if kind == COMPOSITE:
        count = running(algorithm)
        for value, _ in parts:
            count.update(base64.b64decode(value))
        return f"{_text(count.digest())}-{len(parts)}"
    return _text(combined(algorithm, ((base64.b64decode(value), size) for value, size in parts)))


def _header(algorithm: str) -> str:
    return f"x-amz-checksum-{algorithm.lower()}"


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
