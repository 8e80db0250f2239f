"""Logging as JSON lines: a constant message, what varies beside it, and the ids of the work at hand."""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import IO, Any

import orjson

_ids: ContextVar[Mapping[str, str]] = ContextVar("clary_log_ids", default={})  # noqa: B039 - never written to

# What logging itself puts on a record; everything else came by `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def bind(**ids: str) -> Token[Mapping[str, str]]:
    """Every line logged by this task, and by tasks that it starts from now on, carries these ids (for example
    request_id). `unbind` takes the returned token back."""
    return _ids.set({**_ids.get(), **ids})


def unbind(token: Token[Mapping[str, str]]) -> None:
    _ids.reset(token)


def ids() -> Mapping[str, str]:
    """What is bound here."""
    return _ids.get()


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time (epoch seconds), level, logger, message, bound ids, `extra`, error."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": round(record.created, 6),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_ids.get(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = "".join(traceback.format_exception(record.exc_info[1]))
        try:
            return orjson.dumps(line, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:
            # No line is lost to a value that orjson refuses: half a surrogate pair, an integer beyond 64 bits.
            return json.dumps(line, default=repr, skipkeys=True)


def configure(level: str = "INFO", stream: IO[str] | None = None) -> None:
    """All logging of this process goes to `stream` (stderr) as JSON lines, from `level` on. Replaces what was set."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    # No line tells where in the source it was logged, or by which thread: finding that out is half of what it costs.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
