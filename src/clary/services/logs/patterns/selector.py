"""Property selectors: $.a.b[0], $.list[*].id, $['a key with.dots'], $.['another'], $[0]."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from clary.services.logs.patterns.compare import quoted_text
from clary.services.logs.patterns.scan import Scanner, wrong

_ANY: Final = "*"
_LARGEST_INDEX: Final = 9

Step = str | int | None
"""A key, an index, or None: every element."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A place in a JSON document."""

    text: str
    """As it was written."""
    steps: tuple[Step, ...]

    def nodes(self, document: Any) -> Iterator[Any]:
        """What stands there: one value, none, or with [*] many."""
        found = [document]
        for step in self.steps:
            found = [inner for node in found for inner in _inside(node, step)]
        return iter(found)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(step for step in self.steps if isinstance(step, str))


def _inside(node: Any, step: Step) -> list[Any]:
    if isinstance(step, str):
        return [node[step]] if isinstance(node, dict) and step in node else []
    if not isinstance(node, list):
        return []
    if step is None:
        return node
    return [node[step]] if step < len(node) else []


def read_selector(scanner: Scanner) -> Selector:
    """The selector that stands here. Raises InvalidParameterException."""
    scanner.skip()
    start = scanner.at
    if not scanner.take("$"):
        raise wrong("a property selector ($.name) is missing", scanner.at)
    steps: list[Step] = []
    while (char := scanner.text[scanner.at : scanner.at + 1]) in (".", "["):
        scanner.at += 1
        if char == "[":
            steps.append(_bracket(scanner))
        elif scanner.text[scanner.at : scanner.at + 1] == "[":
            continue  # $.['key'] is $['key']
        elif scanner.text[scanner.at : scanner.at + 1] == '"':
            steps.append(quoted_text(scanner, '"'))
        else:
            name = scanner.run("-")
            if not name:
                raise wrong("the name of a property is missing", scanner.at)
            steps.append(name)
    if not steps:
        raise wrong("the name of a property ($.name) is missing", scanner.at)
    return Selector(scanner.text[start : scanner.at], tuple(steps))


def selector_of(text: str) -> Selector:
    """The selector that `text` is, all of it. Raises InvalidParameterException."""
    scanner = Scanner(text)
    found = read_selector(scanner)
    if scanner.peek():
        raise wrong(f"something stands behind the selector {found.text!r}", scanner.at)
    return found


def _bracket(scanner: Scanner) -> Step:
    """The step between brackets; the opening one is passed."""
    char = scanner.peek()
    at = scanner.at
    step: Step
    if char in ("'", '"') and char:
        step = quoted_text(scanner, char)
    elif scanner.take(_ANY):
        step = None
    else:
        digits = scanner.run()
        if not digits.isdecimal() or not digits.isascii() or len(digits) > _LARGEST_INDEX:
            raise wrong("an index (0, 1, ...), * or a key in quotation marks is missing", at)
        step = int(digits)
    scanner.want("]", "a closing bracket is missing")
    return step
