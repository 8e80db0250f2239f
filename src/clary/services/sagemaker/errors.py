"""SageMaker's modelled errors, and AWS's sentences for what is missing or already there.

ServiceError
  ValidationException    (aws.errors) the request cannot be right, or names what is not there
  ResourceInUse          a job of that name exists
  ResourceNotFound       the model's word for a missing resource; most operations answer ValidationException instead
  ResourceLimitExceeded  more than AWS allows
"""

from collections.abc import Iterable
from functools import lru_cache

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
    """Raises NotImplementedHere when the request sets a member of `members`: name (dots lead inwards, also into every
    item of a list) -> what it is. An empty structure or list, and False, do not count as set."""
    for path, what in members.items():
        first, *steps = _steps(path)
        value = req.get(first)
        if value and _is_set(value, steps):  # most are absent: that is told without looking further
            raise NotImplementedHere(f"{path} is not served yet: {what}. Leave {path} out of the request.")


@lru_cache(maxsize=1024)
def _steps(path: str) -> list[str]:
    return path.split(".")


def _is_set(value: object, steps: list[str]) -> bool:
    if isinstance(value, list) and steps:
        return any(_is_set(one, steps) for one in value)
    if not steps:
        return bool(value)
    return isinstance(value, dict) and _is_set(value.get(steps[0]), steps[1:])


def check_command(where: str, values: Iterable[str]) -> None:
    """Raises ValidationException for a value that no process can be given as argument or in its environment."""
    for value in values:
        require("\0" not in value, f"{where} holds a NUL character, which no process can be given")


def require(condition: bool, sentence: str) -> None:
    """Raises ValidationException with the sentence unless the condition holds."""
    if not condition:
        raise ValidationException(sentence)


def check_weight(what: str, weight: float) -> None:
    """Raises ValidationException unless it is a share of the traffic: AWS's weights are 32 bits wide."""
    require(0 <= weight <= 3.4e38, f"{what} must be a finite number that is not negative")
