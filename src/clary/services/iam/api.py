"""IAM: the service, its errors, and what every operation on roles needs."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource

service = Service("iam")

REGION: Final = ""
"""IAM is one for all regions."""
ROLE: Final = "role"
_TRIES: Final = 10


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


class MalformedPolicyDocumentException(ServiceError):
    """The policy is no JSON or no policy."""

    code = "MalformedPolicyDocument"


class InvalidInputException(ServiceError):
    """A parameter does not make sense."""

    code = "InvalidInput"


class ValidationError(ServiceError):
    """A parameter does not satisfy a constraint, in the word of the query services."""


def role_named(ctx: Context, name: str) -> Resource:
    """Raises NoSuchEntityException."""
    try:
        return ctx.store.get(ctx.account, REGION, ROLE, name)
    except Missing:
        raise NoSuchEntityException(f"The role with name {name} cannot be found.") from None


def change_role(ctx: Context, name: str, change: Callable[[Resource], Mapping[str, Any]]) -> Resource:
    """The role's status has the members that `change` gives, computed from the newest state. Raises what `change`
    raises, and NoSuchEntityException."""
    for _ in range(_TRIES):
        role = role_named(ctx, name)
        try:
            return ctx.store.update(role, **change(role))
        except Stale:  # another process wrote in between: look again
            continue
    raise ServiceError("The role is being changed by others. Try again.", code="ConcurrentModification", status=409)


def attached(role: Resource) -> list[str]:
    """ARNs of managed policies, in the order in which they were attached."""
    return list(role.status.get("_attached", ()))


def inline(role: Resource) -> dict[str, str]:
    """Inline policies: documents as they were sent, by name."""
    return dict(role.status.get("_inline", {}))


def tags(role: Resource) -> list[Doc]:
    return list(role.status.get("Tags", ()))
