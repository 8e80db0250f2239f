"""The alternatives in the array of a leaf, compiled to one test of a value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clary.aws.event_patterns import texts
from clary.aws.event_patterns.read import Malformed, Node

Value = Callable[[Any], bool]
"""A test of a value of JSON that is neither an array nor an object."""
LARGEST: Final = 5_000_000_000
"""What a pattern compares numbers with is no farther from 0."""

_TEXTS: Final = {
    "prefix": texts.prefix,
    "suffix": texts.suffix,
    "equals-ignore-case": texts.ignoring_case,
    "wildcard": texts.wildcard,
}
_IGNORING: Final = {"prefix": texts.prefix_ignoring_case, "suffix": texts.suffix_ignoring_case}


@dataclass(slots=True)
class Leaf:
    """What a leaf accepts."""

    strings: set[str] = field(default_factory=set)
    numbers: set[int | float] = field(default_factory=set)
    words: set[bool | None] = field(default_factory=set)
    """True, False and None."""
    of_text: list[texts.Text] = field(default_factory=list)
    of_number: list[Callable[[float], bool]] = field(default_factory=list)
    of_any: list[Value] = field(default_factory=list)
    absent: bool = False
    """It also accepts that there is no value."""

    def test(self) -> Value:
        """The test of one value."""
        strings, numbers, words = frozenset(self.strings), frozenset(self.numbers), frozenset(self.words)
        of_text, of_number, of_any = tuple(self.of_text), tuple(self.of_number), tuple(self.of_any)
        if not (numbers or words or of_text or of_number or of_any):
            return lambda value: value.__class__ is str and value in strings

        def accepts(value: Any) -> bool:
            # By class: to Python True is 1, to JSON it is not.
            kind = value.__class__
            if kind is str:
                found = value in strings or any(one(value) for one in of_text)
            elif kind is int or kind is float:
                found = value in numbers or any(one(value) for one in of_number)
            else:
                found = value in words
            return found or any(one(value) for one in of_any)

        return accepts


def compile_leaf(text: str, alternatives: Sequence[Node]) -> Leaf:
    """Raises Malformed."""
    leaf = Leaf()
    for one in alternatives:
        value = one.value
        if isinstance(value, dict):
            _compile_match(text, leaf, one)
        elif isinstance(value, list):
            raise Malformed("Match value must be String, number, true, false, or null", text, one.at)
        else:
            _add_constant(leaf, value)
    return leaf


def _add_constant(leaf: Leaf, value: Any) -> None:
    if value is None or isinstance(value, bool):
        leaf.words.add(value)
    elif isinstance(value, str):
        leaf.strings.add(value)
    else:
        leaf.numbers.add(value)


def _compile_match(text: str, leaf: Leaf, one: Node) -> None:
    if len(one.value) != 1:
        raise Malformed("Only one key allowed in match expression", text, one.at)
    [(kind, given)] = one.value.items()
    match kind:
        case "exactly":
            leaf.strings.add(_string(text, kind, given))
        case "prefix" | "suffix" | "equals-ignore-case" | "wildcard":
            leaf.of_text.append(_text_test(text, kind, given))
        case "cidr":
            leaf.of_text.append(_made(text, given, texts.cidr, _string(text, kind, given)))
        case "numeric":
            leaf.of_number.append(_numeric(text, given))
        case "exists":
            if not isinstance(given.value, bool):
                raise Malformed("exists match pattern must be either true or false.", text, given.at)
            if given.value:
                leaf.of_any.append(lambda value: True)
            else:
                leaf.absent = True
        case "anything-but":
            leaf.of_any.append(_anything_but(text, given))
        case _:
            raise Malformed(f"Unrecognized match type {kind}", text, one.at)


def _string(text: str, kind: str, given: Node) -> str:
    if not isinstance(given.value, str):
        raise Malformed(f"{kind} match pattern must be a string", text, given.at)
    return given.value


def _text_test(text: str, kind: str, given: Node) -> texts.Text:
    if kind in _IGNORING and isinstance(given.value, dict):
        inner = given.value.get("equals-ignore-case")
        if inner is None or len(given.value) != 1:
            raise Malformed(f"Unsupported expression in {kind} match: only equals-ignore-case", text, given.at)
        return _IGNORING[kind](_string(text, kind, inner))
    return _made(text, given, _TEXTS[kind], _string(text, kind, given))


def _made(text: str, given: Node, make: Callable[[str], texts.Text], wanted: str) -> texts.Text:
    try:
        return make(wanted)
    except ValueError as error:
        raise Malformed(str(error), text, given.at) from None


def _anything_but(text: str, given: Node) -> Value:
    """Any value but these: also one of another type."""
    value = given.value
    if isinstance(value, dict):
        tests = _but_texts(text, given)
        return lambda found: not (found.__class__ is str and any(one(found) for one in tests))
    listed = value if isinstance(value, list) else [given]
    if not listed:
        raise Malformed("Empty arrays are not allowed", text, given.at)
    for one in listed:
        if isinstance(one.value, list | dict | bool) or one.value is None:
            raise Malformed("Inside anything but list, start|null|boolean is not supported.", text, one.at)
    values = frozenset(one.value for one in listed)
    if len({isinstance(one, str) for one in values}) > 1:
        raise Malformed(
            "Inside anything but list, either all values are number or string, mixed type is not supported",
            text,
            given.at,
        )
    # A bool is never in the list, though Python finds True among [1].
    return lambda found: found.__class__ is bool or found not in values


def _but_texts(text: str, given: Node) -> list[texts.Text]:
    if len(given.value) != 1:
        raise Malformed("Only one key allowed in match expression", text, given.at)
    [(kind, inner)] = given.value.items()
    if kind not in _TEXTS:
        raise Malformed(f"Unsupported anything-but pattern: {kind}", text, given.at)
    listed = inner.value if isinstance(inner.value, list) else [inner]
    if not listed:
        raise Malformed("Empty arrays are not allowed", text, inner.at)
    for one in listed:
        if one.value == "":
            raise Malformed(f"Null {kind} not allowed", text, one.at)
    return [_text_test(text, kind, one) for one in listed]


def _numeric(text: str, given: Node) -> Callable[[float], bool]:
    if not isinstance(given.value, list) or not given.value:
        raise Malformed("Value of numeric must be an array.", text, given.at)
    terms = list(given.value)
    operator, bound = _term(text, given, terms)
    if operator == "=" or operator.startswith("<"):
        if terms:
            raise Malformed("Too many terms in numeric range expression", text, terms[0].at)
        return _COMPARED[operator](bound)
    low = _COMPARED[operator](bound)
    if not terms:
        return low
    at = terms[0].at
    operator, top = _term(text, given, terms)
    if not operator.startswith("<"):
        raise Malformed(f"Bad numeric range operator: {operator}", text, at)
    if terms:
        raise Malformed("Too many terms in numeric range expression", text, terms[0].at)
    if bound >= top:
        raise Malformed("Bottom must be less than top", text, at)
    high = _COMPARED[operator](top)
    return lambda value: low(value) and high(value)


def _term(text: str, given: Node, terms: list[Node]) -> tuple[str, float]:
    """The operator and the number that stand first, taken from `terms`."""
    first = terms.pop(0)
    if not isinstance(first.value, str) or first.value not in _COMPARED:
        shown = first.value if isinstance(first.value, str) else ""
        raise Malformed(f"Unrecognized numeric range operator: {shown}", text, first.at)
    if not terms or isinstance(terms[0].value, bool) or not isinstance(terms[0].value, int | float):
        at = terms[0].at if terms else given.at
        raise Malformed(f"Value of {first.value} must be numeric", text, at)
    bound = terms.pop(0)
    if abs(bound.value) > LARGEST:
        raise Malformed(f"Value must be between -5.0e9 and 5.0e9, inclusive: {bound.value}", text, bound.at)
    return first.value, bound.value


_COMPARED: Final[dict[str, Callable[[float], Callable[[float], bool]]]] = {
    "=": lambda bound: lambda value: value == bound,
    "<": lambda bound: lambda value: value < bound,
    "<=": lambda bound: lambda value: value <= bound,
    ">": lambda bound: lambda value: value > bound,
    ">=": lambda bound: lambda value: value >= bound,
}
