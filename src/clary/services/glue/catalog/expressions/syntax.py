"""From the text of an expression to what it means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import InvalidOperation
from typing import Any, Final

from clary.services.glue.catalog.expressions.bounds import Bound, bound, of_sign, starting
from clary.services.glue.catalog.expressions.keys import READERS, Key
from clary.services.glue.catalog.expressions.truths import (
    SIGNS,
    Node,
    all_of,
    any_of,
    compared,
    like,
    null,
    opposite,
    within,
)
from clary.services.glue.errors import InvalidInputException

_DEEPEST: Final = 100
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<quoted>`[^`]+`|"[^"]+")
      | (?P<word>[^\W\d]\w*)
      | (?P<sign><=|>=|<>|!=|==|[=<>(),])
    )""",
    re.VERBOSE,
)
_CONSTANTS: Final = ("date", "timestamp")
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Expression:
    truth: Node
    bounds: tuple[Bound, ...]
    """Of text keys; not all that the expression asks, but nothing that it does not."""


def parsed(text: str, keys: Sequence[Key]) -> Expression:
    """Raises InvalidInputException that says where the text is no expression."""
    reader = _Reader(text, keys)
    node, bounds = reader.either(0)
    reader.end()
    return Expression(node, tuple(bounds))


class _Reader:
    """Recursive descent: OR, AND, NOT, predicates."""

    def __init__(self, text: str, keys: Sequence[Key]) -> None:
        self._text = text
        self._keys = {key.name: key for key in keys}
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._wrong(at, "this is no part of an expression")
            self._tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            at = match.end()

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong(self._tokens[self._at][2], "expected AND, OR or the end")

    def either(self, depth: int) -> tuple[Node, list[Bound]]:
        if depth > _DEEPEST:
            raise InvalidInputException("The expression is nested too deeply")
        node, bounds = self._both(depth)
        nodes = [node]
        while self._word("or"):
            nodes.append(self._both(depth)[0])
            bounds = []  # what one side asks need not hold
        return (any_of(nodes) if len(nodes) > 1 else node), bounds

    def _both(self, depth: int) -> tuple[Node, list[Bound]]:
        node, bounds = self._one(depth)
        nodes = [node]
        while self._word("and"):
            node, more = self._one(depth)
            nodes.append(node)
            bounds += more
        return (all_of(nodes) if len(nodes) > 1 else node), bounds

    def _one(self, depth: int) -> tuple[Node, list[Bound]]:
        if depth > _DEEPEST:
            raise InvalidInputException("The expression is nested too deeply")
        if self._word("not"):
            return opposite(self._one(depth + 1)[0]), []
        if self._sign("("):
            found = self.either(depth + 1)
            self._need(")")
            return found
        return self._predicate()

    def _predicate(self) -> tuple[Node, list[Bound]]:
        if self._is_value():
            return self._turned()
        key = self._key()
        if self._word("is"):
            negated = self._word("not")
            self._need_word("null")
            return null(key, negated), []
        negated = self._word("not")
        if self._word("in"):
            self._need("(")
            given = [self._value(key)]
            while self._sign(","):
                given.append(self._value(key))
            self._need(")")
            node, bounds = within(key, [one for one, _ in given]), bound(key, "in", *(text for _, text in given))
        elif self._word("between"):
            low, low_text = self._value(key)
            self._need_word("and")
            high, high_text = self._value(key)
            node = all_of([compared(key, ">=", low), compared(key, "<=", high)])
            bounds = [*bound(key, ">=", low_text), *bound(key, "<=", high_text)]
        elif self._word("like"):
            pattern = self._text_value()
            start = re.split(r"[%_\\]", pattern, maxsplit=1)[0]
            node, bounds = like(key, pattern), starting(key, start)
        elif negated:
            raise self._wrong(self._place(), "expected IN, BETWEEN or LIKE behind NOT")
        else:
            sign = self._comparison()
            value, text = self._value(key)
            return compared(key, sign, value), of_sign(key, sign, text)
        return (opposite(node), []) if negated else (node, bounds)

    def _turned(self) -> tuple[Node, list[Bound]]:
        """A value on the left: 2024 <= year."""
        start = self._at
        self._at += 2 if self._peek()[0] == "word" else 1  # the name of a constant's type stands before it
        sign = self._comparison()
        key, after = self._key(), self._at
        self._at = start
        value, text = self._value(key)
        self._at = after
        sign = _TURNED.get(sign, sign)
        return compared(key, sign, value), of_sign(key, sign, text)

    def _is_value(self) -> bool:
        kind, text, _ = self._peek()
        if kind in ("text", "number"):
            return True
        following = self._tokens[self._at + 1][0] if self._at + 1 < len(self._tokens) else ""
        return kind == "word" and text.lower() in _CONSTANTS and following == "text"

    def _key(self) -> Key:
        kind, text, at = self._peek()
        name = text.strip('`"').lower() if kind in ("word", "quoted") else None
        if name is None:
            raise self._wrong(at, "expected the name of a partition key")
        if name not in self._keys:
            raise self._wrong(at, f"{name} is not a partition key of the table, which has ({', '.join(self._keys)})")
        self._at += 1
        return self._keys[name]

    def _comparison(self) -> str:
        kind, text, at = self._peek()
        if kind != "sign" or text not in SIGNS:
            raise self._wrong(at, "expected a comparison: = != < <= > >= IN BETWEEN LIKE IS")
        self._at += 1
        return text

    def _value(self, key: Key) -> tuple[Any, str]:
        """The constant, and its text."""
        kind, text, at = self._peek()
        if kind == "word" and text.lower() in _CONSTANTS:
            self._at += 1
            kind, text, at = self._peek()
            if kind != "text":
                raise self._wrong(at, "expected a text in single quotes")
        if kind not in ("text", "number"):
            raise self._wrong(at, "expected a number, or a text in single quotes")
        self._at += 1
        plain = text[1:-1].replace("''", "'") if kind == "text" else text
        try:
            return READERS[key.kind](plain), plain
        except (ValueError, InvalidOperation):
            raise self._wrong(at, f"{text} is not a value of the partition key {key.name}") from None

    def _text_value(self) -> str:
        kind, text, at = self._peek()
        if kind != "text":
            raise self._wrong(at, "expected a text in single quotes")
        self._at += 1
        return text[1:-1].replace("''", "'")

    def _word(self, word: str) -> bool:
        kind, text, _ = self._peek()
        if kind == "word" and text.lower() == word:
            self._at += 1
            return True
        return False

    def _sign(self, sign: str) -> bool:
        if self._peek()[:2] == ("sign", sign):
            self._at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._sign(sign):
            raise self._wrong(self._place(), f"expected {sign}")

    def _need_word(self, word: str) -> None:
        if not self._word(word):
            raise self._wrong(self._place(), f"expected {word.upper()}")

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "", len(self._text))

    def _place(self) -> int:
        return self._peek()[2]

    def _wrong(self, at: int, why: str) -> InvalidInputException:
        return InvalidInputException(f"Unsupported expression '{self._text}' at character {at + 1}: {why}")
