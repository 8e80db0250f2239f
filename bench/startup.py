"""How long `clary up` takes to be ready, what that costs, and what it holds while idle.

The peer is moto's server, from its start to its first answer.
"""

import statistics
import time

from bench import report, servers


def _one(start) -> dict[str, float]:  # type: ignore[no-untyped-def]
    began = time.monotonic()
    with start() as server:
        ready = time.monotonic() - began
        cpu = server.cpu_seconds()
        memory = server.memory_mb()
        rest = server.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        idle = (server.cpu_seconds() - rest) / IDLE_SECONDS
        return {
            "ready_s": round(ready, 3),
            "ready_cpu_s": round(cpu, 3),
            "idle_mb": memory,
            "idle_cpu_percent": round(100 * idle, 2),
        }


IDLE_SECONDS = 5.0


def main(smoke: bool) -> None:
    global IDLE_SECONDS
    IDLE_SECONDS = 0.5 if smoke else 5.0
    runs = 1 if smoke else 5
    peers = {"clary": servers.clary}
    notes = ["medians; memory is the proportional set size of all processes; ready is the first answer for moto"]
    if servers.has_moto():
        peers["moto"] = servers.moto
    else:
        notes.append("moto is not installed here: make bench installs it")
    notes.append("the first start after an installation, which also compiles to bytecode, is not counted")
    figures = {}
    for name, start in peers.items():
        _one(
            start
        )  # the first start after an installation also compiles; what it leaves is what every other start finds
        tried = [_one(start) for _ in range(runs)]
        figures[name] = {key: statistics.median(one[key] for one in tried) for key in tried[0]}
    ratios = {
        f"{key}_vs_moto": round(figures["clary"][key] / figures["moto"][key], 2)
        for key in ("ready_s", "ready_cpu_s", "idle_mb")
        if "moto" in figures
    }
    report.keep("startup", figures, ratios, smoke=smoke, notes=notes)
