"""Callbacks: what a pipeline has asked of somebody outside, and the one answer that it got.

A callback is a resource of its own, named by its token, so that an answer is one write that nobody else contends for;
the step that waits looks at it. Its parent is the execution.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceNotFound, require

KIND: Final = "pipeline-callback"
SUCCESS, FAILURE = "Success", "Failure"


class ConflictException(ServiceError):
    """The callback has been answered already."""


@service.operation("SendPipelineExecutionStepSuccess")
async def send_pipeline_execution_step_success(ctx: Context, req: Doc) -> Doc:
    """The callback step goes on with these outputs. Asked again with the same ClientRequestToken, it is one answer.
    Errors: ResourceNotFound, ConflictException (answered before), ValidationException (outputs that were not declared,
    or are not of their type)."""

    def said(callback: Resource) -> Doc:
        given = req.get("OutputParameters") or []
        typed(callback.spec["Outputs"], given)
        return {"Outcome": SUCCESS, "OutputParameters": given}

    return _answer(ctx, req, said)


@service.operation("SendPipelineExecutionStepFailure")
async def send_pipeline_execution_step_failure(ctx: Context, req: Doc) -> Doc:
    """The callback step fails with this reason. As SendPipelineExecutionStepSuccess otherwise."""
    return _answer(ctx, req, lambda _: {"Outcome": FAILURE, "FailureReason": req.get("FailureReason") or ""})


def begun(ctx: Context, token: str, execution: Resource, row: Resource, outputs: list[Doc]) -> Resource:
    """The callback of that token, made where it is not there yet."""
    spec = {"Outputs": outputs, "PipelineExecutionArn": execution.arn, "Step": row.uid, "Execution": execution.uid}
    try:
        made = Resource(KIND, token, row.account, row.region, ids.new(), parent=execution.name, spec=spec)
        return ctx.store.create(made)
    except Exists:
        return ctx.store.get(row.account, row.region, KIND, token)


def told(ctx: Context, callback: Resource, **status: Any) -> Resource:
    """The callback with these members of its status. Members that others wrote meanwhile stay."""
    while True:
        try:
            return ctx.store.update(callback, **status)
        except Stale:
            callback = ctx.store.find(KIND, callback.uid)


def typed(declared: list[Doc], given: list[Doc]) -> Doc:
    """The values of the outputs by name, as of the types that they were declared with. Raises ValidationException."""
    types = {one["OutputName"]: one.get("OutputType", "String") for one in declared}
    found: Doc = {}
    for one in given:
        name, value = one["Name"], one["Value"]
        words = ", ".join(types) or "none"
        require(name in types, f"The callback step has no output parameter {name!r}: it declares {words}")
        require(name not in found, f"The output parameter {name!r} is given twice")
        try:
            found[name] = _READ[types[name]](value)
        except ValueError:
            raise ValidationException(f"The output parameter {name!r} is no {types[name]}: {value!r}") from None
    return found


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "String": str,
    "Integer": int,
    "Float": float,
    "Boolean": _boolean,
}
TYPES: Final = tuple(_READ)


def _answer(ctx: Context, req: Doc, said: Callable[[Resource], Doc]) -> Doc:
    token, request = req["CallbackToken"], req.get("ClientRequestToken")
    while True:
        try:
            callback = ctx.store.get(ctx.account, ctx.region, KIND, token)
            ctx.store.find("pipeline-step", callback.spec["Step"])
        except Missing:
            raise ResourceNotFound(f"No callback step has the token {token}.") from None
        arn = callback.spec["PipelineExecutionArn"]
        answer = said(callback)
        before: Doc | None = callback.status.get("Answer")
        if before is not None:
            if request is not None and callback.status.get("Request") == request and before == answer:
                return {"PipelineExecutionArn": arn}
            raise ConflictException(
                f"The callback step of the token {token} has been answered already, with {before['Outcome']}: a token "
                "is good for one answer."
            )
        try:
            ctx.store.update(callback, Answer=answer, Request=request)
        except Stale:
            continue  # It was told of its message, or answered, meanwhile: look again.
        # Only hints: who waits looks by itself, too.
        ctx.store.hasten(callback.spec["Step"])
        ctx.store.hasten(callback.spec["Execution"])
        return {"PipelineExecutionArn": arn}
