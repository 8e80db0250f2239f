"""What CreatePipeline can know of a step's arguments: they are members of the request that will be made of them, and
where no expression stands, of the right type and within AWS's bounds."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from clary.aws import model
from clary.aws.model import Shape
from clary.aws.scalars import SerializationException, compile_scalar
from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Step
from clary.pipeline.language.problems import Problem

EXPRESSIONS: Final = frozenset({"Get", "Std:Join", "Std:JsonGet"})
_CONTAINERS: Final = ("structure", "list", "map")
_ARTICLE: Final = {"integer": "an"}


def is_expression(value: Any) -> bool:
    """Its value is known only when the step runs."""
    return type(value) is dict and len(value) == 1 and not EXPRESSIONS.isdisjoint(value)


def check(
    step: Step, operation: str, *, given: Sequence[str] = (), more: Sequence[str] = (), service: str = "sagemaker"
) -> list[Problem]:
    """What keeps the step's arguments from being a request of the operation. `given` are members that the step sets
    itself and that need not be there; `more` are arguments of the step that are no members of the request."""
    shape = model.load(service).operation(operation).input
    if shape is None:
        return []
    said = {name: value for name, value in step.arguments.items() if name not in more}
    at = f"{step.path}.Arguments"
    found = list(_structure(said, shape, at, tuple(given)))
    return [Problem(where, message, step.name) for where, message in found]


def _walk(value: Any, shape: Shape, at: str) -> Iterator[tuple[str, str]]:
    # A null is a member that is left out, as on the wire.
    if value is None or is_expression(value):
        return
    if shape.kind not in _CONTAINERS:
        yield from _leaf(value, shape, at)
    elif shape.kind == "list":
        yield from _list(value, shape, at)
    elif shape.kind == "map":
        yield from _map(value, shape, at)
    else:
        yield from _structure(value, shape, at)


def _structure(value: Any, shape: Shape, at: str, given: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    if type(value) is not dict:
        yield at, f"must be an object, not {_kind(value)}"
        return
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None:
            yield f"{at}.{name}", f"there is no argument {name!r} here; there are {', '.join(shape.members)}"
        else:
            yield from _walk(item, member, f"{at}.{name}")
    for name in shape.required:
        if value.get(name) is None and name not in given:
            yield at, f"the argument {name!r} is missing"


def _list(value: Any, shape: Shape, at: str) -> Iterator[tuple[str, str]]:
    if type(value) is not list:
        yield at, f"must be a list, not {_kind(value)}"
        return
    yield from _length(value, shape, at)
    for place, item in enumerate(value):
        yield from _walk(item, shape.member, f"{at}[{place}]")


def _map(value: Any, shape: Shape, at: str) -> Iterator[tuple[str, str]]:
    if type(value) is not dict:
        yield at, f"must be an object, not {_kind(value)}"
        return
    yield from _length(value, shape, at)
    for name, item in value.items():
        yield from _walk(item, shape.value, f"{at}[{name!r}]")


def _length(value: Sequence[Any] | Doc, shape: Shape, at: str) -> Iterator[tuple[str, str]]:
    low, high = shape.traits.get("min"), shape.traits.get("max")
    if low is not None and len(value) < low:
        yield at, f"must have at least {low} entries"
    if high is not None and len(value) > high:
        yield at, f"must have at most {high} entries, not {len(value)}"


def _leaf(value: Any, shape: Shape, at: str) -> Iterator[tuple[str, str]]:
    scalar = compile_scalar(shape, wire=True)
    if scalar.good is not None and scalar.good(value):
        return
    try:
        ready = scalar.convert(value, None)
    except SerializationException:
        yield at, f"must be {_ARTICLE.get(shape.kind, 'a')} {shape.kind}, not {_kind(value)}"
        return
    for words in scalar.fails(ready) if scalar.fails is not None else ():
        yield at, f"{words[:1].lower()}{words[1:]}"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
    return type(value).__name__
