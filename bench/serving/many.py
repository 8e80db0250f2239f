"""A thousand endpoints on one machine, nearly all of them idle."""

import time
from pathlib import Path
from typing import Any

import psutil

from bench.serving import clary, load

BUSY = 10


class _Some:
    """Requests to a few of the endpoints in turn."""

    def __init__(self, endpoint: clary.Endpoint, busy: int) -> None:
        self.url = endpoint.url
        self._endpoint = endpoint
        self._busy = busy

    def processes(self) -> list[psutil.Process]:
        return self._endpoint.processes()

    def requests(self, rows: int) -> list[bytes]:
        names = [clary.NAME, *(f"{clary.NAME}-{number}" for number in range(1, self._busy))]
        each = [list(self._endpoint.requests(rows, name))[:2000] for name in names]
        return [one for turn in zip(*each, strict=True) for one in turn]


def run(place: Path, count: int, seconds: float) -> dict[str, Any]:
    """How long it takes to have them all in service, what the data plane holds then, and how the busy ones answer."""
    began = time.monotonic()
    with clary.deployed(place, instances=1, capture=0, graphs_in="workers", endpoints=count) as endpoint:
        ready = time.monotonic() - began
        return {
            "count": count,
            "busy": min(BUSY, count),
            "all_in_service_s": round(ready, 1),
            "rss_mb": endpoint.memory_mb(),
            "control_rss_mb": round(psutil.Process(endpoint.server.pid).children()[0].memory_info().rss / 1e6, 1),
            "c16": load.run(_Some(endpoint, min(BUSY, count)), place, 16, seconds, rows=1),
        }
