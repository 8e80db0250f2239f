"""Scales, ticks and text of charts in SVG. All coordinates are those of a drawing 1000 wide."""

import math
from collections.abc import Callable, Sequence
from html import escape

WIDTH = 1000
LEFT = 66
RIGHT = 14
_STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)

Scale = Callable[[float], float]


def linear(low: float, high: float, first: float, last: float) -> Scale:
    """low is drawn at `first`, high at `last`."""
    span = (high - low) or 1.0
    return lambda value: round(first + (value - low) / span * (last - first), 2)


def logarithmic(low: float, high: float, first: float, last: float) -> Scale:
    inner = linear(math.log10(low), math.log10(high), first, last)
    return lambda value: inner(math.log10(min(max(value, low), high)))


def nice(top: float, ticks: int = 4) -> tuple[float, list[float]]:
    """A round number at or above `top`, and the ticks up to it."""
    if top <= 0:
        return 1.0, [0.0, 1.0]
    raw = top / ticks
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999999)
    count = math.ceil(top / step - 1e-9)
    return step * count, [step * number for number in range(count + 1)]


def whole(top: int) -> tuple[float, list[float]]:
    """As `nice`, for things that are counted."""
    step = max(1, math.ceil(top / 5))
    count = max(1, math.ceil(top / step))
    return float(step * count), [float(step * number) for number in range(count + 1)]


def decades(low: float, high: float) -> tuple[float, float, list[float]]:
    """Bounds and ticks of a logarithmic axis that holds both; ticks of 1, 2, 5 where there is room."""
    low = max(low, 1e-3)
    high = max(high, low * 1.01)
    first = 10.0 ** math.floor(math.log10(low))
    factors = (1, 2, 5) if high / low < 200 else (1,)
    marks = [first * 10.0**power * factor for power in range(9) for factor in factors]
    bottom = max((mark for mark in marks if mark <= low * 1.0001), default=first)
    top = next((mark for mark in marks if mark >= high * 0.9999), high)
    return bottom, top, [mark for mark in marks if bottom <= mark <= top]


def seconds(end: float) -> list[float]:
    """Ticks of a time axis from 0 to `end`."""
    step = next((one for one in _STEPS if end / one <= 12), 86400 * math.ceil(end / 86400 / 12))
    if end < 1:
        return [0.0]
    return [float(step * number) for number in range(int(end / step) + 1)]


def clock(at: float) -> str:
    """12 s, 1:30, 1:02:00."""
    whole_seconds = round(at)
    if whole_seconds < 60:
        return f"{whole_seconds} s"
    minutes, rest = divmod(whole_seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def short(value: float) -> str:
    """1.2k, 350, 0.05."""
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    if value >= 1e4:
        return f"{value / 1e3:g}k"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:g}"


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>'


def path(points: Sequence[tuple[float, float]], kind: str, closed: bool = False, title: str = "") -> str:
    if not points:
        return ""
    drawn = "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + ("Z" if closed else "")
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<path d="{drawn}" class="{kind}">{inner}</path>'


def legend(x: float, y: float, entries: Sequence[tuple[str, str]]) -> str:
    """(class, words) from right to left, ending at x."""
    found = []
    for kind, words in reversed(entries):
        x -= 6.6 * len(words)
        found.append(text(x, y, words, "legend"))
        x -= 17
        found.append(f'<rect x="{x:g}" y="{y - 8:g}" width="12" height="8" rx="2" class="key {kind}"/>')
        x -= 14
    return "".join(found)
