"""IAM: the service and its errors."""

from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Service

service = Service("iam")

REGION: Final = ""
"""IAM is one for all regions."""
ROLE: Final = "role"


class NoSuchEntityException(ServiceError):
    """The request refers to something that is not there."""

    code = "NoSuchEntity"
    status = 404


class EntityAlreadyExistsException(ServiceError):
    """Something of that name is already there."""

    code = "EntityAlreadyExists"
    status = 409


class DeleteConflictException(ServiceError):
    """Something is still attached to what should be deleted."""

    code = "DeleteConflict"
    status = 409


class LimitExceededException(ServiceError):
    """A quota of the account would be passed."""

    code = "LimitExceeded"
    status = 409


class UnmodifiableEntityException(ServiceError):
    """Only the service that the role is linked to may change it."""

    code = "UnmodifiableEntity"


class ConcurrentModificationException(ServiceError):
    """Others change the same thing all the time."""

    code = "ConcurrentModification"
    status = 409


class MalformedPolicyDocumentException(ServiceError):
    """The policy is no JSON or no policy."""

    code = "MalformedPolicyDocument"


class InvalidInputException(ServiceError):
    """A parameter does not make sense."""

    code = "InvalidInput"


class InvalidClientTokenId(ServiceError):
    """The caller's keys are of a session that IAM does not serve."""

    status = 403


class ValidationError(ServiceError):
    """A parameter does not satisfy a constraint, in the word of the query services."""
