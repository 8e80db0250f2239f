"""Ranges of hyperparameters: what stands where on the way from a range's one end to its other."""

import math
from dataclasses import dataclass, field
from typing import Literal

from clary.aws.errors import NotImplementedHere
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require

AUTO_LOGARITHMIC = 1000.0
"""A range whose upper end is so many times its lower one is searched by magnitude where ScalingType is Auto."""
MOST = 30

Scale = Literal["Linear", "Logarithmic", "ReverseLogarithmic"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One hyperparameter. A place on a range of numbers is in [0, 1]; among categories it is a category's number."""

    name: str
    low: float = 0.0
    high: float = 0.0
    scale: Scale = "Linear"
    whole: bool = False
    values: tuple[str, ...] = ()
    """Of a categorical one."""
    ends: tuple[float, float] = field(init=False, compare=False)
    """Of the range of numbers, on its scale."""

    def __post_init__(self) -> None:
        # A whole number stands for the half-open step up to the next, so the last one needs room as well.
        scaled = (self.low, self.high + 1 if self.whole else self.high)
        object.__setattr__(self, "ends", (_there(self.scale, scaled[0]), _there(self.scale, scaled[1])))

    @property
    def categories(self) -> int:
        """0: it is a number."""
        return len(self.values)

    def at(self, place: float) -> str:
        """The value at that place, as a training job is given it."""
        if self.values:
            return self.values[int(place)]
        start, end = self.ends
        found = _back(self.scale, start + (end - start) * place)
        if self.whole:
            # Every whole number has the same share of the range, or of its logarithm.
            return str(int(min(max(math.floor(found), self.low), self.high)))
        return repr(min(max(found, self.low), self.high))

    def place(self, value: str) -> float | None:
        """Where the value stands; None: it is outside of the range."""
        if self.values:
            return float(self.values.index(value)) if value in self.values else None
        try:
            number = float(value)
        except ValueError:
            return None
        if not self.low <= number <= self.high:
            return None
        start, end = self.ends
        there = _there(self.scale, number + 0.5 if self.whole else number)
        return min(max((there - start) / (end - start), 0.0), 1.0) if end != start else 0.5


def _there(scale: Scale, number: float) -> float:
    if scale == "Logarithmic":
        return math.log(number)
    return -math.log1p(-number) if scale == "ReverseLogarithmic" else number


def _back(scale: Scale, there: float) -> float:
    if scale == "Logarithmic":
        return math.exp(there)
    return -math.expm1(-there) if scale == "ReverseLogarithmic" else there


def axes(ranges: Doc) -> tuple[Axis, ...]:
    """The axes of ParameterRanges. Raises ValidationException."""
    if ranges.get("AutoParameters"):
        raise NotImplementedHere("ParameterRanges.AutoParameters needs Autotune, which is not served yet: name ranges.")
    found = [
        *(_number(one, whole=True) for one in ranges.get("IntegerParameterRanges") or ()),
        *(_number(one, whole=False) for one in ranges.get("ContinuousParameterRanges") or ()),
        *(_category(one) for one in ranges.get("CategoricalParameterRanges") or ()),
    ]
    names = [axis.name for axis in found]
    for name in names:
        require(name != "", "ParameterRanges holds a range without a name")
        require(names.count(name) == 1, f"ParameterRanges holds two ranges of the hyperparameter {name!r}")
    require(
        0 < len(found) <= MOST, f"A tuning job has between 1 and {MOST} ranges of hyperparameters, not {len(found)}"
    )
    return tuple(found)


def _number(said: Doc, *, whole: bool) -> Axis:
    name, kind = said["Name"], "integer" if whole else "number"
    ends = []
    for member in ("MinValue", "MaxValue"):
        number = _parsed(said[member], whole)
        require(number is not None, f"{member} of the hyperparameter {name!r} is no {kind}: {said[member]!r}")
        ends.append(number or 0.0)
    low, high = ends
    require(low < high, f"MinValue of the hyperparameter {name!r} must be less than its MaxValue: {low:g}, {high:g}")
    return Axis(name, low, high, _scale(name, said.get("ScalingType", "Auto"), low, high, whole), whole)


def _scale(name: str, asked: str, low: float, high: float, whole: bool) -> Scale:
    match asked:
        case "Logarithmic":
            require(low > 0, f"Logarithmic scaling of the hyperparameter {name!r} needs a MinValue above 0")
            return "Logarithmic"
        case "ReverseLogarithmic":
            sentence = f"ReverseLogarithmic scaling of the hyperparameter {name!r} needs a continuous range in [0, 1)"
            require(not whole and low >= 0 and high < 1, sentence)
            return "ReverseLogarithmic"
        case "Auto" if low > 0 and high / low >= AUTO_LOGARITHMIC:
            return "Logarithmic"
    return "Linear"


def _parsed(text: str, whole: bool) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    fits = math.isfinite(number) and abs(number) < 2**53 and (not whole or number == int(number))
    return number if fits else None


def _category(said: Doc) -> Axis:
    name, values = said["Name"], tuple(said["Values"])
    require(len(set(values)) == len(values), f"The hyperparameter {name!r} has the same category twice")
    return Axis(name, values=values)
