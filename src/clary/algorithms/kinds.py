"""The kinds of hyperparameter values. Each reads a string and says what it would have taken when it cannot."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from clary.algorithms.contract import ClientError

_ALIKE: Final = 0.75
"""From here on (0 to 1) two names are taken for each other."""


class Kind(Protocol):
    def parse(self, name: str, text: str) -> Any:
        """The value. Raises ClientError that names the hyperparameter, what was given and what is allowed."""
        ...


def wrong(name: str, text: str, allowed: str) -> NoReturn:
    raise ClientError(f"Hyperparameter {name}: '{text}' is not allowed; it must be {allowed}.")


def extraneous(algorithm: str, name: str, known: Iterable[str]) -> NoReturn:
    """Raises ClientError for a hyperparameter that the algorithm does not have, with the one that may be meant."""
    import difflib  # for who has mistyped

    near = difflib.get_close_matches(name, list(known), 1, _ALIKE)
    hint = f" Did you mean {near[0]}?" if near else " Leave it out."
    raise ClientError(f"Extraneous hyperparameter found: {name}. {algorithm} has no hyperparameter of that name.{hint}")


@dataclass(frozen=True, slots=True)
class Integer:
    low: int
    high: int | None = None

    def parse(self, name: str, text: str) -> int:
        allowed = (
            f"an integer of at least {self.low}" if self.high is None else f"an integer in [{self.low}, {self.high}]"
        )
        try:
            number = float(text)
            # "5.0" is what a tuner or a JSON client may make of 5.
            value = int(text) if text.lstrip("+-").isdigit() else int(number)
        except (ValueError, OverflowError):
            wrong(name, text, allowed)
        if value != number or value < self.low or (self.high is not None and value > self.high):
            wrong(name, text, allowed)
        return value


@dataclass(frozen=True, slots=True)
class Real:
    """A number in an interval; `low`/`high` belong to it, `above`/`below` do not."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def parse(self, name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )
        if not inside:
            wrong(name, text, f"a number in {self._interval()}")
        return value

    def _interval(self) -> str:
        left = f"[{self.low:g}" if self.low is not None else f"({self.above:g}" if self.above is not None else "(-inf"
        right = (
            f"{self.high:g}]" if self.high is not None else f"{self.below:g})" if self.below is not None else "+inf)"
        )
        return f"{left}, {right}"


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[str, ...]

    def parse(self, name: str, text: str) -> str:
        if text not in self.values:
            wrong(name, text, f"one of {', '.join(self.values)}")
        return text


@dataclass(frozen=True, slots=True)
class Words:
    """A comma-separated list, kept as a text; any text when no words are named."""

    values: tuple[str, ...] = ()

    def parse(self, name: str, text: str) -> str:
        words = [one.strip() for one in text.split(",")]
        if not text or (self.values and any(one not in self.values for one in words)):
            wrong(name, text, f"a comma-separated list of {', '.join(self.values)}" if self.values else "a name")
        return ",".join(words)
