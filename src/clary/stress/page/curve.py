"""Latency by percentile, one line a run: the tail is drawn as wide as the rest."""

import math
from typing import Any

from clary.stress.page.drawing import (
    LEFT,
    RIGHT,
    WIDTH,
    decades,
    legend,
    line,
    linear,
    logarithmic,
    path,
    short,
    text,
)
from clary.stress.page.timeline import COLOURS

HEIGHT = 210
TOP = 26
MARKS = ((0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"))


def curve(report: dict[str, Any]) -> str:
    """Empty where nothing was answered."""
    ran = [run for run in report["runs"] if run["answered"] > 1]
    if not ran:
        return ""
    least = min(value for run in ran for _, value in run["curve"])
    most = max(value for run in ran for _, value in run["curve"])
    bottom, top, ticks = decades(max(least, most / 1e5), most)
    y = logarithmic(bottom, top, TOP + HEIGHT, TOP)
    deepest = max(_depth(share) for run in ran for share, _ in run["curve"] if share < 1) + 0.5
    x = linear(0, deepest, LEFT, WIDTH - RIGHT)
    drawn = [text(LEFT, TOP - 10, "milliseconds (logarithmic)", "panel")]
    for tick in ticks:
        drawn.append(line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "grid"))
        drawn.append(text(LEFT - 8, y(tick) + 4, short(tick), "tick", "end"))
    for share, words in MARKS:
        if _depth(share) <= deepest:
            at = x(_depth(share))
            drawn.append(line(at, TOP, at, TOP + HEIGHT, "grid"))
            if at < WIDTH - RIGHT - 75:
                drawn.append(text(at, TOP + HEIGHT + 18, words, "tick", "middle"))
    drawn.append(text(WIDTH - RIGHT, TOP + HEIGHT + 18, "longest", "tick", "end"))
    for number, run in enumerate(ran):
        points = [(x(min(_depth(share), deepest)), y(value)) for share, value in run["curve"]]
        drawn.append(path(points, f"edge strong c{number % COLOURS}", title=run["name"]))
    entries = [(f"c{number % COLOURS}", run["name"]) for number, run in enumerate(ran)]
    drawn.append(legend(WIDTH - RIGHT, TOP - 10, entries))
    return (
        f'<div class="chart"><svg viewBox="0 0 {WIDTH} {TOP + HEIGHT + 26}" role="img"'
        f' aria-label="Latency by percentile">{"".join(drawn)}</svg></div>'
    )


def _depth(share: float) -> float:
    """How many nines: 0.9 is 1, 0.99 is 2."""
    return -math.log10(max(1 - share, 1e-7))
