"""What a page's document must be: every mistake with its place, in words.

A field of the form is a property of `input`, a subset of JSON Schema 2020-12. Words that the page does not know are no
mistakes: JSON Schema has many, and they change nothing here.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

_MEMBERS: Final = ("title", "description", "contentType", "accept", "body", "input", "output", "examples")
_TYPES: Final = ("string", "number", "integer", "boolean")
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_KINDS: Final = ("classes", "number", "raw")

Problem = tuple[str, str]
"""(place, what is wrong there)"""


def problems(document: Any) -> list[Problem]:
    """Everything that is wrong with it; nothing: the page can be made of it."""
    if not isinstance(document, dict):
        return [("document", "is no JSON object")]
    return [
        *_members(document),
        *_input(document.get("input")),
        *_output(document.get("output")),
        *_examples(document.get("examples"), document.get("input")),
    ]


def fits(schema: Mapping[str, Any], value: Any) -> str:
    """What is wrong with a value for a property; "": nothing."""
    choices = choices_of(schema)
    if choices is not None:
        if any(_same(value, one) for one in choices):
            return ""
        return f"is {value!r}, and must be one of {', '.join(str(one) for one in choices)}"
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TYPES and not _IS[kind](value):
        return f"is {value!r}, and must be of type {kind}"
    if not _IS["number"](value):
        return ""
    for name, wrong, word in _BOUNDS:
        bound = schema.get(name)
        if _IS["number"](bound) and wrong(value, bound):
            return f"is {value!r}, and must be {word} {bound!r}"
    return ""


def choices_of(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values that a property may have, where they are listed."""
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    listed = schema.get("oneOf", schema.get("anyOf"))
    if isinstance(listed, list):
        return [one["const"] for one in listed if isinstance(one, dict) and "const" in one]
    return None


def _members(document: Mapping[str, Any]) -> Iterator[Problem]:
    for name in document:
        if name not in _MEMBERS and not name.startswith("$"):
            yield name, f"is no member of a page's document; there are {', '.join(_MEMBERS)}"
    for name in ("title", "description", "contentType", "accept"):
        if name in document and not isinstance(document[name], str):
            yield name, "must be a text"
    for name in ("contentType", "accept"):
        if isinstance(document.get(name), str) and "/" not in document[name]:
            yield name, f"is {document[name]!r}, and must be a media type, for example text/csv"
    if document.get("body", "object") not in ("object", "instances"):
        yield "body", 'must be "object" or "instances"'


def _input(schema: Any) -> Iterator[Problem]:
    if not isinstance(schema, dict):
        yield "input", "must be a JSON Schema object; its properties are the fields of the form"
        return
    if schema.get("type", "object") != "object":
        yield "input.type", 'must be "object"'
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        yield "input.properties", "must be an object with a member for each field, in the order of the model's columns"
        return
    for name, one in properties.items():
        yield from _property(f"input.properties.{name}", one)
    required = schema.get("required", [])
    if not isinstance(required, list):
        yield "input.required", "must be a list of names"
        return
    for at, name in enumerate(required):
        if name not in properties:
            yield f"input.required[{at}]", f"is {name!r}, which is no property"


def _property(place: str, schema: Any) -> Iterator[Problem]:
    if not isinstance(schema, dict):
        yield place, "must be a JSON Schema object"
        return
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in (*_TYPES, "null"):
            yield f"{place}.type", f"is {kind!r}, and must be one of {', '.join(_TYPES)}"
    yield from _listed(place, schema)
    for name in _NUMBERS:
        if name in schema and not _IS["number"](schema[name]):
            yield f"{place}.{name}", "must be a number"
    if _IS["number"](schema.get("multipleOf")) and schema["multipleOf"] <= 0:
        yield f"{place}.multipleOf", "must be above 0"
    least, most = (schema.get(name) if _number(schema.get(name)) else None for name in ("minimum", "maximum"))
    if least is not None and most is not None and least > most:
        yield f"{place}.minimum", f"is {least!r}, which is above the maximum {most!r}"
    for name in ("title", "description", "unit", "contentMediaType"):
        if name in schema and not isinstance(schema[name], str):
            yield f"{place}.{name}", "must be a text"
    if "default" in schema and (wrong := fits(schema, schema["default"])):
        yield f"{place}.default", wrong


def _listed(place: str, schema: Mapping[str, Any]) -> Iterator[Problem]:
    if "enum" in schema and (not isinstance(schema["enum"], list) or not schema["enum"]):
        yield f"{place}.enum", "must be a list with at least one value"
    for name in ("oneOf", "anyOf"):
        if name not in schema:
            continue
        if not isinstance(schema[name], list) or not schema[name]:
            yield f"{place}.{name}", "must be a list with at least one choice"
            continue
        for at, one in enumerate(schema[name]):
            if not isinstance(one, dict) or "const" not in one:
                yield f"{place}.{name}[{at}]", 'must be an object with "const", and a "title" for people'


def _output(output: Any) -> Iterator[Problem]:
    if output is None:
        return
    if not isinstance(output, dict) or output.get("kind") not in _KINDS:
        yield "output.kind", f"must be one of {', '.join(_KINDS)}"
        return
    if output["kind"] == "classes":
        labels = output.get("labels")
        if not isinstance(labels, list) or not labels or not all(isinstance(one, str) for one in labels):
            yield "output.labels", "must be a list of texts: the classes, in the order in which the model counts them"


def _examples(examples: Any, schema: Any) -> Iterator[Problem]:
    if examples is None:
        return
    if not isinstance(examples, list):
        yield "examples", "must be a list"
        return
    properties = schema.get("properties") if isinstance(schema, dict) else None
    known = properties if isinstance(properties, dict) else {}
    for at, one in enumerate(examples):
        if not isinstance(one, dict) or not isinstance(one.get("values"), dict):
            yield f"examples[{at}].values", "must be an object with a value for each property"
            continue
        for name, value in one["values"].items():
            if name not in known:
                yield f"examples[{at}].values.{name}", "is no property of the input"
            elif isinstance(known[name], dict) and (wrong := fits(known[name], value)):
                yield f"examples[{at}].values.{name}", wrong


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(one: Any, other: Any) -> bool:
    """As JSON Schema compares: 1 is 1.0, and neither is true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


_IS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": _number,
    "integer": lambda value: _number(value) and value == int(value),
    "boolean": lambda value: isinstance(value, bool),
}
_BOUNDS: Final[tuple[tuple[str, Callable[[Any, Any], bool], str], ...]] = (
    ("minimum", lambda value, bound: value < bound, "at least"),
    ("maximum", lambda value, bound: value > bound, "at most"),
    ("exclusiveMinimum", lambda value, bound: value <= bound, "above"),
    ("exclusiveMaximum", lambda value, bound: value >= bound, "below"),
)
