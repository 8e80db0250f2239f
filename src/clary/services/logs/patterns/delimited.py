"""Space-delimited patterns: [ip, user, ..., request = *.html*, status = 4* || status = 5*, size > 100]."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clary.services.logs.patterns.base import Needs, rarest_first
from clary.services.logs.patterns.compare import Value, number_of, ordering, read_value
from clary.services.logs.patterns.logic import Condition, parse_logic
from clary.services.logs.patterns.scan import Scanner, wrong

_CLOSING: Final = {"[": "]", '"': '"'}
_WORD: Final = re.compile(r"\S+")
_MOST_REGEXES: Final = 2


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    condition: Condition[str] | None = None
    """None: whatever stands there."""


@dataclass(frozen=True, slots=True)
class DelimitedPattern:
    """Messages of as many fields as the pattern has, or at least as many where it has an ellipsis."""

    head: tuple[Field, ...]
    tail: tuple[Field, ...] | None
    """The fields behind the ellipsis; None: there is no ellipsis."""
    regexes: int

    def __call__(self, message: str) -> bool:
        return self._fields(message) is not None

    def match(self, message: str) -> Mapping[str, str] | None:
        fields = self._fields(message)
        if fields is None:
            return None
        names = [one.name for one in self.head]
        if self.tail is not None:
            between = range(len(self.head) + 1, len(fields) - len(self.tail) + 1)
            names += [*map(str, between), *(one.name for one in self.tail)]
        return {f"${name}": field for name, field in zip(names, fields, strict=True)}

    @property
    def needs(self) -> Needs:
        named = (*self.head, *(self.tail or ()))
        return rarest_first([group for one in named if one.condition for group in one.condition.groups])

    @property
    def selectors(self) -> frozenset[str]:
        return frozenset(f"${one.name}" for one in (*self.head, *(self.tail or ())))

    def _fields(self, message: str) -> list[str] | None:
        """The fields of a message that matches."""
        wanted = len(self.head) + len(self.tail or ())
        fields = split(message, None if self.tail is not None else wanted + 1)
        if len(fields) < wanted or (self.tail is None and len(fields) > wanted):
            return None
        if not _hold(self.head, fields):
            return None
        return fields if not self.tail or _hold(self.tail, fields[-len(self.tail) :]) else None


def _hold(wanted: Sequence[Field], fields: Sequence[str]) -> bool:
    return all(one.condition is None or one.condition.holds(field) for one, field in zip(wanted, fields, strict=False))


def split(message: str, most: int | None = None) -> list[str]:
    """The fields of a line, up to `most`: words, and what stands between brackets or double quotation marks (without
    them), spaces and all."""
    if "[" not in message and '"' not in message:
        return message.split()[:most]
    fields: list[str] = []
    closings: dict[str, int] = {}
    at = 0
    while (most is None or len(fields) < most) and (word := _WORD.search(message, at)) is not None:
        at = word.start()
        closing = _CLOSING.get(message[at])
        end = -1
        if closing is not None:
            end = closings.get(closing, 0)
            if 0 <= end <= at:
                # Looked for again only when the last one found is passed: a line full of open brackets costs no more.
                end = closings[closing] = _closed(message, closing, at + 1)
        if end >= 0:
            fields.append(message[at + 1 : end])
            at = end + 1
        else:
            fields.append(word[0])
            at = word.end()
    return fields


def _closed(message: str, closing: str, at: int) -> int:
    """Where the first `closing` stands that ends a field; -1: nowhere."""
    while (found := message.find(closing, at)) >= 0:
        ends = found + 1 == len(message) or message[found + 1].isspace()
        if ends and message[found - 1] != "\\":
            return found
        at = found + 1
    return -1


def parse_delimited(text: str) -> DelimitedPattern:
    """`text` begins with [. Raises InvalidParameterException."""
    scanner = Scanner(text, 1)
    head: list[Field] = []
    tail: list[Field] | None = None
    names: set[str] = set()
    regexes = 0

    def note(value: Value, at: int) -> None:
        nonlocal regexes
        regexes += value.regex
        if regexes > _MOST_REGEXES:
            raise wrong(f"a filter pattern can have {_MOST_REGEXES} regular expressions, and one more stands", at)

    while True:
        if scanner.take("..."):
            if tail is not None:
                raise wrong("a filter pattern can have one ellipsis, and a second one stands", scanner.at - 3)
            tail = []
        else:
            (head if tail is None else tail).append(_field(scanner, names, note))
        if scanner.take("]"):
            break
        scanner.want(",", "a comma or the closing bracket is missing")
    if scanner.peek():
        raise wrong("nothing can stand behind the closing bracket, but something does", scanner.at)
    return DelimitedPattern(tuple(head), None if tail is None else tuple(tail), regexes)


def _field(scanner: Scanner, names: set[str], note: Callable[[Value, int], None]) -> Field:
    scanner.skip()
    start = scanner.at
    bare = scanner.run("-")
    if bare and scanner.peek() in (",", "]"):
        _new(bare, names, start)
        return Field(bare)
    scanner.at = start
    mine: list[str] = []

    def leaf(scanner: Scanner) -> Condition[str]:
        scanner.skip()
        at = scanner.at
        name = scanner.run("-")
        if not name:
            raise wrong("the name of a field is missing", at)
        if mine and mine[0] != name:
            raise wrong(f"a condition on {name!r} stands in the field {mine[0]!r},", at)
        mine.append(name)
        operator = scanner.operator()
        if not operator:
            raise wrong("a comparison (=, !=, <, >, <=, >=), a comma or the closing bracket is missing", scanner.at)
        value_at = scanner.at
        value = read_value(scanner, operator)
        note(value, value_at)
        return _comparison(operator, value)

    condition = parse_logic(scanner, leaf)
    _new(mine[0], names, start)
    return Field(mine[0], condition)


def _new(name: str, names: set[str], at: int) -> None:
    if name in names:
        raise wrong(f"a second field named {name!r} stands", at)
    names.add(name)


def _comparison(operator: str, value: Value) -> Condition[str]:
    same = value.text
    if operator == "=":
        groups: Needs = (tuple(one.encode("utf-8", "replace") for one in value.terms),) if value.terms else ()
        return Condition(same, groups)
    if operator == "!=":
        return Condition(lambda field: not same(field))
    holds = ordering(operator, value)

    def ordered(field: str) -> bool:
        number = number_of(field)
        return number is not None and holds(number)

    return Condition(ordered)
