"""AWS Sign-In: the service and its errors."""

from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Service

service = Service("signin")

KEY_SECONDS: Final = 900
"""How long the keys of a session last before they are renewed; AWS's own bound."""
SESSION_SECONDS: Final = 43_200
"""How long a session can be renewed: whoever signed in must do so again after half a day."""


class AccessDeniedException(ServiceError):
    """The code or token does not sign in, and why."""

    status = 403

    def __init__(self, error: str, message: str) -> None:
        """`error`: one of the model's OAuth2ErrorCode."""
        super().__init__(message, error=error)


class ValidationException(ServiceError):
    """A member is missing or of no use."""

    def __init__(self, message: str) -> None:
        super().__init__(message, error="INVALID_REQUEST")
