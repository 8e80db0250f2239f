"""A page's document from a Spark ML container: its schema names the columns, its bundle the words that they know."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clary.cli.app.documents.bundles import Words
from clary.cli.app.documents.order import ordered
from clary.cli.app.documents.rows import MOST_CHOICES, Unusable, titled

VARIABLE: Final = "SAGEMAKER_SPARKML_SCHEMA"
_TYPES: Final = {
    **dict.fromkeys(("double", "float"), "number"),
    **dict.fromkeys(("long", "int", "integer", "short", "byte"), "integer"),
    "boolean": "boolean",
}
Container = Mapping[str, Any]


def of_containers(containers: Sequence[Container], read: Callable[[Container], Words]) -> dict[str, Any] | None:
    """The document that the containers of a model suggest; None: the first has no schema. `read` looks into the bundle
    of one. Raises Unusable."""
    text = _schema(containers[0]) if containers else None
    if text is None:
        return None
    columns = _inputs(text)
    known = read(containers[0]).columns
    properties = {name: {"title": titled(name), **_property(kind, known.get(name))} for name, kind in columns.items()}
    return {
        "title": "",
        "description": "",
        "contentType": "text/csv",
        "accept": "text/csv",
        "input": {"type": "object", "properties": properties, "required": list(properties)},
        "output": _output(containers, read),
        "examples": [],
    }


def _schema(container: Container) -> str | None:
    text: str | None = container.get("Environment", {}).get(VARIABLE)
    return text


def _inputs(text: str) -> dict[str, str]:
    try:
        columns = {one["name"]: str(one["type"]).lower() for one in json.loads(text)["input"]}
    except (ValueError, KeyError, TypeError):
        raise Unusable(f"{VARIABLE} of the model is no schema with named inputs") from None
    if not columns:
        raise Unusable(f"{VARIABLE} of the model names no inputs")
    return columns


def _property(kind: str, words: list[str] | None) -> dict[str, Any]:
    if words and len(words) <= MOST_CHOICES:
        return {"enum": ordered(words)}
    return {"type": _TYPES.get(kind, "string")}


def _output(containers: Sequence[Container], read: Callable[[Container], Words]) -> dict[str, Any]:
    """The last container of several may turn the answer back into words."""
    last = containers[-1]
    answers = read(last).answers if _schema(last) is not None else []
    return {"kind": "classes", "labels": answers} if answers else {"kind": "raw"}
