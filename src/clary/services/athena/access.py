"""What Athena asks of the policies."""

from clary.services.athena.api import service


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation)
