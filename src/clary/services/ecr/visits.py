"""One request to the registry's protocol: who asks, for which repository, and how it is refused."""

from dataclasses import dataclass

from clary.aws.credentials import ANONYMOUS
from clary.aws.http import Request
from clary.aws.service import Context
from clary.kernel.resource import Resource
from clary.services.ecr.access import ask
from clary.services.ecr.api import repository_named


class Refused(Exception):
    """An error in the protocol's own words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Visit:
    ctx: Context
    request: Request
    name: str
    """The repository's."""
    base: str
    """The path of the repository, as the client wrote it."""

    def repository(self, *actions: str) -> Resource:
        """The repository, if the caller may do all that. Raises AccessDenied, RepositoryNotFoundException."""
        # A warrant has been looked at already: its bearer is nobody, and may read that one layer.
        if self.ctx.principal is not ANONYMOUS:
            self.ctx.require(*(ask(self.ctx, action, self.name) for action in actions))
        return repository_named(self.ctx, self.name)

    def parameter(self, name: str) -> str | None:
        found = self.request.args.get(name)
        return found[0] if found else None

    def method_not_allowed(self) -> Refused:
        return Refused(405, "UNSUPPORTED", f"{self.request.method} is not answered here.")
