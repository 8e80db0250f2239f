"""InvokeEndpointWithResponseStream as an ordinary operation: the model's answer in events, as its parts come."""

from collections.abc import AsyncIterator

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.serving.base import NoInstance, NoRoute, Serving
from clary.engines.serving.faults import InferenceError, Target, fault_of, stream_fault
from clary.kernel.resource import Doc
from clary.services.sagemaker_runtime.invoke import answered, headers_of, raised, service


@service.operation("InvokeEndpointWithResponseStream")
async def invoke_endpoint_with_response_stream(ctx: Context, req: Doc) -> Doc:
    """What the model sends, part by part. Errors: as InvokeEndpoint; ModelStreamError, as the last event, when the
    model breaks off (StreamBroken) or takes too long (ModelInvocationTimeExceeded)."""
    headers = headers_of("InvokeEndpointWithResponseStream", req)
    target = Target(ctx.account, ctx.region, req["EndpointName"])
    try:
        reply, parts = await ctx.port(Serving).invoke_stream(
            ctx.account, ctx.region, target.endpoint, req["Body"], headers
        )
    except (NoRoute, NoInstance, InferenceError) as error:
        raise raised(fault_of(error, target)) from error
    return answered(reply, target, _events(parts))


async def _events(parts: AsyncIterator[bytes]) -> AsyncIterator[Doc]:
    try:
        async for part in parts:
            yield {"PayloadPart": {"Bytes": part}}
    except (InferenceError, NoInstance) as error:
        fault = stream_fault(error)
        raise ServiceError(fault.message, code=fault.code, status=fault.status, **fault.fields) from error
    finally:
        if (close := getattr(parts, "aclose", None)) is not None:
            await close()
