"""From the JSON text of a definition to a Definition, or to everything that is wrong with it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from clary.pipeline.language import parameters
from clary.pipeline.language.checks import Checker
from clary.pipeline.language.definition import VERSION, Definition, Doc, Parameter, Step
from clary.pipeline.language.findings import Findings, below, kind
from clary.pipeline.language.problems import Problem, Refused
from clary.pipeline.language.steps import Reader

CheckStep = Callable[[Step, Definition], Sequence[Problem]]
"""What is wrong with one step of a definition that is otherwise whole: its type, its arguments."""
DEEPEST: Final = 150
"""Levels of objects and lists; a document of people has a dozen."""
_MEMBERS: Final = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps")
_ELSEWHERE: Final = {
    "ParallelismConfiguration": "is no member of a definition: give it to CreatePipeline or StartPipelineExecution",
}


def parse(document: str | Doc, check_step: CheckStep | None = None) -> Definition:
    """The definition, if nothing is wrong with it. `check_step` is asked about each step with which nothing else is
    wrong. Raises Refused with all problems, in the order of the document."""
    findings = Findings()
    whole = _load(document) if isinstance(document, str) else document
    if not isinstance(whole, dict):
        raise Refused([Problem("", f"a definition must be an object, but this is {kind(whole)}")])
    _shallow(whole)
    given = _top(whole, findings)
    declared = _parameters(given.get("Parameters", []), findings)
    reader = Reader(findings)
    if given.get("Steps") in (None, []):
        findings.add("Steps", "is missing: a pipeline needs one step or more")
    else:
        reader.read(given["Steps"], "Steps")
    experiment = given.get("PipelineExperimentConfig")
    definition = Definition(
        version=VERSION, parameters=declared, steps=reader.steps, experiment=experiment, document=dict(whole)
    )
    _check(definition, findings, check_step)
    if findings.problems:
        places = {name: number for number, name in enumerate(definition.steps)}
        raise Refused(sorted(findings.problems, key=lambda one: places.get(one.step or "", -1)))
    return definition


def _check(definition: Definition, findings: Findings, check_step: CheckStep | None) -> None:
    checker = Checker(definition, findings)
    _experiment(definition.experiment, findings, checker)
    for step in definition.steps.values():
        checker.step(step)
    checker.waits()
    if check_step is not None:
        wrong = {one.step for one in findings.problems}
        for step in definition.steps.values():
            if step.name not in wrong:
                findings.problems += check_step(step, definition)


def _top(whole: Mapping[str, Any], findings: Findings) -> Doc:
    for member, why in _ELSEWHERE.items():
        if member in whole:
            findings.add(member, why)
    given = findings.object({one: each for one, each in whole.items() if one not in _ELSEWHERE}, "", _MEMBERS) or {}
    if given.get("Version") != VERSION:
        said = repr(given["Version"]) if "Version" in given else "missing"
        findings.add("Version", f'must be "{VERSION}", but is {said}')
    if "Metadata" in given:
        findings.object(given["Metadata"], "Metadata", None)
    if "MlflowConfig" in given:
        findings.add("MlflowConfig", "executions are not told to an MLflow server here; leave it out, or null")
    return given


def _parameters(value: Any, findings: Findings) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for number, one in enumerate(findings.list(value, "Parameters")):
        where = below("Parameters", number)
        parameter = parameters.read(one, where, findings)
        if parameter is None:
            continue
        if parameter.name in found:
            findings.add(below(where, "Name"), f"the parameter {parameter.name} is declared twice")
        found[parameter.name] = parameter
    return found


def _experiment(value: Any, findings: Findings, checker: Checker) -> None:
    if value is None:
        return
    where = "PipelineExperimentConfig"
    given = findings.object(value, where, ("ExperimentName", "TrialName")) or {}
    for member, one in given.items():
        if not isinstance(one, str | dict):
            findings.add(below(where, member), f"must be a string or an expression, but is {kind(one)}")
        checker.value(one, below(where, member), None)


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except _Twice as error:
        raise Refused([Problem("", str(error))]) from None
    except RecursionError:
        raise Refused([_too_deep()]) from None
    except ValueError as error:
        raise Refused([Problem("", f"this is no JSON: {error}")]) from None


class _Twice(Exception):
    """A member that stands twice in one object, of which JSON readers drop one without a word."""


def _object(pairs: list[tuple[str, Any]]) -> Doc:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"the member {twice!r} stands twice in one object; the others are {', '.join(made)}")
    return made


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _shallow(whole: Any) -> None:
    """Raises Refused where the document is so deep that reading it by recursion would fail."""
    level, depth = [whole], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Refused([_too_deep()])
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]


def _too_deep() -> Problem:
    return Problem("", f"objects and lists are nested more than {DEEPEST} levels deep")
