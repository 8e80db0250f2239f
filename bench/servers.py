"""The servers under test, each as its users start it, each on a home or port of its own."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Server:
    name: str
    url: str
    access_key_id: str
    secret_access_key: str
    pid: int
    home: Path = Path()
    """Of a Clary: where it keeps everything."""

    def family(self) -> list[psutil.Process]:
        return [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]

    def cpu_seconds(self) -> float:
        """User and system time of the server's whole family so far."""
        total = 0.0
        for one in self.family():
            total += _exact_seconds(one) or sum(one.cpu_times()[:2])
        return total

    def memory_mb(self) -> float:
        """Proportional set size of the family: shared pages are counted once."""
        return round(sum(one.memory_full_info().pss for one in self.family()) / 1e6, 1)


_OF_PROCESS = 2
"""How Linux makes the clock of a process out of its number: the CPU time of the scheduler."""


def _exact_seconds(one: psutil.Process) -> float:
    """Of all threads that it has and had, to the nanosecond, where the kernel tells; else 0. The ordinary count is in
    hundredths."""
    try:
        return time.clock_gettime((~one.pid << 3) | _OF_PROCESS)
    except OSError:
        return 0.0


def surroundings() -> dict[str, str]:
    """The environment of a user: Python keeps the bytecode of what it has compiled, as it does unless forbidden."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def clary(on: Path | None = None) -> Iterator[Server]:
    """A fresh `clary up` on a home of its own, gone afterwards; or on the home `on`, which stays."""
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        home = on or Path(scratch) / "home"
        command = [sys.executable, "-m", "clary", "up", "--home", str(home), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=surroundings())
        try:
            until(lambda: (home / "server.json").exists(), process, 30)
            said = json.loads((home / "server.json").read_text())
            keys = json.loads((home / "credentials.json").read_text())
            yield Server("clary", said["url"], keys["AccessKeyId"], keys["SecretAccessKey"], process.pid, home)
        finally:
            process.terminate()
            process.wait(60)


def has_moto() -> bool:
    return importlib.util.find_spec("moto") is not None and importlib.util.find_spec("flask") is not None


@contextmanager
def moto() -> Iterator[Server]:
    """`moto_server` as shipped: Flask's development server."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([str(program), "-H", "127.0.0.1", "-p", str(port)], env=surroundings(), **quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{url}/moto-api/"), process, 60)
        yield Server("moto", url, "AKIAIOSFODNN7EXAMPLE", "secret", process.pid)
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def until(holds, process: subprocess.Popen, seconds: float) -> None:  # type: ignore[no-untyped-def,type-arg]
    deadline = time.monotonic() + seconds
    while not holds():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} was not ready within {seconds} s")
        time.sleep(0.01)
