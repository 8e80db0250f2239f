"""Patterns of policies: `*`, `?` and variables such as `${aws:username}`, compiled once.

A match never backtracks: the pieces between stars are searched from left to right, so the time is bounded by the length
of the text times the length of the pattern, whatever the pattern.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

Lookup = Callable[[str], tuple[str, ...] | None]
"""The values of a condition key (lower case) in this request; None: the key is absent."""

_VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
_DEFAULTED: Final = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?")
_STAR: Final = 0
_ONE: Final = 1
_Token = str | int


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`."""

    key: str
    default: str | None

    def value(self, lookup: Lookup) -> str | None:
        """None: it cannot be told, so nothing that rests on it matches. A key of several values is no variable."""
        found = lookup(self.key)
        if found is None:
            return self.default
        return found[0] if len(found) == 1 else None


class Pattern:
    """One pattern. `variables` is false in documents of 2008, where `${...}` is text; `wild` is false where stars are
    text, as in StringEquals; `fold` compares without regard to case."""

    __slots__ = ("_fold", "_parts", "_static", "_wild", "text", "variables")

    def __init__(self, text: str, *, variables: bool = True, wild: bool = True, fold: bool = False) -> None:
        self.text = text
        self._wild = wild
        self._fold = fold
        self._parts = _parts(text) if variables else [text]
        self.variables = tuple(part for part in self._parts if isinstance(part, Variable))
        self._static = None if self.variables else compile_glob(self._tokens(None))

    def matches(self, text: str, lookup: Lookup) -> bool:
        if self._fold:
            text = text.casefold()
        if self._static is not None:
            return self._static(text)
        tokens = self._tokens(lookup)
        return tokens is not None and compile_glob(tokens)(text)

    def expanded(self, lookup: Lookup) -> str | None:
        """The pattern as text, its variables replaced; None where one cannot be told. Stars in values are escaped by
        nothing, so this is for what knows no stars, or for messages."""
        pieces = []
        for part in self._parts:
            piece = part.value(lookup) if isinstance(part, Variable) else str(part)
            if piece is None:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def _tokens(self, lookup: Lookup | None) -> list[_Token] | None:
        tokens: list[_Token] = []
        for part in self._parts:
            if isinstance(part, Variable):
                assert lookup is not None
                value = part.value(lookup)
                if value is None:
                    return None
                tokens.append(self._folded(value))  # The value is text: a star in it matches a star.
            elif isinstance(part, _Literal):
                tokens.append(part)
            elif self._wild:
                tokens += _wild_tokens(self._folded(part))
            else:
                tokens.append(self._folded(part))
        return tokens

    def _folded(self, text: str) -> str:
        return text.casefold() if self._fold else text


class _Literal(str):
    """Text that has no wildcards: `${*}`, `${?}`, `${$}`."""

    __slots__ = ()


def compile_glob(tokens: Sequence[_Token] | None) -> Callable[[str], bool]:
    """The test whether a whole text matches: strings as they are, _ONE any one character, _STAR any run of them."""
    assert tokens is not None
    runs: list[list[_Token]] = [[]]
    for token in tokens:
        if token == _STAR:
            runs.append([])
        else:
            runs[-1].append(token)
    pieces = [_piece(run) for run in runs]
    if len(pieces) == 1:
        return pieces[0].whole
    first, last, middle = pieces[0], pieces[-1], [one for one in pieces[1:-1] if one.length]
    if not middle and not last.length and not first.length:
        return lambda text: True
    least = first.length + last.length + sum(one.length for one in middle)

    def matches(text: str) -> bool:
        end = len(text) - last.length
        if len(text) < least or not first.at(text, 0) or not last.at(text, end):
            return False
        place = first.length
        for piece in middle:
            # The leftmost place leaves the most for the pieces that follow, so no other needs to be tried.
            place = piece.find(text, place, end)
            if place < 0:
                return False
            place += piece.length
        return True

    return matches


class _Text:
    """A run without `?`."""

    __slots__ = ("length", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.length = len(text)

    def whole(self, text: str) -> bool:
        return text == self.text

    def at(self, text: str, place: int) -> bool:
        return text.startswith(self.text, place)

    def find(self, text: str, start: int, end: int) -> int:
        return text.find(self.text, start, end)


class _Gapped:
    """A run with `?`: always as long as its pattern, so a search for it cannot backtrack either."""

    __slots__ = ("_regex", "length")

    def __init__(self, run: Sequence[_Token]) -> None:
        self.length = sum(1 if token == _ONE else len(str(token)) for token in run)
        self._regex = re.compile("".join("." if token == _ONE else re.escape(str(token)) for token in run), re.DOTALL)

    def whole(self, text: str) -> bool:
        return self._regex.fullmatch(text) is not None

    def at(self, text: str, place: int) -> bool:
        return self._regex.match(text, place) is not None

    def find(self, text: str, start: int, end: int) -> int:
        found = self._regex.search(text, start, end)
        return -1 if found is None else found.start()


def _piece(run: list[_Token]) -> _Text | _Gapped:
    if _ONE in run:
        return _Gapped(run)
    return _Text("".join(str(token) for token in run))


def _wild_tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    for piece in re.split(r"([*?])", text):
        if piece == "*":
            tokens.append(_STAR)
        elif piece == "?":
            tokens.append(_ONE)
        elif piece:
            tokens.append(piece)
    return tokens


def _parts(text: str) -> list[str | Variable]:
    if "${" not in text:
        return [text]
    parts: list[str | Variable] = []
    place = 0
    for found in _VARIABLE.finditer(text):
        parts.append(text[place : found.start()])
        place = found.end()
        inside = found[1]
        said = _DEFAULTED.fullmatch(inside)
        if inside in ("*", "?", "$"):
            parts.append(_Literal(inside))
        elif said is not None:
            parts.append(Variable(said[1].lower(), said[2]))
        else:
            parts.append(_Literal(found[0]))
    parts.append(text[place:])
    return [part for part in parts if part != ""]
