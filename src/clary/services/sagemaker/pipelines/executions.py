"""The operations on executions.

The language of definitions and the types of steps are imported by what needs them: a home without executions does not
carry them.
"""

from contextlib import suppress
from typing import Final

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import holding
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.pipelines import aliases, machine
from clary.services.sagemaker.pipelines.definitions import DEFINITION
from clary.services.sagemaker.pipelines.machine import (
    EXECUTION,
    EXECUTION_MACHINE,
    VERSION,
    ConflictException,
    find_execution,
    find_pipeline,
)
from clary.services.sagemaker.pipelines.operations import paged
from clary.services.sagemaker.registry.names import created_by

_PARALLELISM: Final = "ParallelismConfiguration"
_SELECTED: Final = "SelectiveExecutionConfig"


@service.operation("StartPipelineExecution")
async def start_pipeline_execution(ctx: Context, req: Doc) -> Doc:
    """An execution of the pipeline is under way. The same request, sent again with its token, starts nothing new.
    Errors: ResourceNotFound, ConflictException, ValidationException for parameters that the definition does not know
    or whose values are not of their types."""
    from clary.services.sagemaker.pipelines import plans, starting

    _refuse(req)
    pipeline = find_pipeline(ctx, req["PipelineName"])
    if pipeline.phase != "Active":
        raise ConflictException(f"Pipeline '{pipeline.arn}' is being deleted.")
    version = aliases.chosen(ctx.store, pipeline, req)
    plan = plans.planned(version.spec[DEFINITION])
    now = ctx.clock.now()
    status: Doc = {
        "_version_uid": version.uid,
        "_started": now,
        "_role": pipeline.spec["RoleArn"],
        "_parameters": starting.typed(plan.definition, req),
        "_refers": [version.uid],
        "PipelineVersionId": version.spec["PipelineVersionId"],
        "CreatedBy": created_by(ctx),
        "LastModifiedBy": created_by(ctx),
        **starting.selected(ctx, pipeline, plan, req),
    }
    parallelism = req.get(_PARALLELISM) or pipeline.spec.get(_PARALLELISM)
    if parallelism:
        status[_PARALLELISM] = parallelism
    identifier = machine.execution_id(pipeline, req["ClientRequestToken"])
    execution = Resource(
        EXECUTION,
        f"{pipeline.name}/{identifier}",
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=f"{pipeline.arn}/execution/{identifier}",
        phase=EXECUTION_MACHINE.initial,
        parent=pipeline.name,
        spec={"PipelineExecutionDisplayName": f"execution-{int(now * 1000)}", **req},
        status=status,
        due=now,
    )
    execution.status.update(starting.experiment(plan.definition, execution, pipeline))
    try:
        holding.made(ctx, ctx.store.create(execution))
    except Exists:
        _check_same(ctx, execution)
    return {"PipelineExecutionArn": execution.arn}


@service.operation("StopPipelineExecution", ignores=("ClientRequestToken",))
async def stop_pipeline_execution(ctx: Context, req: Doc) -> Doc:
    """No more steps start, and those that run are asked to end. A second time changes nothing. Errors:
    ResourceNotFound, ValidationException when it has ended."""
    while True:
        execution = find_execution(ctx, req["PipelineExecutionArn"])
        if execution.phase == "Stopping":
            return {"PipelineExecutionArn": execution.arn}
        if execution.phase != "Executing":
            raise ValidationException(
                f"Pipeline execution with ARN {execution.arn} has status {execution.phase}. Only executions with "
                "status Executing can be stopped."
            )
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            ctx.store.update(
                execution, phase="Stopping", due=ctx.clock.now(), LastModifiedBy=created_by(ctx), _asked=True
            )
            return {"PipelineExecutionArn": execution.arn}


@service.operation("RetryPipelineExecution")
async def retry_pipeline_execution(ctx: Context, req: Doc) -> Doc:
    """Of an execution that failed or was stopped, the steps that did not succeed run again, and then those that had not
    run. The same request, sent again with its token, retries nothing more. Errors: ResourceNotFound,
    ConflictException while the pipeline is deleted, ValidationException for an execution that has not ended so."""
    while True:
        execution = find_execution(ctx, req["PipelineExecutionArn"])
        if execution.status.get("_retry_token") == req["ClientRequestToken"]:
            return {"PipelineExecutionArn": execution.arn}
        if execution.phase not in ("Failed", "Stopped"):
            raise ValidationException(
                f"Pipeline execution with ARN {execution.arn} has status {execution.phase}. Only executions with "
                "status Failed or Stopped can be retried."
            )
        pipeline = find_pipeline(ctx, execution.parent)
        if pipeline.phase != "Active":
            raise ConflictException(f"Pipeline '{pipeline.arn}' is being deleted.")
        changed: Doc = {_PARALLELISM: req[_PARALLELISM]} if _PARALLELISM in req else {}
        with suppress(Stale):  # Somebody else wrote it between the look and the write: look again.
            ctx.store.update(
                execution,
                phase="Executing",
                due=ctx.clock.now(),
                _retry_token=req["ClientRequestToken"],
                _round=execution.status.get("_round", 0) + 1,
                _asked=None,
                _ending=None,
                FailureReason=None,
                LastModifiedBy=created_by(ctx),
                **changed,
            )
            return {"PipelineExecutionArn": execution.arn}


