"""What a graph's outputs become: the answers of the native server of its last stage, byte for byte."""

import json
from typing import Any, Protocol

import orjson

from clary.algorithms.graphs.program_native import CSV, JSON
from clary.algorithms.toolkit import codecs


class Output(Protocol):
    def choose(self, accept: str) -> str:
        """What will be answered to that Accept header. Raises Refused 406, unless `write` is to."""
        ...

    def content_type(self, kind: str) -> str: ...

    def hold(self, outputs: list[Any]) -> None:
        """These arrays are what the next calls of `write` are about."""
        ...

    def write(self, start: int, stop: int, kind: str) -> bytes:
        """The answer for the rows `start` to `stop`. Raises Refused."""
        ...

    def write_each(self, count: int, kind: str) -> list[bytes]:
        """The answers for each of so many rows alone. Raises Refused."""
        ...


def of(plan: dict[str, Any]) -> Output:
    """The output of the graph with that plan. Raises KeyError, ValueError for a plan that says something else."""
    default = plan["default_accept"]
    match plan["output"]:
        case "scores":
            return Scores(default, one_line=bool(plan.get("one_line")))
        case "rows":
            return Rows(default, plan["names"])
        case "array":
            return Array(default)
        case "spark":
            return Spark(default)
    raise ValueError(f"an output called {plan['output']!r} is not known")


class Scores:
    """XGBoost's."""

    def __init__(self, default: str, *, one_line: bool) -> None:
        from clary.algorithms.xgboost import answers

        self._default = answers.choose(default, answers.CSV)
        self._answers = answers
        self._one_line = one_line
        self._scores: Any = None
        self._rows: list[Any] = []

    def choose(self, accept: str) -> str:
        return self._answers.choose(accept or None, self._default)

    def content_type(self, kind: str) -> str:
        return f"{kind}; charset=utf-8" if kind == CSV else kind

    def hold(self, outputs: list[Any]) -> None:
        (self._scores,) = outputs
        self._rows = self._scores.tolist()

    def write(self, start: int, stop: int, kind: str) -> bytes:
        if kind != CSV or self._one_line:
            return self._answers.encode(self._scores[start:stop], kind, one_line=self._one_line)
        if stop - start == 1:
            return number_line(self._rows[start]) + b"\n"
        return number_lines(self._rows[start:stop])

    def write_each(self, count: int, kind: str) -> list[bytes]:
        if kind == CSV and not self._one_line:
            return number_lines(self._rows).splitlines(keepends=True)
        return [self.write(row, row + 1, kind) for row in range(count)]


class Rows:
    """The table algorithms': named numbers."""

    def __init__(self, default: str, names: list[str]) -> None:
        from clary.algorithms.tabular import answers

        self._default = answers.choose(default, answers.JSON)
        self._answers = answers
        self._names = names
        self._lists: list[list[Any]] = []

    def choose(self, accept: str) -> str:
        return self._answers.choose(accept or None, self._default)

    def content_type(self, kind: str) -> str:
        return kind

    def hold(self, outputs: list[Any]) -> None:
        self._lists = [one.tolist() for one in outputs]

    def write(self, start: int, stop: int, kind: str) -> bytes:
        names = self._names
        rows = [
            dict(zip(names, row, strict=True)) for row in zip(*(one[start:stop] for one in self._lists), strict=True)
        ]
        if kind == JSON:
            return json.dumps({"predictions": rows}).encode()
        return self._answers.encode(rows, kind)

    def write_each(self, count: int, kind: str) -> list[bytes]:
        return [self.write(row, row + 1, kind) for row in range(count)]


class Array:
    """scikit-learn's: whatever the last step gives."""

    def __init__(self, default: str) -> None:
        self._default = default
        self._values: Any = None
        self._texts = False
        self._rows: list[Any] = []

    def choose(self, accept: str) -> str:
        return codecs.chosen(accept or None, self._default)

    def content_type(self, kind: str) -> str:
        return kind

    def hold(self, outputs: list[Any]) -> None:
        (self._values,) = outputs
        self._texts = self._values.dtype == object
        self._rows = self._values.tolist()

    def write(self, start: int, stop: int, kind: str) -> bytes:
        if kind == CSV and not isinstance(self._rows[start], list):
            if stop - start == 1:
                return f"{self._rows[start]}\n".encode()
            rows = self._rows[start:stop]
            return ("\n".join(rows if self._texts else map(str, rows)) + "\n").encode()
        if kind == JSON:
            return json.dumps(self._rows[start:stop]).encode()
        values = self._values[start:stop]
        return codecs.encode(values.astype(str) if self._texts else values, kind)

    def write_each(self, count: int, kind: str) -> list[bytes]:
        if kind == CSV and self._texts and self._values.ndim == 1:
            return [f"{one}\n".encode() for one in self._rows]
        return [self.write(row, row + 1, kind) for row in range(count)]


class Spark(Array):
    """sparkml-serving's: the same CSV, and JSON Lines of its own."""

    def __init__(self, default: str) -> None:
        from clary.algorithms.sparkml import answers

        super().__init__(default)
        self._default = answers.choose(default, CSV)
        self._answers = answers

    def choose(self, accept: str) -> str:
        return self._answers.choose(accept or None, self._default)

    def content_type(self, kind: str) -> str:
        return self._answers.content_type(kind)

    def write(self, start: int, stop: int, kind: str) -> bytes:
        if kind == CSV:
            return super().write(start, stop, kind)
        return self._answers.encode(self._values[start:stop], kind)


def number_lines(rows: list[Any]) -> bytes:
    """A line a row, of one number or of several."""
    if not isinstance(rows[0], list):
        rows = [[one] for one in rows]
    made = orjson.dumps(rows)
    if not _differs(made):
        return made[2:-2].replace(b"],[", b"\n") + b"\n"
    return b"".join([number_line(one) + b"\n" for one in rows])


def number_line(row: Any) -> bytes:
    """The numbers as Python writes them, with commas between."""
    made = orjson.dumps(row)
    if _differs(made):
        return ",".join(map(repr, row if isinstance(row, list) else [row])).encode()
    return made[1:-1] if isinstance(row, list) else made


def _differs(made: bytes) -> bool:
    """Some number in it Python writes otherwise: exponents, those below 0.0001, and what is no number (null)."""
    return b"e" in made or b"0.0000" in made or b"u" in made
