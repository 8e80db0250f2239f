"""CloudWatch: the service and its errors."""

from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel.metrics import MetricName
from clary.kernel.resource import Doc

service = Service("cloudwatch")
service.data_event("GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData")

MOST_DIMENSIONS: Final = 30


class InvalidParameterValueException(ServiceError):
    """The value of an input parameter is bad or out-of-range."""


class InvalidParameterCombinationException(ServiceError):
    """Parameters were used together that cannot be used together."""


class MissingRequiredParameterException(ServiceError):
    """An input parameter that is required is missing."""


class InternalServiceFault(ServiceError):
    """Request processing has failed due to some unknown error, exception, or failure."""

    status = 500


class InvalidNextToken(ServiceError):
    """The next token specified is invalid."""


class ResourceNotFound(ServiceError):
    """The named resource does not exist."""

    status = 404


class ResourceNotFoundException(ServiceError):
    """The named resource does not exist. Of the tag operations."""

    status = 404


class LimitExceededFault(ServiceError):
    """The quota for alarms for this customer has already been reached."""


class InvalidFormatFault(ServiceError):
    """Data was not syntactically valid JSON."""


class ValidationError(ServiceError):
    """A constraint that the model does not tell is broken."""


def metric_of(ctx: Context, namespace: str, name: str, dimensions: list[Doc]) -> MetricName:
    """The metric that a request names, of the caller's account and region. Raises InvalidParameterValueException."""
    named = {one["Name"]: one["Value"] for one in dimensions}
    if len(named) < len(dimensions):
        raise InvalidParameterValueException("No Metrics may specify the same dimension name twice in a metric.")
    return MetricName(ctx.account, ctx.region, namespace, name, tuple(sorted(named.items())))


def dimensions_of(metric: MetricName) -> list[Doc]:
    """In wire form."""
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]