@service.operation("UpdatePipelineExecution")
async def update_pipeline_execution(ctx: Context, req: Doc) -> Doc:
    """The description, display name and parallelism that the request sets hold from now on. Errors: ResourceNotFound,
    ConflictException."""
    names = ("PipelineExecutionDescription", "PipelineExecutionDisplayName")
    while True:
        execution = find_execution(ctx, req["PipelineExecutionArn"])
        spec = {**execution.spec, **{name: req[name] for name in names if name in req}}
        changed: Doc = {_PARALLELISM: req[_PARALLELISM]} if _PARALLELISM in req else {}
        with suppress(Stale):  # The reconciler wrote it between the look and the write: look again.
            written = ctx.store.update(execution, spec=spec, LastModifiedBy=created_by(ctx), **changed)
            if changed:
                ctx.store.hasten(written.uid)  # more steps may run at once now
            return {"PipelineExecutionArn": execution.arn}


@service.operation("DescribePipelineExecution")
async def describe_pipeline_execution(ctx: Context, req: Doc) -> Doc:
    """What was asked, and what is true (held for loops). Errors: ResourceNotFound."""
    arn = req["PipelineExecutionArn"]
    execution = await holding.answer(ctx, lambda: find_execution(ctx, arn), EXECUTION_MACHINE.settled)
    return {**described(execution), **aliases.current(ctx, execution.status.get("_version_uid"))}


@service.operation("ListPipelineExecutions")
async def list_pipeline_executions(ctx: Context, req: Doc) -> Doc:
    """A page of the pipeline's executions, newest first unless asked otherwise. Errors: ResourceNotFound."""
    pipeline = find_pipeline(ctx, req["PipelineName"])
    where = Where(
        ctx.account,
        ctx.region,
        parent=pipeline.name,
        created_after=req.get("CreatedAfter"),
        created_before=req.get("CreatedBefore"),
    )
    of_version: str | None = None
    if "PipelineVersionAlias" in req:
        of_version = aliases.named(ctx.store, pipeline, req["PipelineVersionAlias"]).uid
    found, more = paged(ctx, EXECUTION, where, req, by_name=req.get("SortBy") == "PipelineExecutionArn")
    # A page of one version's executions may be short, or empty, and have a next one.
    wanted = [one for one in found if of_version is None or one.status.get("_version_uid") == of_version]
    return {"PipelineExecutionSummaries": [_summary(ctx, one) for one in wanted], **more}


@service.operation("DescribePipelineDefinitionForExecution")
async def describe_pipeline_definition_for_execution(ctx: Context, req: Doc) -> Doc:
    """The definition that the execution follows. Errors: ResourceNotFound."""
    execution = find_execution(ctx, req["PipelineExecutionArn"])
    version = ctx.store.find(VERSION, execution.status["_version_uid"])
    return {"PipelineDefinition": version.spec[DEFINITION], "CreationTime": version.created}


@service.operation("ListPipelineParametersForExecution")
async def list_pipeline_parameters_for_execution(ctx: Context, req: Doc) -> Doc:
    """A page of the execution's parameters with the values that hold, by name. Errors: ResourceNotFound,
    ValidationException."""
    from clary.pipeline.language.expressions import text

    execution = find_execution(ctx, req["PipelineExecutionArn"])
    known: Doc = execution.status["_parameters"]
    names = sorted(known)
    token: str = req.get("NextToken", "")
    require(not token or token in known, "Invalid NextToken: it is not one that this list gave out.")
    behind = [name for name in names if name > token]
    limit = req.get("MaxResults", 100)
    shown = [{"Name": name, "Value": text(known[name])} for name in behind[:limit]]
    more = {"NextToken": behind[limit - 1]} if len(behind) > limit else {}
    return {"PipelineParameters": shown, **more}


def described(execution: Resource) -> Doc:
    """DescribePipelineExecution's answer, without what is true of other resources."""
    said = {**execution.spec, **execution.status}
    return {
        "PipelineArn": execution.arn.rpartition("/execution/")[0],
        "PipelineExecutionArn": execution.arn,
        "PipelineExecutionStatus": execution.phase,
        "CreationTime": execution.created,
        "LastModifiedTime": execution.modified,
        **machine.shown(
            said,
            "PipelineExecutionDisplayName",
            "PipelineExecutionDescription",
            "PipelineExperimentConfig",
            "FailureReason",
            "CreatedBy",
            "LastModifiedBy",
            _PARALLELISM,
            _SELECTED,
            "PipelineVersionId",
        ),
    }


def _refuse(req: Doc) -> None:
    if "MlflowExperimentName" in req:
        raise NotImplementedHere(
            "MlflowExperimentName is not served: there is no MLflow server here. Leave it out of the request; the "
            "pipeline's own experiment is kept."
        )
    require(
        "RoleArn" not in req,
        "RoleArn can be given for pipelines that AWS manages only: an execution of this pipeline uses the pipeline's "
        "role.",
    )


def _check_same(ctx: Context, execution: Resource) -> None:
    """Raises ConflictException when the token was used for another request."""
    with suppress(Missing):
        there = ctx.store.get(ctx.account, ctx.region, EXECUTION, execution.name)
        for name in ("PipelineParameters", _SELECTED, "PipelineVersionId", "PipelineVersionAlias"):
            if there.spec.get(name) != execution.spec.get(name):
                raise ConflictException(
                    f"The ClientRequestToken was used for another execution, {there.arn}, with another {name}."
                )


def _summary(ctx: Context, execution: Resource) -> Doc:
    said = {**execution.spec, **execution.status}
    failed = {"PipelineExecutionFailureReason": said["FailureReason"]} if said.get("FailureReason") else {}
    return {
        "PipelineExecutionArn": execution.arn,
        "StartTime": execution.created,
        "PipelineExecutionStatus": execution.phase,
        **machine.shown(said, "PipelineExecutionDisplayName", "PipelineExecutionDescription"),
        **failed,
        **aliases.current(ctx, execution.status.get("_version_uid")),
    }
