"""SageMaker's modelled errors, and AWS's sentences for what is missing or already there.

ServiceError
  ValidationException    (aws.errors) the request cannot be right, or names what is not there
  ResourceInUse          a job of that name exists
  ResourceNotFound       the model's word for a missing resource; most operations answer ValidationException instead
  ResourceLimitExceeded  more than AWS allows
"""

from clary.aws.errors import NotImplementedHere, ServiceError, ValidationException
from clary.kernel.resource import Doc


class ResourceInUse(ServiceError):
    """Resource being accessed is in use."""


class ResourceNotFound(ServiceError):
    """Resource being accessed is not found."""


class ResourceLimitExceeded(ServiceError):
    """A quota of SageMaker would be exceeded."""


def could_not_find(what: str, arn: str) -> ValidationException:
    """SageMaker's answer for a missing model, endpoint configuration or endpoint; SDKs match on "Could not find"."""
    return ValidationException(f'Could not find {what} "{arn}".')


def already_existing(what: str, arn: str) -> ValidationException:
    """SageMaker's answer to a second model, endpoint configuration or endpoint of one name."""
    return ValidationException(f'Cannot create already existing {what} "{arn}".')


def refuse(req: Doc, members: dict[str, str]) -> None:
    """Raises NotImplementedHere when the request sets a member of `members`: name (dots lead inwards) -> what it is. An
    empty structure or list, and False, do not count as set."""
    for path, what in members.items():
        value: object = req
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value:
            raise NotImplementedHere(f"{path} is not served yet: {what}. Leave {path} out of the request.")


def require(condition: bool, sentence: str) -> None:
    """Raises ValidationException with the sentence unless the condition holds."""
    if not condition:
        raise ValidationException(sentence)
