"""The modelled errors of Glue. All answer 400, as AWS's do."""

from clary.aws.errors import ServiceError


class InvalidInputException(ServiceError):
    """The input provided was not valid."""


class EntityNotFoundException(ServiceError):
    """A specified entity does not exist."""


class AlreadyExistsException(ServiceError):
    """A resource to be created or added already exists."""


class IdempotentParameterMismatchException(ServiceError):
    """The same unique identifier was associated with two different records."""


class OperationNotSupportedException(ServiceError):
    """The operation is not available here."""


class ConcurrentModificationException(ServiceError):
    """Two processes are trying to modify a resource simultaneously."""


class ConcurrentRunsExceededException(ServiceError):
    """Too many jobs are being run concurrently."""


class ResourceNumberLimitExceededException(ServiceError):
    """A resource numerical limit was exceeded."""


class VersionMismatchException(ServiceError):
    """There was a version conflict."""


class CrawlerRunningException(ServiceError):
    """The operation cannot be performed because the crawler is already running."""


class CrawlerNotRunningException(ServiceError):
    """The specified crawler is not running."""


class CrawlerStoppingException(ServiceError):
    """The specified crawler is stopping."""


class NoScheduleException(ServiceError):
    """There is no applicable schedule."""


class SchedulerRunningException(ServiceError):
    """The specified scheduler is already running."""


class SchedulerNotRunningException(ServiceError):
    """The specified scheduler is not running."""
