"""What a graph's outputs become: the answers of the native server of its last stage, byte for byte."""

import json
from typing import Any, Protocol

from clary.algorithms.graphs.program_native import CSV, JSON, JSON_LINES
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
        rows = self._rows[start:stop]
        if isinstance(rows[0], list):
            return "".join([f"{','.join(map(repr, one))}\n" for one in rows]).encode()
        return "".join([f"{one!r}\n" for one in rows]).encode()


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


class Array:
    """scikit-learn's and sparkml-serving's: whatever the last step gives."""

    def __init__(self, default: str) -> None:
        self._default = default
        self._values: Any = None
        self._rows: list[Any] = []

    def choose(self, accept: str) -> str:
        return codecs.chosen(accept or None, self._default)

    def content_type(self, kind: str) -> str:
        return kind

    def hold(self, outputs: list[Any]) -> None:
        (self._values,) = outputs
        self._rows = self._values.tolist()

    def write(self, start: int, stop: int, kind: str) -> bytes:
        if kind == CSV and not isinstance(self._rows[start], list):
            if stop - start == 1:
                return f"{self._rows[start]}\n".encode()
            return "".join([f"{one}\n" for one in self._rows[start:stop]]).encode()
        if kind == JSON:
            return json.dumps(self._rows[start:stop]).encode()
        values = self._values[start:stop]
        return codecs.encode(values.astype(str) if values.dtype == object else values, kind)


__all__ = ["CSV", "JSON", "JSON_LINES", "Output", "of"]
