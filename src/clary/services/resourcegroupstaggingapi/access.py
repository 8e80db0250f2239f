"""What the tagging API asks of the policies: `tag:<Operation>` on "*". Each resource that is changed is asked for once
more, by the operation of its own service."""

from clary.services.resourcegroupstaggingapi.api import service


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation)
