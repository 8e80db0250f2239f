"""Comparisons of a field with what a pattern says, for JSON and space-delimited patterns alike."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clary.aws.asterisks import compile_wildcard
from clary.services.logs.patterns.regexes import Regex, compile_regex
from clary.services.logs.patterns.scan import Scanner, unescaped, wrong
from clary.services.logs.patterns.wildcard import pieces_of

_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_LONGEST_NUMBER: Final = 400
_BARE: Final = ".*:/@+-%#$;?'~^"
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda one, other: one < other,
    ">": lambda one, other: one > other,
    "<=": lambda one, other: one <= other,
    ">=": lambda one, other: one >= other,
}


@dataclass(frozen=True, slots=True)
class Value:
    """The right side of a comparison."""

    text: Callable[[str], bool]
    """Is this text equal to it?"""
    number: float | None = None
    """When it is a number without quotation marks."""
    regex: bool = False
    terms: tuple[str, ...] = ()
    """One of these stands in every text that equals it; (): nothing is known."""


def number_of(text: str) -> float | None:
    """The finite number that `text` is; None: it is none."""
    if len(text) > _LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def ordering(operator: str, value: Value) -> Callable[[float], bool]:
    """The test of a number by <, >, <= or >=."""
    bound, holds = value.number, _COMPARE[operator]
    assert bound is not None
    return lambda number: holds(number, bound)


def read_value(scanner: Scanner, operator: str) -> Value:
    """The value that stands behind `operator`. Raises InvalidParameterException."""
    char = scanner.peek()
    at = scanner.at
    if char == '"':
        value = _text(scanner.quoted())
    elif char == "%":
        value = _regex(scanner)
    else:
        bare = scanner.run(_BARE)
        if not bare:
            raise wrong(f"a value is missing behind {operator!r}", at)
        value = _text(bare, number_of(bare))
    if operator not in ("=", "!=") and value.number is None:
        raise wrong(f"{operator!r} compares numbers, and what stands behind it is none", at)
    return value


def _text(raw: str, number: float | None = None) -> Value:
    pieces = pieces_of(raw)
    longest = max(pieces, key=len)
    return Value(compile_wildcard(pieces), number, terms=(longest,) if longest else ())


def _regex(scanner: Scanner) -> Value:
    at = scanner.at + 1
    end = scanner.text.find("%", at)
    if end < 0:
        raise wrong("the closing % is missing of the regular expression", scanner.at)
    regex: Regex = compile_regex(scanner.text[at:end], at)
    scanner.at = end + 1
    return Value(lambda text: bool(regex.search(text)), regex=True, terms=regex.literals)


def quoted_text(scanner: Scanner, quote: str) -> str:
    return unescaped(scanner.quoted(quote))
