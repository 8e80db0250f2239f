"""Predictions become answer bodies: JSON, JSON Lines, CSV and recordio-protobuf."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from clary.algorithms.recordio import batches
from clary.algorithms.refused import Refused

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
RECORDIO = "application/x-recordio-protobuf"
SUPPORTED = (JSON, JSON_LINES, CSV, RECORDIO)
_SHORT = {"csv": CSV, "json": JSON, "jsonlines": JSON_LINES, "application/x-recordio": RECORDIO}

Row = Mapping[str, Any]
"""One prediction: names and numbers, or lists of numbers, in the order in which they are written."""


def choose(accept: str | None, default: str) -> str:
    """The content type to answer in: the most wanted of those that can be made. Raises Refused 406 when none can."""
    wanted = [_preference(one) for one in (accept or "").lower().split(",") if one.strip()]
    if not wanted:
        return default
    for kind, weight in sorted(wanted, key=lambda one: -one[1]):
        if weight <= 0:
            continue
        if kind in ("*/*", "application/*"):
            return default
        if kind == "text/*":
            return CSV
        if _SHORT.get(kind, kind) in SUPPORTED:
            return _SHORT.get(kind, kind)
    raise Refused(406, f"Accept {accept} cannot be answered; supported are {', '.join(SUPPORTED)}.")


def _preference(text: str) -> tuple[str, float]:
    kind, *parameters = [part.strip() for part in text.split(";")]
    for one in parameters:
        if one.startswith("q="):
            try:
                return kind, float(one[2:])
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def encode(rows: Sequence[Row], kind: str) -> bytes:
    """In CSV a row is its values in order; a list stands in quotes as JSON."""
    if kind == JSON:
        return json.dumps({"predictions": list(rows)}).encode()
    if kind == JSON_LINES:
        return "".join(json.dumps(one) + "\n" for one in rows).encode()
    if kind == RECORDIO:
        return batches.answers(rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in rows:
        writer.writerow([json.dumps(value) if isinstance(value, list) else value for value in one.values()])
    return out.getvalue().encode()
