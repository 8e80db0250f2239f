"""The errors of SNS. On the wire their codes are shorter, as the model has them."""

from clary.aws.errors import ServiceError


class InvalidParameterException(ServiceError):
    """A parameter does not comply with its constraints."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Invalid parameter: {why}")


class InvalidParameterValueException(ServiceError):
    """A value does not comply with its constraints."""


class NotFoundException(ServiceError):
    """What is named does not exist."""


class ResourceNotFoundException(ServiceError):
    """What shall be tagged does not exist."""


class AuthorizationErrorException(ServiceError):
    """The caller may not do that."""


class SubscriptionLimitExceededException(ServiceError):
    """The topic has as many subscriptions as it can have."""


class TagLimitExceededException(ServiceError):
    """A topic can have 50 tags."""


class EmptyBatchRequestException(ServiceError):
    """The batch holds nothing."""


class TooManyEntriesInBatchRequestException(ServiceError):
    """The batch holds more than ten entries."""


class BatchEntryIdsNotDistinctException(ServiceError):
    """Two entries of a batch have one id."""


class InvalidBatchEntryIdException(ServiceError):
    """The id of an entry has other letters than it may, or too many."""


class BatchRequestTooLongException(ServiceError):
    """The messages of a batch are too long together."""
