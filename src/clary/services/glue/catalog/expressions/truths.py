"""Whether an expression holds for a partition: True, False or None.

None: where a value is null (`__HIVE_DEFAULT_PARTITION__`) or is none of the key's type, as SQL has it; and where the
value of a key is not known yet, which is how whole branches of partitions are passed over (pruning.py).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clary.services.glue.catalog.expressions.keys import NULL, Key, Unknown, Values

Node = Callable[[Values], bool | None]
SIGNS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def any_of(nodes: Sequence[Node]) -> Node:
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


def all_of(nodes: Sequence[Node]) -> Node:
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


def opposite(node: Node) -> Node:
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


def compared(key: Key, sign: str, wanted: Any) -> Node:
    compare = SIGNS[sign]
    return _of(key, lambda value: compare(value, wanted))


def within(key: Key, wanted: Sequence[Any]) -> Node:
    listed = frozenset(wanted)
    return _of(key, listed.__contains__)


def null(key: Key, negated: bool) -> Node:
    def truth(values: Values) -> bool | None:
        text = values[key.at]
        return None if isinstance(text, Unknown) else (text == NULL) != negated

    return truth


def like(key: Key, pattern: str) -> Node:
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
