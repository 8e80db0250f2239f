"""One file after the other: which format it is of, by the classifiers first."""

import codecs
import csv
from collections.abc import Sequence
from typing import Any, Final

import orjson

from clary.engines.schemas import columnar, delimited, documents, grok, heads
from clary.engines.schemas.base import Sample, Seen, Survey
from clary.engines.schemas.heads import Head, Unknown, Unreadable

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WHOLE_BYTES: Final = 64 << 20
"""A file that is one JSON document is read whole up to this length."""
Found = tuple[dict[str, Any], int]


def survey(samples: Sequence[Sample], classifiers: Sequence[dict[str, Any]]) -> Survey:
    """What is in each."""
    schemas: list[dict[str, Any]] = []
    numbers: dict[bytes, int] = {}
    seen: list[Seen] = []
    for sample in samples:
        try:
            schema, records = _found(sample, classifiers)
        except Unknown as error:
            seen.append(Seen("empty" if sample.size == 0 else "unknown", why=str(error)))
        except ImportError as error:
            why = f"it cannot be read without the package {error.name}: pip install 'clary[catalog]'"
            seen.append(Seen("unreadable", why=why))
        except (Unreadable, OSError) as error:
            seen.append(Seen("unreadable", why=str(error)))
        else:
            number = numbers.setdefault(orjson.dumps(schema), len(schemas))
            if number == len(schemas):
                schemas.append(schema)
            seen.append(Seen("data", number, records))
    return Survey(schemas, seen)


def _found(sample: Sample, classifiers: Sequence[dict[str, Any]]) -> Found:
    """Raises Unknown, Unreadable."""
    if sample.size == 0:
        raise Unknown("it is empty")
    head = heads.read(sample.path, sample.size)
    if not head.data:
        raise Unknown("there is nothing in it")
    carried = columnar.found(sample.path, head)
    if carried is not None:
        return carried
    text = _text(head)
    for one in classifiers:
        said = _by(one, sample, text, head)
        if said is not None:
            return said
    said = documents.found(text, head) or _delimited(text, head)
    if said is None:
        raise Unknown("it is none of the formats: csv (two columns and two rows at least), json, parquet, orc and avro")
    return said


def _by(one: dict[str, Any], sample: Sample, text: str, head: Head) -> Found | None:
    if one["kind"] == "csv":
        return _delimited(text, head, one)
    if one["kind"] == "grok":
        return grok.found(text, head, one)
    if not head.whole:
        head = heads.read(sample.path, sample.size, _WHOLE_BYTES)
        text = _text(head)
    return documents.at_path(text, head, one["JsonPath"])


def _delimited(text: str, head: Head, said: dict[str, Any] | None = None) -> Found | None:
    try:
        return delimited.found(text, head, said)
    except csv.Error as error:
        raise Unreadable(f"it looks like csv, but cannot be read: {error}") from None


def _text(head: Head) -> str:
    """The whole lines of the head. Raises Unknown for what is no text in UTF-8."""
    data = head.data
    if data.startswith(_UTF16):
        raise Unknown("it is text in UTF-16: write it in UTF-8")
    if b"\0" in data[:4096]:
        raise Unknown("it is binary, of none of the formats")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=head.whole)
    except UnicodeDecodeError as error:
        raise Unknown(f"it is no text in UTF-8: byte {error.start} does not fit") from None
    if head.whole:
        return text
    end = text.rfind("\n")
    return text if end < 0 else text[: end + 1]
