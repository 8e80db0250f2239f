"""What a demonstration looks like: numbered steps with their time, a progress line while one works, one summary."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from clary.cli.say import err


class Line:
    """The line of the step at hand."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress = progress
        self._task = task
        self.result = ""

    def say(self, what: str) -> None:
        """What is happening now, for example a status that was just read."""
        self._progress.update(self._task, detail=what)

    def count(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


@dataclass
class Stage:
    """Shows the steps of a demonstration and keeps their times."""

    title: str
    steps: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._started, 2)

    @contextmanager
    def step(self, title: str) -> Iterator[Line]:
        """One step: a live line while it works, then a finished line with its result and time."""
        number = len(self.steps) + 1
        started = time.monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
        )
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            line = Line(progress, progress.add_task(title, total=None, detail=""))
            try:
                yield line
            except BaseException:
                err.print(f" [red]✗[/red] {number:2d}  {title}  [dim]after {time.monotonic() - started:.1f} s[/dim]")
                raise
        seconds = round(time.monotonic() - started, 2)
        self.steps.append({"step": title, "seconds": seconds, "result": line.result})
        err.print(f" [green]✓[/green] {number:2d}  {title:<34}[dim]{seconds:6.2f} s[/dim]  {line.result}")
