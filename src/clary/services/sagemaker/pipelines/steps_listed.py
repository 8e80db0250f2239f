"""The steps of an execution, as ListPipelineExecutionSteps tells of them."""

from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.pipelines import machine
from clary.services.sagemaker.pipelines.machine import STEP, find_execution, step_name
from clary.services.sagemaker.pipelines.operations import paged


@service.operation("ListPipelineExecutionSteps")
async def list_pipeline_execution_steps(ctx: Context, req: Doc) -> Doc:
    """A page of the steps that have begun, the latest first unless asked otherwise. Errors: ResourceNotFound,
    ValidationException."""
    require("PipelineExecutionArn" in req, "The request needs a PipelineExecutionArn.")
    execution = find_execution(ctx, req["PipelineExecutionArn"])
    where = Where(ctx.account, ctx.region, parent=execution.name)
    found, more = paged(ctx, STEP, where, req)
    return {"PipelineExecutionSteps": [described(one) for one in found], **more}


def described(row: Resource) -> Doc:
    """PipelineExecutionStep."""
    said = {**row.spec, **row.status}
    return {
        "StepName": step_name(row),
        "StepStatus": row.phase,
        "StartTime": row.status.get("StartTime", row.created),
        **machine.shown(
            said,
            "StepDisplayName",
            "StepDescription",
            "EndTime",
            "CacheHitResult",
            "FailureReason",
            "Metadata",
            "AttemptCount",
            "SelectiveExecutionResult",
        ),
    }
