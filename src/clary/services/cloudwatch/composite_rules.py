"""Rules of composite alarms: from text to a tree, or to an error that names the position.

rule := and ("OR" and)*     and := not ("AND" not)*     not := "NOT" not | atom
atom := "TRUE" | "FALSE" | "(" rule ")" | ("ALARM" | "OK" | "INSUFFICIENT_DATA") "(" name ")"

A name, or an ARN, stands in double quotes (with \\" and \\\\ for the two) or without any up to the closing parenthesis.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.services.cloudwatch.alarm_rows import ALARM, INSUFFICIENT, OK, name_in

MOST_CHILDREN: Final = 100
MOST_ELEMENTS: Final = 500
MOST_DEPTH: Final = 64
_WORD: Final = re.compile(r"[A-Za-z_]+")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE: Final = re.compile(r'[^()"]+')


class BadRule(Exception):
    """The text is no rule. `position` is that of the character, from 1; 0: of the whole."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(f"{message} at position {position}" if position else message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True)
class In:
    """The alarm `name` is in `state`."""

    state: str
    name: str


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    operands: tuple["Node", ...]


Node = Constant | In | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Rule:
    node: Node
    children: tuple[str, ...]
    """The names of all alarms in it, in the order in which they first stand there."""
    arns: tuple[str, ...]
    """Of those that are called by their ARN."""


@lru_cache(maxsize=1024)
def parse(text: str) -> Rule:
    """Raises BadRule, NotImplementedHere."""
    parser = _Parser(text)
    node = parser.rule()
    parser.end()
    children = tuple(dict.fromkeys(parser.names))
    if len(children) > MOST_CHILDREN:
        raise BadRule(f"The rule names {len(children)} alarms, and may name {MOST_CHILDREN}")
    if parser.elements > MOST_ELEMENTS:
        raise BadRule(f"The rule has {parser.elements} elements, and may have {MOST_ELEMENTS}")
    return Rule(node, children, tuple(dict.fromkeys(parser.arns)))


def holds(node: Node, states: Mapping[str, str]) -> bool:
    """`states` by the names of alarms; one that is not there is in no state."""
    match node:
        case Constant(value):
            return value
        case In(state, name):
            return states.get(name) == state
        case Not(operand):
            return not holds(operand, states)
        case Every(operands):
            return all(holds(one, states) for one in operands)
        case Some(operands):
            return any(holds(one, states) for one in operands)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.names: list[str] = []
        self.arns: list[str] = []
        self.elements = 0

    def rule(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadRule(f"The rule is nested more than {MOST_DEPTH} deep", self._at + 1)
        either = [self._every()]
        while self._word("OR"):
            either.append(self._every())
        self._depth -= 1
        return either[0] if len(either) == 1 else Some(tuple(either))

    def end(self) -> None:
        self._blanks()
        if self._at < len(self._text):
            raise BadRule(f"Unexpected {self._text[self._at]!r}", self._at + 1)

    def _every(self) -> Node:
        both = [self._not()]
        while self._word("AND"):
            both.append(self._not())
        return both[0] if len(both) == 1 else Every(tuple(both))

    def _not(self) -> Node:
        negative = False
        while self._word("NOT"):
            negative = not negative
        atom = self._atom()
        return Not(atom) if negative else atom

    def _atom(self) -> Node:
        self._blanks()
        start = self._at
        if self._text.startswith("(", start):
            self._at += 1
            self.elements += 2
            node = self.rule()
            self._close()
            return node
        match = _WORD.match(self._text, start)
        if match is None:
            what = f"Unexpected {self._text[start]!r}" if start < len(self._text) else "The rule ends too early"
            raise BadRule(what, start + 1)
        word, self._at = match[0].upper(), match.end()
        self.elements += 1
        if word in ("TRUE", "FALSE"):
            return Constant(word == "TRUE")
        if word in (ALARM, OK, INSUFFICIENT):
            return In(word, self._name())
        if word == "AT_LEAST":
            raise NotImplementedHere("AT_LEAST in rules of composite alarms is not served by Clary: use AND and OR.")
        raise BadRule(f"Unexpected {match[0]!r}: use ALARM(...), OK(...), INSUFFICIENT_DATA(...)", start + 1)

    def _name(self) -> str:
        self._blanks()
        if not self._text.startswith("(", self._at):
            raise BadRule("Expected '(' and the name of an alarm", self._at + 1)
        self._at += 1
        self._blanks()
        start = self._at
        quoted = _QUOTED.match(self._text, start)
        match = quoted or _BARE.match(self._text, start)
        if match is None:
            raise BadRule("Expected the name of an alarm", start + 1)
        self._at = match.end()
        text = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else match[0].strip()
        if not text:
            raise BadRule("Expected the name of an alarm", start + 1)
        self._close()
        self.names.append(name_in(text))
        if self.names[-1] != text:
            self.arns.append(text)
        return self.names[-1]

    def _close(self) -> None:
        self._blanks()
        if not self._text.startswith(")", self._at):
            what = f"instead of {self._text[self._at]!r}" if self._at < len(self._text) else "at the end of the rule"
            raise BadRule(f"Expected ')' {what}", self._at + 1)
        self._at += 1

    def _word(self, wanted: str) -> bool:
        self._blanks()
        match = _WORD.match(self._text, self._at)
        if match is None or match[0].upper() != wanted:
            return False
        self._at = match.end()
        return True

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
