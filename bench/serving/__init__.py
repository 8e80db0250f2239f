"""The car evaluation pipeline behind an endpoint: strings in, label out, one row a request, every request signed,
metrics and 10 % data capture on; against a static page and the model servers that people use, in one run on the same
machine.

The load is wrk's. It cycles through more than 20,000 requests that were signed before the clock started. Peers get the
same rows in their own protocol, unsigned, with batching as their documentation advises, two processes each.
"""

import tempfile
from pathlib import Path
from typing import Any

from bench import report
from bench.serving import clary, load, many, peers, shown

CONNECTIONS = (1, 16, 64)
BATCH = 100


def main(smoke: bool) -> None:
    seconds = 0.5 if smoke else 8.0
    figures: dict[str, Any] = {}
    notes: list[str] = []
    if not load.has_wrk():
        print("skipped: the load generator wrk is not installed (Debian: apt-get install wrk)")
        return
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        place = Path(scratch)
        with clary.deployed(place / "compiled") as endpoint:
            figures["clary"] = _measured(endpoint, place, seconds) | {
                "deploy_s": endpoint.deploy_s,
                "rss_mb": endpoint.memory_mb(),
                "serves": endpoint.serves,
            }
            notes += endpoint.notes
        if not smoke:
            with clary.deployed(place / "workers", graphs_in="workers") as endpoint:
                figures["clary_workers"] = _measured(endpoint, place, seconds) | {
                    "deploy_s": endpoint.deploy_s,
                    "rss_mb": endpoint.memory_mb(),
                }
        if peers.has_nginx():
            with peers.nginx(place / "nginx") as page:
                figures["nginx_static"] = _measured(page, place, seconds, batch=False)
        else:
            notes.append("nginx is not installed: no ratio to a static page")
        if smoke:
            figures["endpoints"] = many.run(place / "many", 3, 0.5)
        else:
            for name in peers.NAMES:
                figures[name] = _peer(name, place, seconds, notes)
            with clary.deployed(place / "native", compiled=False) as chain:
                figures["three_containers"] = _measured(chain, place, seconds) | {"rss_mb": chain.memory_mb()}
            figures["endpoints"] = many.run(place / "many", 1000, seconds)
    ratios, ours = shown.ratios(figures)
    report.keep("serving", {**ours, **figures}, ratios, smoke=smoke, notes=[*shown.NOTES, *notes])


def _peer(name: str, place: Path, seconds: float, notes: list[str]) -> dict[str, Any]:
    try:
        with peers.started(name, place / name) as peer:
            return _measured(peer, place, seconds) | {"rss_mb": peer.memory_mb()}
    except peers.Absent as why:
        notes.append(f"{name}: {why}")
        return {"skipped": str(why)}


def _measured(target: load.Target, place: Path, seconds: float, *, batch: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for connections in CONNECTIONS:
        found[f"c{connections}"] = load.run(target, place, connections, seconds, rows=1)
    if batch:
        found[f"b{BATCH}_c16"] = load.run(target, place, 16, seconds, rows=BATCH)
    return found
