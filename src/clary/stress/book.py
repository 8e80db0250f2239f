"""What one process has seen since it last reported."""

import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from clary.stress.connection import Answer
from clary.stress.histogram import Histogram
from clary.stress.windows import KINDS, Window

_TOLD = 300


@dataclass(slots=True)
class Book:
    """Counts by second from `start` (seconds of the monotonic clock), emptied by every report."""

    start: float
    windows: dict[int, Window] = field(default_factory=dict)
    sent: int = 0
    unanswered: int = 0
    """Requests under way when the run was interrupted: neither answered nor errors."""
    late: Histogram = field(default_factory=Histogram)
    """Open loop: how long after its time each request was looked at by this process."""
    lag: Histogram = field(default_factory=Histogram)
    """How late the event loop of this process was, looked at every 50 ms."""
    waited: int = 0
    """Open loop: requests for which no connection was free when they were due."""
    firsts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _second: int = -1
    _window: Window = field(default_factory=Window)

    def _at(self, now: float) -> Window:
        second = max(int(now - self.start), 0)
        if second != self._second:
            self._second = second
            self._window = self.windows.setdefault(second, Window())
        return self._window

    def answered(self, began: float, answer: Answer, label: bytes | None) -> None:
        """The answer has been counted: where it is good with its latency and variant, else as an error."""
        now = time.monotonic()
        if not 200 <= answer.status < 300:
            self.failed(*_kind(answer))
            return
        window = self._at(now)
        variant = answer.variant
        histogram = window.variants.get(variant)
        if histogram is None:
            histogram = window.variants[variant] = Histogram()
        histogram.record(int((now - began) * 1e6))
        if label is not None:
            window.compared[variant] += 1
            window.right[variant] += same(answer.body, label)

    def failed(self, kind: str, message: str) -> None:
        now = time.monotonic()
        self._at(now).errors[kind] += 1
        if kind not in self._told and len(self._told) < KINDS:
            self._told.add(kind)
            self.firsts[kind] = {"message": message[:_TOLD], "second": round(now - self.start, 3)}

    def emptied(self) -> dict[str, Any]:
        """Everything since the last time, as it goes to the process that adds it up."""
        said = {
            "windows": {second: window.packed() for second, window in self.windows.items()},
            "sent": self.sent,
            "unanswered": self.unanswered,
            "waited": self.waited,
            "late": self.late.packed(),
            "lag": self.lag.packed(),
            "firsts": self.firsts,
        }
        self.windows, self._second = {}, -1
        self.sent = self.unanswered = self.waited = 0
        self.late, self.lag, self.firsts = Histogram(), Histogram(), {}
        return said


def same(body: bytes, label: bytes) -> bool:
    """Whether the answer says what the label says; as numbers where both are ("2" and "2.0" are the same)."""
    said = body.strip()
    if said == label:
        return True
    try:
        return float(said) == float(label)
    except ValueError:
        return False


def _kind(answer: Answer) -> tuple[str, str]:
    """(kind, message) of an answer that is not good."""
    code, message = answer.error.partition(":")[0], answer.body.decode("utf-8", "replace").strip()
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict):
        code = code or str(said.get("__type") or said.get("Code") or "").rpartition("#")[2]
        message = str(said.get("OriginalMessage") or said.get("Message") or said.get("message") or message)
    return f"{answer.status} {code}".strip(), message or "(no words)"


def kind_of(error: BaseException) -> tuple[str, str]:
    """(kind, message) of a connection that failed."""
    message = str(error) or type(error).__name__
    match error:
        case ConnectionRefusedError():
            return "connection refused", message
        case ConnectionResetError() if "closed by the server" in message:
            return "connection closed", message
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset", message
        case TimeoutError():
            return "timeout", message
    return type(error).__name__, message
