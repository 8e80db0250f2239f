"""Captured inferences of an endpoint or a transform job, alone or merged with ground truth."""

import csv
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor import documents, records
from clary.algorithms.monitor.columns import Batch
from clary.algorithms.monitor.delimited import positions
from clary.algorithms.monitor.records import Doc
from clary.algorithms.monitor.settings import Format, Settings, moment

TRUTH = "groundTruthData"


def batches(
    files: Sequence[Path], settings: Settings, preprocess: records.Preprocess | None, known: Sequence[str]
) -> Iterator[Batch]:
    yield from records.gathered(_rows(files, settings, preprocess, known))


def inferences(files: Sequence[Path], settings: Settings) -> Iterator[tuple[str, Doc]]:
    """Where each captured inference of the time that is looked at stands, and what it is."""
    for path in files:
        for at, record in documents.by_line(path):
            where = f"{path.name}, {at}"
            if not isinstance(record, dict) or not isinstance(record.get("captureData"), dict):
                raise ClientError(f"{where}: this is no captured inference, it has no captureData.")
            if _in_time(record, settings):
                yield where, record


def _in_time(record: Doc, settings: Settings) -> bool:
    if settings.start is None and settings.end is None:
        return True
    at = moment(str((record.get("eventMetadata") or {}).get("inferenceTime") or ""))
    if at is None:
        return True  # it does not say when it was: it is looked at rather than lost
    return (settings.start is None or at >= settings.start) and (settings.end is None or at < settings.end)


def _rows(
    files: Sequence[Path], settings: Settings, preprocess: records.Preprocess | None, known: Sequence[str]
) -> Iterator[Doc]:
    for where, record in inferences(files, settings):
        try:
            if preprocess is not None:
                yield from preprocess(records.Inference(record))
            else:
                yield from _of_record(record, settings.format, known)
        except ClientError as error:
            raise ClientError(f"{where}: {error}") from None


def _of_record(record: Doc, form: Format, known: Sequence[str]) -> Iterator[Doc]:
    order = sorted(form.sides, key=lambda side: (side == "endpointInput") == form.outputs_first)
    sides = [rows_of(record["captureData"][side], side) for side in order if side in record["captureData"]]
    if not sides:
        raise ClientError(f"the record has none of {', '.join(form.sides)}; see CaptureOptions of the endpoint.")
    most = max(map(len, sides))
    if any(len(one) != most for one in sides):
        counts = " and ".join(str(len(one)) for one in sides)
        raise ClientError(f"its sides have {counts} rows; a record_preprocessor_script can say which belong together.")
    for parts in zip(*sides, strict=True):
        named: Doc = {}
        cells: list[Any] = []
        for part in parts:
            if isinstance(part, dict):
                named |= part
            else:
                cells += part
        yield {**dict(zip(positions(len(cells), known), cells, strict=True)), **named}


def rows_of(about: Doc, side: str) -> list[Doc | list[Any]]:
    """The rows of one side: a list of cells each where it is CSV, a flat document each where it is JSON."""
    text, encoding = about.get("data"), str(about.get("encoding") or "").upper()
    if encoding == "BASE64":
        text, encoding = _decoded(about, side)
    if encoding == "CSV":
        return [list(row) for row in csv.reader(str(text).splitlines()) if row]
    if encoding == "JSON":
        try:
            return _of_json(orjson.loads(text) if isinstance(text, str) else text)
        except orjson.JSONDecodeError as error:
            raise ClientError(f"the data of {side} is no JSON: {error}") from None
    raise ClientError(f"the data of {side} has the encoding {encoding!r}; CSV, JSON and BASE64 can be read.")


def _of_json(found: Any) -> list[Doc | list[Any]]:
    if isinstance(found, dict):
        return [records.flat(found)]
    if not isinstance(found, list):
        return [[found]]
    if found and all(isinstance(one, dict) for one in found):
        return [records.flat(one) for one in found]
    if found and all(isinstance(one, list) for one in found):
        return found
    return [found]


def _decoded(about: Doc, side: str) -> tuple[str, str]:
    """What was captured as bytes, as text, with the encoding that its content type says."""
    kind = str(about.get("observedContentType") or "").partition(";")[0].strip().lower()
    encoding = "CSV" if kind.endswith("csv") else "JSON" if kind.endswith("json") else ""
    if not encoding:
        raise ClientError(
            f"the data of {side} was captured as base64 with the content type {kind!r}: only CSV and JSON can be read. "
            "Name the type in CaptureContentTypeHeader, or give a record_preprocessor_script."
        )
    try:
        return b64decode(str(about.get("data")), validate=True).decode(), encoding
    except (NotBase64, UnicodeDecodeError) as error:
        raise ClientError(f"the data of {side} is no text in base64: {error}") from None
