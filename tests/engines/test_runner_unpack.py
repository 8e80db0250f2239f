"""Archives that were made to cost much: each is refused before it has cost more than a little."""

import bz2
import gzip
import io
import lzma
import re
import resource
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clary.engines.runners import unpack as unpacking
from clary.engines.runners.base import Archive, StartError
from clary.engines.runners.unpack import FREELY, GROWTH, allowed, unpack

MEGABYTE = 1 << 20
SECONDS = 20.0
GROWN = 200 * MEGABYTE


def block(name: bytes, size: int, kind: bytes = b"0") -> bytes:
    """A header as tar has it, whatever size it tells."""
    info = tarfile.TarInfo(name.decode())
    info.type = kind
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def zeros(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield bytes(MEGABYTE)


def one_huge_file() -> Iterator[bytes]:
    yield block(b"model", 200 * MEGABYTE)
    yield from zeros(200)


def many_large_files() -> Iterator[bytes]:
    for number in range(20):
        yield block(b"model-%d" % number, 10 * MEGABYTE)
        yield from zeros(10)


def a_file_that_tells_of_exabytes() -> Iterator[bytes]:
    yield block(b"model", 1 << 60)


def a_long_name_of_gigabytes() -> Iterator[bytes]:
    yield block(b"././@LongLink", 1 << 30, b"L")
    yield from zeros(200)


def a_pax_header_of_gigabytes() -> Iterator[bytes]:
    yield block(b"pax", 1 << 30, b"x")
    yield from zeros(200)


def a_number_without_end() -> Iterator[bytes]:
    digits = b"1" * (30 * 1024)
    for _ in range(100):
        yield block(b"pax", len(digits), b"x") + padded(digits)


def headers_in_headers() -> Iterator[bytes]:
    for _ in range(10_000):
        yield block(b"pax", 0, b"x")


def a_sparse_map_without_end() -> Iterator[bytes]:
    start = bytearray(block(b"model", 512, b"S"))
    start[482] = 1  # more of the map follows
    start[148:156] = b" " * 8
    start[148:156] = b"%06o\0 " % sum(start)
    yield bytes(start)
    more = bytearray(512)
    more[:24] = b"00000000001\x0000000000001\x00"
    more[504] = 1
    yield bytes(more) * 200_000


def members_without_end() -> Iterator[bytes]:
    for number in range(10_000):
        yield block(b"%d" % number, 0)


def directories_without_end() -> Iterator[bytes]:
    for number in range(200):
        yield block(b"%d/" % number + b"d/" * 40 + b"f", 0)


def zeros_behind_the_end() -> Iterator[bytes]:
    yield block(b"model", 0) + bytes(1024)
    yield from zeros(200)


BOMBS = [
    (one_huge_file, r"it holds 209,715,200 bytes or more, and an archive of [0-9,]+ bytes may unpack to 1"),
    (many_large_files, r"it holds 1[0-9,]{10} bytes or more, and an archive of"),
    (a_file_that_tells_of_exabytes, r"it holds 1,152,921,504,606,846,976 bytes or more"),
    (a_long_name_of_gigabytes, "headers of more than 32,768 bytes"),
    (a_pax_header_of_gigabytes, "headers of more than 32,768 bytes"),
    (a_number_without_end, "a number of more than 255 digits"),
    (headers_in_headers, "headers of more than 32,768 bytes|is not a readable"),
    (a_sparse_map_without_end, "headers of more than 32,768 bytes"),
    (members_without_end, "more than 2,000 files and directories"),
    (directories_without_end, "more than 2,000 files and directories"),
    (zeros_behind_the_end, r"it holds 1[0-9,]{10} bytes or more"),
]


@pytest.mark.parametrize(("made", "words"), BOMBS, ids=[made.__name__ for made, _ in BOMBS])
def test_a_bomb_is_refused_before_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[[], Iterator[bytes]], words: str
) -> None:
    monkeypatch.setattr(unpacking, "MOST_NAMES", 2_000)
    monkeypatch.setattr(unpacking, "FREELY", 100 * MEGABYTE)
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        for data in made():
            packed.write(data)
    target = tmp_path / "model"
    target.mkdir()
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(StartError, match=words):
        unpack(Archive("/opt/ml/model", path), target, 1 << 40)
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < GROWN


def test_what_compresses_well_is_let_through(tmp_path: Path) -> None:
    """A model of zeros is a thousand times as large as its archive."""
    path, target = tmp_path / "model.tar.gz", tmp_path / "model"
    target.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("weights")
        info.size = 50 * MEGABYTE
        tar.addfile(info, io.BytesIO(bytes(50 * MEGABYTE)))
    assert unpack(Archive("/opt/ml/model", path), target, 1 << 40) >= 50 * MEGABYTE
    assert (target / "weights").stat().st_size == 50 * MEGABYTE


def test_a_sparse_file_counts_as_what_it_becomes(tmp_path: Path) -> None:
    path, target = tmp_path / "model.tar.gz", tmp_path / "model"
    target.mkdir()
    sparse = {"major": "0", "minor": "1", "map": "0,0", "size": str(1 << 40)}
    headers = {f"GNU.sparse.{name}": value for name, value in sparse.items()}
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("weights")
        info.pax_headers = headers
        tar.addfile(info)
    with pytest.raises(StartError, match="1,099,511,627,776 bytes or more"):
        unpack(Archive("/opt/ml/model", path), target, 1 << 42)


def test_the_smallest_bound_is_the_one_that_is_told() -> None:
    assert allowed(10, 1 << 50, 1 << 50).size == FREELY + 10 * GROWTH
    assert allowed(10, 1000, 1 << 50) == unpacking.Allowed(900, "the disk has room for 900")
    assert allowed(10, 1 << 50, 7).size == 7


def test_an_archive_in_an_archive_stays_one(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("deep"))
    path, target = tmp_path / "model.tar.gz", tmp_path / "model"
    target.mkdir()
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("model.tar.gz")
        info.size = len(inner.getvalue())
        tar.addfile(info, io.BytesIO(inner.getvalue()))
    unpack(Archive("/opt/ml/model", path), target, 1 << 40)
    assert [one.name for one in target.rglob("*")] == ["model.tar.gz"]


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (gzip.compress(gzip.compress(bytes(10_000))), "is not a readable .tar.gz"),
        (lzma.compress(bytes(10_000)), "packed with xz; gzip is what is unpacked"),
        (bz2.compress(b"no tar"), "is not a readable .tar.gz"),
        (b"", "is not a readable .tar.gz"),
    ],
    ids=["gzip twice", "xz", "bzip2", "nothing"],  # gzip writes the time of day
)
def test_what_is_no_archive_is_told(tmp_path: Path, packed: bytes, words: str) -> None:
    (tmp_path / "model.tar.gz").write_bytes(packed)
    with pytest.raises(StartError, match=re.escape(words)):
        unpack(Archive("/opt/ml/model", tmp_path / "model.tar.gz"), tmp_path, 1 << 40)
