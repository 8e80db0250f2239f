"""Bodies of requests and answers as numpy arrays: what the frameworks' default functions take and give."""

import io
import json
from typing import Any, Final

from clary.algorithms.refused import Refused

CSV: Final = "text/csv"
JSON: Final = "application/json"
NPY: Final = "application/x-npy"
PICKLE: Final = "application/python-pickle"
TEXTS: Final = (CSV, JSON)
"""Bodies of these are given to input_fn as str; all others as bytes."""
_ANY: Final = ("", "*/*", "application/*")


def plain(content_type: str | None) -> str:
    """The media type without its parameters, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()


def decode(body: str | bytes, content_type: str | None) -> Any:
    """The array. Numbers of CSV and JSON are whatever they look like. Raises Refused."""
    import numpy as np

    kind = plain(content_type)
    try:
        match kind:
            case "text/csv":
                text = body.decode() if isinstance(body, bytes) else body
                rows = np.genfromtxt(io.StringIO(text), delimiter=",", dtype=None, encoding="utf-8", ndmin=2)
                return rows if rows.dtype.names is None else _mixed(text)
            case "application/json":
                return np.array(json.loads(body))
            case "application/x-npy":
                raw = body.encode() if isinstance(body, str) else body
                # Objects in an array are pickles, and a pickle runs whatever it likes.
                return np.load(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise Refused(400, f"The body is not {kind}: {error}") from None
    if kind == PICKLE:
        raise Refused(415, f"{PICKLE} is not read: a pickle runs whatever it likes. Send {NPY}.")
    raise Refused(415, f"Content-Type {content_type or '(none)'} is not supported: send {CSV}, {JSON} or {NPY}")


def _mixed(text: str) -> Any:
    """Columns of different kinds: an array of str."""
    import numpy as np

    return np.array([line.split(",") for line in text.splitlines() if line.strip()])


def encode(value: Any, accept: str) -> bytes:
    """The array, list or scalar in that media type. Raises Refused."""
    import numpy as np

    match plain(accept):
        case "text/csv":
            rows = np.asarray(value)
            table = rows.reshape(-1, 1) if rows.ndim < 2 else rows.reshape(rows.shape[0], -1)
            return "".join(f"{','.join(map(str, row.tolist()))}\n" for row in table).encode()
        case "application/json":
            return json.dumps(value.tolist() if hasattr(value, "tolist") else value, default=_listed).encode()
        case "application/x-npy":
            made = io.BytesIO()
            np.save(made, np.asarray(value), allow_pickle=False)
            return made.getvalue()
    raise Refused(406, f"Accept {accept} is not supported: ask for {CSV}, {JSON} or {NPY}")


def _listed(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def chosen(accept: str | None, default: str) -> str:
    """What the answer shall be: the first media type of the Accept header, or the default where it leaves it open."""
    first = (accept or "").partition(",")[0].strip()
    return default if plain(first) in _ANY else first
