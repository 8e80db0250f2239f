"""What CloudWatch asks of the policies. Metrics have no ARN: their operations ask for "*"."""

from clary.services.cloudwatch.api import service


def register() -> None:
    """Every operation that is served and has not said what it asks, asks for its name on "*". To be called once all of
    them are registered."""
    for operation in service.handlers:
        if operation not in service.accesses:
            service.access(operation)
