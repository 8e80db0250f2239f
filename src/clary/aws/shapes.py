"""Shapes compiled once into `check(value)`: a closure that knows members, bounds and patterns, and finds all errors.

A check takes what came off the wire (or from another service) and gives back a new dict in handler form: member names,
times as epoch seconds, blobs as bytes, unknown and null members left out.
"""

from collections.abc import Callable
from typing import Any, Final

from clary.aws import scalars
from clary.aws.errors import ValidationException
from clary.aws.model import Shape
from clary.aws.scalars import At, Scalar, bad_type, path
from clary.kernel.resource import Doc

Check = Callable[[Any], Doc]
Good = Callable[[Any], object]
_Node = Callable[[Any, At, list[str]], Any]
_SHOWN: Final = 1024

_CONTAINERS: Final = frozenset({"structure", "list", "map"})


class Invalid(ValidationException):
    """The request does not satisfy its shape. `violations` holds one sentence each."""

    def __init__(self, violations: list[str], code: str = "ValidationException") -> None:
        count = len(violations)
        noun = "error" if count == 1 else "errors"
        super().__init__(f"{count} validation {noun} detected: {'; '.join(violations)}", code=code)
        self.violations = violations


def compile_check(shape: Shape | None, *, wire: bool) -> Check:
    """The check of an operation's input. With `wire`, members of the body are read by their wire names, as a JSON
    document has them; without, all are read by their member names. Raises Invalid with every violation found, or
    SerializationException at the first value of a wrong type."""
    if shape is None:
        return lambda _: {}
    node = _node(shape, wire)
    code: str = shape.model.patch.get("invalid", "ValidationException")

    def check(value: Any) -> Doc:
        violations: list[str] = []
        kept: Doc = node(value, None, violations)
        if violations:
            raise Invalid(violations, code)
        return kept

    return check


def _node(shape: Shape, wire: bool) -> _Node:
    """Compiled once a shape and model; a shape that holds itself finds its own unfinished closure."""
    if shape.streaming or shape.traits.get("eventstream") or shape.traits.get("document"):
        return _anything
    name = ("check", wire, shape.name)
    found: _Node | None = shape.model.compiled.get(name)
    if found is not None:
        return found
    if shape.kind not in _CONTAINERS:
        made = _leaf(scalars.compile_scalar(shape, wire), bool(shape.traits.get("sensitive")))
        shape.model.compiled[name] = made
        return made
    later: list[_Node] = []

    def forward(value: Any, at: At, out: list[str]) -> Any:
        return later[0](value, at, out)

    shape.model.compiled[name] = forward
    match shape.kind:
        case "structure":
            made = _structure(shape, wire)
        case "list":
            made = _list(shape, wire)
        case _:
            made = _map(shape, wire)
    later.append(made)
    shape.model.compiled[name] = made
    return made


def _good(shape: Shape, wire: bool) -> Good | None:
    """The short cut of a leaf; None: it has none."""
    if shape.kind in _CONTAINERS or shape.streaming or shape.traits.get("eventstream") or shape.traits.get("document"):
        return None
    return scalars.compile_scalar(shape, wire).good


def _anything(value: Any, at: At, out: list[str]) -> Any:
    return value


def _structure(shape: Shape, wire: bool) -> _Node:
    members: dict[str, tuple[str, str, _Node, Good | None]] = {}
    for name, member in shape.members.items():
        key = member.wire(name) if wire and member.location is None and shape.payload != name else name
        members[key] = (name, _lower(name), _node(member, wire), _good(member, wire))
    required = [(name, _lower(name)) for name in shape.required]
    union = bool(shape.traits.get("union"))
    find = members.get

    def check(value: Any, at: At, out: list[str]) -> Doc:
        if type(value) is not dict:
            raise bad_type(value, "Structure", at)
        kept: Doc = {}
        for key, item in value.items():
            if item is None:
                continue
            known = find(key)
            if known is not None:
                name, shown, node, good = known
                # Most members are right, and then nobody has to know where they stand.
                kept[name] = item if good is not None and good(item) else node(item, (at, shown), out)
        for name, shown in required:
            if name not in kept:
                out.append(_violation("null", (at, shown), "Member must not be null"))
        if union and len(kept) != 1:
            out.append(f"Value at '{path(at)}' failed to satisfy constraint: Exactly one member must be set")
        return kept

    return check


