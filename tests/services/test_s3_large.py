"""S3 in a real server, with an object that is far larger than the memory it may take."""

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from tests.inprocess import REGION, ROOT_KEYS

SIZE = 5_000_000_000
PEAK_RSS_KB = 150 * 1024
FREE_BYTES = 3 * SIZE
_BLOCK = bytes(range(251)) * 4178
"""About a MiB, of a length that divides no buffer: bytes out of place are noticed."""


class Generated(io.RawIOBase):
    """A file of SIZE bytes that nobody has to store."""

    def __init__(self) -> None:
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, SIZE)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else SIZE, SIZE - self._at)
        start = self._at % len(_BLOCK)
        count = (start + size) // len(_BLOCK) + 1
        self._at += size
        return (_BLOCK * count)[start : start + size]

    def readinto(self, buffer: Any) -> int:
        """As the SDK's C runtime reads when it signs."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    if shutil.disk_usage(tmp_path).free < FREE_BYTES:
        pytest.skip(f"needs {FREE_BYTES >> 30} GiB of free disk")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.s3_server", str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{process.stdout.readline().strip()}",
        aws_access_key_id=ROOT_KEYS.access_key_id,
        aws_secret_access_key=ROOT_KEYS.secret_access_key,
        region_name=REGION,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=600),
    )
    yield process, client
    client.close()
    process.kill()
    process.wait()
    process.stdout.close()
    shutil.rmtree(tmp_path)


def peak_rss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def check_download(client: Any, key: str) -> None:
    expected, size = Generated(), 0
    for piece in client.get_object(Bucket="data", Key=key)["Body"].iter_chunks(1 << 20):
        assert piece == expected.read(len(piece))
        size += len(piece)
    assert size == SIZE


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.timeout(1800)
def test_five_gigabytes_need_no_memory(server: tuple[subprocess.Popen[str], Any], tmp_path: Path) -> None:
    process, client = server
    client.create_bucket(Bucket="data")
    client.put_object(Bucket="data", Key="one", Body=Generated())
    assert (tmp_path / "objects/data/one").stat().st_size == SIZE
    check_download(client, "one")
    assert peak_rss_kb(process.pid) < PEAK_RSS_KB
    client.delete_object(Bucket="data", Key="one")
    config = TransferConfig(multipart_chunksize=64 << 20, max_concurrency=4)
    client.upload_fileobj(Generated(), "data", "many", Config=config)
    assert client.head_object(Bucket="data", Key="many")["ETag"].endswith('-75"')
    check_download(client, "many")
    assert peak_rss_kb(process.pid) < PEAK_RSS_KB
    assert list((tmp_path / "objects/.clary/parts").iterdir()) == []
