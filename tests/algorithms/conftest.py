"""A private /opt/ml, the two commands of the built-in image in it, and the real data beside the repository."""

import http.client
import json
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.contract import Contract, Stop
from clary.algorithms.xgboost import train

DATA = Path(__file__).parents[3] / "shared" / "data"
PATIENCE = 60.0
"""Seconds that an outside process may take, on a machine that does other things too."""


@dataclass
class OptMl:
    """What a job finds below /opt/ml, and what it leaves there."""

    root: Path

    def job(self, hyperparameters: Mapping[str, str], **content_types: str | None) -> "OptMl":
        """The configuration of one job with those channels; a channel without files exists, and is empty."""
        config = self.root / "input" / "config"
        config.mkdir(parents=True, exist_ok=True)
        for name in content_types:
            (self.root / "input" / "data" / name).mkdir(parents=True, exist_ok=True)
        (config / "hyperparameters.json").write_text(json.dumps(dict(hyperparameters)))
        about = {name: {"ContentType": kind} if kind else {} for name, kind in content_types.items()}
        (config / "inputdataconfig.json").write_text(json.dumps(about))
        return self

    def put(self, path: str, content: str | bytes) -> "OptMl":
        file = self.root / "input" / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def train(self, stop: Stop | None = None, **environ: str) -> Any:
        """Trains in this process with one thread, and gives the Booster back. Raises what training raises."""
        train.train(Contract(self.root), stop or Stop(), {"OMP_NUM_THREADS": "1"} | environ)
        return self.booster()

    def booster(self) -> Any:
        return pickle.loads((self.root / "model" / "xgboost-model").read_bytes())

    def start(self, *command: str, **environ: str) -> "subprocess.Popen[bytes]":
        """The command in a process of its own, as a runner starts it; its output is collected in `log`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                env=dict(os.environ) | {"CLARY_ML_ROOT": str(self.root), "OMP_NUM_THREADS": "1"} | environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
            )

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def failure(self) -> str:
        return (self.root / "output" / "failure").read_text()


@pytest.fixture
def ml(tmp_path: Path) -> OptMl:
    return OptMl(tmp_path)


@pytest.fixture
def data() -> Callable[[str], Path]:
    def find(path: str) -> Path:
        if not (DATA / path).exists():
            pytest.skip(f"the data set {path} is not beside the repository")
        return DATA / path

    return find


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self.path))


@dataclass
class Served:
    """A model server that runs, on a Unix socket."""

    path: Path
    process: "subprocess.Popen[bytes]"
    open: list[http.client.HTTPConnection] = field(default_factory=list)

    def connection(self) -> UnixConnection:
        made = UnixConnection(self.path)
        self.open.append(made)
        return made

    def raw(self, data: bytes) -> bytes:
        """Everything that is answered to these bytes until the server closes."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(PATIENCE)
            one.connect(str(self.path))
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: one.recv(65536), b""))

    def invoke(self, body: str | bytes, kind: str = "text/csv", accept: str | None = None) -> tuple[int, str]:
        connection = self.connection()
        headers = {"Content-Type": kind} | ({"Accept": accept} if accept else {})
        connection.request("POST", "/invocations", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts `python -m clary.algorithms.xgboost serve`, or another module's, and returns once it listens."""
    running: list[Served] = []

    def start(ml: OptMl, *, module: str = "clary.algorithms.xgboost", **environ: str) -> Served:
        path = ml.root / "server.sock"
        served = Served(path, ml.start(module, "serve", CLARY_BIND=f"unix:{path}", **environ))
        running.append(served)
        wait_until(lambda: path.exists() or served.process.poll() is not None)
        assert served.process.poll() is None, ml.log.read_text()
        return served

    yield start
    for one in running:
        for connection in one.open:
            connection.close()
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(PATIENCE)


def wait_until(true: Callable[[], bool]) -> None:
    """Polls an outside process: returns when `true`, fails after PATIENCE."""
    for _ in range(int(PATIENCE / 0.01)):
        if true():
            return
        select.select([], [], [], 0.01)
    pytest.fail("the outside process did not get there in time")
