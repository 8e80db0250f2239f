"""Objects of a pattern: every name matches, an array by any of its elements, `$or` by one of several."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from clary.aws.event_patterns.read import Malformed, Node, read
from clary.aws.event_patterns.values import compile_leaf

MOST_COMBINATIONS: Final = 1000
"""So many plain patterns may the `$or`s of one pattern stand for."""

Path = tuple[str, ...]
"""Names from the top of an event down."""
Test = Callable[[Any, Mapping[str, Any]], bool]
"""Of (what the event has here, the whole event)."""

_ABSENT: Final = object()
_OR: Final = "$or"
_RESERVED: Final = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">="),
    }
)
"""An object with such a name is no alternative of an `$or`, which is then a field like any other."""


class EventPattern:
    """A compiled pattern."""

    def __init__(self, text: str, test: Test, needs: Mapping[Path, frozenset[str]]) -> None:
        self.text = text
        self._test = test
        self.needs = needs
        """Texts of which the event must have one, by where in it: what has none there does not match. For who keeps
        many patterns and wants to look at few; `values_at` tells what an event has there."""

    def matches(self, event: Mapping[str, Any]) -> bool:
        """`event` is a JSON object, parsed."""
        return self._test(event, event)


def compile_pattern(text: str) -> EventPattern:
    """Raises Malformed, which names the place."""
    root = read(text)
    if not isinstance(root.value, dict):
        raise Malformed("Filter is not an object", text, root.at)
    if _combinations(text, root, root.at) > MOST_COMBINATIONS:
        raise Malformed(f"$or stands for more than {MOST_COMBINATIONS} combinations of patterns", text, root.at)
    return EventPattern(text, _object(text, root, ()), dict(_needs(root.value, ())))


def values_at(event: Mapping[str, Any], path: Path) -> Iterator[Any]:
    """The values that stand at `path`, in arrays and through arrays of objects."""
    found: Any = event
    for name in path:
        if found.__class__ is not dict:
            break
        found = found.get(name, _ABSENT)
    else:
        if found.__class__ is list:
            return (one for one in _elements(found) if one.__class__ is not dict)
        return iter(() if found is _ABSENT or found.__class__ is dict else (found,))
    return iter(()) if found is _ABSENT else _values(event, path)


def _needs(members: Mapping[str, Node], path: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    for name, node in members.items():
        if isinstance(node.value, dict):
            yield from _needs(node.value, (*path, name))
        elif node.value and all(isinstance(one.value, str) for one in node.value):
            yield (*path, name), frozenset(one.value for one in node.value)


def _combinations(text: str, node: Node, at: int) -> int:
    total = 1
    for name, inner in node.value.items():
        if name == _OR and _is_or(inner):
            total *= sum(_combinations(text, one, at) for one in inner.value)
        elif isinstance(inner.value, dict):
            total *= _combinations(text, inner, at)
    return total


def _is_or(node: Node) -> bool:
    return (
        isinstance(node.value, list)
        and len(node.value) >= 2
        and all(isinstance(one.value, dict) and one.value and _RESERVED.isdisjoint(one.value) for one in node.value)
    )


def _object(text: str, node: Node, path: Path) -> Test:
    """The test of an event's object at `path`."""
    if not node.value:
        raise Malformed("Empty objects are not allowed", text, node.at)
    fields: list[tuple[str, Test]] = []
    alternatives: list[tuple[Test, ...]] = []
    for name, inner in node.value.items():
        if name == _OR and _is_or(inner):
            alternatives.append(tuple(_object(text, one, path) for one in inner.value))
        else:
            fields.append((name, _field(text, name, inner, (*path, name))))
    if not alternatives:
        return _all_of(fields)
    plain = _all_of(fields)

    def matches(found: Any, event: Mapping[str, Any]) -> bool:
        return plain(found, event) and all(any(one(found, event) for one in some) for some in alternatives)

    return matches


def _all_of(fields: Sequence[tuple[str, Test]]) -> Test:
    if len(fields) == 1:
        [(only, test)] = fields
        return lambda found, event: test(found.get(only, _ABSENT), event)

    def matches(found: Any, event: Mapping[str, Any]) -> bool:
        for name, test in fields:  # noqa: SIM110 (half as fast)
            if not test(found.get(name, _ABSENT), event):
                return False
        return True

    return matches


def _field(text: str, name: str, node: Node, path: Path) -> Test:
    if isinstance(node.value, dict):
        return _inside(_object(text, node, path))
    if not isinstance(node.value, list):
        raise Malformed(f'"{name}" must be an object or an array', text, node.at)
    if not node.value:
        raise Malformed("Empty arrays are not allowed", text, node.at)
    return _leaf(text, node, path)


def _inside(inner: Test) -> Test:
    """Of several objects in an array one must match alone; where there is no object, all its fields are absent."""

    def matches(found: Any, event: Mapping[str, Any]) -> bool:
        if found.__class__ is dict:
            return inner(found, event)
        if found.__class__ is list:
            objects = [one for one in _elements(found) if one.__class__ is dict]
            if objects:
                return any(inner(one, event) for one in objects)
        return inner({}, event)

    return matches


def _leaf(text: str, node: Node, path: Path) -> Test:
    leaf = compile_leaf(text, node.value)
    accepts, absent = leaf.test(), leaf.absent

    def matches(found: Any, event: Mapping[str, Any]) -> bool:
        kind = found.__class__
        if kind is list:
            if any(accepts(one) for one in _elements(found) if one.__class__ is not dict):
                return True
        elif kind is not dict and found is not _ABSENT:
            return accepts(found)
        # Absent means that no value stands there in the whole event, whichever element of an array is looked at.
        return absent and not _has_value(event, path)

    return matches


def _has_value(event: Mapping[str, Any], path: Path) -> bool:
    return any(True for _ in _values(event, path))


def _values(event: Mapping[str, Any], path: Path) -> Iterator[Any]:
    found: list[Any] = [event]
    for name in path:
        objects = (one for each in found for one in _elements([each]) if one.__class__ is dict)
        found = [one[name] for one in objects if name in one]
    return (one for each in found for one in _elements([each]) if one.__class__ is not dict)


def _elements(listed: list[Any]) -> Iterator[Any]:
    """What is in the array and in arrays within it, in order."""
    waiting = [iter(listed)]
    while waiting:
        for one in waiting[-1]:
            if one.__class__ is list:
                waiting.append(iter(one))
                break
            yield one
        else:
            waiting.pop()
