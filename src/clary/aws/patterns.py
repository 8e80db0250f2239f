"""Java's regular expressions, as AWS's models write them, run by Python and bounded in time."""

import re
import string
import warnings
from collections.abc import Callable
from functools import cache
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LIMIT_SECONDS = 0.5
_ASTRAL = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_PROPERTY = re.compile(r"\\[pP]\{\w+\}")
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})

_MANY = 99
_NOT_BLANK = r".*\S.*"
_CLASSES = {
    "CATEGORY_DIGIT": set(map(ord, string.digits)),
    "CATEGORY_WORD": set(map(ord, string.ascii_letters + string.digits + "_")),
    "CATEGORY_SPACE": set(map(ord, " \t\n\r\f\v")),
}

Matches = Callable[[str], object]
"""Truthy when the whole text satisfies the pattern."""


@cache
def compile_pattern(pattern: str) -> Matches:
    """Whether the whole of a string satisfies `pattern`. One that cannot be decided within half a second does not."""
    if pattern == _NOT_BLANK:
        # A dot is no line end, but AWS takes texts of many lines there (a schema's definition): it means "not blank".
        return re.compile(r"\S", re.ASCII).search
    pattern = _ASTRAL.sub(_astral, pattern)
    quick = _quick(pattern)
    return quick if quick is not None else _bounded(pattern)


def _quick(pattern: str) -> Matches | None:
    """By `re`, for patterns that it reads as Java does and that cannot backtrack for long."""
    tree = _tree(pattern)
    if tree is None or _slow(tree):
        return None
    compiled = re.compile(pattern, re.ASCII)
    return compiled.fullmatch


def _bounded(pattern: str) -> Matches:
    import regex  # only here: most patterns do not need it, and a start need not pay for it

    # `regex` asks for V1 to read nested sets as Java does. Its ASCII flag would also narrow \p{L}, so \w, \d and \s
    # are Unicode here: a pattern that mixes them with \p{..} accepts a little more than Java's.
    flags = regex.V1 if "\\p" in pattern or "\\P" in pattern else regex.V1 | regex.ASCII
    compiled = regex.compile(pattern, flags)
    tree = _tree(_PROPERTY.sub("\ue000", pattern))
    if tree is not None and not _slow(tree):
        return compiled.fullmatch  # keeping time would take longer than the match

    def matches(text: str) -> bool:
        try:
            return compiled.fullmatch(text, timeout=LIMIT_SECONDS) is not None
        except TimeoutError:
            return False

    return matches


def _tree(pattern: str) -> Any:
    """As `re` parses it; None when it would refuse it, or read it otherwise than Java."""
    try:
        with warnings.catch_warnings():
            # A nested set is a union or an intersection to Java, and a mere warning to `re`.
            warnings.simplefilter("error")
            return parser.parse(pattern, re.ASCII)
    except (re.error, Warning):
        return None


def _astral(found: re.Match[str]) -> str:
    """Java writes a character beyond U+FFFF as its two surrogates."""
    text = found.group()
    high, low = int(text[2:6], 16), int(text[8:12], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _slow(tree: Any) -> bool:
    """True when matching might take more than quadratic time: a repeat within a repeat, or more than two long ones,
    not counting repeats whose end is plain from the next character."""
    return _longs(tree, inside=False) > 2


def _longs(tree: Any, inside: bool) -> int:
    total = 0
    for at, (operation, argument) in enumerate(tree):
        name = str(operation)
        if name in _REPEATS:
            _, most, body = argument
            if len(body) == 1 and at + 1 < len(tree) and _disjoint(body[0], tree[at + 1]):
                continue
            if inside and most > 1:
                return _MANY
            total += (most > 16 and len(body) == 1) + _longs(body, inside or most > 1)
        elif name == "BRANCH":
            total += _MANY if inside else max(_longs(one, inside) for one in argument[1])
        elif name == "SUBPATTERN":
            total += _longs(argument[3], inside)
        elif name in ("ASSERT", "ASSERT_NOT"):
            total += _longs(argument[1], inside)
        elif name in ("GROUPREF", "ATOMIC_GROUP", "GROUPREF_EXISTS"):
            return _MANY
    return total


def _disjoint(one: Any, other: Any) -> bool:
    first, second = _characters(one), _characters(other)
    return first is not None and second is not None and not first & second


def _characters(item: Any) -> set[int] | None:
    """The characters that a one-character item matches; None when it is not one, or cannot be listed."""
    operation, argument = item
    if str(operation) == "LITERAL":
        return {argument}
    if str(operation) != "IN":
        return None
    found: set[int] = set()
    for kind, value in argument:
        if str(kind) == "LITERAL":
            found.add(value)
        elif str(kind) == "RANGE" and value[1] < 0x250:
            found.update(range(value[0], value[1] + 1))
        elif str(kind) == "CATEGORY" and str(value) in _CLASSES:
            found.update(_CLASSES[str(value)])
        else:
            return None
    return found
