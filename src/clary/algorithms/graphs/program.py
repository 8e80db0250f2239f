"""One compiled model that answers requests: many requests, one run of the graph.

A graph is a pure function of rows, so the rows of all requests of a call go through it together, and whoever fails is
tried again alone: a bad row never fails its neighbours."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from clary.algorithms.graphs import program_input, program_output
from clary.algorithms.graphs.base import Answer, LoadError, Request
from clary.algorithms.refused import Refused

MOST_ROWS: Final = 4096
"""Rows of one run: more take no less time a row, and memory for longer."""
ONE_ROW_BYTES: Final = 4096
"""Whoever sends more sends many rows: there is no use in looking whether it is one."""
TEXT: Final = "text/plain; charset=utf-8"
_REMEMBERED: Final = 256
"""Accept headers that are kept with what they mean: there are few, and each request has one."""

_Wanted = tuple[str, str]
"""(what the answer is written as, its content type)"""
_Part = tuple[int, int, int, _Wanted]
"""(number of the request, its first row, the row after its last, what it gets)"""


def load(directory: Path) -> "GraphProgram":
    """The compiled model in `directory`, warm. Raises LoadError."""
    try:
        plan = json.loads((directory / "graph.json").read_bytes())
        if plan["version"] != 1:
            raise ValueError(f"its version is {plan['version']}, not 1")
        made = GraphProgram(plan, directory / "graph.onnx")
        made.warm()
    except Exception as error:  # of onnxruntime, too, which has a dozen of its own
        raise LoadError(f"{directory.name} holds no graph that can be loaded: {error!r}") from None
    return made


class GraphProgram:
    def __init__(self, plan: dict[str, Any], graph: Path) -> None:
        self._input = program_input.of(plan)
        self._output = program_output.of(plan)
        self._plan = plan
        self._session = _session(graph)
        # The Python wrapper around a run looks for what we never hand it, for 2 us each time.
        self._execute: Any = getattr(self._session, "_sess", self._session).run
        (fed,) = self._session.get_inputs()
        self._fed: str = fed.name
        self._names: list[str] = list(plan["outputs"])
        self._wanted: dict[str, _Wanted | Answer] = {}

    def warm(self) -> None:
        """The first request pays for nothing that a later one does not."""
        columns = self._plan["columns"]
        cells: list[Any] = [(one.get("allowed") or ["0"])[0] for one in columns]
        if self._plan["input"] in ("floats", "doubles"):
            cells = [0.0] * len(columns)
        elif self._plan["input"] == "lines":
            cells = [",".join(cells)]
        for _ in range(3):
            self._output.hold(self._run(self._input.table(cells)))
        self._output.hold(self._run(self._input.table(cells * 2)))

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """See `base.Program`."""
        return (self._alike(requests) if requests else None) or self._each(requests)

    def _alike(self, requests: Sequence[Request]) -> list[Answer] | None:
        """The answers to requests that differ in nothing but their one clean row, as most do; None: something about
        them is otherwise."""
        content_type, accept, _ = requests[0]
        bodies = []
        for one, other, body in requests:
            if one != content_type or other != accept or len(body) > ONE_ROW_BYTES:
                return None
            bodies.append(body)
        wanted = self._wanted.get(accept) or self._want(accept)
        if isinstance(wanted, Answer):
            return None
        items = self._input.take_rows(bodies, content_type)
        if items is None:
            return None
        kind, said = wanted
        try:
            self._output.hold(self._run(self._input.table(items)))
            return [Answer(200, said, made) for made in self._output.write_each(len(bodies), kind)]
        except Exception:
            return None  # the other way tells whose fault it is

    def _each(self, requests: Sequence[Request]) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(requests)
        items: list[Any] = []
        parts: list[_Part] = []
        take, width, row = self._input.take, self._input.width, 0
        for number, request in enumerate(requests):
            accept = request.accept
            wanted = self._wanted.get(accept) or self._want(accept)
            if isinstance(wanted, Answer):
                answers[number] = wanted
                continue
            try:
                part = take(request.body, request.content_type)
            except Refused as refused:
                answers[number] = _refused(refused)
                continue
            items += part
            start, row = row, row + len(part) // width
            parts.append((number, start, row, wanted))
        if parts:
            self._fill(requests, answers, items, parts)
        return answers  # type: ignore[return-value] # each has been filled in by now

    def _fill(
        self,
        requests: Sequence[Request],
        answers: list[Answer | None],
        items: list[Any],
        parts: list[_Part],
    ) -> None:
        output = self._output
        try:
            output.hold(self._run(self._input.table(items)))
            for number, start, stop, (kind, content_type) in parts:
                try:
                    answers[number] = Answer(200, content_type, output.write(start, stop, kind))
                except Refused as refused:
                    answers[number] = _refused(refused)
        except Exception:
            # Somebody's rows are too much for the graph. Alone, each gets what is its own.
            for number, _, _, wanted in parts:
                answers[number] = self._alone(requests[number], wanted)

    def _alone(self, request: Request, wanted: _Wanted) -> Answer:
        kind, content_type = wanted
        try:
            try:
                part = self._input.take(request.body, request.content_type)
                table = self._input.table(part)
            except OverflowError:
                part = self._input.natively(request.body, request.content_type)
                table = self._input.table(part)
            self._output.hold(self._run(table))
            return Answer(200, content_type, self._output.write(0, len(part) // self._input.width, kind))
        except Refused as refused:
            return _refused(refused)
        except Exception as error:
            return Answer(500, TEXT, f"The model failed on this request: {type(error).__name__}: {error}".encode())

    def _want(self, accept: str) -> _Wanted | Answer:
        """What a request with that Accept header gets; remembered."""
        known: _Wanted | Answer
        try:
            kind = self._output.choose(accept)
            known = kind, self._output.content_type(kind)
        except Refused as refused:
            known = _refused(refused)
        if len(self._wanted) >= _REMEMBERED:
            self._wanted.clear()
        self._wanted[accept] = known
        return known

    def _run(self, table: Any) -> list[Any]:
        if len(table) <= MOST_ROWS:
            made: list[Any] = self._execute(self._names, {self._fed: table}, None)
            return made
        slices = [
            self._execute(self._names, {self._fed: table[start : start + MOST_ROWS]}, None)
            for start in range(0, len(table), MOST_ROWS)
        ]
        return [np.concatenate(one) for one in zip(*slices, strict=True)]


def _refused(refused: Refused) -> Answer:
    return Answer(refused.status, TEXT, str(refused).encode())


def _session(graph: Path) -> Any:
    """One thread, which sleeps when there is nothing to do: a worker's other graphs want the core too."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Memory that is kept for the next run costs more than asking for it: a worker may hold hundreds of graphs.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4  # a row that fails is told to whoever sent it
    for name in ("intra", "inter"):
        options.add_session_config_entry(f"session.{name}_op.allow_spinning", "0")
    # What a graph names as its data is looked for beside it, where nothing else is, and not where this process stands:
    # the compiler had opened somebody's artifact when it wrote the graph.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(graph.parent))
    return ort.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
