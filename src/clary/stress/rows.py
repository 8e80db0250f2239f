"""What is sent: the lines of a file, one a request, without their header and label."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

TYPES = {
    ".csv": "text/csv",
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
    ".npy": "application/x-npy",
}
LINES = ("text/csv", "application/jsonlines", "text/libsvm", "text/x-libsvm", "text/plain")
"""Types of which every line is a request; a file of any other type is one request."""
MOST_BYTES = 64 << 20


class BadRows(ValueError):
    """The file cannot be sent as it was asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Bodies and, where a label was named, what should be answered to each; as latin-1 text."""

    bodies: tuple[str, ...]
    labels: tuple[str, ...]
    content_type: str


def read(path: Path, content_type: str | None, skip_header: bool, label: str | None, together: int = 1) -> Rows:
    """The rows of the file. `label`: the column (a number from 1, or from -1 backwards, or a name of the header) or
    the member of a JSON line that is no feature. `together`: so many lines are one request. Raises BadRows, OSError."""
    wanted = content_type or TYPES.get(path.suffix.lower())
    if wanted is None:
        raise BadRows(f"the type of {path.name} is not known by its name: say it with --content-type")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BadRows(f"{path.name} has {size >> 20} MB; a load takes at most {MOST_BYTES >> 20} MB: cut it")
    text = path.read_bytes().decode("latin-1")
    kind = wanted.partition(";")[0].strip().lower()
    if kind not in LINES and path.suffix.lower() != ".jsonl":
        if not text:
            raise BadRows(f"{path.name} is empty")
        return Rows((text,), (), wanted)
    lines = [line for line in text.splitlines() if line.strip()]
    if kind == "text/csv":
        bodies, labels = _csv(lines, skip_header, label)
    else:
        bodies, labels = _json(lines, label) if label is not None else (lines, [])
    if not bodies:
        raise BadRows(f"{path.name} has no rows")
    if together > 1:
        if labels:
            raise BadRows("answers are compared with labels only where one row is one request")
        bodies = ["\n".join(bodies[n : n + together]) for n in range(0, len(bodies), together)]
    return Rows(tuple(bodies), tuple(labels), wanted)


def _csv(lines: list[str], skip_header: bool, label: str | None) -> tuple[list[str], list[str]]:
    header: list[str] = []
    if skip_header and lines:
        header = next(csv.reader(lines[:1]))
        lines = lines[1:]
    if label is None:
        return lines, []
    if label.lstrip("-").isdigit():
        column = int(label)
        at = column - 1 if column > 0 else column
    elif label in header:
        at = header.index(label)
    else:
        known = f"the header has: {', '.join(header)}" if header else "a name needs --skip-header; else give its number"
        raise BadRows(f"there is no column {label!r}; {known}")
    bodies, labels = [], []
    for number, fields in enumerate(csv.reader(lines), 1):
        try:
            labels.append(fields.pop(at))
        except IndexError:
            raise BadRows(f"row {number} has {len(fields)} columns, and no column {label}") from None
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(fields)
        bodies.append(line.getvalue())
    return bodies, labels


def _json(lines: list[str], label: str) -> tuple[list[str], list[str]]:
    bodies, labels = [], []
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            value = said.pop(label)
        except (ValueError, KeyError, AttributeError, TypeError):
            raise BadRows(f"line {number} is no JSON object with the member {label!r}") from None
        bodies.append(json.dumps(said))
        labels.append(value if isinstance(value, str) else json.dumps(value))
    return bodies, labels
