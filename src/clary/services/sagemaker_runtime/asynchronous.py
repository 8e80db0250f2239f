"""InvokeEndpointAsync: the request is stored, and answered by where its result will be."""

from typing import Final, Protocol

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker_runtime.invoke import service

MEMBERS: Final = (
    *("EndpointName", "Body", "InputLocation", "ContentType", "Accept", "CustomAttributes", "InferenceId"),
    *("Filename", "S3OutputPathExtension", "RequestTTLSeconds", "InvocationTimeoutSeconds"),
)
"""What the backlog is told of a request."""


class Asynchronous(Protocol):
    """The port of the backlog of asynchronous endpoints."""

    async def accept(self, ctx: Context, req: Doc) -> Doc:
        """The request (MEMBERS) is stored durably; the answer of InvokeEndpointAsync. Raises ServiceError."""
        ...


@service.operation("InvokeEndpointAsync")
async def invoke_endpoint_async(ctx: Context, req: Doc) -> Doc:
    """The request is in the endpoint's backlog, and stays there until its result or its failure is stored, whatever
    dies meanwhile. Errors: ValidationError (no such endpoint, not an asynchronous one, no input or two)."""
    return await ctx.port(Asynchronous).accept(ctx, {member: req[member] for member in MEMBERS if member in req})
