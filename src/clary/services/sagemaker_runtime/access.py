"""What inferences ask of the policies. Those that a front answers are asked the same by the front."""

from clary.aws.access import Ask, Asks
from clary.services.sagemaker_runtime.invoke import service


def _asks(operation: str) -> Asks:
    return lambda ctx, req: [Ask(f"sagemaker:{operation}", ctx.arn("sagemaker", f"endpoint/{req['EndpointName']}"))]


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for name in service.handlers:
        service.access(name, _asks(name))


service.data_event("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream")
