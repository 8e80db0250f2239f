"""Where in the text of a policy each of its statements stands."""

from collections.abc import Iterator
from json import JSONDecoder
from typing import Final

from clary.kernel.resource import Doc

_DECODER: Final = JSONDecoder()
_SPACE: Final = " \t\n\r"


def positions(text: str, index: int) -> Doc:
    """`StartPosition` and `EndPosition` of the statement of that index, lines and columns from 1. `text` is a policy
    that was compiled before."""
    start, end = list(_statements(text))[index]
    return {"StartPosition": _position(text, start), "EndPosition": _position(text, end)}


def _position(text: str, at: int) -> Doc:
    return {"Line": text.count("\n", 0, at) + 1, "Column": at - text.rfind("\n", 0, at)}


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each."""
    for name, start, end in _members(text):
        if name != "Statement":
            continue
        if text[start] == "[":
            yield from _items(text, start)
        else:
            yield start, end


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of the value of each member of the object."""
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, start, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _items(text: str, start: int) -> Iterator[tuple[int, int]]:
    at = _skip(text, start + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    """The next place that is no white space."""
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
