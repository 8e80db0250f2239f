"""InvokeEndpoint as an ordinary operation: for calls from inside, and for connections that the gateway already holds.

Inferences normally never come here; a front of the data plane answers them. Both go through the same router, and say
the same errors in the same words.
"""

from typing import Any

from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.service import Context, Service
from clary.engines.serving.base import NoInstance, NoRoute, Reply, Serving
from clary.engines.serving.faults import NOT_SERVED, Fault, InferenceError, Target, fault_in, fault_of, not_served
from clary.kernel.resource import Doc

service = Service("sagemaker-runtime", prefix="sagemaker")

_HEADERS = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "TargetVariant": "x-amzn-sagemaker-target-variant",
    "InferenceId": "x-amzn-sagemaker-inference-id",
    "TargetModel": "x-amzn-sagemaker-target-model",
    "TargetContainerHostname": "x-amzn-sagemaker-target-container-hostname",
}


@service.operation("InvokeEndpoint")
async def invoke_endpoint(ctx: Context, req: Doc) -> Doc:
    """The model's answer. Errors: ValidationError (no such endpoint or variant), ModelError, ServiceUnavailable."""
    headers = headers_of("InvokeEndpoint", req)
    target = Target(ctx.account, ctx.region, req["EndpointName"])
    try:
        reply = await ctx.port(Serving).invoke(ctx.account, ctx.region, target.endpoint, req["Body"], headers)
    except (NoRoute, NoInstance, InferenceError) as error:
        raise raised(fault_of(error, target)) from error
    return answered(reply, target, reply.body)


def answered(reply: Reply, target: Target, body: Any) -> Doc:
    """The answer of the operation, with `body` as its Body. Raises the fault that the model's answer is."""
    fault = fault_in(reply, target)
    if fault is not None:
        raise raised(fault)
    answer: Doc = {
        "Body": body,
        "ContentType": reply.headers.get("content-type", "application/octet-stream"),
        "InvokedProductionVariant": reply.variant,
    }
    attributes = reply.headers.get("x-amzn-sagemaker-custom-attributes")
    if attributes is not None:
        answer["CustomAttributes"] = attributes
    return answer


def headers_of(operation: str, req: Doc) -> dict[str, str]:
    """The request's members as headers for the model. Raises NotImplementedHere."""
    for member, (_, what) in NOT_SERVED.items():
        if req.get(member) is not None:
            raise NotImplementedHere(not_served(f"the member {member} of {operation} ({what})").message)
    return {header: req[member] for member, header in _HEADERS.items() if req.get(member) is not None}


def raised(fault: Fault) -> ServiceError:
    """The fault as an error of the wire."""
    return ServiceError(fault.message, code=fault.code, status=fault.status, **fault.fields)
