"""The leaves of a shape: what a wire value becomes, and which constraints it may fail, in AWS's words."""

import base64
import binascii
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from clary.aws import times
from clary.aws.errors import ServiceError
from clary.aws.model import Shape
from clary.aws.patterns import compile_pattern

At = tuple[Any, str] | None
"""Where a value stands: (where its parent stands, its own name); None: the request itself."""
Convert = Callable[[Any, At], Any]
Fails = Callable[[Any], list[str]]


class SerializationException(ServiceError):
    """The request is not of the types that its shape wants, or not a document at all."""


@dataclass(frozen=True, slots=True)
class Scalar:
    convert: Convert
    """To handler form. Raises SerializationException."""
    fails: Fails | None
    """The constraints that a converted value breaks; None when there are none to break."""
    words: tuple[str, ...]
    """Every constraint, as AWS lists them for the members of a list or map."""
    good: Callable[[Any], object] | None = None
    """Truthy: the value is of the right type, breaks nothing and stays as it is. A short cut past the two above."""


def path(at: At) -> str:
    """ "algorithmSpecification.trainingInputMode"."""
    names: list[str] = []
    while at is not None:
        at, name = at
        names.append(name)
    return ".".join(reversed(names))


def bad_type(value: Any, wanted: str, at: At) -> SerializationException:
    match value:
        case bool():
            given = "TRUE_VALUE" if value else "FALSE_VALUE"
        case str():
            given = "STRING_VALUE"
        case int() | float():
            given = "NUMBER_VALUE"
        case list():
            given = "START_ARRAY"
        case dict():
            given = "START_OBJECT"
        case _:
            given = type(value).__name__
    article = "an" if wanted[0] in "AEIOU" else "a"
    where = f" at '{path(at)}'" if at else ""
    return SerializationException(f"{given} can not be converted to {article} {wanted}{where}")


def compile_scalar(shape: Shape, wire: bool) -> Scalar:
    """The leaf of `shape`. With `wire`, blobs are base64 text as JSON has them."""
    match shape.kind:
        case "string" | "character":
            return Scalar(_string, *_text_constraints(shape), _good_text(shape))
        case "integer" | "long" | "short" | "byte":
            return Scalar(_whole(shape.kind), *_number_constraints(shape), _good_whole(shape))
        case "float" | "double" | "bigdecimal" | "bigDecimal":
            bounded = "min" in shape.traits or "max" in shape.traits
            return Scalar(_number, *_number_constraints(shape), None if bounded else _good_number)
        case "boolean":
            return Scalar(_boolean, None, ())
        case "timestamp":
            return Scalar(_timestamp, None, ())
        case "blob":
            return Scalar(_base64 if wire else _blob, *_length_constraints(shape))
    raise TypeError(f"{shape.name}: {shape.kind} is not a scalar")


def _good_text(shape: Shape) -> Callable[[Any], object]:
    low, high = shape.traits.get("min", 0), shape.traits.get("max", sys.maxsize)
    enum, pattern = shape.traits.get("enum"), shape.traits.get("pattern")
    if enum and not pattern:
        allowed = frozenset(enum)
        return lambda value: type(value) is str and value in allowed and low <= len(value) <= high
    if pattern and not enum and pattern != ".*":
        matches = compile_pattern(pattern)
        return lambda value: type(value) is str and low <= len(value) <= high and matches(value)
    if not pattern and not enum:
        return lambda value: type(value) is str and low <= len(value) <= high
    fails, _ = _text_constraints(shape)
    return lambda value: type(value) is str and fails is not None and not fails(value)


def _good_whole(shape: Shape) -> Callable[[Any], object]:
    limit = 2**63 if shape.kind == "long" else 2**31
    low, high = max(shape.traits.get("min", -limit), -limit), min(shape.traits.get("max", limit), limit - 1)
    return lambda value: type(value) is int and low <= value <= high


def _good_number(value: Any) -> object:
    return type(value) is float


def _string(value: Any, at: At) -> str:
    if type(value) is str:
        return value
    raise bad_type(value, "String", at)


def _whole(kind: str) -> Convert:
    limit: Final = 2**63 if kind == "long" else 2**31
    wanted: Final = "Long" if kind == "long" else "Integer"

    def convert(value: Any, at: At) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and -limit <= value < limit:
            return value
        raise bad_type(value, wanted, at)

    return convert


def _number(value: Any, at: At) -> float:
    if type(value) is float or type(value) is int:
        return value
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise bad_type(value, "Double", at)


def _boolean(value: Any, at: At) -> bool:
    if type(value) is bool:
        return value
    raise bad_type(value, "Boolean", at)


def _timestamp(value: Any, at: At) -> float:
    if type(value) is float or type(value) is int:
        if times.EARLIEST <= value <= times.LATEST:
            return float(value)
    elif type(value) is str:
        try:
            return times.parse(value)
        except ValueError:
            pass
    raise bad_type(value, "Timestamp", at)


def _base64(value: Any, at: At) -> bytes:
    if type(value) is bytes:
        return value
    if type(value) is str:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise bad_type(value, "Blob", at)


def _blob(value: Any, at: At) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if type(value) is str:
        return value.encode()
    raise bad_type(value, "Blob", at)


def _text_constraints(shape: Shape) -> tuple[Fails | None, tuple[str, ...]]:
    fails, words = _length_constraints(shape)
    if enum := shape.traits.get("enum"):
        allowed = frozenset(enum)
        fails, words = _and(
            fails, words, allowed.__contains__, f"Member must satisfy enum value set: [{', '.join(enum)}]"
        )
    if pattern := shape.traits.get("pattern"):
        text = f"Member must satisfy regular expression pattern: {pattern}"
        fails, words = _and(fails, words, compile_pattern(pattern), text)
    return fails, words


def _length_constraints(shape: Shape) -> tuple[Fails | None, tuple[str, ...]]:
    low, high = shape.traits.get("min"), shape.traits.get("max")
    fails: Fails | None = None
    words: tuple[str, ...] = ()
    if high is not None:
        text = f"Member must have length less than or equal to {high}"
        fails, words = _and(fails, words, lambda value: len(value) <= high, text)
    if low is not None:
        text = f"Member must have length greater than or equal to {low}"
        # A lower bound of nothing is always met, but AWS lists it.
        test = (lambda value: len(value) >= low) if low > 0 else None
        fails, words = _and(fails, words, test, text)
    return fails, words


def _number_constraints(shape: Shape) -> tuple[Fails | None, tuple[str, ...]]:
    low, high = shape.traits.get("min"), shape.traits.get("max")
    fails: Fails | None = None
    words: tuple[str, ...] = ()
    if high is not None:
        text = f"Member must have value less than or equal to {high}"
        fails, words = _and(fails, words, lambda value: value <= high, text)
    if low is not None:
        text = f"Member must have value greater than or equal to {low}"
        fails, words = _and(fails, words, lambda value: value >= low, text)
    return fails, words


def _and(
    before: Fails | None, words: tuple[str, ...], test: Callable[[Any], object] | None, text: str
) -> tuple[Fails | None, tuple[str, ...]]:
    if test is None:
        return before, (*words, text)
    if before is None:
        return (lambda value: _NONE if test(value) else [text]), (*words, text)
    return (lambda value: before(value) if test(value) else [*before(value), text]), (*words, text)


_NONE: Final[list[str]] = []
