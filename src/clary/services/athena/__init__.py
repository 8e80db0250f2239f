"""Amazon Athena: SQL over the tables of the Glue catalog."""

from collections.abc import Mapping

from clary.kernel.resource import StateMachine
from clary.services.athena import access
from clary.services.athena.api import service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {}

__all__ = ["MACHINES", "access", "service"]
