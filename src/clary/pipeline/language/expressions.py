"""Expressions, which may stand wherever a value may: `Get`, `Std:Join`, `Std:JsonGet`. Resolved by whoever knows the
values."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, Protocol

from clary.pipeline.language import paths
from clary.pipeline.language import references as refs
from clary.pipeline.language.definition import Definition, Doc, PropertyFile
from clary.pipeline.language.findings import below, kind
from clary.pipeline.language.problems import Unresolved
from clary.pipeline.language.references import ToExecution, ToParameter, ToProperty, ToPropertyFile

OPERATORS: Final = ("Get", "Std:Join", "Std:JsonGet")


class Scope(Protocol):
    """Who knows the values. Each method raises Unresolved where there is none."""

    def parameter(self, name: str) -> Any:
        """The typed value of a parameter."""
        ...

    def execution(self, variable: str) -> str: ...

    def properties(self, step: str) -> Doc:
        """What a step that has succeeded is: the Describe answer of what it made."""
        ...

    def document(self, s3_uri: str) -> Any:
        """The JSON document at that URI, parsed."""
        ...


def operator(value: Any) -> str | None:
    """Which operator the object applies; None: it is a plain value."""
    if isinstance(value, dict) and len(value) == 1:
        (name,) = value
        return name if name in OPERATORS else None
    return None


def resolve(value: Any, scope: Scope, definition: Definition) -> Any:
    """`value` with every expression in it replaced by what it stands for, of its own type; `value` itself is left as it
    is. Raises Unresolved."""
    return _resolve(value, scope, definition, "")


def expressions(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every expression in `value` from the outside inwards, the inner ones too: (path, operator, operand)."""
    name = operator(value)
    if name is not None:
        path = below(path, name)
        value = value[name]
        yield path, name, value
    if isinstance(value, dict):
        for member, one in value.items():
            if isinstance(one, dict | list):
                yield from expressions(one, below(path, member))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if isinstance(one, dict | list):
                yield from expressions(one, below(path, number))


def references(value: Any) -> frozenset[str]:
    """The names of the steps whose properties or property files the value reads. A `Get` that names nothing reads
    none; `parse` has told of it."""
    found = set()
    for _, name, operand in expressions(value):
        if name == "Get" and isinstance(operand, str):
            with suppress(ValueError):
                target = refs.read(operand)
                if isinstance(target, ToProperty | ToPropertyFile):
                    found.add(target.step)
    return frozenset(found)


def documents(value: Any, scope: Scope, definition: Definition) -> frozenset[str]:
    """The S3 URIs of the documents that `Std:JsonGet` in the value will read. Raises Unresolved."""
    found = set()
    for path, name, operand in expressions(value):
        if name == "Std:JsonGet":
            found.add(_at(path, lambda operand=operand: location(operand, scope, definition)))  # type: ignore[misc]
    return frozenset(found)


def location(operand: Doc, scope: Scope, definition: Definition) -> str:
    """The S3 URI of the document that a `Std:JsonGet` with this operand reads. Raises Unresolved."""
    if "PropertyFile" in operand:
        target = _read(operand["PropertyFile"]["Get"])
        if not isinstance(target, ToPropertyFile):
            raise Unresolved("PropertyFile", f"{operand['PropertyFile']['Get']!r} is no property file")
        return _stored(target, scope, definition)
    found = _resolve(operand["S3Uri"], scope, definition, "S3Uri")
    if not isinstance(found, str) or not found.startswith("s3://"):
        raise Unresolved("S3Uri", f"must be an S3 URI, but is {found!r}")
    return found


def text(value: Any) -> str:
    """The value as Std:Join writes it, numbers and booleans as in JSON. Raises Unresolved for what has no text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
    raise Unresolved("", f"is {kind(value)}, which cannot be joined to text")


def _resolve(value: Any, scope: Scope, definition: Definition, path: str) -> Any:
    match operator(value):
        case "Get":
            return _at(path, lambda: _get(value["Get"], scope, definition))
        case "Std:Join":
            operand = value["Std:Join"]
            pieces = []
            for number, one in enumerate(operand["Values"]):
                where = f"{below(path, 'Std:Join')}.Values[{number}]"
                resolved = _resolve(one, scope, definition, where)
                pieces.append(_at(where, lambda resolved=resolved: text(resolved)))  # type: ignore[misc]
            return operand.get("On", "").join(pieces)
        case "Std:JsonGet":
            return _at(path, lambda: _json_get(value["Std:JsonGet"], scope, definition))
    if isinstance(value, dict):
        return {name: _resolve(one, scope, definition, below(path, name)) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(one, scope, definition, below(path, number)) for number, one in enumerate(value)]
    return value


def _get(named: str, scope: Scope, definition: Definition) -> Any:
    match _read(named):
        case ToParameter(name):
            return scope.parameter(name)
        case ToExecution(variable):
            return scope.execution(variable)
        case ToProperty(step, way):
            return paths.follow(scope.properties(step), way, f"Steps.{step}")
        case ToPropertyFile() as target:
            return _stored(target, scope, definition)


def _json_get(operand: Doc, scope: Scope, definition: Definition) -> Any:
    uri = location(operand, scope, definition)
    try:
        way = paths.parts(operand["Path"])
    except ValueError as error:  # `parse` would have refused it
        raise Unresolved("Path", str(error)) from None
    return paths.follow(scope.document(uri), way, uri)


def _read(named: str) -> refs.Reference:
    try:
        return refs.read(named)
    except ValueError as error:  # `parse` would have refused it
        raise Unresolved("", str(error)) from None


def _stored(target: ToPropertyFile, scope: Scope, definition: Definition) -> str:
    """The S3 URI of a property file: below where the step's job stored that output."""
    file = _file(target, definition)
    way = ("ProcessingOutputConfig", "Outputs", file.output, "S3Output", "S3Uri")
    prefix = paths.follow(scope.properties(target.step), way, f"Steps.{target.step}")
    return f"{str(prefix).rstrip('/')}/{file.path.lstrip('/')}"


def _file(target: ToPropertyFile, definition: Definition) -> PropertyFile:
    step = definition.steps.get(target.step)
    for one in step.property_files if step else ():
        if one.name == target.file:
            return one
    raise Unresolved("", f"the step {target.step!r} has no property file {target.file!r}")


def _at(path: str, made: Callable[[], Any]) -> Any:
    """What `made` returns; what it cannot resolve is told with the path in front."""
    try:
        return made()
    except Unresolved as error:
        inner = error.where
        joined = f"{path}{'' if inner.startswith('[') or not path else '.'}{inner}" if inner else path
        raise Unresolved(joined, error.message) from None
