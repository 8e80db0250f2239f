"""Everything on one time line: requests a second by variant, latency, errors, instances, the split between variants."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Any

from clary.stress.page.drawing import (
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    clock,
    decades,
    legend,
    line,
    linear,
    logarithmic,
    nice,
    path,
    seconds,
    short,
    text,
    whole,
)

TOP = 34
GAP = 40
COLOURS = 6

Point = dict[str, Any]


def timeline(report: dict[str, Any]) -> str:
    """One drawing; empty where nothing was answered."""
    points = report["timeline"]
    if not points:
        return ""
    end = max(report["seconds"], *(point["t"] + point["length"] for point in points))
    x = linear(0, end, LEFT, WIDTH - RIGHT)
    names = sorted({name for point in points for name in point["variants"]} | report["instances"].keys())
    parts: list[str] = []
    y = float(TOP)
    for draw, height in _panels(report, names):
        parts.append(draw(x, y, height))
        y += height + GAP
    bottom = y - GAP
    axis = "".join(
        line(x(at), TOP, x(at), bottom, "grid") + text(x(at), bottom + 18, clock(at), "tick", "middle")
        for at in seconds(end)
    )
    cursor = f'<line id="cursor" x1="0" x2="0" y1="{TOP}" y2="{bottom:g}" class="cursor" visibility="hidden"/>'
    tall = bottom + 28
    bounds = f'data-left="{LEFT}" data-right="{WIDTH - RIGHT}" data-end="{end:g}"'
    drawn = f"{_bands(report, x, bottom)}{axis}{_scalings(report, x, bottom)}{''.join(parts)}{cursor}"
    return (
        f'<div class="chart"><svg id="time" viewBox="0 0 {WIDTH} {tall:g}" role="img" {bounds}'
        f' aria-label="Time line of the stress test">{drawn}</svg><div id="tip" hidden></div></div>'
    )


Panel = tuple[Callable[[Scale, float, float], str], float]


def _panels(report: dict[str, Any], names: list[str]) -> Iterator[Panel]:
    points = report["timeline"]
    yield lambda x, y, h: _throughput(points, names, x, y, h), 170.0
    yield lambda x, y, h: _latency(points, x, y, h), 170.0
    if any(point["errors_per_second"] for point in points):
        yield lambda x, y, h: _errors(points, x, y, h), 70.0
    if report["instances"]:
        yield lambda x, y, h: _instances(report, names, x, y, h), 120.0
    if len(names) > 1:
        yield lambda x, y, h: _split(points, names, x, y, h), 70.0


def colour(names: Sequence[str], name: str) -> str:
    return f"c{list(names).index(name) % COLOURS}"


def _title(y: float, words: str) -> str:
    return text(LEFT, y - 10, words, "panel")


def _ticks(y: Scale, ticks: Sequence[float], label: Callable[[float], str] = short) -> str:
    return "".join(
        line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "grid") + text(LEFT - 8, y(tick) + 4, label(tick), "tick", "end")
        for tick in ticks
    )


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    for _, several in groupby(points, key=lambda point: point["run"]):
        yield list(several)


def _bands(report: dict[str, Any], x: Scale, bottom: float) -> str:
    """Where each run was, with its name while there is room for it."""
    drawn, free = [], 0.0
    for run in report["runs"]:
        first, last = x(run["t"]), x(run["t"] + max(run["seconds"], 1e-3))
        drawn.append(
            f'<rect x="{first:g}" y="{TOP:g}" width="{max(last - first, 1):g}" height="{bottom - TOP:g}" class="band"/>'
        )
        at = max(first, free)
        if at - first < 60 and len(report["runs"]) > 1 and at + 6.2 * len(run["name"]) < WIDTH:
            drawn.append(text(at, 10, run["name"], "run"))
            free = at + 6.2 * len(run["name"]) + 12
    return "".join(drawn)


def _throughput(points: Sequence[Point], names: list[str], x: Scale, y0: float, height: float) -> str:
    top, ticks = nice(max(point["per_second"] for point in points))
    y = linear(0, top, y0 + height, y0)
    shown = [name for name in names if any(name in point["variants"] for point in points)]
    drawn = [_title(y0, "answers a second"), _ticks(y, ticks)]
    for several in _runs(points):
        drawn += _stacked(several, shown, names, x, y, lambda point: 1.0)
    if len(shown) > 1:
        drawn.append(legend(WIDTH - RIGHT, y0 - 10, [(colour(names, name), name) for name in shown]))
    return "".join(drawn)


def _stacked(
    several: Sequence[Point], shown: list[str], names: list[str], x: Scale, y: Scale, unit: Callable[[Point], float]
) -> list[str]:
    """One area a variant, each on top of the one before; in steps, since each point is a whole stretch of time."""
    drawn = []
    below = [0.0] * len(several)
    for name in shown:
        above = [
            low + point["variants"].get(name, 0.0) / unit(point) for low, point in zip(below, several, strict=True)
        ]
        upper = [spot for point, value in zip(several, above, strict=True) for spot in _step(point, value, x, y)]
        lower = [spot for point, value in zip(several, below, strict=True) for spot in _step(point, value, x, y)]
        drawn.append(path([*upper, *reversed(lower)], f"area {colour(names, name)}", closed=True))
        drawn.append(path(upper, f"edge {colour(names, name)}"))
        below = above
    return drawn


def _step(point: Point, value: float, x: Scale, y: Scale) -> tuple[tuple[float, float], tuple[float, float]]:
    return (x(point["t"]), y(value)), (x(point["t"] + point["length"]), y(value))


LATENCIES = (("max_ms", "max", "longest"), ("p99_ms", "p99", "p99"), ("p90_ms", "p90", "p90"), ("p50_ms", "p50", "p50"))


def _latency(points: Sequence[Point], x: Scale, y0: float, height: float) -> str:
    answered = [point for point in points if "p50_ms" in point]
    title = _title(y0, "latency, milliseconds (logarithmic)")
    if not answered:
        return title
    low, high = min(point["p50_ms"] for point in answered), max(point["max_ms"] for point in answered)
    bottom, top, ticks = decades(low, high)
    y = logarithmic(bottom, top, y0 + height, y0)
    drawn = [title, _ticks(y, ticks)]
    for several in _runs(answered):
        upper, lower = _through(several, "p99_ms", x, y), _through(several, "p50_ms", x, y)
        drawn.append(path([*upper, *reversed(lower)], "spread", closed=True))
        drawn += [path(_through(several, member, x, y), f"wait {kind}") for member, kind, _ in LATENCIES]
    drawn.append(legend(WIDTH - RIGHT, y0 - 10, [(kind, words) for _, kind, words in reversed(LATENCIES)]))
    return "".join(drawn)


def _through(several: Sequence[Point], member: str, x: Scale, y: Scale) -> list[tuple[float, float]]:
    """Through the middle of each stretch, level to the ends of the run."""
    middles = [(x(point["t"] + point["length"] / 2), y(point[member])) for point in several]
    first, last = several[0], several[-1]
    return [(x(first["t"]), middles[0][1]), *middles, (x(last["t"] + last["length"]), middles[-1][1])]


def _errors(points: Sequence[Point], x: Scale, y0: float, height: float) -> str:
    top, ticks = nice(max(point["errors_per_second"] for point in points), 2)
    y = linear(0, top, y0 + height, y0)
    bars = []
    for point in points:
        if point["errors_per_second"]:
            first, last = x(point["t"]), x(point["t"] + point["length"])
            at = y(point["errors_per_second"])
            size = f'width="{max(last - first, 1.5):g}" height="{y0 + height - at:g}"'
            bars.append(f'<rect x="{first:g}" y="{at:g}" {size} class="failed"/>')
    return _title(y0, "errors a second") + _ticks(y, ticks) + "".join(bars)


def _instances(report: dict[str, Any], names: list[str], x: Scale, y0: float, height: float) -> str:
    seen = report["instances"]
    most = max((max(current, desired) for one in seen.values() for _, current, desired in one), default=1)
    top, ticks = whole(int(most))
    y = linear(0, top, y0 + height, y0)
    drawn = [_title(y0, "instances (line: current, dotted: desired)"), _ticks(y, ticks)]
    for number, (name, samples) in enumerate(sorted(seen.items())):
        # Variants that have as many instances would hide each other.
        shift = 2.0 * number
        current = _held(samples, 1, x, y, shift)
        floor = [(current[-1][0], y(0)), (current[0][0], y(0))]
        kind = colour(names, name)
        drawn.append(path([*current, *floor], f"area faint {kind}", closed=True))
        drawn.append(path(_held(samples, 2, x, y, shift), f"desired {kind}"))
        drawn.append(path(current, f"edge strong {kind}", title=name))
    drawn.append(legend(WIDTH - RIGHT, y0 - 10, [(colour(names, name), name) for name in sorted(seen)]))
    return "".join(drawn)


def _held(
    samples: Sequence[Sequence[float]], member: int, x: Scale, y: Scale, shift: float
) -> list[tuple[float, float]]:
    """A count holds until it was seen to be another."""
    found: list[tuple[float, float]] = []
    for one in samples:
        at, level = x(max(one[0], 0.0)), y(one[member]) - shift
        if found:
            found.append((at, found[-1][1]))
        found.append((at, level))
    return found


def _split(points: Sequence[Point], names: list[str], x: Scale, y0: float, height: float) -> str:
    y = linear(0, 1, y0 + height, y0)
    shown = [name for name in names if any(name in point["variants"] for point in points)]
    answered = [point for point in points if point["per_second"] > 0]
    drawn = [_title(y0, "split between variants"), _ticks(y, (0, 0.5, 1), lambda share: f"{share:.0%}")]
    for several in _runs(answered):
        drawn += _stacked(several, shown, names, x, y, lambda point: sum(point["variants"].values()) or 1.0)
    return "".join(drawn)


def _scalings(report: dict[str, Any], x: Scale, bottom: float) -> str:
    drawn = []
    for one in report["scaling"]:
        at = x(min(max(one["t"], 0.0), report["seconds"]))
        words = f"{clock(one['t'])}, {one['variant']}: {one['description']}"
        mark = f'{line(at, TOP, at, bottom, "when")}<path d="M{at:g} {TOP:g}l-5 -8h10z"/>'
        drawn.append(f'<g class="scaling"><title>{escape(words)}</title>{mark}</g>')
    return "".join(drawn)
