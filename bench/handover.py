"""Signed inferences through the data plane against the same model server without Clary in between; and requests of the
control plane through the hand-over against the same gateway behind plain uvicorn.

The model answers at once, so what is measured is what Clary adds: reading, verifying the signature, routing, a second
hop, counting. `per_cpu_second` of inferences counts Clary's processes, not the model server.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import load, report, servers
from clary.engines.serving.base import Route, RouteVariant
from clary.engines.serving.plane import Plane

ROW = b"vhigh,vhigh,2,2,small,low\n"
ENDPOINT = "cars"
CONNECTIONS = (1, 16)
MODEL = {
    "ModelName": "model",
    "PrimaryContainer": {"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
}


@contextmanager
def _started(name: str, module: str, *arguments: str) -> Iterator[servers.Server]:
    """A Python module that listens on the port that is its last argument."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{arguments[-1]}"
    try:
        servers.until(lambda: servers.answers(url), process, 30)
        yield servers.Server(name, url, "", "", process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _plain(port: str) -> bytes:
    head = f"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/csv\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(ROW) + ROW


def _publish(clary: servers.Server, socket: str) -> None:
    account = json.loads((clary.home / "credentials.json").read_text())["AccountId"]
    route = Route(account, "us-east-1", ENDPOINT, (RouteVariant("all", 1.0, (f"unix:{socket}",)),))

    async def go() -> None:
        plane = Plane(clary.home / "serving")
        await plane.publish(route)
        assert await plane.serves(route)

    asyncio.run(go())


def _closing(request: bytes) -> bytes:
    return request.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n", 1)


def _control_plane(server: servers.Server, count: int) -> dict[str, dict[str, float]]:
    load.run(server, [load.sagemaker(server, "CreateModel", MODEL)], 1)
    describe = load.sagemaker(server, "DescribeModel", {"ModelName": "model"})
    load.run(server, [describe] * (count // 10), 4)
    figures = {}
    for connections in CONNECTIONS:
        figures[f"describe_c{connections}"] = load.run(server, [describe] * count, connections).figures()
        closing = [_closing(describe)] * (count // 4)
        figures[f"describe_new_connection_c{connections}"] = load.run(server, closing, connections).figures()
    return figures


def main(smoke: bool) -> None:
    count = 200 if smoke else 20_000
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        socket, port = f"{scratch}/model.sock", str(servers.free_port())
        with _started("model", "bench.model", socket, port) as model:
            load.run(model, [_plain(port)] * (count // 10), 4)
            figures["model_alone"] = {
                f"invoke_c{n}": load.run(model, [_plain(port)] * count, n).figures() for n in CONNECTIONS
            }
            with servers.clary() as clary:
                _publish(clary, socket)
                invoke = load.signed(clary, f"/endpoints/{ENDPOINT}/invocations", ROW, {"Content-Type": "text/csv"})
                load.run(clary, [invoke] * (count // 10), 4)
                figures["clary"] = {f"invoke_c{n}": load.run(clary, [invoke] * count, n).figures() for n in CONNECTIONS}
                figures["clary"] |= _control_plane(clary, count // 2)
        port = str(servers.free_port())
        home = Path(scratch) / "home"
        with _started("uvicorn", "bench.gateway", str(home), port) as plain:
            made = json.loads((home / "credentials.json").read_text())
            signing = servers.Server("uvicorn", plain.url, made["AccessKeyId"], made["SecretAccessKey"], plain.pid)
            figures["uvicorn_alone"] = _control_plane(signing, count // 2)
    ratios = {
        f"{name}_vs_{peer}": round(figures["clary"][name]["per_second"] / figures[peer][name]["per_second"], 2)
        for peer in ("model_alone", "uvicorn_alone")
        for name in figures[peer]
    }
    report.keep("handover", figures, ratios, smoke=smoke, notes=["the load client shares the machine with the servers"])
