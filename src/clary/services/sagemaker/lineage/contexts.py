"""Contexts: what groups other entities: an endpoint, a model package group, an execution of a pipeline."""

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker.api import service
from clary.services.sagemaker.lineage import associations, entities
from clary.services.sagemaker.lineage.entities import CONTEXT


@service.operation("CreateContext", ignores=("Source.SourceType", "Source.SourceId"))
async def create_context(ctx: Context, req: Doc) -> Doc:
    """The context is there. Errors: ValidationException where there is one of its name."""
    return entities.create(ctx, CONTEXT, req)


@service.operation("DescribeContext")
@heard.everything
async def describe_context(ctx: Context, req: Doc) -> Doc:
    """All that is known of the context, by its name or ARN. Errors: ResourceNotFound."""
    return entities.described(entities.find(ctx, CONTEXT, req["ContextName"]))


@service.operation("UpdateContext")
@heard.everything
async def update_context(ctx: Context, req: Doc) -> Doc:
    """What the request gives, and its changes of the properties, hold. Errors: ResourceNotFound, ValidationException
    for too many properties."""
    return entities.update(ctx, CONTEXT, req["ContextName"], req, "Description")


@service.operation("DeleteContext")
@heard.everything
async def delete_context(ctx: Context, req: Doc) -> Doc:
    """The context is gone. Errors: ResourceNotFound, ValidationException while it is associated with something."""
    one = entities.find(ctx, CONTEXT, req["ContextName"])
    associations.check_none(ctx, one)
    return entities.delete(ctx, one)


@service.operation("ListContexts")
@heard.everything
async def list_contexts(ctx: Context, req: Doc) -> Doc:
    """A page of the contexts that pass the filters, newest first unless asked otherwise."""
    found, more = entities.listed(ctx, CONTEXT, req)
    return {"ContextSummaries": [entities.summary(one) for one in found], **more}
