"""The errors that cross the wire.

A service declares a modelled error as a class of the same name; only the gateway encodes it:

    class ResourceInUse(ServiceError):
        "Resource being accessed is in use."

ServiceError
  ClientFault codes carry status 400 unless the model or the class says otherwise.
"""

from typing import Any, ClassVar


class ServiceError(Exception):
    """An answer that AWS's documentation knows. `code` is the class's name unless set."""

    code: ClassVar[str] = ""
    status: ClassVar[int] = 400
    query_code: ClassVar[str] = ""
    """Its code in the query protocol that the service once spoke, told beside to clients that still look for that."""

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or type(self).code or type(self).__name__
        self.http_status = status or type(self).status
        self.fields = fields
        """Further members of the modelled error shape, by wire name."""


class ValidationException(ServiceError):
    """The request does not satisfy a constraint. Not in every model, but answered by every json service."""


class NotImplementedHere(ServiceError):
    """An operation or a member that Clary does not serve, by name."""

    code = "NotImplemented"
    status = 501


class AccessDenied(ServiceError):
    code = "AccessDeniedException"
    query_code = "AccessDenied"
    status = 403
