"""wrk, with requests that were made before: the answers are looked at, every one."""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import psutil

SCRIPT = Path(__file__).with_name("replay.lua")


class Target(Protocol):
    url: str

    def requests(self, rows: int) -> Sequence[bytes]:
        """Requests of so many rows each, as they go over the wire."""
        ...

    def processes(self) -> list[psutil.Process]:
        """What of it answers requests."""
        ...


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def run(target: Target, place: Path, connections: int, seconds: float, rows: int) -> dict[str, Any]:
    """Requests a second, latencies in milliseconds, CPU of the server a request, and answers that were no 200."""
    requests = target.requests(rows)
    file = place / "requests.bin"
    file.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))
    command = ["wrk", "-t1", f"-c{connections}", "-s", str(SCRIPT), target.url]
    tail = ["--", str(file)]
    _wrk([*command, "-d1s", *tail], 20)  # connections and caches are warm, as they are for all
    before, others = cpu_seconds(target.processes()), _busy()
    began = time.monotonic()
    said = _wrk([*command, f"-d{max(1, round(seconds))}s", *tail], seconds + 60)
    spent, lasted = cpu_seconds(target.processes()) - before, time.monotonic() - began
    found = re.search(r"RESULT (\{.*\})", said)
    if found is None:
        raise RuntimeError(f"wrk said: {said}")
    figures: dict[str, Any] = dict(
        zip(("requests", "seconds", "p50_ms", "p99_ms", "max_ms", "wrong"), _numbers(found[1]), strict=True)
    )
    return {
        "per_second": round(figures["requests"] / figures["seconds"], 1),
        "p50_ms": round(figures["p50_ms"], 3),
        "p99_ms": round(figures["p99_ms"], 3),
        "max_ms": round(figures["max_ms"], 1),
        "cpu_us": round(spent * 1e6 / max(1, figures["requests"]), 1),
        "wrong": int(figures["wrong"]),
        "different_requests": len(requests),
        "busy_cores": round((_busy() - others) / lasted, 2),
    }


def _wrk(command: list[str], timeout: float) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?[0-9.]+", text)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def _busy() -> float:
    """Seconds that all cores together have worked since the machine came up."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq
