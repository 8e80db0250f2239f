"""Metric math as text: from an expression to a tree, or to an error that names the position.

or    := and (("OR" | "||") and)*          sum     := product (("+" | "-") product)*
and   := test (("AND" | "&&") test)*       product := sign (("*" | "/") sign)*
test  := sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?
sign  := "-" sign | power                  power   := atom ("^" sign)?
atom  := number | text | id | FUNCTION "(" (or ("," or)*)? ")" | "[" or ("," or)* "]" | "(" or ")"
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_DEPTH: Final = 64
"""Deeper nesting is refused."""


class BadExpression(Exception):
    """The expression is none, or cannot be computed. `position` is that of the character, from 1; 0: of the whole."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(f"{message} at position {position}" if position else message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    position: int


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    position: int


@dataclass(frozen=True, slots=True)
class Name:
    """The id of a query, or a word that a function knows (REPEAT, DESC ...)."""

    value: str
    position: int


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple["Node", ...]
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Node", ...]
    position: int


@dataclass(frozen=True, slots=True)
class Negative:
    operand: "Node"
    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    position: int


Node = Number | Text | Name | Array | Call | Negative | Binary

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<mark>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_TESTS: Final = ("==", "!=", "<=", ">=", "<", ">")
_WORDS: Final = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Node:
    """Raises BadExpression."""
    parser = _Parser(_tokens(text), len(text) + 1)
    node = parser.expression()
    parser.end()
    return node


def names(node: Node) -> set[str]:
    """The ids that the expression may refer to."""
    found: set[str] = set()
    waiting: list[Node] = [node]
    while waiting:
        match waiting.pop():
            case Name(value):
                found.add(value)
            case Array(items):
                waiting += items
            case Call(_, arguments):
                waiting += arguments
            case Negative(operand):
                waiting.append(operand)
            case Binary(_, left, right):
                waiting += (left, right)
    return found


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "A text without its end" if text[at] in "'\"" else f"Unexpected character {text[at]!r}"
            raise BadExpression(what, at + 1)
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup or "", match[0], at + 1))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._at = 0
        self._depth = 0

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadExpression(f"The expression is nested more than {MOST_DEPTH} deep", self._here())
        node = self._chain(("OR",), lambda: self._chain(("AND",), self._test))
        self._depth -= 1
        return node

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise BadExpression(f"Unexpected {self._tokens[self._at].text!r}", self._here())

    def _chain(self, operators: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        node = operand()
        while (operator := self._operator()) in operators:
            position = self._here()
            self._at += 1
            node = Binary(operator, node, operand(), position)
        return node

    def _test(self) -> Node:
        left = self._sum()
        operator = self._operator()
        if operator not in _TESTS:
            return left
        position = self._here()
        self._at += 1
        return Binary(operator, left, self._sum(), position)

    def _sum(self) -> Node:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._sign))

    def _sign(self) -> Node:
        signs = []
        while self._operator() == "-":
            signs.append(self._here())
            self._at += 1
        node = self._power()
        for position in reversed(signs):
            node = Negative(node, position)
        return node

    def _power(self) -> Node:
        base = self._atom()
        if self._operator() != "^":
            return base
        position = self._here()
        self._at += 1
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadExpression(f"The expression is nested more than {MOST_DEPTH} deep", position)
        node = Binary("^", base, self._sign(), position)
        self._depth -= 1
        return node

    def _atom(self) -> Node:
        token = self._take()
        match token.kind:
            case "number":
                return Number(float(token.text), token.position)
            case "text":
                return Text(re.sub(r"\\(['\"\\])", r"\1", token.text[1:-1]), token.position)
            case "name" if token.text not in _WORDS:
                if self._operator() == "(":
                    self._at += 1
                    return Call(token.text, self._items(")"), token.position)
                return Name(token.text, token.position)
        if token.text == "(":
            node = self.expression()
            self._expect(")")
            return node
        if token.text == "[":
            items = self._items("]")
            if not items:
                raise BadExpression("An array needs at least one member", token.position)
            return Array(items, token.position)
        raise BadExpression(f"Unexpected {token.text!r}", token.position)

    def _items(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._operator() == closing:
            self._at += 1
            return ()
        while True:
            items.append(self.expression())
            if self._operator() == ",":
                self._at += 1
                continue
            self._expect(closing)
            return tuple(items)

    def _expect(self, text: str) -> None:
        token = self._take()
        if token.text != text:
            raise BadExpression(f"Expected {text!r} instead of {token.text!r}", token.position)

    def _take(self) -> _Token:
        if self._at >= len(self._tokens):
            raise BadExpression("The expression ends too early", self._end)
        self._at += 1
        return self._tokens[self._at - 1]

    def _operator(self) -> str:
        """The operator or bracket that stands here; "": none."""
        if self._at >= len(self._tokens):
            return ""
        token = self._tokens[self._at]
        if token.kind == "name":
            return _WORDS.get(token.text, "")
        return _WORDS.get(token.text, token.text) if token.kind == "mark" else ""

    def _here(self) -> int:
        return self._tokens[self._at].position if self._at < len(self._tokens) else self._end
