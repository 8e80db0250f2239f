"""Objects put and got by 8 clients, signed, over HTTP, against S3 servers that anybody can install, in the same run.

The clients are raw connections with requests that were signed before the clock starts: boto3 would be the bottleneck.
What an answer means differs, so it stands beside the figures: Clary answers a put when the disk has it; no peer syncs
anything before it answers (`strace -f -e fsync,fdatasync,syncfs,msync,sync_file_range` on a run of puts shows not one
call), and one keeps objects in memory. So there are two comparisons: with the best of those whose objects survive
kill -9, and with the best of those whose objects survive a power cut, too.
"""

import hashlib
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import load, report, s3_servers, servers

CLIENTS: Final = 8
BUCKET: Final = "bench"
SIZES: Final = {"1k": 1 << 10, "16k": 1 << 14, "64k": 1 << 16, "1m": 1 << 20}
"""Objects up to 16 KiB share a sync; larger ones have their own."""
SYNCED: Final = "synced before the answer, small objects many at once: survives a power cut"
CACHED: Final = "written, not synced, before the answer: survives kill -9, not a power cut"
PEERS: Final[dict[str, tuple[Callable[[], AbstractContextManager[servers.Server]], Callable[[], bool], str]]] = {
    "rclone": (s3_servers.rclone, s3_servers.has_rclone, CACHED),
    "seaweedfs": (s3_servers.seaweedfs, s3_servers.has_seaweedfs, CACHED),
    "s3rver": (s3_servers.s3rver, s3_servers.has_s3rver, CACHED),
    "moto": (servers.moto, servers.has_moto, "in memory: lost with the process"),
}


def _request(server: servers.Server, method: str, path: str, body: bytes = b"") -> load.Wire:
    digest = hashlib.sha256(body).hexdigest()
    request = AWSRequest(method, server.url + path, data=body)
    request.headers["X-Amz-Content-SHA256"] = digest
    S3SigV4Auth(Credentials(server.access_key_id, server.secret_access_key), "s3", "us-east-1").add_auth(request)
    headers = {"Host": urlsplit(server.url).netloc, "Content-Length": str(len(body)), **dict(request.headers.items())}
    lines = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n\r\n".encode(), body


def _measure(server: servers.Server, counts: dict[str, int], rounds: int) -> dict[str, dict[str, float]]:
    load.run(server, [_request(server, "PUT", f"/{BUCKET}")], 1)
    found: dict[str, list[dict[str, float]]] = {}
    for one in range(rounds):
        for name, size in SIZES.items():
            body, keys = bytes(range(256)) * (size // 256), [f"/{BUCKET}/{name}/{n}" for n in range(counts[name])]
            puts = [_request(server, "PUT", f"{key}-{one}", body) for key in keys]
            found.setdefault(f"put_{name}", []).append(load.run(server, puts, CLIENTS).figures())
            gets = [_request(server, "GET", f"{key}-{one}") for key in keys]
            found.setdefault(f"get_{name}", []).append(load.run(server, gets, CLIENTS).figures())
    return {name: _median(some) for name, some in found.items()}


def _median(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure over the rounds: the machine has other things to do, too."""
    return {name: round(statistics.median(one[name] for one in rounds), 3) for name in rounds[0]}


def main(smoke: bool) -> None:
    counts = {"1k": 64, "16k": 16, "64k": 16, "1m": 16}
    if not smoke:
        counts = {"1k": 2000, "16k": 1000, "64k": 1000, "1m": 200}
    rounds = 1 if smoke else 3
    figures: dict[str, Any] = {}
    notes = [f"{CLIENTS} clients, median of {rounds} rounds; MB are 2**20 bytes"]
    with servers.clary() as server:
        figures["clary"] = {"durability": SYNCED, **_measure(server, counts, rounds)}
    for name, (start, has, durability) in PEERS.items():
        if smoke or not has():
            if not smoke:
                notes.append(f"{name} is not installed here")
            continue
        try:
            with start() as server:
                figures[name] = {"durability": durability, **_measure(server, counts, rounds)}
        except RuntimeError as error:  # a peer that gives up under this load does not end the run of the others
            notes.append(f"{name} did not finish: {' '.join(str(error).split())[:120]}")
    if not any(one["durability"] == SYNCED for name, one in figures.items() if name != "clary"):
        notes.append("no peer here survives a power cut, so there is none to compare with in that")
    report.keep("s3", figures, _ratios(figures), smoke=smoke, notes=notes)


def _ratios(figures: dict[str, Any]) -> dict[str, float]:
    """Clary's rate, and its rate to the CPU-second, to the best of those whose objects survive kill -9, and to the best
    of those whose objects survive a power cut."""
    peers = [name for name in figures if name != "clary"]
    lasting = {
        "": [name for name in peers if figures[name]["durability"] in (CACHED, SYNCED)],
        "_synced": [name for name in peers if figures[name]["durability"] == SYNCED],
    }
    ratios: dict[str, float] = {}
    for suffix, some in lasting.items():
        for kind in figures["clary"]:
            if kind == "durability" or not some:
                continue
            for rate, said in (("per_second", ""), ("per_cpu_second", "_cpu")):
                best = max(some, key=lambda name: float(figures[name][kind][rate]))
                ratios[f"{kind}{said}_vs_{best}{suffix}"] = round(
                    figures["clary"][kind][rate] / figures[best][kind][rate], 2
                )
    return ratios
