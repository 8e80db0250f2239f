"""Where the document of a page comes from: what was given, else what the model itself says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from clary import app_roles
from clary.cli.app.documents import baseline, checked, rows, sparkml
from clary.cli.app.documents.bundles import LARGEST, Words, words
from clary.cli.app.documents.rows import Unusable
from clary.cli.app.documents.served import Served
from clary.cli.registry.wire import Wire
from clary.cli.say import fail, warn

_LARGEST_DOCUMENT: Final = 2**20
"""Bytes; a longer one is no page's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of the document."""

    file: Path | None = None
    rows: Path | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A document, or that there is none."""

    origin: str
    """Where it comes from, in words."""
    document: dict[str, Any] | None = None
    place: str | None = None
    """Where it stands already (s3://bucket/key); None: nowhere yet."""


NONE: Final = Found("nowhere: the page is a box for a raw request")


def given(asked: Asked) -> Found | None:
    """What the command line names; None: nothing. Ends the command when that is no document."""
    if asked.file is not None:
        return Found(str(asked.file), _checked(_read(asked.file), str(asked.file)))
    if asked.rows is not None:
        try:
            return Found(f"the rows of {asked.rows}", rows.of_file(asked.rows, asked.label))
        except Unusable as problem:
            fail(str(problem).replace("[", r"\["), "every row below the header is one example, with commas in between")
    return None


def kept(wire: Wire, place: str) -> Found | None:
    """What was put there for the page before; None: it is of no use any more, which is said."""
    try:
        document = _json(wire, place)
    except Unusable as problem:
        warn(f"{problem}: another is looked for")
        return None
    return Found("what was there", document, place) if isinstance(document, dict) else None


def readable(wire: Wire, place: str) -> dict[str, Any] | None:
    """The document there, as long as it is one; it may have been changed by hand."""
    try:
        document = _json(wire, place)
    except Unusable:
        return None
    return None if checked.problems(document) else document


def of_model(wire: Wire, served: Served, label: str | None) -> Found:
    """What the model tells of itself. What is there and of no use is said, and passed over."""
    for look in (_of_package, _of_baseline, _of_sparkml):
        try:
            found = look(wire, served, label)
        except Unusable as problem:
            warn(f"{problem}: it is left out")
            continue
        if found is not None:
            return found
    return NONE


def _of_package(wire: Wire, served: Served, label: str | None) -> Found | None:
    place = (served.package or {}).get("CustomerMetadataProperties", {}).get(app_roles.PAGE_PROPERTY)
    if place is None:
        return None
    document = _json(wire, place)
    wrong = checked.problems(document)
    if wrong:
        raise Unusable(f"the document {place} of the model's package is no page's: {wrong[0][0]} {wrong[0][1]}")
    return Found(f"the model's package ({place})", document, place)


def _of_baseline(wire: Wire, served: Served, label: str | None) -> Found | None:
    files = baseline.places(served.package or {})
    if files is None:
        return None
    statistics, constraints = files
    suggested = baseline.of_files(_json(wire, statistics), _json(wire, constraints) if constraints else None, label)
    return Found(f"the baseline of the model's data ({statistics})", suggested)


def _of_sparkml(wire: Wire, served: Served, label: str | None) -> Found | None:
    suggested = sparkml.of_containers(served.containers, lambda container: _words(wire, container))
    return None if suggested is None else Found(f"the model's {sparkml.VARIABLE}", suggested)


def _words(wire: Wire, container: Mapping[str, Any]) -> Words:
    """What the container's bundle tells; nothing where it has none that can be read."""
    place = container.get("ModelDataUrl")
    if not place:
        return Words()
    try:
        return words(_bytes(wire, place, LARGEST))
    except Unusable as problem:
        warn(f"{problem}: the words of its columns are not known")
        return Words()


def _json(wire: Wire, place: str) -> Any:
    try:
        return orjson.loads(_bytes(wire, place, 64 * _LARGEST_DOCUMENT))
    except orjson.JSONDecodeError as error:
        raise Unusable(f"{place} is no JSON ({error})") from None


def _bytes(wire: Wire, place: str, most: int) -> bytes:
    """Raises Unusable."""
    from botocore.exceptions import ClientError, ParamValidationError

    bucket, _, key = place.removeprefix("s3://").partition("/")
    try:
        found = wire.client("s3").get_object(Bucket=bucket, Key=key)
    except (ClientError, ParamValidationError) as error:
        said = error.response["Error"]["Message"] if isinstance(error, ClientError) else "that is no s3://bucket/key"
        raise Unusable(f"{place} cannot be read: {said}") from None
    if found["ContentLength"] > most:
        raise Unusable(f"{place} is longer than {most // 2**20} MB")
    content: bytes = found["Body"].read()
    return content


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        fail(f"the document {path} cannot be read: {error.strerror}")
    except orjson.JSONDecodeError as error:
        fail(f"the document {path} is no JSON: {error}")


def _checked(document: Any, name: str) -> dict[str, Any]:
    """Ends the command with everything that is wrong with it."""
    wrong = checked.problems(document)
    if wrong:
        lines = "\n".join(f"       {place} {problem}" for place, problem in wrong).replace("[", r"\[")
        fail(f"{name} is no document of a page:\n{lines}", "what one looks like: docs/apps.md")
    found: dict[str, Any] = document
    return found
