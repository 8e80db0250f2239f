"""What Glue asks of the policies: each family says it of its own operations, in a table ASKS of its `access.py`."""

from collections.abc import Mapping

from clary.aws.access import Asks
from clary.services.glue.api import service

ASKS: Mapping[str, Asks] = {}


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        if operation in ASKS:
            service.access(operation, ASKS[operation])
        else:
            service.access(operation)
