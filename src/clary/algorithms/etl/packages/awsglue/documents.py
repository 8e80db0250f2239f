"""JSON documents in text: one after the other, in lists, over several lines, or at a path inside."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\]|\[\s*(\*|\d+)\s*\]")
_DECODER = json.JSONDecoder()


def steps(path: str) -> list[str | int | None]:
    """The steps of a JSON path such as `$.items[*].value`; None stands for `[*]`. Raises ValueError for any other
    form."""
    rest = path.strip().removeprefix("$")
    found: list[str | int | None] = []
    place = 0
    while place < len(rest):
        step = _STEP.match(rest, place)
        if step is None:
            raise ValueError(f"jsonPath {path!r} cannot be read here: use names, [n] and [*], as in $.items[*]")
        name = step[1] or step[2] or step[3]
        found.append(name if name is not None else None if step[4] == "*" else int(step[4]))
        place = step.end()
    return found


def documents(text: str, path: Sequence[str | int | None] = ()) -> Iterator[tuple[str | None, str]]:
    """Each record in `text` as `(None, its JSON)`, each that is none as `(why, "")`. After a mistake the next line
    goes on."""
    place, length = 0, len(text)
    while True:
        while place < length and (text[place].isspace() or text[place] in ",\ufeff"):
            place += 1
        if place >= length:
            return
        try:
            value, place = _DECODER.raw_decode(text, place)
        except ValueError as error:
            yield f"is no JSON: {str(error).split(':')[0]}", ""
            place = text.find("\n", place) + 1 or length
            continue
        yield from _records(value, path)


def _records(value: Any, path: Sequence[str | int | None]) -> Iterator[tuple[str | None, str]]:
    for one in _at(value, path):
        for record in one if isinstance(one, list) else [one]:
            if isinstance(record, dict):
                yield None, json.dumps(record, ensure_ascii=False)
            else:
                yield f"is {type(record).__name__}, not a record (an object)", ""


def _at(value: Any, path: Sequence[str | int | None]) -> Iterator[Any]:
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if step is None:
        for one in value if isinstance(value, list) else value.values() if isinstance(value, dict) else []:
            yield from _at(one, rest)
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from _at(value[step], rest)
    elif isinstance(value, dict) and step in value:
        yield from _at(value[step], rest)
