"""What a target is sent of an event: all of it, a constant, a part of it, or what a template makes of parts."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clary.aws import times
from clary.kernel.resource import Doc
from clary.services.events.api import ValidationException
from clary.services.events.paths import MISSING, Path, compile_path

_PLACE: Final = re.compile(r"<([^<>\s]+)>")
_KINDS: Final = ("Input", "InputPath", "InputTransformer")


@dataclass(frozen=True, slots=True)
class Matched:
    """An event that a rule is about."""

    event: Doc
    rule_arn: str
    rule_name: str
    at: float
    """When the bus received it: epoch seconds."""


Input = Callable[[Matched], str]


def compile_input(target: Doc) -> Input:
    """What the target gets of an event. Raises ValidationException."""
    given = [kind for kind in _KINDS if kind in target]
    if len(given) > 1:
        raise ValidationException(f"Only one of Input, InputPath, or InputTransformer must be provided for target "
                                  f"{target['Id']}.")  # fmt: skip
    if "Input" in target:
        return _constant(target["Id"], target["Input"])
    if "InputPath" in target:
        return _part(target["Id"], target["InputPath"])
    if "InputTransformer" in target:
        return _transformed(target["Id"], target["InputTransformer"])
    return lambda matched: orjson.dumps(matched.event).decode()


def _constant(name: str, text: str) -> Input:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValidationException(f"JSON syntax error in input for target {name} : {error}.") from None
    return lambda matched: text


def _part(name: str, text: str) -> Input:
    path = _path(name, text)

    def part(matched: Matched) -> str:
        found = path(matched.event)
        return "null" if found is MISSING else orjson.dumps(found).decode()

    return part


def _path(name: str, text: str) -> Path:
    try:
        return compile_path(text)
    except ValueError as error:
        raise ValidationException(f"Invalid JSON path for target {name} : {error}.") from None


_PREDEFINED: Final[Mapping[str, Callable[[Matched], Any]]] = {
    "aws.events.rule-arn": lambda matched: matched.rule_arn,
    "aws.events.rule-name": lambda matched: matched.rule_name,
    "aws.events.event.ingestion-time": lambda matched: times.iso8601(matched.at),
    "aws.events.event": lambda matched: {
        "detailType" if member == "detail-type" else member: value
        for member, value in matched.event.items()
        if member != "detail"
    },
    "aws.events.event.json": lambda matched: matched.event,
}


def _transformed(name: str, given: Doc) -> Input:
    values = dict(_PREDEFINED)
    for variable, text in given.get("InputPathsMap", {}).items():
        values[variable] = _of_path(_path(name, text))
    template = given["InputTemplate"]
    for match in _PLACE.finditer(template):
        if match[1] not in values:
            raise ValidationException(f"InputTemplate for target {name} contains invalid placeholder {match[1]}.")
    pieces = list(_pieces(template))
    of_json = _check_template(name, template, pieces)
    makers = [_maker(piece, values, of_json) for piece in pieces]
    return lambda matched: "".join([make(matched) for make in makers])


def _of_path(path: Path) -> Callable[[Matched], Any]:
    return lambda matched: path(matched.event)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Of a template: text as it stands, or the place of a variable."""

    text: str
    variable: str = ""
    quoted: bool = False
    """The place is inside a JSON string."""


def _pieces(template: str) -> list[_Piece]:
    found: list[_Piece] = []
    at, quoted = 0, False
    for match in _PLACE.finditer(template):
        text = template[at : match.start()]
        quoted = _ends_quoted(text, quoted)
        found += [_Piece(text), _Piece("", match[1], quoted)]
        at = match.end()
    return [*found, _Piece(template[at:])]


def _ends_quoted(text: str, quoted: bool) -> bool:
    escaped = False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\" and quoted:
            escaped = True
        elif letter == '"':
            quoted = not quoted
    return quoted


def _check_template(name: str, template: str, pieces: list[_Piece]) -> bool:
    """Whether it is JSON, whatever its variables are; one that begins so must be, or a JSON string on each line."""
    sample = "".join(piece.text or (("" if piece.quoted else "null") if piece.variable else "") for piece in pieces)
    try:
        orjson.loads(sample)
    except orjson.JSONDecodeError as error:
        if template.lstrip()[:1] not in ("{", "[", '"'):
            return False
        lines = [line.strip() for line in sample.splitlines() if line.strip()]
        if len(lines) > 1 and all(_is_string(line) for line in lines):
            return False
        raise ValidationException(f"Invalid InputTemplate for target {name} : [{error}].") from None
    return True


def _is_string(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), str)
    except orjson.JSONDecodeError:
        return False


def _maker(piece: _Piece, values: Mapping[str, Callable[[Matched], Any]], of_json: bool) -> Input:
    if not piece.variable:
        return lambda matched: piece.text
    value = values[piece.variable]
    if piece.quoted:
        return lambda matched: _escaped(_plain(value(matched)))
    if not of_json:
        return lambda matched: _plain(value(matched))
    # Outside of quotes a variable is a value of JSON; one that is not there leaves an empty text.
    return lambda matched: '""' if (found := value(matched)) is MISSING else orjson.dumps(found).decode()


def _plain(value: Any) -> str:
    if value is MISSING:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _escaped(text: str) -> str:
    """As it stands within a JSON string."""
    return orjson.dumps(text).decode()[1:-1]
