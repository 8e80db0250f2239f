"""Apache Avro schemas: what is one, and whether a reader's can read what a writer's wrote (the specification's rules of
schema resolution)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_PRIMITIVES: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
_PROMOTED: Final[Mapping[str, tuple[str, ...]]] = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""What is written as the first can be read as the others."""
_NAMED: Final = ("record", "error", "enum", "fixed")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Types = dict[str, Any]
"""Named types by full name."""


def check(schema: Any) -> None:
    """Raises ValueError, with the reason and the place, for what is no Avro schema."""
    _Schema(schema)


def unreadable(reader: Any, writer: Any) -> str:
    """Why the reader cannot read what the writer wrote; "": it can."""
    return _Resolution(_Schema(reader), _Schema(writer)).why()


class _Schema:
    """A schema whose names are found, and which is checked."""

    def __init__(self, schema: Any) -> None:
        self.types: Types = {}
        self.root = self._read(schema, "", "the schema")

    def _read(self, schema: Any, space: str, at: str) -> Any:
        """As it stands, but with full names in place of names, and named types once, by name."""
        if isinstance(schema, str):
            if schema in _PRIMITIVES:
                return {"type": schema}
            full = _full(schema, space)
            if full not in self.types:
                raise ValueError(f"{at}: {schema!r} is neither a primitive type nor defined before")
            return full
        if isinstance(schema, list):
            return self._union(schema, space, at)
        if not isinstance(schema, dict) or "type" not in schema:
            raise ValueError(f"{at}: a type is a name, a list or an object with a type")
        kind = schema["type"]
        if isinstance(kind, dict | list):
            return self._read(kind, space, at)
        if kind in _NAMED:
            return self._named(schema, kind, space, at)
        if kind == "array":
            return {"type": "array", "items": self._read(_member(schema, "items", at), space, f"items of {at}")}
        if kind == "map":
            return {"type": "map", "values": self._read(_member(schema, "values", at), space, f"values of {at}")}
        if kind in _PRIMITIVES:
            decimal = {name: schema[name] for name in ("precision", "scale") if name in schema}
            return {"type": kind, **({"decimal": decimal} if schema.get("logicalType") == "decimal" else {})}
        if isinstance(kind, str):
            return self._read(kind, space, at)
        raise ValueError(f"{at}: {kind!r} is no type")

    def _union(self, branches: Sequence[Any], space: str, at: str) -> list[Any]:
        found = [self._read(one, space, f"branch {number} of {at}") for number, one in enumerate(branches)]
        names = [one if isinstance(one, str) else "union" if isinstance(one, list) else one["type"] for one in found]
        if not found:
            raise ValueError(f"{at}: a union needs branches")
        if "union" in names:
            raise ValueError(f"{at}: a union has no union in it")
        if len(set(names)) != len(names):
            raise ValueError(f"{at}: a union has each type once")
        return found

    def _named(self, schema: Mapping[str, Any], kind: str, space: str, at: str) -> str:
        name = _member(schema, "name", at)
        space = schema.get("namespace", space)
        if (
            not isinstance(name, str)
            or not isinstance(space, str)
            or not all(_NAME.fullmatch(part) for part in f"{space}.{name}".strip(".").split("."))
        ):
            raise ValueError(f"{at}: {name!r} is no name: letters, digits and _, not a digit first")
        full = _full(name, space)
        inner = full.rpartition(".")[0]
        if full in self.types:
            raise ValueError(f"{at}: {full} is defined twice")
        made: dict[str, Any] = {"type": "record" if kind == "error" else kind, "name": full}
        made["aliases"] = [_full(one, inner) for one in schema.get("aliases", ())]
        self.types[full] = made
        if kind == "enum":
            made["symbols"] = _symbols(schema, full)
            made["default"] = schema.get("default")
            if made["default"] is not None and made["default"] not in made["symbols"]:
                raise ValueError(f"{full}: the default {made['default']!r} is none of its symbols")
        elif kind == "fixed":
            size = _member(schema, "size", full)
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise ValueError(f"{full}: the size of a fixed is a number of bytes")
            made["size"] = size
        else:
            made["fields"] = self._fields(schema, inner, full)
        return full

    def _fields(self, schema: Mapping[str, Any], space: str, full: str) -> list[dict[str, Any]]:
        fields = _member(schema, "fields", full)
        if not isinstance(fields, list):
            raise ValueError(f"{full}: fields is a list")
        found: list[dict[str, Any]] = []
        for field in fields:
            if not isinstance(field, dict) or not _NAME.fullmatch(str(field.get("name", ""))) or "type" not in field:
                raise ValueError(f"{full}: a field has a name and a type")
            name = field["name"]
            at = f"{full}.{name}"
            if any(name == other["name"] for other in found):
                raise ValueError(f"{full}: the field {name} is there twice")
            made = {"name": name, "type": self._read(field["type"], space, at), "aliases": field.get("aliases", ())}
            if "default" in field:
                self._check_default(made["type"], field["default"], at)
                made["default"] = field["default"]
            found.append(made)
        return found

    def _check_default(self, type_: Any, value: Any, at: str) -> None:
        if isinstance(type_, list):
            # Newer versions of Avro let any branch have the default; older ones the first.
            if not any(self._is(one, value) for one in type_):
                raise ValueError(f"{at}: the default {value!r} is of none of the union's types")
        elif not self._is(type_, value):
            raise ValueError(f"{at}: the default {value!r} is not of the field's type")

    def _is(self, type_: Any, value: Any) -> bool:
        type_ = self.of(type_)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        match type_["type"] if isinstance(type_, dict) else "union":
            case "null":
                return value is None
            case "boolean":
                return isinstance(value, bool)
            case "int" | "long":
                return isinstance(value, int) and number
            case "float" | "double":
                return number or value in ("NaN", "Infinity", "-Infinity")
            case "bytes" | "string" | "fixed":
                return isinstance(value, str)
            case "enum":
                return value in type_["symbols"]
            case "array":
                return isinstance(value, list) and all(self._is(type_["items"], one) for one in value)
            case "map":
                return isinstance(value, dict) and all(self._is(type_["values"], one) for one in value.values())
            case "union":
                return any(self._is(one, value) for one in type_)
        fields = type_.get("fields", ())  # a record that is still being read has none yet
        return isinstance(value, dict) and all(
            self._is(field["type"], value[field["name"]]) if field["name"] in value else "default" in field
            for field in fields
        )

    def of(self, type_: Any) -> Any:
        return self.types[type_] if isinstance(type_, str) else type_


