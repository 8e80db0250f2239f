"""Logging as JSON lines: a constant message, what varies beside it, and the ids of the work at hand."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
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


class JsonHandler(logging.StreamHandler[IO[str]]):
    """Where `configure` sends lines."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self.setFormatter(JsonFormatter())

    def write(self, line: dict[str, Any]) -> None:
        """A line that is no record."""
        with self.lock or nullcontext():
            self.stream.write(_packed(line) + self.terminator)
            self.flush()


def info(logger: logging.Logger, message: str, beside: Mapping[str, Any]) -> None:
    """The same line as `logger.info(message, extra=beside)` writes, at a third of the price: for what every request
    logs. Where logging is not as `configure` leaves it (in tests, for example), it goes that way."""
    if not logger.isEnabledFor(logging.INFO):
        return
    among = logging.getLogger().handlers
    if len(among) == 1 and isinstance(among[0], JsonHandler) and not logger.handlers:
        head = {"time": round(time.time(), 6), "level": "INFO", "logger": logger.name, "message": message}
        among[0].write({**head, **_ids.get(), **beside})
    else:
        logger.info(message, extra=dict(beside))


def _packed(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # No line is lost to a value that orjson refuses: half a surrogate pair, an integer beyond 64 bits.
        return json.dumps(line, default=repr, skipkeys=True)


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
        return _packed(line)


def configure(level: str = "INFO", stream: IO[str] | None = None) -> None:
    """All logging of this process goes to `stream` (stderr) as JSON lines, from `level` on. Replaces what was set."""
    handler = JsonHandler(stream or sys.stderr)
    # No line tells where in the source it was logged, or by which thread: finding that out is half of what it costs.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
