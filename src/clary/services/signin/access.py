"""Sign-In asks nothing of the policies: whoever comes proves himself by the code or the token."""

from clary.aws.access import nothing
from clary.services.signin.api import service


def register() -> None:
    """To be called once all operations are registered."""
    for name in service.handlers:
        service.access(name, nothing)
