"""JSON Schema (drafts 4, 6 and 7): what is one, and whether a reader's accepts what was written by a writer's.

Documents are taken to have the properties that their own schema names, and no others: so a reader may name a further
property that need not be there, as the registry's rules have it ("delete fields or add optional fields"). What cannot
be decided member by member (not, if, patternProperties, dependencies ...) must be the same in both.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")
_ONE: Final = ("additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else")
_MANY: Final = ("allOf", "anyOf", "oneOf")
_NAMED: Final = ("properties", "patternProperties", "definitions", "$defs")
_AT_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_AT_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME: Final = (
    *("pattern", "format", "multipleOf", "uniqueItems", "patternProperties", "propertyNames", "contains", "not"),
    *("if", "then", "else", "dependencies", "additionalItems", "contentEncoding", "contentMediaType"),
)
"""What the reader asks of these, the writer must ask too, in the same words."""
_SAYS_NOTHING: Final = ("$schema", "$id", "id", "$comment", "title", "description", "default", "examples")
_ANYTHING: Final[Mapping[str, Any]] = {}


def check(schema: Any) -> None:
    """Raises ValueError, with the reason and the place, for what is no JSON Schema."""
    if not isinstance(schema, dict | bool):
        raise ValueError("a schema is an object, true or false")
    _check(schema, "#", schema)


def unreadable(reader: Any, writer: Any) -> str:
    """Why the reader does not accept all that the writer's schema lets through; "": it does."""
    return _Comparison(reader, writer).why(reader, writer, "#")


def _check(schema: Any, at: str, root: Any) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise ValueError(f"{at}: a schema is an object, true or false")
    for kind in _types(schema, ()):
        if kind not in _TYPES:
            raise ValueError(f"{at}: {kind!r} is no type: use {', '.join(_TYPES)}")
    _check_plain(schema, at)
    if isinstance(schema.get("$ref"), str) and schema["$ref"].startswith("#"):
        _resolved(root, schema["$ref"])
    for name in _ONE:
        if name in schema:
            _check(schema[name], f"{at}/{name}", root)
    for name in _MANY:
        if name in schema:
            if not isinstance(schema[name], list) or not schema[name]:
                raise ValueError(f"{at}/{name}: a list of schemas")
            for number, one in enumerate(schema[name]):
                _check(one, f"{at}/{name}/{number}", root)
    for name in _NAMED:
        if name in schema:
            if not isinstance(schema[name], dict):
                raise ValueError(f"{at}/{name}: an object of schemas")
            for member, one in schema[name].items():
                _check(one, f"{at}/{name}/{member}", root)
    if "items" in schema:
        several = schema["items"] if isinstance(schema["items"], list) else [schema["items"]]
        for one in several:
            _check(one, f"{at}/items", root)


def _check_plain(schema: Mapping[str, Any], at: str) -> None:
    required = schema.get("required", [])
    # Draft 3 wrote a boolean there; since draft 4 it is a list of names.
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        raise ValueError(f"{at}/required: a list of names")
    if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
        raise ValueError(f"{at}/enum: a list of values")
    for name in (*_AT_LEAST, *_AT_MOST, "multipleOf"):
        value = schema.get(name, 0)
        boolean = isinstance(value, bool) and name.startswith("exclusive")  # draft 4
        if not boolean and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{at}/{name}: a number")
    if "pattern" in schema:
        try:
            re.compile(schema["pattern"])
        except (re.error, TypeError) as error:
            raise ValueError(f"{at}/pattern: no regular expression: {error}") from None


def _types(schema: Mapping[str, Any], without: Sequence[str]) -> Sequence[Any]:
    kind = schema.get("type", without)
    return [kind] if isinstance(kind, str) else list(kind) if isinstance(kind, list | tuple) else [kind]


def _resolved(root: Any, pointer: str) -> Any:
    """What a local $ref means. Raises ValueError."""
    found = root
    for part in pointer.removeprefix("#").split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            raise ValueError(f"$ref {pointer}: there is nothing")
    return found


