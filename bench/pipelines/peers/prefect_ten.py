"""Ten tasks of Prefect, one after the other, in one process, with Prefect's server beside it, as its documentation sets
it up; the server has been started before."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 300.0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("Prefect's server did not start")


def run(count: int) -> float:
    from prefect import flow, task

    @task
    def nothing() -> None:
        pass

    @flow
    def ten() -> None:
        for _ in range(count):
            nothing.submit().result()

    began = time.perf_counter()
    ten()
    return time.perf_counter() - began


def main(count: int) -> None:
    port = free_port()
    command = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--port", str(port), "--no-ui"]
    with Path("server.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            url = f"http://127.0.0.1:{port}/api"
            wait_for(url, server)
            os.environ["PREFECT_API_URL"] = url
            print(json.dumps({"seconds": run(count)}))
        finally:
            server.terminate()


main(int(sys.argv[1]))
