"""The service and its errors."""

from clary.aws.errors import ServiceError
from clary.aws.service import Service

service = Service("cloudtrail")


class InvalidLookupAttributesException(ServiceError):
    """What is asked for is not an attribute of events."""


class InvalidTimeRangeException(ServiceError):
    """It ends before it begins."""


class InvalidNextTokenException(ServiceError):
    """The token is of another list, or none."""


class InvalidEventCategoryException(ServiceError):
    """There are no events of that category."""


class TrailNotFoundException(ServiceError):
    """No trail has that name."""
