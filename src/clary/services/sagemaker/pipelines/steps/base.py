"""The port between the engine that walks the graph and the types of steps.

The engine decides when a step runs, resolves its arguments, keeps its row, repeats it by its retry policies, looks for
a cached result, and tells of it. A step type makes the one thing true that the step asks for, through public operations
with the rights of the pipeline's role, and says what became of it. Killed at any line, the same call is made again with
the same row: everything that a type makes is named by `StepRun.token`, so that it finds its own again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.engines import Engines

CHECKED_AGAIN: Final = 5.0
"""Seconds until a running step is looked at where no hint came."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """One attempt at one step of one execution."""

    ctx: Context
    """With the rights of the pipeline's role; `ctx.call(service, operation, params)` is how everything is done."""
    engines: Engines
    definition: Definition
    step: Step
    arguments: Doc
    """Resolved: no expression is left in it. For a Condition the conditions are, too."""
    extra: Doc
    """`step.extra`, resolved."""
    execution: Resource
    """kind "pipeline-execution"; `parent` is the pipeline's name, `name` is `<pipeline>/<execution id>`."""
    row: Resource
    """kind "pipeline-step"; `name` is `<pipeline>/<execution id>/<step>`, status members that begin with "_" are the
    type's own to keep between looks, by `Running(keep=...)`."""
    token: str
    """Names what this attempt makes, the same however often it is started: `pipelines-<execution id>-<step, cut>-<10
    letters>`, at most 63 characters of [a-z0-9-]."""
    resolve: Callable[[Any], Any]
    """Resolves further expressions in the scope of this step. Raises Unresolved."""


@dataclass(frozen=True, slots=True)
class Running:
    """It is under way. The engine looks again after `after` seconds, or sooner when the resource named by `hears`
    moves."""

    metadata: Doc = field(default_factory=dict)
    """Metadata of ListPipelineExecutionSteps, in wire form: {"TrainingJob": {"Arn": ...}}."""
    keep: Doc = field(default_factory=dict)
    """Members of the row's status to write; their names begin with "_"."""
    hears: str | None = None
    """The ARN of the resource whose changes are a hint to look."""
    after: float = CHECKED_AGAIN


@dataclass(frozen=True, slots=True)
class Succeeded:
    properties: Doc
    """What `Steps.<name>.<path>` reads: the Describe answer of what was made, in wire form."""
    metadata: Doc = field(default_factory=dict)
    outcome: Doc = field(default_factory=dict)
    """What the engine itself needs to know: {"ConditionOutcome": "True"} for a condition."""


@dataclass(frozen=True, slots=True)
class Failed:
    reason: str
    """FailureReason, with the job's own reason in it."""
    kind: str = ""
    """What a retry policy may name: "SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT", "Step.SERVICE_FAULT", "Step.THROTTLING"; "": nothing that is repeated."""
    metadata: Doc = field(default_factory=dict)
    ends_execution: bool = False
    """A Fail step: the whole execution ends with this reason."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """It was asked to end, and has."""

    metadata: Doc = field(default_factory=dict)


Outcome = Running | Succeeded | Failed | Stopped


class StepKind(Protocol):
    """One type of step. Without state: everything is in the row and in what was made."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """What CreatePipeline must refuse: unknown or missing arguments, wrong types where no expression stands."""
        ...

    async def look(self, run: StepRun) -> Outcome:
        """Starts what has not been started, and says where it is. Called again until it is over. A ServiceError that it
        raises is a failure of the step with its code as the kind's source; anything else is looked at again later."""
        ...

    async def stop(self, run: StepRun) -> Outcome:
        """Asks what runs to end, and says where it is; called until the outcome is not Running."""
        ...

    def cached(self, run: StepRun) -> Doc | None:
        """What a cached result depends on, besides the resolved arguments that it returns as well: without names that
        differ from run to run, without rights. None: steps of this type are never cached. The engine adds the content
        of every S3 object that stands in it as an input (ETag, version)."""
        ...