class _Comparison:
    """Of one reader and one writer."""

    def __init__(self, reader: Any, writer: Any) -> None:
        self._roots = (reader, writer)
        self._known: dict[tuple[int, int], str] = {}
        """By identity; "" while two are being compared, so that recursive schemas end."""
        self._kept: list[Any] = []
        """Schemas that were made here: alive as long as this, so that no other takes their identity."""

    def why(self, reader: Any, writer: Any, at: str) -> str:
        reader, writer = self._followed(reader, 0), self._followed(writer, 1)
        pair = (id(reader), id(writer))
        if pair not in self._known:
            self._known[pair] = ""
            self._known[pair] = self._compared(reader, writer, at)
        return self._known[pair]

    def _followed(self, schema: Any, side: int) -> Any:
        seen = 0
        while isinstance(schema, dict) and str(schema.get("$ref", "")).startswith("#"):
            schema = _resolved(self._roots[side], schema["$ref"])
            seen += 1
            if seen > 100:
                return True  # a $ref to itself says nothing
        return schema

    def _compared(self, reader: Any, writer: Any, at: str) -> str:
        if reader is True or reader == {} or writer is False or reader == writer:
            return ""
        if reader is False:
            return f"{at}: the reader accepts nothing"
        writer = _ANYTHING if writer is True else writer
        if reader.get("$ref") != writer.get("$ref"):
            return f"{at}/$ref: it was changed"
        for name in ("anyOf", "oneOf"):
            if name in writer:
                rest = self._without(writer, name)
                branches = [self._joined(rest, self._followed(one, 1)) for one in writer[name]]
                return next(filter(None, (self.why(reader, one, f"{at}/{name}") for one in branches)), "")
        for name in ("anyOf", "oneOf"):
            if name in reader:
                reasons = [self.why(one, writer, f"{at}/{name}") for one in reader[name]]
                if "" not in reasons:
                    return f"{at}/{name}: no branch of the reader accepts what was written"
        if "allOf" in writer:
            whole = self._without(writer, "allOf")
            for one in writer["allOf"]:
                whole = self._joined(whole, self._followed(one, 1))
            return self._compared(reader, whole, at)
        for one in reader.get("allOf", ()):
            if why := self.why(one, writer, f"{at}/allOf"):
                return why
        return self._members(reader, writer, at)

    def _without(self, schema: Mapping[str, Any], name: str) -> Any:
        made = {
            key: value for key, value in schema.items() if key not in (name, "definitions", "$defs", *_SAYS_NOTHING)
        }
        self._kept.append(made)
        return made

    def _joined(self, one: Any, other: Any) -> Any:
        """Both must hold; of a member that is in both, the second says it."""
        if not isinstance(other, dict):
            return one if other is True else other
        if not one:
            return other  # itself, and no copy: so recursive schemas end
        made = {**one, **other}
        if "properties" in one and "properties" in other:
            made["properties"] = {**one["properties"], **other["properties"]}
        if "required" in one and "required" in other:
            made["required"] = [*one["required"], *other["required"]]
        self._kept.append(made)
        return made

    def _members(self, reader: Mapping[str, Any], writer: Mapping[str, Any], at: str) -> str:
        for name in ("const", "enum"):
            if name in reader:
                allowed = [reader["const"]] if name == "const" else reader["enum"]
                given = [writer["const"]] if "const" in writer else writer.get("enum")
                if given is None or any(one not in allowed for one in given):
                    return f"{at}/{name}: the reader accepts fewer values"
        readers, writers = set(_types(reader, _TYPES)), set(_types(writer, _TYPES))
        if "number" in readers:
            readers.add("integer")
        values = [writer["const"]] if "const" in writer else writer.get("enum")
        if values is not None and "type" not in writer:
            writers = {_type_of(one) for one in values}
        if lost := sorted(writers - readers):
            return f"{at}/type: the reader does not accept {', '.join(lost)}"
        for name in _AT_LEAST:
            if name in reader and (name not in writer or _less(writer[name], reader[name])):
                return f"{at}/{name}: the reader asks for more"
        for name in _AT_MOST:
            if name in reader and (name not in writer or _less(reader[name], writer[name])):
                return f"{at}/{name}: the reader lets through less"
        for name in _SAME:
            if name in reader and reader[name] != writer.get(name):
                return f"{at}/{name}: the reader asks for it otherwise than the writer"
        return (self._objects(reader, writer, at) if "object" in writers else "") or (
            self._arrays(reader, writer, at) if "array" in writers else ""
        )

    def _objects(self, reader: Mapping[str, Any], writer: Mapping[str, Any], at: str) -> str:
        if lost := sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
            return f"{at}/required: the writer need not give {', '.join(lost)}"
        known = reader.get("properties", {})
        others = reader.get("additionalProperties", True)
        for name, schema in writer.get("properties", {}).items():
            if why := self.why(known.get(name, others), schema, f"{at}/properties/{name}"):
                return why
        more = writer.get("additionalProperties", True)
        if isinstance(more, dict):
            return self.why(others, more, f"{at}/additionalProperties")
        return ""

    def _arrays(self, reader: Mapping[str, Any], writer: Mapping[str, Any], at: str) -> str:
        ours, theirs = reader.get("items", True), writer.get("items", True)
        if isinstance(ours, list) or isinstance(theirs, list):
            return "" if ours == theirs or ours is True else f"{at}/items: a list of them was changed"
        return self.why(ours, theirs, f"{at}/items")


def _less(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):  # draft 4: exclusiveMinimum is a flag
        return bool(one != other)
    return bool(one < other)


def _type_of(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
