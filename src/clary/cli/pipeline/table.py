"""The steps of an execution as a person reads them: a table that moves on a terminal, lines anywhere else."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from clary.cli.say import out

Doc = dict[str, Any]
_STYLE: Final = {"Succeeded": "green", "Failed": "red", "Executing": "cyan", "Starting": "cyan", "Stopped": "yellow"}


class Live:
    """Shows an execution again and again. On a terminal the table stays where it is; elsewhere each change of a step is
    one line."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._live: Any = None
        self._seen: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._enabled and out.is_terminal:
            from rich.live import Live as Screen

            self._live = Screen(console=out, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, described: Doc, steps: Sequence[Doc]) -> None:
        if not self._enabled:
            return
        now = time.time()
        over = (
            "Execut" not in described["PipelineExecutionStatus"] and described["PipelineExecutionStatus"] != "Stopping"
        )
        if self._live is None:
            self._changes(steps, now)
            if over:
                out.print(_summary(described, now), markup=False)
        else:
            self._live.update(_table(described, steps, now), refresh=True)
            if over:
                self._live.stop()
                self._live = None
                out.print(_table(described, steps, now))

    def _changes(self, steps: Sequence[Doc], now: float) -> None:
        for step in steps:
            told = f"{step['StepStatus']} {step.get('AttemptCount', 0)}"
            if self._seen.get(step["StepName"]) != told:
                self._seen[step["StepName"]] = told
                out.print(_line(step, now), markup=False)


def lines(described: Doc, steps: Sequence[Doc], now: float) -> Iterator[str]:
    """The execution in lines: each step, then the whole."""
    for step in steps:
        yield _line(step, now)
    yield _summary(described, now)


def _line(step: Doc, now: float) -> str:
    return f"{step['StepName']:<40} {step['StepStatus']:<10} {_lasted(step, now):>8}  {_remark(step)}".rstrip()


def _summary(described: Doc, now: float) -> str:
    status = described["PipelineExecutionStatus"]
    took = _seconds(_epoch(described["CreationTime"]), _end(described, now))
    # The rest of a longer reason stands with its step.
    why = f": {described['FailureReason'].splitlines()[0]}" if described.get("FailureReason") else ""
    return f"{described['PipelineExecutionArn']} {status} after {took}{why}"


def _table(described: Doc, steps: Sequence[Doc], now: float) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, caption=Text(_summary(described, now)), caption_justify="left")
    for heading in ("Step", "Status", "Time", ""):
        table.add_column(heading, justify="right" if heading == "Time" else "left", overflow="fold")
    for step in steps:
        style = _STYLE.get(step["StepStatus"], "")
        cells = (step["StepName"], step["StepStatus"], _lasted(step, now), _remark(step))
        table.add_row(*(Text(cell, style=style if number == 1 else "") for number, cell in enumerate(cells)))
    return table


def _remark(step: Doc) -> str:
    """What is worth knowing beside the status: why it failed, where its result is from, how its condition went."""
    remarks = []
    if step.get("CacheHitResult"):
        remarks.append("cached")
    if step.get("SelectiveExecutionResult"):
        remarks.append("reused")
    if step.get("AttemptCount", 0) > 1:
        remarks.append(f"attempt {step['AttemptCount']}")
    if outcome := (step.get("Metadata") or {}).get("Condition", {}).get("Outcome"):
        remarks.append(outcome.lower())
    if step.get("FailureReason"):
        remarks.append(step["FailureReason"])
    return ", ".join(remarks)


def _lasted(step: Doc, now: float) -> str:
    if "StartTime" not in step:
        return ""
    return _seconds(_epoch(step["StartTime"]), _epoch(step["EndTime"]) if "EndTime" in step else now)


def _end(described: Doc, now: float) -> float:
    running = described["PipelineExecutionStatus"] in ("Executing", "Stopping")
    return now if running else _epoch(described["LastModifiedTime"])


def _epoch(when: datetime) -> float:
    return when.timestamp()


def _seconds(start: float, end: float) -> str:
    took = max(0.0, end - start)
    return f"{took:.1f} s" if took < 120 else f"{took / 60:.1f} min"
