"""A measurement as one JSON document; every report is made from it alone."""

import os
import platform
import time
from typing import Any
from urllib.parse import urlsplit

from clary.stress.histogram import Histogram, figures
from clary.stress.measure import Measured, Run
from clary.stress.windows import Window

CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1.0)
SHORTEST = 0.2
"""A last window that is shorter is no rate of its own, in seconds."""


def document(found: Measured, command: str, version: str) -> dict[str, Any]:
    """Times are seconds since `started` (epoch seconds); latencies are milliseconds unless they say otherwise."""
    ran = [run for run in found.runs if run.started]
    start = min([found.watch.started, *(run.started for run in ran)])
    local = (urlsplit(found.target.url).hostname or "") in ("127.0.0.1", "localhost", "::1")
    return {
        "endpoint": found.target.endpoint,
        "url": found.target.url,
        "region": found.target.region,
        "command": command,
        "version": version,
        "started": start,
        "written": time.time(),
        "seconds": round(found.ended - start, 3),
        "interrupted": found.interrupted,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "same_as_server": local,
            "processors_used": round(found.processors, 3),
        },
        "runs": [_run(run, start) for run in ran],
        "timeline": [point for run in ran for point in _points(run, start)],
        "instances": {
            name: [[round(at - start, 2), int(current), int(desired)] for at, current, desired in seen]
            for name, seen in found.watch.instances.items()
        },
        "statuses": [[round(at - start, 2), status] for at, status in found.watch.statuses],
        "weights": found.watch.weights,
        "scaling": [_activity(one, start) for one in found.watch.activities],
        "server": found.server,
        "notes": found.notes,
    }


def _run(run: Run, start: float) -> dict[str, Any]:
    totals, plan = run.totals, run.plan
    whole, seconds = totals.whole, max(run.seconds, 1e-9)
    latency = whole.latency()
    (late,) = totals.late.percentiles([0.99])
    (lag,) = totals.lag.percentiles([0.99])
    return {
        "name": run.name,
        "loop": "closed" if plan.rate is None else "open",
        "connections": plan.connections,
        "rate": plan.rate,
        "asked_requests": plan.requests,
        "asked_seconds": plan.seconds,
        "timeout": plan.timeout,
        "content_type": plan.content_type,
        "target_variant": plan.target_variant,
        "rows": len(plan.rows),
        "t": round(run.started - start, 3),
        "seconds": round(run.seconds, 3),
        "sent": totals.sent,
        "answered": whole.answered,
        "errors": whole.failed,
        "unanswered": totals.unanswered,
        "per_second": round(whole.answered / seconds, 1),
        "latency_ms": figures(latency),
        "curve": _curve(latency),
        "errors_by_kind": [
            {"kind": kind, "count": count, **_first(totals.firsts.get(kind), run, start)}
            for kind, count in whole.errors.most_common()
        ],
        "variants": {name: _variant(name, whole, seconds) for name in sorted(whole.variants)},
        "client": {
            "processes": len(totals.cpu),
            "busiest": round(totals.busiest, 3),
            "late_p99_ms": round(late / 1e3, 3),
            "lag_p99_ms": round(lag / 1e3, 3),
            "waited_for_connection": totals.waited,
            "signing": "each before it was sent" if plan.sign_each else "pool",
            "signatures": totals.signed,
            "limits": totals.limits(),
        },
    }


def _first(first: dict[str, Any] | None, run: Run, start: float) -> dict[str, Any]:
    if first is None:
        return {"message": "", "t": None}
    return {"message": first["message"], "t": round(run.started - start + first["second"], 3)}


def _variant(name: str, whole: Window, seconds: float) -> dict[str, Any]:
    histogram, compared = whole.variants[name], whole.compared[name]
    found = {
        "answered": histogram.total,
        "share": round(histogram.total / max(whole.answered, 1), 4),
        "per_second": round(histogram.total / seconds, 1),
        "latency_ms": figures(histogram),
    }
    if compared:
        found |= {"compared": compared, "right": whole.right[name], "score": round(whole.right[name] / compared, 4)}
    return found


def _curve(latency: Histogram) -> list[list[float]]:
    """[share of the requests, milliseconds], up to what so many requests can tell."""
    known = [share for share in CURVE if share == 1.0 or (1 - share) * latency.total >= 1]
    return [[share, round(us / 1e3, 3)] for share, us in zip(known, latency.percentiles(known), strict=True)]


def _points(run: Run, start: float) -> list[dict[str, Any]]:
    """One point a window: rates a second over the part of it in which the run was."""
    series, offset = run.totals.series, run.started - start
    found = []
    for number in range(max(series.windows, default=-1) + 1):
        window = series.windows.get(number, Window())
        began = number * series.width
        length = min(series.width, run.seconds - began)
        if length < SHORTEST and number:
            length = SHORTEST
        latency = window.latency()
        shares = latency.percentiles((0.5, 0.9, 0.99))
        lengths = max(length, 1e-3)
        point = {
            "t": round(offset + began, 3),
            "length": round(lengths, 3),
            "run": run.name,
            "per_second": round(window.answered / lengths, 1),
            "errors_per_second": round(window.failed / lengths, 2),
            "variants": {name: round(one.total / lengths, 1) for name, one in sorted(window.variants.items())},
            "cpu": round(_cpu_at(run, began, began + series.width), 3),
        }
        if latency.total:
            names = ("p50_ms", "p90_ms", "p99_ms", "max_ms")
            values = (*shares, latency.largest)
            point |= {name: round(us / 1e3, 3) for name, us in zip(names, values, strict=True)}
        found.append(point)
    return found


def _cpu_at(run: Run, first: float, last: float) -> float:
    """The share of a core that the busiest process used in that time."""
    busiest = 0.0
    for entries in run.totals.cpu.values():
        within = [(length, share) for at, length, share in entries if first <= at + length / 2 < last]
        seconds = sum(length for length, _ in within)
        if seconds:
            busiest = max(busiest, sum(length * share for length, share in within) / seconds)
    return busiest


def _activity(one: dict[str, Any], start: float) -> dict[str, Any]:
    ended = one.get("EndTime")
    return {
        "t": round(one["StartTime"].timestamp() - start, 2),
        "ended": round(ended.timestamp() - start, 2) if ended else None,
        "variant": one["variant"],
        "description": one.get("Description", ""),
        "cause": one.get("Cause", ""),
        "status": one.get("StatusCode", ""),
    }
