"""The peers: each in an environment of its own, made once, and started as its documentation says."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import joblib
import psutil

from bench import servers
from tests.algorithms.graphs import cars

HERE = Path(__file__).parent / "peers"
ENVIRONMENTS = Path("build/bench")
LIBRARIES = ("xgboost-cpu>=3,<3.3", "scikit-learn>=1.5,<2", "pandas>=2.2,<3", "joblib")
PACKAGES: dict[str, tuple[str, ...]] = {
    "mlserver": ("mlserver>=1.6,<2", "uvloop<0.22"),
    "bentoml": ("bentoml>=1.4,<2",),
    "litserve": ("litserve>=0.2.10,<0.3",),
    "ray_serve": ("ray[serve]>=2.40,<3",),
    "fastapi_graph": ("fastapi", "uvicorn[standard]", "onnxruntime>=1.20"),
}
NAMES = tuple(PACKAGES)
READY_SECONDS = 120.0
INSTALL_SECONDS = 900.0


class Absent(Exception):
    """The peer cannot be had here; the message says why."""


@dataclass
class Peer:
    url: str
    pid: int
    path: str
    content_type: str
    one: str
    """How a row is written: "csv", "json" (a list of strings), "rows" (a list of lists), "v2"."""

    def processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    def memory_mb(self) -> float:
        return round(sum(one.memory_info().rss for one in self.processes()) / 1e6, 1)

    def requests(self, rows: int) -> Sequence[bytes]:
        given = cars.rows()
        if self.one == "page":
            return [f"GET {self.path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()]
        count = len(given) if rows == 1 else 200
        return [self._request([given[(n * 37 + k) % len(given)] for k in range(rows)]) for n in range(count)]

    @property
    def _host(self) -> str:
        return self.url.removeprefix("http://")

    def _request(self, rows: list[list[str]]) -> bytes:
        body = self._body(rows)
        head = f"POST {self.path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {self.content_type}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _body(self, rows: list[list[str]]) -> bytes:
        match self.one:
            case "csv":
                return "".join(f"{','.join(row)}\n" for row in rows).encode()
            case "v2":
                inputs = [
                    {"name": name, "shape": [len(rows), 1], "datatype": "BYTES", "data": [row[at] for row in rows]}
                    for at, name in enumerate(cars.NAMES)
                ]
                return json.dumps({"inputs": inputs}).encode()
            case _:
                return json.dumps({"rows": rows}).encode()


def has_nginx() -> bool:
    return shutil.which("nginx") is not None


@contextmanager
def nginx(place: Path) -> Iterator[Peer]:
    """A static page of a label's size, two workers."""
    place.mkdir()
    (place / "page").write_text("unacc\n")
    port = servers.free_port()
    config = f"""
daemon off; worker_processes 2; pid {place}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; default_type text/csv;
  client_body_temp_path {place}/1; proxy_temp_path {place}/2; fastcgi_temp_path {place}/3; uwsgi_temp_path {place}/4;
  scgi_temp_path {place}/5;
  open_file_cache max=10; sendfile off;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ root {place}; }} }}
}}
"""
    (place / "nginx.conf").write_text(config)
    place.chmod(0o755)
    process = subprocess.Popen(["nginx", "-c", str(place / "nginx.conf"), "-g", f"user {_user()};"])
    try:
        url = f"http://127.0.0.1:{port}"
        servers.until(lambda: servers.answers(f"{url}/page"), process, 20)
        yield Peer(url, process.pid, "/page", "", "page")
    finally:
        process.terminate()
        process.wait(20)


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


@contextmanager
def started(name: str, place: Path) -> Iterator[Peer]:
    """Raises Absent when it does not install or start here."""
    python = _environment(name)
    place.mkdir(exist_ok=True)
    _models(place)
    port = servers.free_port()
    environ = {**servers.surroundings(), "MODELS": str(place), "PORT": str(port), "OMP_NUM_THREADS": "1"}
    environ["PATH"] = f"{python.parent}{os.pathsep}{environ['PATH']}"
    for file in HERE.iterdir():
        if file.is_file():
            shutil.copy(file, place)
    log = (place / "log").open("wb")
    command = [str(python), str(place / f"{name}_start.py")]
    process = subprocess.Popen(command, cwd=place, env=environ, stdout=log, stderr=log, start_new_session=True)
    peer = Peer(f"http://127.0.0.1:{port}", process.pid, *_PROTOCOLS[name])
    try:
        servers.until(lambda: _answers(peer), process, READY_SECONDS)
        yield peer
    except RuntimeError as error:
        raise Absent(f"did not start: {error}; {(place / 'log').read_bytes()[-300:]!r}") from None
    finally:
        for one in reversed(peer.processes() if process.poll() is None else []):
            one.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


_PROTOCOLS = {
    "mlserver": ("/v2/models/cars/infer", "application/json", "v2"),
    "bentoml": ("/predict", "application/json", "rows"),
    "litserve": ("/predict", "application/json", "rows"),
    "ray_serve": ("/predict", "application/json", "rows"),
    "fastapi_graph": ("/invocations", "text/csv", "csv"),
}


def _answers(peer: Peer) -> bool:
    """It answers a row with its label: only then is it measured."""
    import urllib.error
    import urllib.request

    head, _, body = peer.requests(1)[-1].partition(b"\r\n\r\n")
    assert head
    asked = urllib.request.Request(peer.url + peer.path, data=body, headers={"Content-Type": peer.content_type})
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            said: bytes = answer.read()
    except (OSError, urllib.error.HTTPError):
        return False
    wanted = cars.label(cars.rows()[-1]).encode()
    if wanted not in said:
        raise RuntimeError(f"it answers {said[:200]!r} for {wanted!r}")
    return True


def _models(place: Path) -> None:
    """What the handlers load: the encoder, the booster and the names of the classes."""
    if (place / "booster.json").exists():
        return
    encoder, _, names = (stage.folder for stage in cars.artifacts(place / "model"))
    shutil.copy(encoder / "model.joblib", place / "encoder.joblib")
    shutil.copy(names / "model.joblib", place / "names.joblib")
    import pickle

    booster = pickle.loads((place / "model" / "1" / "xgboost-model").read_bytes())
    booster.save_model(place / "booster.json")
    assert joblib.load(place / "names.joblib")
    if not (place / "graph").exists():
        made = place / "compiled"
        made.mkdir()
        shutil.copytree(cars.compiled(made), place / "graph")


def _environment(name: str) -> Path:
    """The Python of the peer's environment, with everything in it."""
    place = (ENVIRONMENTS / name).absolute()
    python, done = place / "bin" / "python", place / ".done"
    wanted = " ".join((*PACKAGES[name], *LIBRARIES))
    if done.exists() and done.read_text() == wanted:
        return python
    print(f"installing {name} ...", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted.split()], check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Absent(f"did not install: {str(getattr(error, 'stderr', b'') or error)[-200:]}") from None
    done.write_text(wanted)
    return python
