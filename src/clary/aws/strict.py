"""Is an answer really of its modelled shape? Asked in tests of every answer, never in production.

Clients validate what they get: a present structure must not be empty and must have its required members, and a member
that the model does not know would be silently lost.
"""

from typing import Any

from clary.aws.body import Body
from clary.aws.codec import without_reserved
from clary.aws.model import Operation, Shape
from clary.aws.scalars import SerializationException, compile_scalar
from clary.kernel.resource import Doc

_MAY_BE_EMPTY = ("Datum",)
"""What is empty on AWS, too: a NULL in a result of Athena."""


class NotOfShape(Exception):
    """A handler answered what AWS's clients could not read."""


class Strict:
    def check(self, operation: Operation, doc: Doc) -> None:
        """Raises NotOfShape, naming every fault."""
        found: list[str] = []
        if operation.output is None:
            found += [f"{name}: the operation has no output" for name in without_reserved(doc)]
        else:
            self._structure(operation.output, without_reserved(doc), operation.name, found, top=True)
        if found:
            raise NotOfShape("; ".join(found))

    def _any(self, shape: Shape, value: Any, at: str, found: list[str]) -> None:
        if value is None:
            found.append(f"{at}: is null; leave it out")
        elif shape.traits.get("document") or shape.traits.get("eventstream"):
            return
        elif shape.kind == "structure":
            self._structure(shape, value, at, found, top=False)
        elif shape.kind == "list":
            if not isinstance(value, list | tuple):
                found.append(f"{at}: {type(value).__name__} where a list belongs")
                return
            for number, item in enumerate(value):
                self._any(shape.member, item, f"{at}[{number}]", found)
        elif shape.kind == "map":
            if not isinstance(value, dict):
                found.append(f"{at}: {type(value).__name__} where a map belongs")
                return
            for name, item in value.items():
                self._any(shape.value, item, f"{at}[{name!r}]", found)
        else:
            self._scalar(shape, value, at, found)

    def _structure(self, shape: Shape, value: Any, at: str, found: list[str], *, top: bool) -> None:
        if not isinstance(value, dict):
            found.append(f"{at}: {type(value).__name__} where a structure belongs")
            return
        members = shape.members
        for name, item in value.items():
            if name in members:
                self._any(members[name], item, f"{at}.{name}", found)
            else:
                found.append(f"{at}.{name}: is no member of {shape.name}")
        if top:
            return
        if not value and members and shape.name not in _MAY_BE_EMPTY:
            found.append(f"{at}: is present and empty; leave it out")
        found += [f"{at}.{name}: is required in {shape.name}" for name in shape.required if name not in value]

    def _scalar(self, shape: Shape, value: Any, at: str, found: list[str]) -> None:
        if shape.kind == "blob":
            if not isinstance(value, bytes | Body) and not hasattr(value, "__aiter__"):
                found.append(f"{at}: {type(value).__name__} where bytes belong")
            return
        if shape.kind == "timestamp" and not isinstance(value, int | float):
            found.append(f"{at}: {type(value).__name__} where epoch seconds belong")
            return
        try:
            compile_scalar(shape, wire=False).convert(value, None)
        except SerializationException as error:
            found.append(f"{at}: {error.message}")
            return
        enum = shape.traits.get("enum")
        if enum and value not in enum:
            found.append(f"{at}: {value!r} is not one of {shape.name}")
