"""The operations on a pipeline's versions."""

from contextlib import suppress

from clary.aws.service import Context
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.pipelines import aliases, machine
from clary.services.sagemaker.pipelines.machine import EXECUTION, VERSION, find_pipeline, latest
from clary.services.sagemaker.pipelines.operations import paged


@service.operation("ListPipelineVersions")
async def list_pipeline_versions(ctx: Context, req: Doc) -> Doc:
    """A page of the pipeline's versions, newest first unless asked otherwise. Errors: ResourceNotFound."""
    pipeline = find_pipeline(ctx, req["PipelineName"])
    where = Where(
        ctx.account,
        ctx.region,
        parent=pipeline.uid,
        created_after=req.get("CreatedAfter"),
        created_before=req.get("CreatedBefore"),
    )
    found, more = paged(ctx, VERSION, where, req)
    known = [one for one in found if one.spec["PipelineVersionId"] <= latest(pipeline)]
    return {"PipelineVersionSummaries": [_summary(ctx, pipeline, one) for one in known], **more}


@service.operation("UpdatePipelineVersion")
async def update_pipeline_version(ctx: Context, req: Doc) -> Doc:
    """The version has the display name, description and aliases that the request sets. Errors: ResourceNotFound,
    ConflictException for an alias of another version, ValidationException."""
    pipeline = find_pipeline(ctx, req["PipelineArn"])
    asked = req.get("PipelineVersionAliasOperations") or {}
    added, removed = asked.get("Add") or [], asked.get("Remove") or []
    require(not set(added) & set(removed), "PipelineVersionAliasOperations adds and removes the same alias.")
    aliases.check_names(added)
    while True:
        version = aliases.chosen(ctx.store, pipeline, {"PipelineVersionId": req["PipelineVersionId"]})
        aliases.check(ctx.store, pipeline, added, mine=version)
        has = [one for one in aliases.of(version) if one not in removed]
        names = has + [one for one in added if one not in has]
        require(len(names) <= aliases.MOST, f"A pipeline version has at most {aliases.MOST} aliases.")
        said = machine.shown(req, "PipelineVersionDisplayName", "PipelineVersionDescription")
        with suppress(Stale):  # Somebody else changed it between the look and the write: look again.
            ctx.store.update(version, **said, **aliases.moved(pipeline, names))
            return {"PipelineArn": pipeline.arn, "PipelineVersionId": req["PipelineVersionId"]}


def _summary(ctx: Context, pipeline: Resource, version: Resource) -> Doc:
    said = {**version.spec, **version.status}
    return {
        "PipelineArn": pipeline.arn,
        "CreationTime": version.created,
        **machine.shown(
            said,
            "PipelineVersionId",
            "PipelineVersionDescription",
            "PipelineVersionDisplayName",
            "PipelineVersionAliases",
        ),
        **_last_execution(ctx, version),
    }


def _last_execution(ctx: Context, version: Resource) -> Doc:
    ran = ctx.store.referring(ctx.account, ctx.region, EXECUTION, version.uid)
    if not ran:
        return {}
    return {"LastExecutionPipelineExecutionArn": max(ran, key=lambda one: (one.created, one.name)).arn}
