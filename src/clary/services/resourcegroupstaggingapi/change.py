"""TagResources and UntagResources: each resource for itself; what could not be done is told, and the rest is done."""

from collections.abc import Awaitable, Callable

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.aws.tagging import Taggable, Taggables
from clary.kernel.resource import Doc
from clary.services.resourcegroupstaggingapi.api import InvalidParameterException, service


@service.operation("TagResources")
async def tag_resources(ctx: Context, req: Doc) -> Doc:
    """Every resource named has these tags beside its others, but for those that the answer names, with the reason."""
    added = req["Tags"]
    return await _each(ctx, req["ResourceARNList"], lambda kind, arn: kind.tag(ctx, arn, added))


@service.operation("UntagResources")
async def untag_resources(ctx: Context, req: Doc) -> Doc:
    """No resource named has tags of these keys, but for those that the answer names, with the reason."""
    keys = req["TagKeys"]
    return await _each(ctx, req["ResourceARNList"], lambda kind, arn: kind.untag(ctx, arn, keys))


async def _each(ctx: Context, arns: list[str], change: Callable[[Taggable, str], Awaitable[None]]) -> Doc:
    failed: Doc = {}
    for arn in dict.fromkeys(arns):
        found = ctx.port(Taggables).find(ctx, arn)
        try:
            if found is None:
                raise InvalidParameterException(f"No resource that has tags is called {arn} in {ctx.region}.")
            await change(found[0], found[1].arn)
        except ServiceError as error:
            failed[arn] = {
                "StatusCode": error.http_status,
                "ErrorCode": "InternalServiceException" if error.http_status >= 500 else "InvalidParameterException",
                "ErrorMessage": f"{error.error_code}: {error.message}",
            }
    return {"FailedResourcesMap": failed}
