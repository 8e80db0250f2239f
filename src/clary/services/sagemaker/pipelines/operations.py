"""The operations on pipelines."""

from contextlib import suppress
from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import roles, tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.pipelines import aliases, definitions, erasing, machine
from clary.services.sagemaker.pipelines.definitions import DEFINITION, LOCATION
from clary.services.sagemaker.pipelines.machine import (
    EXECUTION,
    PIPELINE,
    VERSION,
    ConflictException,
    find_pipeline,
    find_version,
    latest,
)
from clary.services.sagemaker.registry.names import created_by

DEFAULT_PAGE: Final = 100
_PARALLELISM: Final = "ParallelismConfiguration"
_KEPT: Final = ("PipelineDisplayName", "PipelineDescription", "RoleArn", _PARALLELISM)
"""Members of Create and Update that hold until the next Update."""


@service.operation("CreatePipeline")
async def create_pipeline(ctx: Context, req: Doc) -> Doc:
    """The pipeline stands with its first version. The same request, sent again with its token, makes nothing new.
    Errors: ValidationException for a definition with problems (all of them), and for a name that is taken."""
    name = req["PipelineName"]
    arn = machine.pipeline_arn(ctx, name)
    tags.check(req.get("Tags"))
    text = await definitions.given(ctx, req)
    _check(text)
    roles.check(ctx, req["RoleArn"], arn)
    said = {**req, DEFINITION: None, LOCATION: None, "PipelineVersionAliases": None}
    spec = {member: value for member, value in said.items() if value is not None}
    by = created_by(ctx)
    status = {"_version": 1, "CreatedBy": by, "LastModifiedBy": by}
    pipeline = Resource(
        PIPELINE,
        name,
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=arn,
        phase="Active",
        spec=spec,
        status=status,
    )
    # Before its pipeline: a crash in between leaves a version that nobody knows.
    version = _keep_version(ctx, pipeline, 1, text, req.get("PipelineVersionAliases") or [])
    try:
        ctx.store.create(pipeline)
    except Exists:
        ctx.store.delete(version)
        found = find_pipeline(ctx, name)
        if found.phase == "Active" and found.spec.get("ClientRequestToken") == req["ClientRequestToken"]:
            return {"PipelineArn": found.arn}
        raise ValidationException(
            f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already "
            "exists."
        ) from None
    return {"PipelineArn": arn}


@service.operation("UpdatePipeline")
async def update_pipeline(ctx: Context, req: Doc) -> Doc:
    """What the request sets holds for executions that start from now on. A definition that differs from the latest is
    a new version. Errors: ResourceNotFound, ConflictException while the pipeline is deleted, ValidationException."""
    text = None
    if DEFINITION in req or LOCATION in req:
        text = await definitions.given(ctx, req)
        _check(text)
    if "RoleArn" in req:
        roles.check(ctx, req["RoleArn"], machine.pipeline_arn(ctx, req["PipelineName"]))
    while True:
        pipeline = _standing(ctx, req["PipelineName"])
        number = latest(pipeline)
        before = find_version(ctx.store, pipeline, number)
        new = text is not None and text != before.spec[DEFINITION]
        wanted: list[str] = req.get("PipelineVersionAliases") or []
        require(new or not wanted, "PipelineVersionAliases need a definition that differs from the latest version's.")
        if new:
            aliases.check(ctx.store, pipeline, wanted)
            number += 1
            # First the version, then who points at it: a crash in between leaves a version that nobody knows, and the
            # next update writes over it.
            _keep_version(ctx, pipeline, number, text or "", wanted)
        kept: Doc = {member: req[member] for member in _KEPT if member in req}
        # The number stands here, too: LastModifiedTime moves with the spec, and a new definition counts.
        spec: Doc = {**pipeline.spec, **kept, "_version": number}
        with suppress(Stale):  # Somebody else changed it between the look and the write: look again.
            ctx.store.update(pipeline, spec=spec, emit=True, _version=number, LastModifiedBy=created_by(ctx))
            return {"PipelineArn": pipeline.arn, "PipelineVersionId": number}


@service.operation("DescribePipeline")
async def describe_pipeline(ctx: Context, req: Doc) -> Doc:
    """The pipeline, with its latest version's definition or that of the version asked for. Errors: ResourceNotFound."""
    pipeline = find_pipeline(ctx, req["PipelineName"])
    version = aliases.chosen(ctx.store, pipeline, req)
    said = {**pipeline.spec, **pipeline.status, **version.spec, **version.status}
    return {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "PipelineStatus": pipeline.phase,
        "CreationTime": pipeline.created,
        "LastModifiedTime": pipeline.modified,
        **machine.shown(
            said,
            "PipelineDisplayName",
            "PipelineDefinition",
            "PipelineDescription",
            "RoleArn",
            "CreatedBy",
            "LastModifiedBy",
            _PARALLELISM,
            "PipelineVersionDisplayName",
            "PipelineVersionDescription",
            "PipelineVersionAliases",
        ),
        **_last_run(ctx, pipeline, "LastRunTime"),
    }


