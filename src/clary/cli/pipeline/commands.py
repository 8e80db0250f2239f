"""The words of `clary pipeline`. The work is imported only when it is asked for."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Pipelines: check a definition, start executions and watch them.")

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where Clary keeps everything. [default: ~/.clary]", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]
Execution = Annotated[
    str,
    typer.Argument(
        help="The execution's ARN, PIPELINE/ID, or a pipeline's name for its latest execution.", metavar="EXECUTION"
    ),
]


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="The definition as JSON; - reads standard input.", metavar="FILE")],
    json: JsonOption = False,
) -> None:
    """Say everything that is wrong with a definition, each problem with its step and place. Exit code 1: something is.

    Needs no server. Steps are checked as CreatePipeline does, arguments included.
    """
    from clary.cli.pipeline import linting

    linting.lint(file, json)


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """Print every pipeline with its latest execution."""
    from clary.cli.pipeline import executions

    executions.show(home, json)


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="The pipeline's name.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", help="The value of a parameter. May be given several times.", metavar="NAME=VALUE"
        ),
    ] = None,
    parallel: Annotated[
        int | None, typer.Option(min=1, help="The most steps that run at once.", metavar="STEPS")
    ] = None,
    first: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Run only this step and what comes after it, on the results of the latest execution (or of"
            " --source). May be given several times.",
            metavar="STEP",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The execution whose results are taken with --from.", metavar="EXECUTION")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when it has been started.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Start an execution and watch it to its end. Exit code 1: it did not succeed. Ctrl-C leaves it running."""
    from clary.cli.pipeline import executions

    executions.run(home, name, parameter or [], parallel, first or [], source, detach, json)


@app.command()
def watch(execution: Execution, home: HomeOption = None, json: JsonOption = False) -> None:
    """Show the steps of an execution as they go, to its end. Exit code 1: it did not succeed."""
    from clary.cli.pipeline import executions

    executions.watch(home, execution, json)


@app.command()
def steps(execution: Execution, home: HomeOption = None, json: JsonOption = False) -> None:
    """Print the steps of an execution as they are: status, how long, why one failed."""
    from clary.cli.pipeline import executions

    executions.steps(home, execution, json)


@app.command()
def stop(execution: Execution, home: HomeOption = None, json: JsonOption = False) -> None:
    """Ask an execution to end. Steps that run are asked to, no other is started."""
    from clary.cli.pipeline import executions

    executions.stop(home, execution, json)


@app.command()
def retry(
    execution: Execution,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when it has been started.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Go on with an execution that failed or was stopped, from the steps that did not succeed; watch it to its end."""
    from clary.cli.pipeline import executions

    executions.retry(home, execution, detach, json)


@app.command()
def trigger(
    repository: Annotated[str, typer.Option(help="The repository's name.")],
    branch: Annotated[str, typer.Option(help="The branch that has moved.")],
    commit: Annotated[str, typer.Option(help="The commit that it is at now.")],
    old: Annotated[str | None, typer.Option(help="The commit that it was at before.")] = None,
    home: HomeOption = None,
) -> None:
    """Tell the event bus of a commit, as Git hooks do: rules that hear of it start pipelines."""
    from clary.cli.pipeline import hooks

    hooks.trigger(home, repository, branch, commit, old)


hook = typer.Typer(no_args_is_help=True, help="Start pipelines by commits to a Git repository.")
app.add_typer(hook, name="hook")
Repository = Annotated[Path, typer.Argument(help="The repository: a work tree, or a bare one.", metavar="DIR")]
Started = Annotated[str, typer.Option("--pipeline", help="The pipeline that commits start.", metavar="NAME")]


@hook.command("install")
def install_hook(
    directory: Repository,
    pipeline: Started,
    branch: Annotated[str, typer.Option(help="Commits to this branch count.")] = "main",
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            help="The value of a parameter; `$.detail.commitId` is the commit. May be given several times.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="The ARN of the role that starts it. [default: one is made]", metavar="ARN")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Start a pipeline by every commit: a Git hook tells of it, and a rule of the event bus hears."""
    from clary.cli.pipeline import hooks

    hooks.install(home, directory, pipeline, branch, parameter or [], role)


@hook.command("remove")
def remove_hook(directory: Repository, pipeline: Started, home: HomeOption = None) -> None:
    """Commits do not start the pipeline any more."""
    from clary.cli.pipeline import hooks

    hooks.remove(home, directory, pipeline)
