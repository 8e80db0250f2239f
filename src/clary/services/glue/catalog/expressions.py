"""The expressions of GetPartitions: a small SQL over the partition keys.

    year = 2024 AND (month IN (1, 2) OR day >= '15') AND NOT region LIKE 'eu-%'

A key has the type of its column: values are compared as numbers, dates, times or texts. The truth of an expression is
True, False or None: where a value is null (`__HIVE_DEFAULT_PARTITION__`) or is none of the key's type, as SQL has it;
and where the value of a key is not known yet, which is how whole branches of partitions are passed over (pruning.py).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from clary.services.glue.errors import InvalidInputException

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""The value of a partition whose key is null."""
_LAST: Final = chr(0x10FFFF) * 1024
"""No value is longer: behind a text comes nothing that begins with it."""
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
_WHOLE: Final = ("tinyint", "smallint", "int", "integer", "bigint", "long", "short", "byte")
_BROKEN: Final = ("float", "double", "decimal")
_TEXTS: Final = ("string", "varchar", "char", "")
_CONSTANTS: Final = ("date", "timestamp")
_SIGNS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Unknown:
    """The value of a key that is not known yet."""


UNKNOWN: Final = Unknown()
Value = str | Unknown
Values = Sequence[Value]
"""Of each partition key, in order."""
Node = Callable[[Values], bool | None]


@dataclass(frozen=True, slots=True)
class Key:
    """A partition key."""

    name: str
    at: int
    kind: str
    """Of its type: "text", "number", "date" or "time"."""

    def read(self, text: str) -> Any:
        """The value that a partition's text stands for; None: null, or no value of the type."""
        if text == NULL:
            return None
        try:
            return _READERS[self.kind](text)
        except (ValueError, InvalidOperation):
            return None


@dataclass(frozen=True, slots=True)
class Bound:
    """What must hold of one key for the whole expression to hold: one side of its range, or a list of values."""

    at: int
    sign: str
    """One of "in", ">=" and "<="."""
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    truth: Node
    bounds: tuple[Bound, ...]
    """Of text keys; not all that the expression asks, but nothing that it does not."""


def _number(text: str) -> Decimal:
    found = Decimal(text.strip())
    if not found.is_finite():
        raise ValueError(text)
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=None)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": str,
    "number": _number,
    "date": lambda text: date.fromisoformat(text.strip()),
    "time": _time,
}


def keys_of(columns: Sequence[Mapping[str, Any]]) -> list[Key]:
    """The partition keys of a table."""
    found = []
    for at, column in enumerate(columns):
        plain = column.get("Type", "string").lower().partition("(")[0].strip()
        if plain in _TEXTS:
            kind = "text"
        elif plain in (*_WHOLE, *_BROKEN):
            kind = "number"
        else:
            kind = {"date": "date", "timestamp": "time"}.get(plain, "text")
        found.append(Key(column["Name"].lower(), at, kind))
    return found


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
        return (_any(nodes) if len(nodes) > 1 else node), bounds

    def _both(self, depth: int) -> tuple[Node, list[Bound]]:
        node, bounds = self._one(depth)
        nodes = [node]
        while self._word("and"):
            node, more = self._one(depth)
            nodes.append(node)
            bounds += more
        return (_all(nodes) if len(nodes) > 1 else node), bounds

    def _one(self, depth: int) -> tuple[Node, list[Bound]]:
        if depth > _DEEPEST:
            raise InvalidInputException("The expression is nested too deeply")
        if self._word("not"):
            return _not(self._one(depth + 1)[0]), []
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
            return _null(key, negated), []
        negated = self._word("not")
        if self._word("in"):
            self._need("(")
            given = [self._value(key)]
            while self._sign(","):
                given.append(self._value(key))
            self._need(")")
            node, bounds = _in(key, [one for one, _ in given]), _bound(key, "in", *(text for _, text in given))
        elif self._word("between"):
            low, low_text = self._value(key)
            self._need_word("and")
            high, high_text = self._value(key)
            node = _all([_compared(key, ">=", low), _compared(key, "<=", high)])
            bounds = [*_bound(key, ">=", low_text), *_bound(key, "<=", high_text)]
        elif self._word("like"):
            pattern = self._text_value()
            start = re.split(r"[%_\\]", pattern, maxsplit=1)[0]
            node, bounds = _like(key, pattern), _starting(key, start)
        elif negated:
            raise self._wrong(self._place(), "expected IN, BETWEEN or LIKE behind NOT")
        else:
            sign = self._comparison()
            value, text = self._value(key)
            return _compared(key, sign, value), _of_sign(key, sign, text)
        return (_not(node), []) if negated else (node, bounds)

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
        return _compared(key, sign, value), _of_sign(key, sign, text)

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
        if kind != "sign" or text not in _SIGNS:
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
            return _READERS[key.kind](plain), plain
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


