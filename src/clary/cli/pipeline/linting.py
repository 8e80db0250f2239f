"""A definition, checked without a server."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import typer

from clary.cli.say import fail, out
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.parse import parse
from clary.pipeline.language.problems import Problem, Refused


def lint(file: Path, json: bool) -> None:
    """Ends the command with 1 where something is wrong, after all of it has been said."""
    # The process ends when it has answered: to look for cycles of garbage meanwhile costs a quarter of the time.
    gc.disable()
    try:
        text = sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"the definition {file} cannot be read: {error}", code=2)
    try:
        definition = parse(text, _arguments)
    except Refused as error:
        _tell(error.problems, json)
        raise typer.Exit(1) from None
    if json:
        typer.echo(orjson.dumps({"Problems": []}).decode())
    else:
        noun = "step" if len(definition.steps) == 1 else "steps"
        out.print(f"nothing is wrong: {len(definition.steps)} {noun}", markup=False)


def _arguments(step: Step, definition: Definition) -> Sequence[Problem]:
    """What CreatePipeline would refuse of a step."""
    # The service is large: a definition with which something else is wrong is told of without it.
    from clary.services.sagemaker.pipelines.steps.table import KINDS, refusal

    kind = KINDS.get(step.type)
    if kind is None:
        return [Problem(f"{step.path}.Type", refusal(step.type), step.name)]
    return kind.check(step, definition)


def _tell(problems: Sequence[Problem], json: bool) -> None:
    if json:
        said = [{"Step": one.step, "Path": one.path, "Message": one.message} for one in problems]
        typer.echo(orjson.dumps({"Problems": said}, option=orjson.OPT_INDENT_2).decode())
        return
    for one in problems:
        place = f"{one.step}: {one.path}" if one.step else one.path
        out.print(f"{place}: {one.message}" if place else one.message, markup=False)
    out.print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}", markup=False)
