"""STS: the service and its errors, and what all that open sessions have in common."""

from typing import Final

from clary.aws.credentials import Keys
from clary.aws.errors import NotImplementedHere, ServiceError
from clary.aws.service import Service
from clary.kernel.resource import Doc

service = Service("sts")

HOUR: Final = 3600
HALF_DAY: Final = 43_200
_UNSERVED: Final = {
    "SerialNumber": "multi-factor authentication",
    "TokenCode": "multi-factor authentication",
    "SourceIdentity": "source identities",
    "ProvidedContexts": "provided contexts",
}


class ValidationError(ServiceError):
    """A parameter does not satisfy a constraint, in the word of the query services."""


class AccessDenied(ServiceError):
    """The caller may not do this."""

    status = 403


class MalformedPolicyDocumentException(ServiceError):
    """The session policy is no policy."""

    code = "MalformedPolicyDocument"


class PackedPolicyTooLargeException(ServiceError):
    """Session policies and tags together are too long for a token."""

    code = "PackedPolicyTooLarge"


class InvalidAuthorizationMessageException(ServiceError):
    """The message is none that was encoded here."""


def refuse_unserved(req: Doc) -> None:
    """Raises NotImplementedHere for members that would change the meaning."""
    for name, what in _UNSERVED.items():
        if name in req:
            raise NotImplementedHere(f"Clary does not serve {what}: leave {name} out.")


def credentials(keys: Keys) -> Doc:
    return {
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token,
        "Expiration": keys.expires,
    }
