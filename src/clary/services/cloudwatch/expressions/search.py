"""The language of SEARCH: `{Namespace,Dimension,...} term "exact term" AND (Name=term OR NOT term)`.

A term in double quotes is found where it is the whole of a metric's name, namespace, dimension name or dimension
value. One without is cut into tokens, at changes of case, at digits and at other characters, as names are; it is found
where its tokens follow each other in a name. A token that stands alone between other characters is compared without
regard to case; tokens of one word are compared as they are written."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from clary.kernel.metrics import MetricMatch, MetricName
from clary.services.cloudwatch.expressions.syntax import BadExpression

MOST_CHARACTERS: Final = 1024
MOST_DEPTH: Final = 32

Test = Callable[[MetricName], bool]

_TOKEN: Final = re.compile(
    r"""(?P<space>[\s,]+)
      | (?P<exact>"(?:[^"\\]|\\.)*")
      | (?P<mark>[()={}])
      | (?P<word>[^\s,"(){}=]+)""",
    re.VERBOSE,
)
_PIECE: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Search:
    """Which metrics are looked at, and which of them are found."""

    match: MetricMatch
    test: Test


def parse(text: str) -> Search:
    """Raises BadExpression; positions are those in the text."""
    if len(text) > MOST_CHARACTERS:
        raise BadExpression(f"A search has at most {MOST_CHARACTERS} characters")
    parser = _Parser(text)
    match = parser.schema()
    if parser.done():
        if match is None:
            raise BadExpression("A search needs a schema in braces, a term, or both", 1)
        return Search(match, lambda metric: True)
    test = parser.either()
    if not parser.done():
        raise BadExpression(f"Unexpected {parser.here()!r}", parser.position())
    return Search(match or MetricMatch(), test)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        self._end = len(text) + 1
        self._at = 0
        self._depth = 0
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise BadExpression("A text without its end", at + 1)
            if match.lastgroup != "space":
                self._tokens.append((match.lastgroup or "", match[0], at + 1))
            at = match.end()

    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def here(self) -> str:
        return "" if self.done() else self._tokens[self._at][1]

    def position(self) -> int:
        return self._end if self.done() else self._tokens[self._at][2]

    def schema(self) -> MetricMatch | None:
        if self.here() != "{":
            return None
        self._at += 1
        names: list[str] = []
        while self.here() != "}":
            kind, text, position = self._take()
            if kind == "mark":
                raise BadExpression(f"Unexpected {text!r}", position)
            names.append(_exact(text) if kind == "exact" else text)
        if not names:
            raise BadExpression("A schema begins with a namespace", self.position())
        self._at += 1
        return MetricMatch(namespace=names[0], exactly=tuple(sorted(names[1:])) if names[1:] else None)

    def either(self) -> Test:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadExpression(f"The search is nested more than {MOST_DEPTH} deep", self.position())
        tests = [self._all()]
        while self.here() == "OR":
            self._at += 1
            tests.append(self._all())
        self._depth -= 1
        return tests[0] if len(tests) == 1 else lambda metric: any(test(metric) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while not self.done() and self.here() not in ("OR", ")"):
            if self.here() == "AND":
                self._at += 1
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda metric: all(test(metric) for test in tests)

    def _one(self) -> Test:
        refused = False
        while self.here() == "NOT":
            self._at += 1
            refused = not refused
        test = self._term()
        return (lambda metric: not test(metric)) if refused else test

    def _term(self) -> Test:
        kind, text, position = self._take()
        if text == "(":
            test = self.either()
            _, closing, at = self._take()
            if closing != ")":
                raise BadExpression(f"Expected ')' instead of {closing!r}", at)
            return test
        if kind == "mark" or text in ("AND", "OR"):
            raise BadExpression(f"Unexpected {text!r}", position)
        if self.here() != "=":
            return _anywhere(_matcher(kind, text))
        self._at += 1
        if text.startswith(":aws."):
            raise BadExpression(f"The property {text} is not known here: there is one account", position)
        name = _exact(text) if kind == "exact" else text
        kind, text, position = self._take()
        if kind == "mark":
            raise BadExpression(f"Unexpected {text!r}", position)
        return _of_property(name, _matcher(kind, text))

    def _take(self) -> tuple[str, str, int]:
        if self.done():
            raise BadExpression("The search ends too early", self._end)
        self._at += 1
        return self._tokens[self._at - 1]


def _anywhere(matches: Callable[[str], bool]) -> Test:
    return lambda metric: any(matches(text) for text in _texts(metric))


def _of_property(name: str, matches: Callable[[str], bool]) -> Test:
    if name == "MetricName":
        return lambda metric: matches(metric.name)
    if name == "Namespace":
        return lambda metric: matches(metric.namespace)
    return lambda metric: any(matches(value) for key, value in metric.dimensions if key == name)


def _texts(metric: MetricName) -> Iterable[str]:
    yield metric.name
    yield metric.namespace
    for name, value in metric.dimensions:
        yield name
        yield value


def _matcher(kind: str, text: str) -> Callable[[str], bool]:
    if kind == "exact":
        wanted = _exact(text)
        return lambda other: other == wanted
    wanted_tokens = _tokens(text)
    whole = "".join(_WORD.findall(text)).lower()
    if not whole:
        return lambda other: False
    count = len(wanted_tokens)

    def found(other: str) -> bool:
        if "".join(_WORD.findall(other)).lower() == whole and count == 1:
            return True
        there = [piece for piece, _ in _tokens(other)]
        return any(
            all(_same(one, piece) for one, piece in zip(wanted_tokens, there[at:], strict=False))
            for at in range(len(there) - count + 1)
        )

    return found


def _same(wanted: tuple[str, bool], piece: str) -> bool:
    text, alone = wanted
    return text.lower() == piece.lower() if alone else text == piece


def _tokens(text: str) -> list[tuple[str, bool]]:
    """(token, it is a whole word between other characters)."""
    found = []
    for word in _WORD.findall(text):
        pieces = _PIECE.findall(word)
        found += [(piece, len(pieces) == 1) for piece in pieces]
    return found


def _exact(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
