"""GET /metrics: the server's own health and its endpoints, for Prometheus and whoever reads its format.

Answered to unsigned requests without a query string, and by default to clients of this machine alone. What follows the
signature of somebody, or asks S3 in its own words, is none of its business: a bucket may be called metrics."""

import ipaddress
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.errors import AccessDenied
from clary.aws.http import Answer, Request
from clary.aws.sigv2 import REGION
from clary.aws.traffic import BOUNDS, Traffic
from clary.engines.serving.base import Serving
from clary.engines.serving.counters import middle_of
from clary.kernel.resource import Doc
from clary.kernel.store import Store, Where
from clary.services.cloudwatch.api import service
from clary.services.cloudwatch.exposition import CONTENT_TYPE, Family, text

_LATENCIES: Final = (0.0005, *BOUNDS, 60.0)
_PROXIED: Final = ("x-forwarded-for", "forwarded", "via")


@dataclass(frozen=True, slots=True)
class Page:
    """The port: who may read the page, and where it learns what stands on it."""

    access: Literal["loopback", "any", "off"]
    traffic: Traffic
    serving: Serving
    vitals: Callable[[], Iterable[Family]]
    """What the parts of this process tell of themselves."""


def wanted(request: Request) -> bool:
    if request.path != b"/metrics" or request.method != "GET" or request.query:
        return False
    return "authorization" not in request.headers


async def answer(porch: Porch) -> Answer:
    """Raises AccessDenied."""
    ctx = porch.context(ANONYMOUS, REGION)
    page = ctx.port(Page)
    if page.access == "off" or (page.access == "loopback" and not _is_local(porch.request)):
        raise AccessDenied("Access Denied", code="AccessDenied")
    counted = await page.serving.counters()
    families = [
        *_processes(counted),
        *_requests(page.traffic),
        *page.vitals(),
        *_fronts(counted),
        *_endpoints(counted, ctx.store, int(ctx.clock.now())),
    ]
    return Answer(200, [(b"content-type", CONTENT_TYPE), (b"cache-control", b"no-store")], text(families))


service.door(Door("Metrics", wanted, answer))


def _is_local(request: Request) -> bool:
    """From this machine, not through a proxy on it, and not from a page whose name was made to mean this machine."""
    if any(name in request.headers for name in _PROXIED):
        return False
    return _is_loopback(request.client) and _names_an_address(request.headers.get("host", ""))


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found.is_loopback or (mapped is not None and mapped.is_loopback)


def _names_an_address(host: str) -> bool:
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _processes(counted: list[Doc]) -> Iterator[Family]:
    cpu = Family("clary_process_cpu_seconds_total", "counter", "CPU time of each process of the server.")
    memory = Family("clary_process_resident_memory_bytes", "gauge", "Resident memory of each process of the server.")
    pids = {_called(one): one["pid"] for one in counted} | {"control": os.getpid()}
    for name, pid in sorted(pids.items()):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile, or this machine does not tell
        fields = stat[stat.rindex(")") + 2 :].split()
        cpu.add((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), {"process": name})
        memory.add(int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), {"process": name})
    yield cpu
    yield memory


def _called(counted: Doc) -> str:
    """The process, as labels name it: "front-0", "control"."""
    name: str = counted["front"]
    return f"front-{name}" if name.isdecimal() else name


def _requests(traffic: Traffic) -> Iterator[Family]:
    answers = Family(
        "clary_requests_total", "counter", "Requests that the gateway has answered; status 0: the client left."
    )
    for called, status, count in traffic.answers():
        answers.add(count, {"service": called.service, "operation": called.operation, "status": str(status)})
    yield answers
    times = Family("clary_request_duration_seconds", "histogram", "From a request's head to the end of its answer.")
    for called, one in traffic.times():
        labels = {"service": called.service, "operation": called.operation}
        times.histogram(BOUNDS, one.counts, one.total, labels)
    yield times