def _list(shape: Shape, wire: bool) -> _Node:
    low, high = shape.traits.get("min"), shape.traits.get("max")
    member = shape.member
    node = None if member.kind not in _CONTAINERS else _node(member, wire)
    scalar = None if node else scalars.compile_scalar(member, wire)
    good = scalar.good if scalar else None
    words = f"Member must satisfy constraint: [{', '.join(scalar.words)}]" if scalar else ""

    def check(value: Any, at: At, out: list[str]) -> list[Any]:
        if type(value) is not list:
            raise bad_type(value, "List", at)
        kept = []
        failed = False
        for number, item in enumerate(value, 1):
            if item is None:
                out.append(_violation("null", ((at, str(number)), "member"), "Member must not be null"))
            elif good is not None and good(item):
                kept.append(item)
            elif scalar:
                ready = scalar.convert(item, (at, str(number)))
                failed = failed or (scalar.fails is not None and bool(scalar.fails(ready)))
                kept.append(ready)
            elif node:
                kept.append(node(item, ((at, str(number)), "member"), out))
        if failed:
            out.append(_violation(f"'{_show(value)}'", at, words))
        _length(value, low, high, at, out)
        return kept

    return check


def _map(shape: Shape, wire: bool) -> _Node:
    low, high = shape.traits.get("min"), shape.traits.get("max")
    key, value_shape = scalars.compile_scalar(shape.key, wire), shape.value
    node = None if value_shape.kind not in _CONTAINERS else _node(value_shape, wire)
    scalar = None if node else scalars.compile_scalar(value_shape, wire)
    good, good_key = scalar.good if scalar else None, key.good
    key_words = f"Map keys must satisfy constraint: [{', '.join(key.words)}]"
    value_words = f"Map value must satisfy constraint: [{', '.join(scalar.words)}]" if scalar else ""

    def check(value: Any, at: At, out: list[str]) -> Doc:
        if type(value) is not dict:
            raise bad_type(value, "Map", at)
        kept: Doc = {}
        bad_key = bad_value = False
        for name, item in value.items():
            if item is None:
                continue
            if not (good_key is not None and good_key(name)):
                bad_key = bad_key or (key.fails is not None and bool(key.fails(name)))
            if good is not None and good(item):
                kept[name] = item
            elif scalar:
                ready = kept[name] = scalar.convert(item, (at, name))
                bad_value = bad_value or (scalar.fails is not None and bool(scalar.fails(ready)))
            elif node:
                kept[name] = node(item, ((at, name), "member"), out)
        if bad_key:
            out.append(_violation(f"'{_show(value)}'", at, key_words))
        if bad_value:
            out.append(_violation(f"'{_show(value)}'", at, value_words))
        _length(value, low, high, at, out)
        return kept

    return check


def _leaf(scalar: Scalar, sensitive: bool) -> _Node:
    convert, fails, good = scalar.convert, scalar.fails, scalar.good
    if fails is None:
        return lambda value, at, out: convert(value, at)

    def check(value: Any, at: At, out: list[str]) -> Any:
        if good is not None and good(value):
            return value
        ready = convert(value, at)
        if broken := fails(ready):
            shown = "'***'" if sensitive else f"'{_show(value)}'"
            out += [_violation(shown, at, words) for words in broken]
        return ready

    return check


def _length(value: Any, low: int | None, high: int | None, at: At, out: list[str]) -> None:
    if low is not None and len(value) < low:
        out.append(_violation(f"'{_show(value)}'", at, f"Member must have length greater than or equal to {low}"))
    if high is not None and len(value) > high:
        out.append(_violation(f"'{_show(value)}'", at, f"Member must have length less than or equal to {high}"))


def _violation(shown: str, at: At, words: str) -> str:
    return f"Value {shown} at '{path(at)}' failed to satisfy constraint: {words}"


def _show(value: Any) -> str:
    """As Java prints it, cut where an error message stops being one."""
    text = _java(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _java(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_java(one) for one in value[:100])}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_java(one)}' for name, one in list(value.items())[:100])}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
