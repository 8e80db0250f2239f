"""The life of a pipeline, of its executions and of their steps; what they are called and how they are found.

A pipeline's definitions are rows of their own, one a version, so that an execution goes on with the one that it was
started with. An execution's steps are rows too, made when their time has come: a step that waits, or that stands in a
branch that was not chosen, has none.
"""

from hashlib import sha256
from typing import Any, Final

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store
from clary.services.sagemaker.errors import ResourceNotFound

PIPELINE: Final = "pipeline"
VERSION: Final = "pipeline-version"
"""Named `<pipeline's uid>/<number, six digits>`; its parent is the pipeline's uid."""
EXECUTION: Final = "pipeline-execution"
"""Named `<pipeline>/<execution id>`; its parent is the pipeline's name."""
STEP: Final = "pipeline-step"
"""Named `<pipeline>/<execution id>/<step>`; its parent is the execution's name."""
STEP_DONE: Final = "Succeeded"
_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

# An execution that has failed or was stopped can be retried: by its operation, never by the reconciler.
EXECUTION_MACHINE = StateMachine(
    "PipelineExecutionStatus",
    "Executing",
    {
        "Executing": {"Stopping", "Failed", "Succeeded"},
        "Stopping": {"Stopped", "Failed"},
    },
)
STEP_MACHINE = StateMachine(
    "StepStatus",
    "Starting",
    {
        "Starting": {"Executing", "Stopping", "Stopped", "Failed", "Succeeded"},
        # Back to Starting: by a retry policy.
        "Executing": {"Starting", "Stopping", "Stopped", "Failed", "Succeeded"},
        "Stopping": {"Stopped", "Failed", "Succeeded"},
    },
)


class ConflictException(ServiceError):
    """The request does not go together with what is there now."""


def pipeline_name(given: str) -> str:
    """Of a name or an ARN."""
    return given.rpartition(":pipeline/")[2] if given.startswith("arn:") else given


def pipeline_arn(ctx: Context, name: str) -> str:
    return ctx.arn("sagemaker", f"pipeline/{name}")


def find_pipeline(ctx: Context, given: str) -> Resource:
    """The pipeline of that name or ARN. Raises ResourceNotFound."""
    name = pipeline_name(given)
    arn = given if given.startswith("arn:") else pipeline_arn(ctx, name)
    try:
        found = ctx.store.get(ctx.account, ctx.region, PIPELINE, name)
    except Missing:
        found = None
    if found is None or found.arn != arn:
        raise ResourceNotFound(f"Pipeline '{arn}' does not exist.")
    return found


def find_execution(ctx: Context, arn: str) -> Resource:
    """The execution of that ARN. Raises ResourceNotFound."""
    try:
        found = ctx.store.by_arn(arn)
    except Missing:
        found = None
    if found is None or (found.kind, found.account, found.region) != (EXECUTION, ctx.account, ctx.region):
        raise ResourceNotFound(f"Pipeline execution '{arn}' does not exist.")
    return found


def version_name(pipeline_uid: str, number: int) -> str:
    return f"{pipeline_uid}/{number:06}"


def find_version(store: Store, pipeline: Resource, number: int) -> Resource:
    """Raises ResourceNotFound."""
    try:
        return store.get(pipeline.account, pipeline.region, VERSION, version_name(pipeline.uid, number))
    except Missing:
        raise ResourceNotFound(f"Pipeline '{pipeline.arn}' has no version {number}.") from None


def latest(pipeline: Resource) -> int:
    """The number of the pipeline's newest version."""
    return int(pipeline.status["_version"])


def execution_id(pipeline: Resource, token: str) -> str:
    """Twelve characters that follow from who starts what: the same request, sent again, starts nothing new."""
    number = int.from_bytes(sha256(f"{pipeline.uid}/{token}".encode()).digest(), "big")
    return "".join(_LETTERS[number // 36**place % 36] for place in range(12))


def id_of(execution: Resource) -> str:
    return execution.name.rpartition("/")[2]


def step_name(row: Resource) -> str:
    return row.name.rpartition("/")[2]


def row_name(execution: Resource, step: str) -> str:
    return f"{execution.name}/{step}"


def token(execution: Resource, step: str, attempt: int) -> str:
    """What an attempt at a step makes is called so: the same however often it is started, and of no other attempt."""
    digest = sha256(f"{execution.uid}/{step}/{attempt}".encode()).digest()
    number = int.from_bytes(digest, "big")
    letters = "".join(_LETTERS[number // 36**place % 36] for place in range(10))
    plain = "".join(one if one.isalnum() and one.isascii() else "-" for one in step.lower())[:29].strip("-")
    return f"pipelines-{id_of(execution)}-{plain or 'step'}-{letters}"


def shown(members: Doc, *names: str) -> Doc:
    """The members that are there: absent and empty stay absent."""
    found: dict[str, Any] = {name: members[name] for name in names if members.get(name) not in (None, "", [], {})}
    return found


def one_of(req: Doc, first: str, second: str) -> None:
    """Raises ValidationException where the request has both."""
    if req.get(first) is not None and req.get(second) is not None:
        raise ValidationException(f"Give either {first} or {second}, not both.")
