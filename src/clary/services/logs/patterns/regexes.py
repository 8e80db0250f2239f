"""%Regular expressions%: what CloudWatch Logs lets stand in one, and a search that is linear in the text.

RE2 runs them, because a pattern comes from outside: an engine that backtracks could be kept busy for hours by one
line. AWS's language has no groups, so an expression is a row of alternatives of characters with counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from clary.services.logs.patterns.scan import wrong

_SYMBOLS: Final = frozenset(":_#=@/;,-")
_OPERATORS: Final = frozenset("^$?[]{}|\\*+.")
_CLASSES: Final = frozenset("dDsSwW")


@dataclass(frozen=True, slots=True)
class Regex:
    text: str
    search: Callable[[str], object]
    """True-ish: it occurs in the text."""
    literals: tuple[str, ...]
    """One of these stands in whatever it matches; (): nothing is known."""


def compile_regex(text: str, at: int) -> Regex:
    """The expression `text`, which stands at position `at` of its pattern. Raises InvalidParameterException."""
    _check(text, at)
    import re2  # type: ignore[import-untyped]  # a twentieth of a second that no start should wait for

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        # \d \s \w are of ASCII in RE2, as in AWS's description. "\n" is a character like any other to ".".
        compiled = re2.compile(f"(?s){text}", options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        raise wrong(f"%{text}% is not a regular expression ({why})", at) from None
    return Regex(text, compiled.search, _literals(text))


def _check(text: str, at: int) -> None:
    if not text:
        raise wrong("a regular expression is missing between the % signs", at)
    i = 0
    while i < len(text):
        char = text[i]
        if char == "\\":
            i += _escape(text, i, at)
            continue
        if not (char.isascii() and char.isalnum()) and char not in _SYMBOLS and char not in _OPERATORS:
            raise wrong(
                f"{char!r} cannot stand in a regular expression (letters, digits, :_#=@/;,- and ^$?[]{{}}|\\*+. can)",
                at + i,
            )
        i += 1


def _escape(text: str, i: int, at: int) -> int:
    """How long the escape at `i` is."""
    after = text[i + 1 : i + 2]
    if after in _OPERATORS or after in _SYMBOLS or after in _CLASSES:
        if after:
            return 2
    elif after == "x" and len(text) >= i + 4 and all(one in "0123456789abcdefABCDEF" for one in text[i + 2 : i + 4]):
        return 4
    raise wrong(
        "a backslash in a regular expression stands before one of ^$?[]{}|\\*+. or d, D, s, S, w, W, or xhh,"
        " which is not so",
        at + i,
    )


def _literals(text: str) -> tuple[str, ...]:
    """The longest run of plain characters of each alternative; () when one of them has none."""
    found, best, run = [], "", ""
    for kind, char in (*_atoms(text), ("or", "")):
        if kind == "plain":
            run += char
            continue
        best, run = max(best, run, key=len), ""
        if kind == "or":
            found.append(best)
            best = ""
    return tuple(found) if all(found) else ()


def _atoms(text: str) -> Iterator[tuple[str, str]]:
    """A legal expression atom by atom: ("plain", a character that stands exactly once), ("or", ""), ("other", "")."""
    i = 0
    while i < len(text):
        kind, char, i = _atom(text, i)
        if kind != "or" and text[i : i + 1] in ("?", "*", "+", "{"):
            kind = "other"
            i = text.find("}", i) + 1 if text[i] == "{" else i + 1
        yield kind, char


def _atom(text: str, i: int) -> tuple[str, str, int]:
    """(kind, character, where the next atom begins)."""
    char = text[i]
    if char == "\\":
        after = text[i + 1]
        literal = after in _OPERATORS or after in _SYMBOLS
        return ("plain" if literal else "other"), after, i + (4 if after == "x" else 2)
    if char == "[":
        i += 2 if text[i + 1 : i + 2] == "^" else 1
        i += text[i : i + 1] == "]"  # the first one in a class is one of its characters
        while i < len(text) and text[i] != "]":
            i += 2 if text[i] == "\\" else 1
        return "other", "", i + 1
    if char == "|":
        return "or", "", i + 1
    return ("plain" if char.isalnum() or char in _SYMBOLS else "other"), char, i + 1