@service.operation("DeletePipeline", ignores=("ClientRequestToken",))
async def delete_pipeline(ctx: Context, req: Doc) -> Doc:
    """The pipeline is gone, with its versions and executions; what executions have made stays. Errors:
    ResourceNotFound, ConflictException while an execution runs."""
    while True:
        pipeline = find_pipeline(ctx, req["PipelineName"])
        for phase in ("Executing", "Stopping"):
            where = Where(ctx.account, ctx.region, phase=phase, parent=pipeline.name)
            for one in ctx.store.page(EXECUTION, where, limit=1):
                raise ConflictException(
                    f"Pipeline '{pipeline.arn}' has an execution that is {phase}: {one.arn}. Stop it, and delete the "
                    "pipeline when it has ended."
                )
        with suppress(Stale):
            # From here on no execution starts, and a crash leaves the rest to the reconciler.
            marked = ctx.store.update(pipeline, phase="Deleting", due=ctx.clock.now() + erasing.TAKEN_UP_SECONDS)
            await erasing.erase(ctx.store, marked)
            return {"PipelineArn": pipeline.arn}


@service.operation("ListPipelines")
async def list_pipelines(ctx: Context, req: Doc) -> Doc:
    """A page of the pipelines, newest first unless asked otherwise. All of them are the customer's: none is managed by
    AWS."""
    if req.get("ManagedBy") == "AWS":
        return {"PipelineSummaries": []}
    where = Where(
        ctx.account,
        ctx.region,
        name_prefix=req.get("PipelineNamePrefix"),
        created_after=req.get("CreatedAfter"),
        created_before=req.get("CreatedBefore"),
    )
    by_name = req.get("SortBy") == "Name"
    found, more = paged(ctx, PIPELINE, where, req, by_name=by_name)
    return {"PipelineSummaries": [_summary(ctx, one) for one in found], **more}


def paged(ctx: Context, kind: str, where: Where, req: Doc, *, by_name: bool = False) -> tuple[list[Resource], Doc]:
    """One page, the newest first unless SortOrder says otherwise, and NextToken where there is more. Raises
    ValidationException for a token of another list."""
    try:
        found, token = page.paginate(
            ctx.store,
            kind,
            where,
            order="name" if by_name else "created",
            descending=req.get("SortOrder", "Descending") == "Descending",
            limit=req.get("MaxResults", DEFAULT_PAGE),
            token=req.get("NextToken"),
        )
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}") from None
    return found, {} if token is None else {"NextToken": token}


def _check(text: str) -> None:
    """Raises ValidationException with every problem of the definition."""
    from clary.services.sagemaker.pipelines import plans  # with all of the language: only for who has pipelines

    plans.check(text)


def _standing(ctx: Context, name: str) -> Resource:
    pipeline = find_pipeline(ctx, name)
    if pipeline.phase != "Active":
        raise ConflictException(f"Pipeline '{pipeline.arn}' is being deleted.")
    return pipeline


def _keep_version(ctx: Context, pipeline: Resource, number: int, text: str, wanted: list[str]) -> Resource:
    """There is a version of that number with this definition. One of that number that a crash has left is replaced:
    nothing points at it."""
    aliases.check_names(wanted)
    version = Resource(
        VERSION,
        machine.version_name(pipeline.uid, number),
        ctx.account,
        ctx.region,
        uid=ids.new(),
        phase="Active",
        parent=pipeline.uid,
        spec={DEFINITION: text, "PipelineVersionId": number},
        status=aliases.held(pipeline, wanted),
    )
    return ctx.store.create(version, replace=True)


def _summary(ctx: Context, pipeline: Resource) -> Doc:
    return {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "CreationTime": pipeline.created,
        "LastModifiedTime": pipeline.modified,
        **machine.shown(pipeline.spec, "PipelineDisplayName", "PipelineDescription", "RoleArn"),
        **_last_run(ctx, pipeline, "LastExecutionTime"),
    }


def _last_run(ctx: Context, pipeline: Resource, member: str) -> Doc:
    where = Where(ctx.account, ctx.region, parent=pipeline.name)
    for one in ctx.store.page(EXECUTION, where, order="created", descending=True, limit=1):
        return {member: one.created}
    return {}
