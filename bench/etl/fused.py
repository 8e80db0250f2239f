"""The workshop's endpoint: Spark's encoders, XGBoost and Spark's labels, three containers that serve as one graph,
beside a static page of nginx and beside the same three containers with compilation off.

The load is that of `serving`: every request signed, metrics and 10 % data capture on. The bundles are of the format
that a Glue job writes, made without Spark."""

import tempfile
from pathlib import Path
from typing import Any

from bench import report
from bench.serving import clary, load, peers
from tests.algorithms.graphs import spark_cars

CONNECTIONS = (1, 16, 64)
BATCH = 100
WANTED = 0.45
"""Of nginx's requests a second on 64 connections."""
NOTES = [
    "c1, c16, c64: connections of one row a request; b100_c16: 100 rows a request on 16 connections",
    "fused: two fronts that hold the compiled graph (CLARY_FRONTS=2, CLARY_GRAPHS_IN=fronts), two instances",
    "three_containers: the same model, CLARY_COMPILE=off: a server for each container",
    "load and server share the cores; Clary verifies every signature, decides, counts and captures 10 %",
    f"budget: c64_vs_nginx {WANTED}",
]


def main(smoke: bool) -> None:
    if not load.has_wrk():
        print("skipped: the load generator wrk is not installed (Debian: apt-get install wrk)")
        return
    seconds = 0.5 if smoke else 8.0
    figures: dict[str, Any] = {}
    notes = list(NOTES)
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        place = Path(scratch)
        with clary.deployed(place / "fused", artifacts=spark_cars.containers) as endpoint:
            if not endpoint.serves.startswith("clary/compiled@"):
                raise RuntimeError(f"the three containers are not one graph: {endpoint.serves or 'containers'} serves")
            figures["fused"] = _measured(endpoint, place, seconds) | {"rss_mb": endpoint.memory_mb()}
        if peers.has_nginx():
            with peers.nginx(place / "nginx") as page:
                figures["nginx_static"] = _measured(page, place, seconds, batch=False)
        else:
            notes.append("nginx is not installed: no ratio to a static page")
        if not smoke:
            with clary.deployed(place / "native", compiled=False, artifacts=spark_cars.containers) as chain:
                figures["three_containers"] = _measured(chain, place, seconds) | {"rss_mb": chain.memory_mb()}
    ratios = {}
    for name, peer in (("nginx", "nginx_static"), ("three_containers", "three_containers")):
        if (theirs := figures.get(peer, {}).get("c64", {}).get("per_second")) is not None:
            ratios[f"c64_vs_{name}"] = round(figures["fused"]["c64"]["per_second"] / theirs, 3)
    budgets = {"c64_p99_ms": figures["fused"]["c64"]["p99_ms"], "c1_p50_ms": figures["fused"]["c1"]["p50_ms"]}
    report.keep("etl.fused", {**budgets, **figures}, ratios, smoke=smoke, notes=notes)


def _measured(target: load.Target, place: Path, seconds: float, *, batch: bool = True) -> dict[str, Any]:
    found = {f"c{count}": load.run(target, place, count, seconds, rows=1) for count in CONNECTIONS}
    if batch:
        found[f"b{BATCH}_c16"] = load.run(target, place, 16, seconds, rows=BATCH)
    if wrong := sum(one["wrong"] for one in found.values()):
        raise RuntimeError(f"{wrong} answers were no 200")
    return found
