"""Predictions become answer bodies, in the words of AWS's container: CSV, JSON, JSON Lines and recordio-protobuf."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from clary.algorithms.refused import Refused

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
RECORDIO = "application/x-recordio-protobuf"
SUPPORTED = (CSV, JSON, JSON_LINES, RECORDIO)


def choose(accept: str | None, default: str) -> str:
    """The content type to answer in: the most wanted of those that can be made. Raises Refused 406 when none can."""
    wanted = [_preference(one) for one in (accept or "").lower().split(",") if one.strip()]
    if not wanted:
        return default
    for kind, weight in sorted(wanted, key=lambda one: -one[1]):
        if weight <= 0:
            continue
        if kind in ("*/*", "application/*", "text/*"):
            return (
                default if kind == "*/*" or default.startswith(kind[:-1]) else (JSON if kind.startswith("a") else CSV)
            )
        short = {"csv": CSV, "json": JSON, "jsonlines": JSON_LINES}.get(kind, kind)
        if short in SUPPORTED:
            return short
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


def encode(scores: Any, kind: str, *, one_line: bool = False) -> bytes:
    """`scores`: an array of one number a row, or of one row of numbers a row. Numbers are written as Python writes a
    float: classes of multi:softmax are "0.0", "1.0"."""
    rows = scores.tolist()
    if kind == JSON:
        return json.dumps({"predictions": [{"score": one} for one in rows]}).encode()
    if kind == JSON_LINES:
        return "".join(json.dumps({"score": one}) + "\n" for one in rows).encode()
    if kind == RECORDIO:
        return _records([{"score": one} for one in rows])
    if one_line:
        return ",".join(map(str, rows)).encode()
    return "".join((",".join(map(str, one)) if isinstance(one, list) else str(one)) + "\n" for one in rows).encode()


def _records(rows: list[Mapping[str, Any]]) -> bytes:
    from clary.algorithms.recordio import batches  # rarely asked for

    return batches.answers(rows)


def encode_selected(rows: list[Mapping[str, Any]], kind: str) -> bytes:
    """Answers of chosen content (SAGEMAKER_INFERENCE_OUTPUT): one mapping a row; in CSV its values, lists in quotes.
    What an objective cannot give is NaN, as AWS's container has it, in JSON too."""
    if kind == JSON:
        return json.dumps({"predictions": rows}).encode()
    if kind == JSON_LINES:
        return "".join(json.dumps(one) + "\n" for one in rows).encode()
    if kind == RECORDIO:
        return _records(rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in rows:
        writer.writerow([json.dumps(value) if isinstance(value, list) else value for value in one.values()])
    return out.getvalue().encode()
