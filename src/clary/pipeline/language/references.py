"""What `Get` may name, read: parameters, variables of the execution, properties and property files of steps."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from clary.pipeline.language.paths import Part, parts

EXECUTION: Final = (
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "StartDateTime",
    "CurrentDateTime",
    "TrainingJobName",
    "ProcessingJobName",
)
"""The variables of an execution. The names of jobs are those of the job that reads them."""


@dataclass(frozen=True, slots=True)
class ToParameter:
    name: str


@dataclass(frozen=True, slots=True)
class ToExecution:
    variable: str


@dataclass(frozen=True, slots=True)
class ToProperty:
    step: str
    way: tuple[Part, ...]
    """Through the step's properties; empty: all of them."""


@dataclass(frozen=True, slots=True)
class ToPropertyFile:
    step: str
    file: str


Reference = ToParameter | ToExecution | ToProperty | ToPropertyFile


@lru_cache(8192)
def read(text: str) -> Reference:
    """What `{"Get": text}` names. Raises ValueError with a sentence where it names nothing that there can be."""
    space, _, rest = text.partition(".")
    if space == "Parameters" and rest:
        return ToParameter(rest)
    if space == "Execution" and rest:
        return ToExecution(rest)
    if space == "Steps" and rest:
        way = parts(rest)
        step = way[0] if way else ""
        if isinstance(step, str) and step:
            if len(way) == 3 and way[1] == "PropertyFiles" and isinstance(way[2], str):
                return ToPropertyFile(step, way[2])
            return ToProperty(step, way[1:])
    raise ValueError(
        f"{text!r} names nothing: write Parameters.NAME, Execution.VARIABLE, Steps.STEP.PATH or"
        " Steps.STEP.PropertyFiles.NAME"
    )
