"""Artifacts: what a URI leads to, in one state of its content. Those of one type, URI and source ids are one."""

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import listing
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceNotFound, require
from clary.services.sagemaker.lineage import associations, entities
from clary.services.sagemaker.lineage.entities import ARTIFACT, ConflictException
from clary.services.sagemaker.registry.names import created_by


@service.operation("CreateArtifact", ignores=("MetadataProperties",))
async def create_artifact(ctx: Context, req: Doc) -> Doc:
    """The artifact is there. Errors: ValidationException where there is one of its type and source, or of its name."""
    one = entities.made(ctx, ARTIFACT, entities.artifact_name(req["ArtifactType"], req["Source"]), req)
    named = req.get("ArtifactName")
    if named:
        require(
            not _named(ctx, named),
            f"Artifact names must be unique within an AWS account and region. Artifact with name ({named}) already "
            "exists.",
        )
        one.status["_refers"] = [entities.naming(named)]
    try:
        ctx.store.create(one)
    except Exists:
        raise ValidationException(
            f"Artifact with type {req['ArtifactType']!r} and source {req['Source']['SourceUri']!r} already exists: "
            f"{one.arn}"
        ) from None
    return {"ArtifactArn": one.arn}


@service.operation("DescribeArtifact")
@heard.everything
async def describe_artifact(ctx: Context, req: Doc) -> Doc:
    """All that is known of the artifact. Errors: ResourceNotFound."""
    return entities.described(entities.find(ctx, ARTIFACT, req["ArtifactArn"]))


@service.operation("UpdateArtifact")
@heard.everything
async def update_artifact(ctx: Context, req: Doc) -> Doc:
    """The name, and the changes of the properties, hold. Errors: ResourceNotFound, ConflictException for a name that
    another artifact has, ValidationException for too many properties."""
    named = req.get("ArtifactName")
    while True:
        one = entities.find(ctx, ARTIFACT, req["ArtifactArn"])
        if named and any(other.uid != one.uid for other in _named(ctx, named)):
            raise ConflictException(f"Another artifact has the name {named!r}: artifact names are unique")
        spec = {**one.spec, **listing.pick(req, "ArtifactName"), "Properties": entities.properties(one.spec, req)}
        if not spec["Properties"]:
            spec.pop("Properties")
        refers = [entities.naming(named)] if named else one.status.get("_refers")
        try:
            ctx.store.update(one, spec=spec, LastModifiedBy=created_by(ctx), _refers=refers)
        except Stale:
            continue  # it was written meanwhile: look again
        return {"ArtifactArn": one.arn}


@service.operation("DeleteArtifact")
@heard.everything
async def delete_artifact(ctx: Context, req: Doc) -> Doc:
    """The artifact is gone. Errors: ResourceNotFound, ValidationException while it is associated with something."""
    given = [member for member in ("ArtifactArn", "Source") if req.get(member)]
    require(len(given) == 1, "Set either ArtifactArn or Source")
    named = req.get("ArtifactArn")
    one = entities.find(ctx, ARTIFACT, named) if named else _of_source(ctx, req["Source"])
    associations.check_none(ctx, one)
    return entities.delete(ctx, one)


@service.operation("ListArtifacts")
@heard.everything
async def list_artifacts(ctx: Context, req: Doc) -> Doc:
    """A page of the artifacts that pass the filters, newest first unless asked otherwise."""
    found, more = entities.listed(ctx, ARTIFACT, req)
    return {"ArtifactSummaries": [entities.summary(one) for one in found], **more}


def _named(ctx: Context, name: str) -> list[Resource]:
    return ctx.store.referring(ctx.account, ctx.region, ARTIFACT, entities.naming(name))


def _of_source(ctx: Context, source: Doc) -> Resource:
    """The only artifact of that source. Raises ResourceNotFound, ValidationException."""
    where = Where(account=ctx.account, region=ctx.region, parent=source["SourceUri"])
    found = [
        one
        for one in ctx.store.page(ARTIFACT, where, limit=1000)
        if one.name == entities.artifact_name(one.phase, source)
    ]
    if not found:
        raise ResourceNotFound(f"Artifact of the source {source['SourceUri']!r} does not exist.")
    require(len(found) == 1, "Artifacts of several types have this source: set ArtifactArn")
    return found[0]
