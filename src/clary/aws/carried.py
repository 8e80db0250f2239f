"""The policies that resources of several services carry, as one port."""

from collections.abc import Mapping

from clary.aws.access import Ask
from clary.aws.authorize import ResourcePolicies


class PoliciesByService:
    """aws.authorize.ResourcePolicies: each service answers for its own ARNs; the others carry none."""

    def __init__(self, services: Mapping[str, ResourcePolicies]) -> None:
        self._services = dict(services)
        """By the service in the ARN."""

    def of(self, ask: Ask) -> str | None:
        parts = ask.resource.split(":", 3)
        known = self._services.get(parts[2]) if len(parts) == 4 else None
        return None if known is None else known.of(ask)
