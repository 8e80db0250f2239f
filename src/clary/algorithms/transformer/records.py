"""DataProcessing: what of each record goes to the model, and how its answer is joined to the record and filtered."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clary.algorithms.contract import ClientError
from clary.algorithms.transformer import jsonpath
from clary.algorithms.transformer.faults import Failure
from clary.algorithms.transformer.spec import Spec
from clary.algorithms.transformer.upstream import Reply

INPUT: Final = "SageMakerInput"
OUTPUT: Final = "SageMakerOutput"
_COMPACT: Final = (",", ":")


@dataclass(frozen=True, slots=True)
class Format:
    """How records stand in a body."""

    name: str
    read: Callable[[bytes], list[Any]]
    """Raises ValueError."""
    write: Callable[[Iterable[Any]], bytes]


class Processing:
    """The filters and the join of one job."""

    def __init__(self, spec: Spec) -> None:
        """Raises ClientError for a filter that is no JSONPath, and for types that cannot be filtered."""
        self._first = _compiled("InputFilter", spec.input_filter)
        self._last = _compiled("OutputFilter", spec.output_filter)
        self._joins = spec.join
        by_line = spec.split == "Line"
        self._taken = format_of("ContentType", spec.content_type, by_line)
        self._given = format_of("Accept", spec.accept, by_line) if spec.accept else self._taken

    def before(self, body: bytes, first: int) -> tuple[bytes, Sequence[Any]]:
        """(what the model is sent, the records of the body). Raises Failure ClientError with the record's number."""
        try:
            records = self._taken.read(body)
        except (ValueError, RecursionError) as error:
            raise Failure("ClientError", f"Failed to parse input as {self._taken.name}: {error}") from None
        if self._first is None:
            return body, records
        return self._taken.write(_filtered("InputFilter", self._first, records, first)), records

    def after(self, records: Sequence[Any], reply: Reply, first: int) -> bytes:
        """What stands in the output for these records. Raises Failure."""
        try:
            answers = self._given.read(reply.body)
        except (ValueError, RecursionError) as error:
            message = f"Failed to parse output from the algorithm as {self._given.name}: {error}"
            raise Failure("ClientError", message) from None
        if self._joins:
            answers = self._joined(records, answers)
        if self._last is not None:
            answers = _filtered("OutputFilter", self._last, answers, first)
        return self._given.write(answers)

    def _joined(self, records: Sequence[Any], answers: list[Any]) -> list[Any]:
        if len(records) != len(answers):
            raise Failure(
                "ClientError",
                "Fail to join data: mismatched line count between the input and the output: "
                f"{len(records)} records were sent, {len(answers)} came back",
            )
        if self._taken is _CSV:
            return [[*record, *answer] for record, answer in zip(records, answers, strict=True)]
        return [_merged(record, answer) for record, answer in zip(records, answers, strict=True)]


def format_of(member: str, content_type: str | None, by_line: bool) -> Format:
    """Raises ClientError for a type whose records cannot be told apart."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "application/json" and by_line:
        return _JSON_LINES
    found = _FORMATS.get(kind)
    if found is None:
        raise ClientError(f"DataProcessing needs {member} to be one of {', '.join(_FORMATS)}, not {content_type!r}")
    return found


def _merged(record: Any, answer: Any) -> dict[str, Any]:
    return {**record, OUTPUT: answer} if isinstance(record, dict) else {INPUT: record, OUTPUT: answer}


def _compiled(member: str, text: str) -> Callable[[Any], Any] | None:
    if text.strip() in ("$", ""):
        return None
    try:
        return jsonpath.compiled(text)
    except jsonpath.BadPath as error:
        raise ClientError(f"DataProcessing.{member}: {error}") from None


def _filtered(member: str, select: Callable[[Any], Any], records: Sequence[Any], first: int) -> list[Any]:
    found = []
    number = 0
    try:
        for number, record in enumerate(records):  # noqa: B007 - told when it fails
            found.append(select(record))
    except jsonpath.NotThere as error:
        raise Failure("ClientError", f"{member} cannot be applied to record {first + number}: {error}") from None
    return found


def _read_csv(body: bytes) -> list[Any]:
    csv.field_size_limit(sys.maxsize)  # a cell may be as long as a request
    try:
        return [row for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if row]
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _write_csv(rows: Iterable[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row if isinstance(row, list) else [row] for row in rows)
    return out.getvalue().encode()


def _read_json(body: bytes) -> list[Any]:
    return [json.loads(body)]


def _write_json(values: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(value, separators=_COMPACT).encode() for value in values)


def _read_lines(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.splitlines() if line.strip()]


def _write_lines(values: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(value, separators=_COMPACT).encode() + b"\n" for value in values)


_CSV: Final = Format("CSV", _read_csv, _write_csv)
_JSON_LINES: Final = Format("JSON Lines", _read_lines, _write_lines)
_FORMATS: Final[Mapping[str, Format]] = {
    "text/csv": _CSV,
    "application/json": Format("JSON", _read_json, _write_json),
    "application/jsonlines": _JSON_LINES,
    "application/x-jsonlines": _JSON_LINES,
}
