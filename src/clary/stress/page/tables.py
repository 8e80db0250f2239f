"""The figures behind the drawings, as tables."""

import time
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from clary.stress.page.drawing import clock

LATENCY = (
    "From the moment a request was to be sent to the last byte of its answer, for answers of 2xx. In an open loop from"
    " the time at which it was due, whether or not it could be sent then. Percentiles: the nearest rank, within 0.4 %."
)
LATENCIES = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p99.9"), ("max", "longest"))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """The first `words` columns hold words, the others figures. Cells are HTML already."""
    kinds = ["" if number < words else ' class="n"' for number in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(one)}</th>" for kind, one in zip(kinds, heads, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>' if body else ""


def _ms(value: float | None) -> str:
    if value is None:
        return "&ndash;"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def _count(number: int) -> str:
    return f'<b class="bad">{number:,}</b>' if number else "0"


def runs(report: dict[str, Any]) -> str:
    heads = ("run", "load", "sent", "answered", "errors", "seconds", "a second", *(f"{one} ms" for _, one in LATENCIES))
    return _table(
        heads,
        (
            (
                escape(run["name"]),
                _load(run),
                f"{run['sent']:,}",
                f"{run['answered']:,}",
                _count(run["errors"]),
                f"{run['seconds']:.2f}",
                f"{run['per_second']:,.0f}",
                *(_ms(run["latency_ms"][name]) for name, _ in LATENCIES),
            )
            for run in report["runs"]
        ),
        words=2,
    )


def _load(run: dict[str, Any]) -> str:
    if run["loop"] == "open":
        return f"open loop, {run['rate']:,g} a second"
    return f"closed loop, {run['connections']:,} connection{'s' * (run['connections'] > 1)}"


def variants(report: dict[str, Any]) -> str:
    rows = [(run, name, one) for run in report["runs"] for name, one in run["variants"].items()]
    if not rows:
        return ""
    scored = any("score" in one for _, _, one in rows)
    heads = [
        "run",
        "variant",
        "answered",
        "share",
        "a second",
        "p50 ms",
        "p99 ms",
        *(["right answers"] if scored else []),
    ]
    found = []
    for run, name, one in rows:
        latency = one["latency_ms"]
        cells = [escape(run["name"]), escape(name or "(not said)"), f"{one['answered']:,}", f"{one['share']:.1%}"]
        cells += [f"{one['per_second']:,.0f}", _ms(latency["p50"]), _ms(latency["p99"])]
        if scored:
            cells.append(f"{one['score']:.4f} of {one['compared']:,}" if "score" in one else "&ndash;")
        found.append(cells)
    weights = ", ".join(f"{escape(name)} {weight:g}" for name, weight in report["weights"].items())
    note = f'<p class="small">Weights: {weights}.</p>' if weights else ""
    return _table(heads, found, words=2) + note


def server(report: dict[str, Any]) -> str:
    heads = ("variant", "metric", "invocations", "4XX", "5XX", "average ms", "p50", "p90", "p99", "p99.9", "longest")
    rows = []
    for variant, metrics in report["server"].items():
        totals = [metrics.get(name, {}).get("Sum", 0) for name in _COUNTED]
        for metric in ("ModelLatency", "OverheadLatency"):
            values = metrics.get(metric, {})
            told = [values.get(name) for name in ("Average", "p50", "p90", "p99", "p99.9", "Maximum")]
            cells = [_ms(value / 1e3 if value is not None else None) for value in told]
            rows.append((escape(variant), metric, *(f"{total:,.0f}" for total in totals), *cells))
    made = _table(heads, rows, words=2)
    return f'{made}<p class="small">CloudWatch, over the whole minutes that hold the runs.</p>' if made else ""


_COUNTED = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")


def errors(report: dict[str, Any]) -> str:
    heads = ("run", "kind", "first message", "first at", "count")
    rows = [
        (
            escape(run["name"]),
            escape(one["kind"]),
            escape(one["message"]),
            clock(one["t"]) if one["t"] is not None else "&ndash;",
            _count(one["count"]),
        )
        for run in report["runs"]
        for one in run["errors_by_kind"]
    ]
    return _table(heads, rows, words=4)


def scaling(report: dict[str, Any]) -> str:
    heads = ("at", "variant", "what", "why", "status")
    rows = [
        (clock(one["t"]), *(escape(one[name]) for name in ("variant", "description", "cause", "status")))
        for one in report["scaling"]
    ]
    return _table(heads, rows, words=5)


def conditions(report: dict[str, Any]) -> str:
    machine = report["machine"]
    used = f"at most {machine['processors_used']:.0%}"
    shared = ", which the endpoint runs on, too" if machine["same_as_server"] else ""
    rows = [
        ("Command", f"<code>{escape(report['command'])}</code>"),
        ("Latency", LATENCY),
        ("Retries", "None: what failed is counted as an error."),
        *((f"Load, {run['name']}", _client(run)) for run in report["runs"]),
        (
            "Machine",
            f"{escape(machine['system'])}, {machine['cpus']} cores{shared}; {used} of them in use during a run",
        ),
        ("Clary", f"{escape(report['version'])}, Python {escape(machine['python'])}"),
        ("Written", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report["written"]))),
    ]
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{said}</dd>' for name, said in rows)}</dl>"


def _client(run: dict[str, Any]) -> str:
    client = run["client"]
    several = client["processes"] != 1
    signed = f"{client['signatures']:,} different signatures, " + (
        "each made before its request was sent" if client["signing"] != "pool" else "made before the clock started"
    )
    said = (
        f"{client['processes']} process{'es' if several else ''}, the busiest used {client['busiest']:.0%} of a core;"
        f" {signed}; {run['rows']:,} rows of {escape(run['content_type'])} in turn; an answer may take"
        f" {run['timeout']:g} s; event loops up to {client['lag_p99_ms']:.1f} ms late (p99)"
    )
    if run["loop"] == "open":
        said += f"; requests up to {client['late_p99_ms']:.1f} ms late (p99)"
        said += f"; {client['waited_for_connection']:,} found no free connection when they were due"
    if run["unanswered"]:
        said += f"; {run['unanswered']:,} were under way when it was interrupted"
    return said + "."
