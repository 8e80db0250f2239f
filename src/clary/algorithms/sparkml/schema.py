"""SAGEMAKER_SPARKML_SCHEMA: the columns of a request, and the column that is answered."""

import json
from dataclasses import dataclass
from typing import Any, Final

WHOLE: Final = ("byte", "short", "int", "integer", "long")
NUMBERS: Final = ("boolean", *WHOLE, "float", "double")
TYPES: Final = (*NUMBERS, "string")
STRUCTS: Final = ("basic", "vector", "array")
VARIABLE: Final = "SAGEMAKER_SPARKML_SCHEMA"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    struct: str = "basic"


@dataclass(frozen=True, slots=True)
class Schema:
    inputs: tuple[Field, ...]
    output: Field


def parse(text: str) -> Schema:
    """Raises ValueError that says what is wrong."""
    try:
        return read(json.loads(text))
    except RecursionError:
        raise ValueError(f"{VARIABLE} is no schema: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{VARIABLE} is not JSON: {error}") from None


def read(value: Any) -> Schema:
    """The schema of a JSON value. Raises ValueError."""
    inputs = value.get("input") if isinstance(value, dict) else None
    if not isinstance(inputs, list) or not inputs or not isinstance(value.get("output"), dict):
        raise ValueError('a schema is {"input": [{"name": "age", "type": "double"}, ...], "output": {...}}')
    return Schema(tuple(_field(one) for one in inputs), _field(value["output"]))


def _field(value: Any) -> Field:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError("a column of the schema has no name")
    kind, struct = value.get("type"), value.get("struct") or "basic"
    if kind not in TYPES:
        raise ValueError(f"column {value['name']} of the schema is of type {kind}; types are {', '.join(TYPES)}")
    if struct not in STRUCTS:
        raise ValueError(f"column {value['name']} of the schema is a {struct}; it must be one of {', '.join(STRUCTS)}")
    return Field(value["name"], kind, struct)
