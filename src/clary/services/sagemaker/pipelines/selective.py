"""Selective execution: some steps run, the others' results are those of an earlier execution.

What runs is exactly what is selected. Of the others, those that the selected steps build on, near or far, stand in the
new execution with the rows of the source execution, so that properties, property files and outcomes are read as if they
had run here, and so that this execution can be the source of the next one. What comes after the selected steps does
not run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import ValidationException
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.pipeline.language.definition import Definition

EXECUTION: Final = "pipeline-execution"
STEP: Final = "pipeline-step"
_RUNNING: Final = frozenset({"Executing", "Stopping"})
_MOST_STEPS: Final = 10_000

Needs = Mapping[str, frozenset[str]]
"""What each step waits for, as `language.graph.needs` says it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What an execution runs, and what it takes over."""

    runs: frozenset[str]
    """The condition in whose branch one of them stands need not be among them: who selects a step of a branch has
    decided."""
    reused: tuple[str, ...] = ()
    """Steps whose rows are taken over from the source execution, in the order of the definition."""
    source: Resource | None = None
    """The execution that they are taken from."""


def select(store: Store, pipeline: Resource, definition: Definition, needs: Needs, config: Doc) -> Selection:
    """What SelectiveExecutionConfig means for this definition of the pipeline. Raises ValidationException, which names
    the steps: unknown ones, gaps between selected ones, and results that the source execution does not have."""
    selected = _selected(definition, config)
    _check_gaps(selected, needs)
    wanted = _wanted(selected, definition, needs)
    given: str | None = config.get("SourcePipelineExecutionArn")
    if given is None and not wanted:
        return Selection(selected)
    if given is None:
        said = _list(name for name in definition.steps if name in selected)
        raise ValidationException(
            f"Invalid SourcePipelineExecutionArn: null. The selected steps {said} have dependencies on "
            f"{_list(name for name in definition.steps if name in wanted)}: name the execution whose results they use."
        )
    source = _source(store, pipeline, given)
    done = _done(store, source)
    if missing := [name for name in definition.steps if name in wanted and name not in done]:
        raise ValidationException(
            f"Invalid SourcePipelineExecutionArn: {given}. The selected steps have dependencies on {_list(missing)}, "
            "which did not succeed in that execution: select them too, or name another execution."
        )
    behind = _behind(selected, needs) - selected
    reused = tuple(name for name in definition.steps if name in behind and name in done)
    return Selection(selected, reused, source)


def taken_over(row: Resource) -> Doc:
    """Members of the status of a row that is taken over from `row`: everything that is true of it but its cache entry,
    with the execution that it is from."""
    said = {name: value for name, value in row.status.items() if name not in ("_cache", "_refers", "CacheHitResult")}
    return {**said, "SelectiveExecutionResult": {"SourcePipelineExecutionArn": execution_of(row)}}


def execution_of(row: Resource) -> str:
    """The ARN of the execution in which the step of this row ran: a row that was taken over names an earlier one."""
    before: Doc = row.status.get("SelectiveExecutionResult") or row.status.get("CacheHitResult") or {}
    pipeline, execution, _ = row.name.split("/")
    own = f"arn:aws:sagemaker:{row.region}:{row.account}:pipeline/{pipeline}/execution/{execution}"
    arn: str = before.get("SourcePipelineExecutionArn", own)
    return arn


def _selected(definition: Definition, config: Doc) -> frozenset[str]:
    names = [one["StepName"] for one in config["SelectedSteps"]]
    if unknown := sorted({name for name in names if name not in definition.steps}):
        raise ValidationException(
            f"Invalid SelectedSteps: {_list(unknown)} are not steps of the pipeline. Its steps are "
            f"{_list(definition.steps)}."
        )
    return frozenset(names)


def _check_gaps(selected: frozenset[str], needs: Needs) -> None:
    """Every step on a path between two selected ones is selected, too: else a step would run on results that are older
    than those that another one makes now."""
    gaps = (_behind(selected, needs) & _ahead(selected, needs)) - selected
    if gaps:
        raise ValidationException(
            f"Invalid SelectedSteps: the steps {_list(sorted(gaps))} stand between selected steps. All steps in all "
            "paths between two selected steps must be selected."
        )


def _wanted(selected: frozenset[str], definition: Definition, needs: Needs) -> frozenset[str]:
    """Steps that are not selected and without whose results a selected one cannot run."""
    found: set[str] = set()
    for name in selected:
        found |= {one for one in needs[name] if one != definition.steps[name].parent}
    return frozenset(found - selected)


def _behind(names: Iterable[str], needs: Needs) -> frozenset[str]:
    """All that these steps wait for, near or far."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        for one in needs[waiting.pop()]:
            if one not in found:
                found.add(one)
                waiting.append(one)
    return frozenset(found)


def _ahead(names: frozenset[str], needs: Needs) -> frozenset[str]:
    """All that waits for one of these, near or far."""
    return frozenset(name for name in needs if not names.isdisjoint(_behind([name], needs)))


def _source(store: Store, pipeline: Resource, arn: str) -> Resource:
    """The execution of that ARN, which is over. Raises ValidationException."""
    name = f"{pipeline.name}/{arn.rpartition('/')[2]}"
    try:
        found = store.get(pipeline.account, pipeline.region, EXECUTION, name)
    except Missing:
        found = None
    if found is None or found.arn != arn:
        raise ValidationException(f"Invalid SourcePipelineExecutionArn: {arn} is no execution of {pipeline.name}.")
    if found.phase in _RUNNING:
        raise ValidationException(
            f"Invalid SourcePipelineExecutionArn: {arn} is {found.phase}: its results can be used when it is over."
        )
    return found


def _done(store: Store, source: Resource) -> dict[str, Resource]:
    """Rows of the steps that succeeded there, by name."""
    where = Where(source.account, source.region, name_prefix=f"{source.name}/", phase="Succeeded")
    return {one.name.rpartition("/")[2]: one for one in store.page(STEP, where, limit=_MOST_STEPS)}


def _list(names: Iterable[Any]) -> str:
    return f"[{', '.join(map(str, names))}]"
