"""The JSONPath of DataProcessing's filters, as far as AWS documents it.

    $  .name  .*  ['name']  ['a','b']  [0]  [-1]  [0,2,5:]  [1:]  [:-1]  [*]       and .['a','b'] for ['a','b']

One name or index gives the value itself. Several names give an object of them, several indexes and slices a list, a
wildcard a list of all. What comes after a list of several is asked of each of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_NAME: Final = re.compile(r"[^\s.\[\]'\",*$]+")
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_INDEX: Final = re.compile(r"(-?[0-9]+)?\s*(?:(:)\s*(-?[0-9]+)?)?")


class BadPath(Exception):
    """The expression is no JSONPath that is supported; the message says where it stops being one."""


class NotThere(Exception):
    """The value has no such member; the message names it."""


@dataclass(frozen=True, slots=True)
class Names:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Indexes and slices of a list."""

    places: tuple[int | slice, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """The wildcard."""


Segment = Names | Places | Every


def compiled(text: str) -> Callable[[Any], Any]:
    """What the expression selects, as a function of the value. Raises BadPath; the function raises NotThere."""
    segments = parsed(text)

    def select(value: Any) -> Any:
        return _select(value, segments)

    return select


def parsed(text: str) -> tuple[Segment, ...]:
    """Raises BadPath."""
    rest = text.strip()
    if not rest.startswith("$"):
        raise BadPath(f"the JSONPath {text!r} must begin with $")
    rest = rest[1:]
    segments: list[Segment] = []
    while rest:
        if rest.startswith(".") and not rest.startswith(".["):
            if rest.startswith(".*"):
                segments.append(Every())
                rest = rest[2:]
                continue
            match = _NAME.match(rest, 1)
            if match is None:
                raise _stops(text, rest)
            segments.append(Names((match[0],)))
            rest = rest[match.end() :]
            continue
        rest = rest.removeprefix(".")
        if not rest.startswith("["):
            raise _stops(text, rest)
        segment, end = _bracket(text, rest)
        segments.append(segment)
        rest = rest[end:]
    return tuple(segments)


def _bracket(text: str, rest: str) -> tuple[Segment, int]:
    """The segment of `[...]` at the beginning, and where it ends."""
    every = re.match(r"\[\s*\*\s*\]", rest)
    if every is not None:
        return Every(), every.end()
    names: list[str] = []
    places: list[int | slice] = []
    at = 1
    while True:
        at += len(rest[at:]) - len(rest[at:].lstrip())
        quoted = _QUOTED.match(rest, at)
        if quoted is not None:
            names.append(re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2]))
            at = quoted.end()
        else:
            match = _INDEX.match(rest, at)
            if match is None or not match[0].strip():
                raise _stops(text, rest[at:] or rest)
            places.append(_place(match))
            at = match.end()
        at += len(rest[at:]) - len(rest[at:].lstrip())
        mark = rest[at : at + 1]
        at += 1
        if mark == "]":
            break
        if mark != ",":
            raise _stops(text, rest[at - 1 :] or rest)
    if names and places:
        raise BadPath(f"the JSONPath {text!r} mixes names and indexes in one bracket")
    return (Names(tuple(names)) if names else Places(tuple(places))), at


def _place(match: "re.Match[str]") -> int | slice:
    start, end = (int(one) if one is not None else None for one in (match[1], match[3]))
    if match[2]:
        return slice(start, end)
    assert start is not None
    return start


def _stops(text: str, rest: str) -> BadPath:
    return BadPath(
        f"the JSONPath {text!r} is not understood from {rest!r} on: there are .name, ['a','b'], [0], [0,2], [1:3], "
        "and * for all"
    )


def _select(value: Any, segments: tuple[Segment, ...]) -> Any:
    for number, segment in enumerate(segments):
        if isinstance(segment, Names):
            value = _named(value, segment.names)
            continue
        if isinstance(segment, Places) and len(segment.places) == 1 and isinstance(segment.places[0], int):
            value = _indexed(value, segment.places[0])
            continue
        several = _all(value) if isinstance(segment, Every) else _placed(value, segment.places)
        rest = segments[number + 1 :]
        return [_select(one, rest) for one in several] if rest else several
    return value


def _named(value: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(value, dict):
        raise NotThere(f"{names[0]!r} is asked of something that is no object")
    for name in names:
        if name not in value:
            raise NotThere(f"there is no {name!r}")
    return value[names[0]] if len(names) == 1 else {name: value[name] for name in names}


def _indexed(value: Any, place: int) -> Any:
    if not isinstance(value, list):
        raise NotThere(f"index {place} is asked of something that is no list")
    try:
        return value[place]
    except IndexError:
        raise NotThere(f"index {place} is not within the {len(value)} there are") from None


def _placed(value: Any, places: tuple[int | slice, ...]) -> list[Any]:
    if not isinstance(value, list):
        raise NotThere("indexes are asked of something that is no list")
    if len(places) == 1 and isinstance(places[0], slice):
        return value[places[0]]
    found: list[Any] = []
    for place in places:
        if isinstance(place, slice):
            found += value[place]
        else:
            found.append(_indexed(value, place))
    return found


def _all(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return list(value)
    raise NotThere("* is asked of something that is neither an object nor a list")
