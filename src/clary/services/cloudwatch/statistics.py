"""The names of statistics: "Average", "p99.9", "tm90", "TM(10%:90%)", "IQM" ..., as CloudWatch writes them."""

import re
from typing import Final

from clary.kernel.metrics import Statistic

SIMPLE: Final = {name: Statistic(name) for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum")}
_IQM: Final = Statistic("TM", 25.0, 75.0)
_SHORT: Final = re.compile(r"(p|tm|wm|tc|ts|pr)(\d{1,3}(?:\.\d{1,10})?)", re.IGNORECASE)
_NUMBER: Final = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LONG: Final = re.compile(rf"(TM|WM|TC|TS|PR)\(\s*({_NUMBER})?\s*(%)?\s*:\s*({_NUMBER})?\s*(%)?\s*\)", re.IGNORECASE)


def statistic(text: str) -> Statistic:
    """Raises ValueError, with a sentence that says what is wrong."""
    if text in SIMPLE:
        return SIMPLE[text]
    if text.upper() == "IQM":
        return _IQM
    if short := _SHORT.fullmatch(text):
        return _short(text, short[1].lower(), float(short[2]))
    if long := _LONG.fullmatch(text):
        return _long(text, long)
    raise ValueError(
        f"{text!r} is no statistic: use SampleCount, Sum, Average, Minimum, Maximum, IQM, p0 to p100, "
        "tm90, wm90, tc90, ts90, or TM, WM, TC, TS, PR with bounds, for example TM(10%:90%) or PR(:300)."
    )


def _short(text: str, kind: str, rank: float) -> Statistic:
    if rank > 100:
        raise ValueError(f"{text!r} is no statistic: a percentile lies between 0 and 100.")
    if kind == "p":
        return Statistic("percentile", rank)
    if kind == "pr":
        raise ValueError(f"{text!r} is no statistic: a percentile rank has two bounds, for example PR(:300).")
    return Statistic(kind.upper(), None, rank)  # type: ignore[arg-type]


def _long(text: str, match: re.Match[str]) -> Statistic:
    kind = match[1].upper()
    low = None if match[2] is None else float(match[2])
    high = None if match[4] is None else float(match[4])
    if low is None and high is None:
        raise ValueError(f"{text!r} is no statistic: give at least one bound.")
    marks = {bool(match[3])} if low is not None else set()
    marks |= {bool(match[5])} if high is not None else set()
    if len(marks) > 1:
        raise ValueError(f"{text!r} is no statistic: both bounds are percentages, or both are values.")
    if (match[3] and low is None) or (match[5] and high is None):
        raise ValueError(f"{text!r} is no statistic: a percent sign needs a number before it.")
    percent = True in marks
    if percent and kind == "PR":
        raise ValueError(f"{text!r} is no statistic: the bounds of PR are values, not percentages.")
    if percent and not all(bound is None or 0 <= bound <= 100 for bound in (low, high)):
        raise ValueError(f"{text!r} is no statistic: a percentage lies between 0 and 100.")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"{text!r} is no statistic: the first bound must be below the second.")
    return Statistic(kind, low, high, absolute=not percent)  # type: ignore[arg-type]