def _any(nodes: Sequence[Node]) -> Node:
    def truth(values: Values) -> bool | None:
        found: bool | None = False
        for node in nodes:
            one = node(values)
            if one:
                return True
            if one is None:
                found = None
        return found

    return truth


def _all(nodes: Sequence[Node]) -> Node:
    def truth(values: Values) -> bool | None:
        found: bool | None = True
        for node in nodes:
            one = node(values)
            if one is False:
                return False
            if one is None:
                found = None
        return found

    return truth


def _not(node: Node) -> Node:
    def truth(values: Values) -> bool | None:
        one = node(values)
        return None if one is None else not one

    return truth


def _of(key: Key, holds: Callable[[Any], bool]) -> Node:
    def truth(values: Values) -> bool | None:
        text = values[key.at]
        if isinstance(text, Unknown):
            return None
        value = key.read(text)
        return None if value is None else holds(value)

    return truth


def _compared(key: Key, sign: str, wanted: Any) -> Node:
    compare = _SIGNS[sign]
    return _of(key, lambda value: compare(value, wanted))


def _in(key: Key, wanted: Sequence[Any]) -> Node:
    listed = frozenset(wanted)
    return _of(key, listed.__contains__)


def _null(key: Key, negated: bool) -> Node:
    def truth(values: Values) -> bool | None:
        text = values[key.at]
        return None if isinstance(text, Unknown) else (text == NULL) != negated

    return truth


def _like(key: Key, pattern: str) -> Node:
    """Of the value as it is written: % is any text, _ any character, and a backslash makes the next one itself."""
    parts = re.findall(r"\\.|%+|_|[^\\%_]+|\\", pattern, re.DOTALL)
    matches = _matcher(parts)

    def truth(values: Values) -> bool | None:
        text = values[key.at]
        if isinstance(text, Unknown) or text == NULL:
            return None
        return matches(text)

    return truth


def _matcher(parts: Sequence[str]) -> Callable[[str], bool]:
    """Without a regular expression: many % in one would take for ever. Pieces between them are found from left on."""
    pieces: list[list[str | None]] = [[]]
    for part in parts:
        if part.startswith("%"):
            pieces.append([])
        elif part == "_":
            pieces[-1].append(None)
        else:
            pieces[-1] += list(part[1:] if part.startswith("\\") and len(part) > 1 else part)

    def fits(piece: Sequence[str | None], text: str, at: int) -> bool:
        return (
            at >= 0
            and at + len(piece) <= len(text)
            and all(char is None or char == text[at + offset] for offset, char in enumerate(piece))
        )

    def matches(text: str) -> bool:
        first, last = pieces[0], pieces[-1]
        if len(pieces) == 1:
            return len(text) == len(first) and fits(first, text, 0)
        at, end = len(first), len(text) - len(last)
        if at > end or not fits(first, text, 0) or not fits(last, text, end):
            return False
        for piece in pieces[1:-1]:
            while at + len(piece) <= end and not fits(piece, text, at):
                at += 1
            at += len(piece)
            if at > end:
                return False
        return True

    return matches


def _bound(key: Key, sign: str, *values: str) -> list[Bound]:
    return [Bound(key.at, sign, tuple(sorted(set(values))))] if key.kind == "text" else []


def _of_sign(key: Key, sign: str, text: str) -> list[Bound]:
    match sign:
        case "=" | "==":
            return _bound(key, "in", text)
        case ">" | ">=":
            return _bound(key, ">=", text)
        case "<" | "<=":
            return _bound(key, "<=", text)
        case _:
            return []


def _starting(key: Key, start: str) -> list[Bound]:
    """What LIKE 'start%' asks of the range. Also of keys of other types: LIKE looks at the text."""
    if not start:
        return []
    return [Bound(key.at, ">=", (start,)), Bound(key.at, "<=", (start + _LAST,))]
