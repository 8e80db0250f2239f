"""A pipeline definition, read. Steps inside the branches of conditions stand in the same table as all others, with
their parent named: names are unique over the whole definition, and references cross levels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Doc = dict[str, Any]
VERSION: Final = "2020-12-01"
ParameterType = Literal["String", "Integer", "Float", "Boolean"]
Branch = Literal["IfSteps", "ElseSteps"]


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: ParameterType
    default: str | int | float | bool | None = None
    """None: whoever starts an execution must give a value."""
    choices: tuple[str | int | float | bool, ...] = ()
    """EnumValues; empty: any value of the type."""


@dataclass(frozen=True, slots=True)
class PropertyFile:
    name: str
    output: str
    """The processing output that it is in."""
    path: str
    """Where in that output, for example `evaluation.json`."""


@dataclass(frozen=True, slots=True)
class Retry:
    """One of RetryPolicies."""

    exceptions: tuple[str, ...]
    """For example `Step.SERVICE_FAULT`, `Step.THROTTLING`, `SageMaker.JOB_INTERNAL_ERROR`, `SageMaker.CAPACITY_ERROR`,
    `SageMaker.RESOURCE_LIMIT`."""
    interval: float = 1.0
    """Seconds before the first repetition."""
    backoff: float = 2.0
    """By what each further wait is longer."""
    attempts: int | None = None
    """The most repetitions; None: bounded by `expire_after` alone."""
    expire_after: float | None = None
    """Seconds from the first start, from ExpireAfterMin."""


@dataclass(frozen=True, slots=True)
class Cache:
    enabled: bool
    expire_after: float | None = None
    """Seconds, from the ISO 8601 duration ExpireAfter; None: for ever."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    type: str
    """As written: Processing, Training, Condition ..."""
    arguments: Doc
    """As written, expressions and all; {} where there are none. A Condition's branches are not in it."""
    path: str
    """Where it stands in the document: `Steps[2]`, `Steps[3].Arguments.IfSteps[0]`."""
    depends_on: tuple[str, ...] = ()
    cache: Cache | None = None
    retries: tuple[Retry, ...] = ()
    property_files: tuple[PropertyFile, ...] = ()
    display_name: str | None = None
    description: str | None = None
    parent: str | None = None
    """The condition step in whose branch it stands; None: at the top."""
    branch: Branch | None = None
    extra: Doc = field(default_factory=dict)
    """Further members of the step, as written: a QualityCheck's CheckType, a Callback's SqsQueueUrl and
    OutputParameters, and so on."""


@dataclass(frozen=True, slots=True)
class Definition:
    version: str
    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]
    """By name, in the order of the document; the steps of branches follow their condition."""
    experiment: Doc | None
    """PipelineExperimentConfig, as written; None: absent or null."""
    document: Doc
    """All of it, as written."""
