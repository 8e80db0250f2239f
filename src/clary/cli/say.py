"""How the command line speaks: plain words on standard error, results on standard output."""

from typing import NoReturn

import typer
from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def warn(problem: str) -> None:
    """Something will not be as the user may expect; the command goes on."""
    err.print("[yellow]clary:[/yellow] ", end="")
    err.print(problem, markup=False)


def fail(problem: str, next_step: str = "", code: int = 1) -> NoReturn:
    """The command ends here: what is wrong, and what to do next."""
    err.print(f"[red]clary:[/red] {problem}", markup=True)
    if next_step:
        err.print(f"       {next_step}", markup=False)
    raise typer.Exit(code)