def _fronts(counted: list[Doc]) -> Iterator[Family]:
    for name, help_ in (
        ("requests", "Inferences begun, refused ones among them."),
        ("refused", "Inferences answered with an error before any model was asked."),
        ("handed_over", "Connections handed over to the control process."),
        ("capture_dropped", "Inferences that were to be captured and found no place in memory or on the disk."),
    ):
        family = Family(f"clary_front_{name}_total", "counter", help_)
        for one in counted:
            family.add(one[name], {"process": _called(one)})
        yield family
    flying = Family("clary_front_in_flight", "gauge", "Inferences on their way.")
    for one in counted:
        flying.add(one["in_flight"], {"process": _called(one)})
    yield flying


def _endpoints(counted: list[Doc], store: Store, second: int) -> Iterator[Family]:
    variants = _by_variant(counted)
    invocations = Family("clary_endpoint_invocations_total", "counter", "Inferences that went to a model.")
    errors = Family("clary_endpoint_errors_total", "counter", "Inferences that the model failed, by class of status.")
    flying = Family("clary_endpoint_in_flight", "gauge", "Inferences on their way, looked at once a second.")
    model = Family("clary_endpoint_model_latency_seconds", "histogram", "From the request to the model to its answer.")
    overhead = Family("clary_endpoint_overhead_latency_seconds", "histogram", "From the request's head to the model.")
    for labels, docs in variants:
        invocations.add(sum(doc["invocations"] for doc in docs), labels)
        for kind in ("4xx", "5xx"):
            errors.add(sum(doc[f"errors_{kind}"] for doc in docs), {**labels, "class": kind})
        flying.add(sum(_under_way(doc["concurrency"], second) for doc in docs), labels)
        for family, name in ((model, "model"), (overhead, "overhead")):
            counts = _coarser(doc[f"{name}_buckets"] for doc in docs)
            family.histogram(_LATENCIES, counts, sum(doc[f"{name}_sum"] for doc in docs) / 1e6, labels)
    yield from (invocations, errors, flying, model, overhead, _instances(store))


def _under_way(seconds: dict[str, int], now: int) -> int:
    """What the last look has found; it is a second old, or two where the process was busy."""
    return next((seconds[str(one)] for one in (now, now - 1, now - 2) if str(one) in seconds), 0)


def _by_variant(counted: list[Doc]) -> list[tuple[dict[str, str], list[Doc]]]:
    found: dict[tuple[str, ...], list[Doc]] = {}
    for process in counted:
        for one in process["variants"]:
            found.setdefault((one["region"], one["endpoint"], one["variant"]), []).append(one)
    names = ("region", "endpoint", "variant")
    return [(dict(zip(names, key, strict=True)), docs) for key, docs in sorted(found.items())]


def _coarser(histograms: Iterable[dict[str, int]]) -> list[int]:
    """Counts by _LATENCIES, of histograms in microseconds."""
    counts = [0] * (len(_LATENCIES) + 1)
    for one in histograms:
        for number, count in one.items():
            seconds = middle_of(int(number)) / 1e6
            at = next((i for i, bound in enumerate(_LATENCIES) if seconds <= bound), len(_LATENCIES))
            counts[at] += count
    return counts


def _instances(store: Store) -> Family:
    family = Family("clary_endpoint_instances", "gauge", "Instances of each variant, by whether they are ready.")
    for endpoint in store.page("endpoint", Where(), limit=10_000):
        counts: dict[tuple[str, str], int] = {}
        for one in endpoint.status.get("_instances") or []:
            key = (one["variant"], "ready" if one["ready"] is not None else "starting")
            counts[key] = counts.get(key, 0) + 1
        for (variant, state), count in sorted(counts.items()):
            labels = {"region": endpoint.region, "endpoint": endpoint.name, "variant": variant, "state": state}
            family.add(count, labels)
    return family
