"""AWS Glue: the catalog, crawlers, and jobs with their triggers."""

from collections.abc import Mapping

from clary.kernel.resource import StateMachine
from clary.services.glue import access, catalog, tags
from clary.services.glue.api import service

# Last: it looks at what all others have registered.
access.register()

MACHINES: Mapping[str, StateMachine] = {}
JOBS: tuple[str, ...] = ()
"""The kinds that wait their turn for this machine."""

__all__ = ["JOBS", "MACHINES", "access", "catalog", "service", "tags"]