class _Resolution:
    """Of one reader and one writer."""

    def __init__(self, reader: _Schema, writer: _Schema) -> None:
        self._reader, self._writer = reader, writer
        self._known: dict[tuple[str, str], str] = {}
        """What is known of two named types; "" while they are being compared, so that recursive ones end."""

    def why(self) -> str:
        return self._why(self._reader.root, self._writer.root, "the schema")

    def _why(self, reader: Any, writer: Any, at: str) -> str:
        """Unions first: their branches are told apart by name, which is what recursive types end by."""
        if isinstance(writer, list):
            return next(filter(None, (self._why(reader, one, at) for one in writer)), "")
        if isinstance(reader, list):
            reasons = [self._why(one, writer, at) for one in reader]
            called = _called(self._writer.of(writer))
            return "" if "" in reasons else f"{at}: no branch of the reader's union reads {called}"
        if isinstance(reader, str) and isinstance(writer, str):
            pair = (reader, writer)
            if pair not in self._known:
                self._known[pair] = ""
                self._known[pair] = self._types(self._reader.of(reader), self._writer.of(writer), at)
            return self._known[pair]
        return self._types(self._reader.of(reader), self._writer.of(writer), at)

    def _types(self, reader: Any, writer: Any, at: str) -> str:
        kinds = (reader["type"], writer["type"])
        if kinds[0] != kinds[1]:
            if kinds[0] in _PROMOTED.get(kinds[1], ()):
                return ""
            return f"{at}: {_called(writer)} cannot be read as {_called(reader)}"
        match kinds[0]:
            case "array":
                return self._why(reader["items"], writer["items"], f"items of {at}")
            case "map":
                return self._why(reader["values"], writer["values"], f"values of {at}")
            case "record" | "enum" | "fixed":
                return self._named(reader, writer, at)
        if reader.get("decimal") != writer.get("decimal"):
            return f"{at}: the precision or scale of a decimal was changed"
        return ""

    def _named(self, reader: Any, writer: Any, at: str) -> str:
        same = _short(reader["name"]) == _short(writer["name"]) or writer["name"] in reader["aliases"]
        if not same:
            return f"{at}: {writer['name']} cannot be read as {reader['name']}: the names differ"
        if reader["type"] == "fixed":
            return "" if reader["size"] == writer["size"] else f"{at}: the size of {reader['name']} was changed"
        if reader["type"] == "enum":
            lost = [one for one in writer["symbols"] if one not in reader["symbols"]]
            if lost and reader["default"] is None:
                return f"{at}: the reader's {reader['name']} lacks the symbols {', '.join(lost)} and has no default"
            return ""
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            place = f"{reader['name']}.{field['name']}"
            other = next((written[name] for name in (field["name"], *field["aliases"]) if name in written), None)
            if other is None:
                if "default" not in field:
                    return f"{place}: the writer lacks it, and the reader has no default"
                continue
            if why := self._why(field["type"], other["type"], place):
                return why
        return ""


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _called(type_: Mapping[str, Any]) -> str:
    return str(type_.get("name", type_["type"]))


def _member(schema: Mapping[str, Any], name: str, at: str) -> Any:
    if name not in schema:
        raise ValueError(f"{at}: {schema['type']} needs {name}")
    return schema[name]


def _symbols(schema: Mapping[str, Any], full: str) -> list[str]:
    symbols = _member(schema, "symbols", full)
    if not isinstance(symbols, list) or not all(isinstance(one, str) and _NAME.fullmatch(one) for one in symbols):
        raise ValueError(f"{full}: symbols is a list of names")
    if len(set(symbols)) != len(symbols):
        raise ValueError(f"{full}: a symbol is there twice")
    return symbols
