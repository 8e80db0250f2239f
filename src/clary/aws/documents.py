"""JSON documents out: `compile_document(shape)` is orjson itself wherever the shape holds nothing that JSON cannot."""

import base64
import math
from collections.abc import Callable
from typing import Any

import orjson

from clary.aws import times
from clary.aws.model import Shape

Document = Callable[[Any], bytes]
_Render = Callable[[Any], Any]


def compile_document(shape: Shape | None) -> Document:
    """The JSON bytes of a value in handler form. The common case costs nothing but orjson."""
    if shape is None:
        return orjson.dumps
    render = _render(shape)
    return orjson.dumps if render is None else lambda value: orjson.dumps(render(value))


def compile_members(shape: Shape) -> Document:
    """As `compile_document`, for the members of a rest-json output that stand in its body."""
    renders = {
        name: (member.wire(name), _render(member)) for name, member in shape.members.items() if member.location is None
    }

    def document(value: Any) -> bytes:
        found = {}
        for name, item in value.items():
            if name in renders:
                key, render = renders[name]
                found[key] = render(item) if render else item
        return orjson.dumps(found)

    return document


def _render(shape: Shape) -> _Render | None:
    """How a value becomes what orjson can write; None: it already is."""
    name = ("document", shape.name, shape.traits.get("timestampFormat"))
    compiled = shape.model.compiled
    if name in compiled:
        found: _Render | None = compiled[name]
        return found
    if shape.kind in ("structure", "list", "map"):
        # A shape that holds itself: until it is known to be plain, it is rendered through its own name.
        compiled[name] = lambda value: _known(compiled[name], value)
    made = _compile(shape)
    compiled[name] = made
    return made


def _known(render: _Render | None, value: Any) -> Any:
    return render(value) if render else value


def _compile(shape: Shape) -> _Render | None:
    match shape.kind:
        case "structure":
            return _structure(shape)
        case "list":
            return _list(shape)
        case "map":
            return _map(shape)
        case "blob":
            return lambda value: base64.b64encode(value).decode()
        case "timestamp":
            style = shape.traits.get("timestampFormat", "unixTimestamp")
            return None if style == "unixTimestamp" else lambda value: times.render(value, style)
        case "float" | "double":
            return _float if shape.model.metadata.get("protocol") == "rest-json" else None
    return None


def _float(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _structure(shape: Shape) -> _Render | None:
    special: dict[str, tuple[str, _Render | None]] = {}
    for name, member in shape.members.items():
        render = _render(member)
        if render is not None or member.wire(name) != name:
            special[name] = (member.wire(name), render)
    if not special:
        return None

    def structure(value: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for name, item in value.items():
            if name in special:
                key, render = special[name]
                found[key] = render(item) if render else item
            else:
                found[name] = item
        return found

    return structure


def _list(shape: Shape) -> _Render | None:
    render = _render(shape.member)
    return None if render is None else lambda value: [render(one) for one in value]


def _map(shape: Shape) -> _Render | None:
    render = _render(shape.value)
    return None if render is None else lambda value: {name: render(one) for name, one in value.items()}
