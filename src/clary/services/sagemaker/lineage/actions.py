"""Actions: what was done with entities: a deployment of models, an approval."""

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker.api import service
from clary.services.sagemaker.lineage import associations, entities
from clary.services.sagemaker.lineage.entities import ACTION


@service.operation("CreateAction", ignores=("MetadataProperties", "Source.SourceType", "Source.SourceId"))
async def create_action(ctx: Context, req: Doc) -> Doc:
    """The action is there. Errors: ValidationException where there is one of its name."""
    return entities.create(ctx, ACTION, req)


@service.operation("DescribeAction")
@heard.everything
async def describe_action(ctx: Context, req: Doc) -> Doc:
    """All that is known of the action, by its name or ARN. Errors: ResourceNotFound."""
    return entities.described(entities.find(ctx, ACTION, req["ActionName"]))


@service.operation("UpdateAction")
@heard.everything
async def update_action(ctx: Context, req: Doc) -> Doc:
    """What the request gives, and its changes of the properties, hold. Errors: ResourceNotFound, ValidationException
    for too many properties."""
    return entities.update(ctx, ACTION, req["ActionName"], req, "Description", "Status")


@service.operation("DeleteAction")
@heard.everything
async def delete_action(ctx: Context, req: Doc) -> Doc:
    """The action is gone. Errors: ResourceNotFound, ValidationException while it is associated with something."""
    one = entities.find(ctx, ACTION, req["ActionName"])
    associations.check_none(ctx, one)
    return entities.delete(ctx, one)


@service.operation("ListActions")
@heard.everything
async def list_actions(ctx: Context, req: Doc) -> Doc:
    """A page of the actions that pass the filters, newest first unless asked otherwise."""
    found, more = entities.listed(ctx, ACTION, req)
    return {"ActionSummaries": [entities.summary(one) for one in found], **more}
