"""A measurement as one HTML file: nothing is loaded from anywhere, it reads in light and dark, and it prints."""

import json
import time
from html import escape
from importlib.resources import files
from typing import Any

from clary.stress.page.curve import curve
from clary.stress.page.tables import conditions, errors, runs, scaling, server, variants
from clary.stress.page.timeline import timeline

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(report: dict[str, Any]) -> str:
    """The page of the document that `document` makes."""
    here = files("clary.stress.page")
    style, script = here.joinpath("style.css").read_text("utf-8"), here.joinpath("hover.js").read_text("utf-8")
    title = f"Stress test of {report['endpoint']}"
    # A "<" in data could end the element that holds it.
    data = json.dumps(_hovered(report), separators=(",", ":")).replace("<", "\\u003c")
    body = (
        _head(report),
        _tiles(report),
        _warnings(report),
        _section("Time line", timeline(report), "timeline"),
        _section("Runs", runs(report)),
        _section("Latency by percentile", curve(report)),
        _section("Variants", variants(report)),
        _section("Seen by the server", server(report)),
        _section("Errors", errors(report)),
        _section("Scaling activities", scaling(report)),
        _section("How this was measured", conditions(report)),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{''.join(body)}</main>\n"
        f'<script type="application/json" id="data">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )


def _section(title: str, content: str, name: str = "") -> str:
    """Nothing, where there is nothing to show."""
    attribute = f' id="{name}"' if name else ""
    return f"<section{attribute}>\n<h2>{escape(title)}</h2>\n{content}\n</section>\n" if content else ""


def _head(report: dict[str, Any]) -> str:
    failed = sum(run["errors"] for run in report["runs"])
    verdict = f'<span class="bad">{failed:,} errors</span>' if failed else '<span class="good">no errors</span>'
    if report["interrupted"]:
        verdict += '<span class="doubt">interrupted</span>'
    if any(run["client"]["limits"] for run in report["runs"]):
        verdict += '<span class="doubt">the load generator was a limit</span>'
    when = time.strftime("%d %B %Y, %H:%M:%S UTC", time.gmtime(report["started"]))
    where = f"{report['url']}, {report['region']}"
    return (
        f'<header><p class="kind">Stress test</p><h1>{escape(report["endpoint"])}</h1>'
        f'<p class="when">{when} &middot; {escape(where)}</p><p class="verdict">{verdict}</p></header>\n'
    )


def _tiles(report: dict[str, Any]) -> str:
    """The figures that are asked for first: of the run with the most requests a second."""
    ran = report["runs"]
    if not ran:
        return ""
    best = max(ran, key=lambda run: run["per_second"])
    latency, several = best["latency_ms"], len(ran) > 1
    answered = sum(run["answered"] for run in ran)
    most = {name: max(count for _, count, _ in seen) for name, seen in report["instances"].items() if seen}
    found = [
        ("requests answered", f"{answered:,}", f"{len(ran)} runs" if several else f"in {best['seconds']:.1f} s"),
        ("requests a second", f"{best['per_second']:,.0f}", best["name"]),
        ("median", milliseconds(latency["p50"]), best["name"]),
        ("99th percentile", milliseconds(latency["p99"]), best["name"]),
    ]
    if most:
        found.append(("most instances", f"{sum(most.values())}", ", ".join(f"{n}: {c}" for n, c in most.items())))
    tiles = "".join(
        f'<div class="tile"><p class="label">{escape(label)}</p><p class="figure">{figure}</p>'
        f'<p class="of">{escape(of)}</p></div>'
        for label, figure, of in found
    )
    return f'<div class="tiles">{tiles}</div>\n'


def milliseconds(value: float) -> str:
    """Three digits and a unit."""
    if value >= 10_000:
        return f"{value / 1e3:.1f}<small> s</small>"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}<small> ms</small>"


def _warnings(report: dict[str, Any]) -> str:
    said = [
        f"<b>The load generator was a limit</b> ({escape(run['name'])}): {escape(limit)}"
        for run in report["runs"]
        for limit in run["client"]["limits"]
    ]
    machine = report["machine"]
    if machine["same_as_server"] and machine["processors_used"] > 0.95:
        said.append(
            f"<b>All cores were busy</b> ({machine['processors_used']:.0%} of {machine['cpus']}): load and endpoint"
            " shared this machine's cores, so the endpoint alone is faster than this."
        )
    said += [escape(note) for note in report["notes"]]
    return f'<ul class="notes">{"".join(f"<li>{one}</li>" for one in said)}</ul>\n' if said else ""


def _hovered(report: dict[str, Any]) -> dict[str, Any]:
    """What the pointer shows."""
    return {name: report[name] for name in ("timeline", "instances", "scaling")}
