"""Answers of the sparkml-serving image: CSV, or JSON Lines in the forms that the built-in algorithms read."""

import json
from typing import Any, Final

from clary.algorithms.refused import Refused
from clary.algorithms.toolkit import codecs

JSON_LINES: Final = "application/jsonlines"
TEXT_LINES: Final = "application/jsonlines;data=text"
SUPPORTED: Final = (codecs.CSV, JSON_LINES, TEXT_LINES)


def choose(accept: str | None, default: str) -> str:
    """What is answered to that Accept header. Raises Refused 406."""
    for one in (accept or "").split(","):
        wanted = one.strip().replace(" ", "").lower()
        if wanted in ("", "*/*"):
            break
        if wanted in SUPPORTED:
            return wanted
        if codecs.plain(wanted) == codecs.CSV or wanted == "text/*":
            return codecs.CSV
        if codecs.plain(wanted) == JSON_LINES or wanted == "application/*":
            return JSON_LINES
    else:
        raise Refused(406, f"Accept {accept} cannot be answered; supported are {', '.join(SUPPORTED)}.")
    return default


def content_type(kind: str) -> str:
    return JSON_LINES if kind == TEXT_LINES else kind


def encode(values: Any, kind: str) -> bytes:
    """`values`: an array of one value a row, or of one row of values a row."""
    if kind == codecs.CSV:
        return codecs.encode(values, codecs.CSV)
    rows = values.tolist()
    if kind == TEXT_LINES:
        words = (" ".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows)
        return "".join(json.dumps({"source": one}) + "\n" for one in words).encode()
    return "".join(json.dumps({"features": row if isinstance(row, list) else [row]}) + "\n" for row in rows).encode()
