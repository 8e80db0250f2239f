"""JSON patterns: { ($.level = "ERROR" && $.latency > 1.5e3) || $.user.id NOT EXISTS }."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clary.services.logs.patterns.base import ESCAPE, Needs, rarest_first
from clary.services.logs.patterns.compare import Value, number_of, ordering, read_value
from clary.services.logs.patterns.logic import Condition, parse_logic
from clary.services.logs.patterns.scan import Scanner, wrong
from clary.services.logs.patterns.selector import Selector, read_selector

_STATES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "TRUE": lambda node: node is True,
    "FALSE": lambda node: node is False,
    "NULL": lambda node: node is None,
}
_ESCAPED: Final = re.compile(r'["\\/\x00-\x1f\x7f]')
_NO_TEXT: Final = re.compile(r"[-+.0-9eE]*")
_MOST_REGEXES: Final = 2


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """Messages that are one JSON document for which the condition holds."""

    condition: Condition[Any]
    read: tuple[Selector, ...]
    regexes: int

    def __call__(self, message: str) -> bool:
        try:
            document = orjson.loads(message)
        except ValueError:
            return False
        return self.condition.holds(document)

    @property
    def needs(self) -> Needs:
        return rarest_first(list(self.condition.groups))

    @property
    def selectors(self) -> frozenset[str]:
        return frozenset(one.text for one in self.read)

    def match(self, message: str) -> Mapping[str, str] | None:
        try:
            document = orjson.loads(message)
        except ValueError:
            return None
        if not self.condition.holds(document):
            return None
        taken: dict[str, str] = {}
        for selector in self.read:
            texts = [text for node in selector.nodes(document) if (text := text_of(node)) is not None]
            if texts:
                taken[selector.text] = texts[0]
        return taken


def text_of(node: Any) -> str | None:
    """A value as text; None for null, objects and arrays, which equal no text."""
    if isinstance(node, str):
        return node
    if isinstance(node, bool):
        return "true" if node else "false"
    return str(node) if isinstance(node, int | float) else None


def parse_json(text: str) -> JsonPattern:
    """`text` begins with {. Raises InvalidParameterException."""
    scanner = Scanner(text, 1)
    read: dict[str, Selector] = {}
    regexes = 0

    def leaf(scanner: Scanner) -> Condition[Any]:
        nonlocal regexes
        selector = read_selector(scanner)
        read.setdefault(selector.text, selector)
        operator = scanner.operator()
        if not operator:
            return _state(scanner, selector)
        at = scanner.at
        value = read_value(scanner, operator)
        regexes += value.regex
        if regexes > _MOST_REGEXES:
            raise wrong(f"a filter pattern can have {_MOST_REGEXES} regular expressions, and one more stands", at)
        return _comparison(selector, operator, value)

    condition = parse_logic(scanner, leaf)
    scanner.want("}", "an operator (&&, ||) or the closing brace is missing")
    if scanner.peek():
        raise wrong("nothing can stand behind the closing brace, but something does", scanner.at)
    return JsonPattern(condition, tuple(read.values()), regexes)


def _state(scanner: Scanner, selector: Selector) -> Condition[Any]:
    """IS TRUE, IS FALSE, IS NULL, EXISTS or NOT EXISTS."""
    first = scanner.word()
    at = scanner.at
    scanner.at += len(first)
    if first == "EXISTS":
        return _any(selector, lambda node: True)
    second = scanner.word()
    second_at = scanner.at
    scanner.at += len(second)
    if first == "NOT" and second == "EXISTS":
        return Condition(lambda document: next(selector.nodes(document), selector) is selector)
    if first == "NOT":
        raise wrong("NOT is followed by EXISTS, which is missing", second_at)
    if first == "IS":
        if second not in _STATES:
            raise wrong("IS is followed by TRUE, FALSE or NULL, which is missing", second_at)
        return _any(selector, _STATES[second])
    raise wrong("a comparison (=, !=, <, >, <=, >=), IS TRUE, IS FALSE, IS NULL or NOT EXISTS is missing", at)


def _comparison(selector: Selector, operator: str, value: Value) -> Condition[Any]:
    if operator == "=":
        return _any(selector, _equals(value), _sieve(value))
    if operator == "!=":
        equals = _equals(value)
        return _any(selector, lambda node: text_of(node) is not None and not equals(node))
    holds = ordering(operator, value)

    def ordered(node: Any) -> bool:
        number = _number(node)
        return number is not None and holds(number)

    return _any(selector, ordered)


def _equals(value: Value) -> Callable[[Any], bool]:
    number, same = value.number, value.text

    def equals(node: Any) -> bool:
        text = text_of(node)
        if text is None:
            return False
        return same(text) or (number is not None and _number(node) == number)

    return equals


def _number(node: Any) -> float | None:
    """A number, or a string that reads as one."""
    if isinstance(node, str):
        return number_of(node)
    if isinstance(node, bool) or not isinstance(node, int | float):
        return None
    return node


def _any(selector: Selector, test: Callable[[Any], bool], more: Needs = ()) -> Condition[Any]:
    """The test holds for what the selector finds, for one of many."""
    keys: Needs = tuple(group for key in selector.keys if (group := _written(key)))
    steps = selector.steps
    if len(steps) == 1 and isinstance(steps[0], str):
        name = steps[0]
        # By far the most common selector, without the walk.
        return Condition(lambda one: isinstance(one, dict) and name in one and test(one[name]), (*keys, *more))
    return Condition(lambda document: any(map(test, selector.nodes(document))), (*keys, *more))


def _sieve(value: Value) -> Needs:
    if value.number is not None or not value.terms:
        return ()  # a number can be written in many ways
    written = [_written(one) for one in value.terms]
    if not all(written):
        return ()
    return (tuple(dict.fromkeys(one for group in written for one in group)),)


def _written(text: str) -> tuple[bytes, ...]:
    """What a message holds in which `text` stands in a string: its longest part that JSON writes as it is, or an escape
    (whoever writes JSON may escape any character). (): nothing that could be searched for."""
    longest = max(_ESCAPED.split(text), key=len)
    # What could be part of a number may be written otherwise: 1.50 is the text 1.5.
    if not longest or _NO_TEXT.fullmatch(longest):
        return ()
    return longest.encode("utf-8", "replace"), ESCAPE
