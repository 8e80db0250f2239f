"""What of a request or an answer may stand in the audit: by its shape, names as CloudTrail writes them, no secrets."""

import re
from collections.abc import Callable
from typing import Any, Final

from clary.aws import times
from clary.aws.model import Shape
from clary.kernel.resource import Doc

View = Callable[[Any], Any]

HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
_LEFT_OUT: Final = object()
_SECRET: Final = re.compile(
    r"secret_?(access)?_?key|secret(string|binary|value)?$|password|passphrase|private_?key|session_?token|(auth|bearer|access)_?token|signed_?url|authorized_?url|tokencode$",
    re.IGNORECASE,
)
"""Members that hold a secret in some service though its model does not say so."""
_ENVIRONMENT: Final = re.compile(r"environment(variables)?$", re.IGNORECASE)
"""Maps that people put secrets into."""


def view_of(shape: Shape | None) -> View:
    """`view(doc)` is what the audit keeps of a structure. Members that Clary added ("_...") are left out."""
    if shape is None:
        return lambda doc: None
    return _structure(shape)


def _compiled(shape: Shape) -> View:
    """Compiled once a shape, when it is first met: shapes may hold themselves."""
    key = ("audit", shape.name)
    known: dict[tuple[object, ...], Any] = shape.model.compiled
    found: View | None = known.get(key)
    if found is None:
        found = known[key] = _fresh(shape)
    return found


def _fresh(shape: Shape) -> View:
    if shape.kind == "structure":
        return _structure(shape)
    if shape.kind == "list":
        return _list(shape)
    if shape.kind == "map":
        return _map(shape)
    if shape.kind == "timestamp":
        return lambda value: times.iso8601(value) if isinstance(value, int | float) else str(value)
    if shape.kind == "blob":
        return lambda value: _LEFT_OUT
    return lambda value: value if isinstance(value, str | int | float | bool) else _LEFT_OUT


def _structure(shape: Shape) -> View:
    views: dict[str, tuple[str, View]] = {}
    members = shape.members

    def found(name: str) -> tuple[str, View]:
        member = members.get(name)
        views[name] = made = (name[:1].lower() + name[1:], _left_out if member is None else _member(name, member))
        return made

    def view(doc: Any) -> Any:
        if not isinstance(doc, dict):
            return _LEFT_OUT
        kept: Doc = {}
        for name, value in doc.items():
            wire, see = views.get(name) or found(name)
            seen = see(value)
            if seen is not _LEFT_OUT:
                kept[wire] = seen
        return kept

    return view


def _member(name: str, shape: Shape) -> View:
    if shape.traits.get("sensitive") or _SECRET.search(name):
        return _hidden
    if shape.streaming or shape.traits.get("eventstream"):
        return _left_out
    if shape.kind == "map" and _ENVIRONMENT.search(name):
        return lambda value: dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else _LEFT_OUT
    return _compiled(shape)


def _hidden(value: Any) -> Any:
    return HIDDEN


def _left_out(value: Any) -> Any:
    return _LEFT_OUT


def _list(shape: Shape) -> View:
    member = shape.member
    if member.traits.get("sensitive"):
        return lambda value: [HIDDEN for _ in value]
    see = _Later(member)

    def view(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return _LEFT_OUT
        return [seen for item in value if (seen := see(item)) is not _LEFT_OUT]

    return view


def _map(shape: Shape) -> View:
    if shape.value.traits.get("sensitive"):
        return lambda value: dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else _LEFT_OUT
    see = _Later(shape.value)

    def view(value: Any) -> Any:
        if not isinstance(value, dict):
            return _LEFT_OUT
        kept = {str(name): HIDDEN if _SECRET.search(str(name)) else see(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not _LEFT_OUT}

    return view


class _Later:
    """The view of a shape, compiled when it is first needed."""

    __slots__ = ("_shape", "_view")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._view: View | None = None

    def __call__(self, value: Any) -> Any:
        if self._view is None:
            self._view = _compiled(self._shape)
        return self._view(value)
