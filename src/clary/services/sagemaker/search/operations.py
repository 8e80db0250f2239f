"""Search and GetSearchSuggestions. What they take, every family of resources and its records, is imported with the
first of them."""

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker.api import service


@service.operation("Search")
@heard.everything
async def search(ctx: Context, req: Doc) -> Doc:
    """A page of the records that match, the last changed first unless asked otherwise. Errors: ValidationException for
    an expression, a property or a token that cannot be; 501 for resources that are not searched."""
    from clary.services.sagemaker.search import asking

    return await asking.search(ctx, req)


@service.operation("GetSearchSuggestions")
@heard.everything
async def get_search_suggestions(ctx: Context, req: Doc) -> Doc:
    """Names of hyperparameters, parameters, metrics and tags that begin with the hint, as the last changed resources
    have them. Errors: 501 for resources that are not searched."""
    from clary.services.sagemaker.search import asking

    return await asking.suggestions(ctx, req)
