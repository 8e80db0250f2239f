"""Reads the JSON of a pattern and remembers where each value stands, so that a refusal can name the place."""

import re
from dataclasses import dataclass
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any, Final

DEEPEST: Final = 100
"""So deep may a pattern be nested."""
_SHOWN: Final = 500
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}


class Malformed(Exception):
    """The text is no event pattern. `reason` says why, `line` and `column` (from 1) where."""

    def __init__(self, reason: str, text: str, at: int) -> None:
        self.reason = reason
        self.line = text.count("\n", 0, at) + 1
        self.column = at - text.rfind("\n", 0, at)
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
        super().__init__(
            f"Event pattern is not valid. Reason: {reason}\n"
            f' at [Source: (String)"{shown}"; line: {self.line}, column: {self.column}]'
        )


@dataclass(frozen=True, slots=True)
class Node:
    """One value: None, a bool, an int, a float, a str, a list of nodes, or a dict of nodes."""

    value: Any
    at: int
    """Where it begins in the text."""


def read(text: str) -> Node:
    """The document. Raises Malformed."""
    reader = _Reader(text)
    node, end = reader.value(reader.skip(0), 0)
    end = reader.skip(end)
    if end != len(text):
        raise Malformed("Invalid JSON: something stands behind the pattern", text, end)
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return at if match is None else match.end()

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        first = self._text[at : at + 1]
        if depth > DEEPEST:
            raise self._wrong(f"more than {DEEPEST} levels are nested", at)
        if first == "{":
            return self._object(at, depth + 1)
        if first == "[":
            return self._array(at, depth + 1)
        if first == '"':
            found, end = self._string(at)
            return Node(found, at), end
        for word, meant in _WORDS.items():
            if self._text.startswith(word, at):
                return Node(meant, at), at + len(word)
        return self._number(at)

    def _number(self, at: int) -> tuple[Node, int]:
        match = _NUMBER.match(self._text, at)
        if match is None:
            raise self._wrong("a value is missing" if at >= len(self._text) else "no value begins so", at)
        whole = match[1] is None and match[2] is None
        found = int(match[0]) if whole and len(match[0]) <= 20 else float(match[0])
        if found in (float("inf"), float("-inf")):
            raise self._wrong(f"{match[0]} is too large", at)
        return Node(found, at), match.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            found, end = scanstring(self._text, at + 1, True)
        except JSONDecodeError as error:
            raise self._wrong(error.msg, error.pos) from None
        return found, end

    def _array(self, at: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        spot = self.skip(at + 1)
        if self._text.startswith("]", spot):
            return Node(items, at), spot + 1
        while True:
            node, spot = self.value(spot, depth)
            items.append(node)
            spot, more = self._separated(spot, "]")
            if not more:
                return Node(items, at), spot

    def _object(self, at: int, depth: int) -> tuple[Node, int]:
        members: dict[str, Node] = {}
        spot = self.skip(at + 1)
        if self._text.startswith("}", spot):
            return Node(members, at), spot + 1
        while True:
            if not self._text.startswith('"', spot):
                raise self._wrong("a name in quotes is missing", spot)
            name, spot = self._string(spot)
            spot = self.skip(spot)
            if not self._text.startswith(":", spot):
                raise self._wrong("':' is missing", spot)
            members[name], spot = self.value(self.skip(spot + 1), depth)
            spot, more = self._separated(spot, "}")
            if not more:
                return Node(members, at), spot

    def _separated(self, at: int, end: str) -> tuple[int, bool]:
        at = self.skip(at)
        if self._text.startswith(",", at):
            return self.skip(at + 1), True
        if self._text.startswith(end, at):
            return at + 1, False
        raise self._wrong(f"',' or '{end}' is missing", at)

    def _wrong(self, what: str, at: int) -> Malformed:
        return Malformed(f"Invalid JSON: {what}", self._text, min(at, len(self._text)))
