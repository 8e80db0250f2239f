"""Which objects cannot be read at all: told by their ends before Spark opens them, so that one bad object among good
ones costs that object and not the run."""

import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import objects
from .objects import Found

THREADS = 16

MANY = 2000
"""Above so many objects those of text formats are not looked at one by one: Spark finds what is wrong with them."""

_HEAD = 65536

_MAGIC = {
    ".gz": (b"\x1f\x8b", "it is not compressed with gzip, as its name says"),
    ".bz2": (b"BZh", "it is not compressed with bzip2, as its name says"),
    ".zst": (b"\x28\xb5\x2f\xfd", "it is not compressed with zstd, as its name says"),
    ".lz4": (b"\x04\x22\x4d\x18", "it is not compressed with lz4, as its name says"),
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of one object: why it cannot be read (None if it can), and its first line where it is text."""

    found: Found
    why: str | None = None
    line: bytes | None = None


def probed(found: Sequence[Found], format: str, charset: str = "utf-8") -> list[Probe]:
    """Each object looked at. Raises what S3 answers if one may not be read at all."""
    look = {"parquet": _parquet, "orc": _orc}.get(format)
    if look is None:
        if len(found) > MANY:
            return [Probe(one) for one in found]

        def look(one: Found) -> Probe:
            return _text(one, wide=charset.lower().replace("-", "").startswith(("utf16", "utf32")))

    with ThreadPoolExecutor(min(THREADS, max(1, len(found)))) as pool:
        return list(pool.map(look, found))


def _parquet(one: Found) -> Probe:
    end = objects.tail(one.path, 8)
    if end[-4:] == b"PARE":
        return Probe(one, "its footer is encrypted")
    if len(end) < 8 or end[-4:] != b"PAR1":
        return Probe(one, "it is no Parquet file: its end is missing")
    if int.from_bytes(end[:4], "little") + 12 > one.size:
        return Probe(one, "it is no whole Parquet file: its footer is longer than it is")
    return Probe(one)


def _orc(one: Found) -> Probe:
    if objects.head(one.path, 3) != b"ORC":
        return Probe(one, "it is no ORC file")
    end = objects.tail(one.path, 1)
    if not end or end[0] >= one.size or objects.tail(one.path, end[0] + 1)[-4:-1] != b"ORC":
        return Probe(one, "it is no whole ORC file: its end is missing")
    return Probe(one)


def _text(one: Found, *, wide: bool) -> Probe:
    head = objects.head(one.path, min(_HEAD, one.size))
    suffix = "." + one.path.rpartition(".")[2].lower()
    if suffix in _MAGIC:
        magic, why = _MAGIC[suffix]
        if not head.startswith(magic):
            return Probe(one, why)
        if suffix != ".gz":
            return Probe(one)
        try:
            head = zlib.decompressobj(wbits=31).decompress(head)
        except zlib.error as error:
            return Probe(one, f"its gzip stream is damaged ({error})")
    if not wide and b"\0" in head:
        return Probe(one, "it is not text: there are NUL bytes in it")
    return Probe(one, line=head.split(b"\n", 1)[0].strip())
