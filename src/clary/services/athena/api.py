"""Amazon Athena: the service object, which every family registers its operations with, and what they share."""

from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.kernel.errors import BadToken
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Where

service = Service("athena")

EXECUTION: Final = "athena-query-execution"
WORK_GROUP: Final = "athena-work-group"
NAMED: Final = "athena-named-query"
PREPARED: Final = "athena-prepared-statement"
PRIMARY: Final = "primary"
CATALOG: Final = "AwsDataCatalog"
ENGINE: Final = "Athena engine version 3"


class InvalidRequestException(ServiceError):
    """Something is wrong with the input to the request."""


class ResourceNotFoundException(ServiceError):
    """A resource, such as a prepared statement, was not found."""


class MetadataException(ServiceError):
    """The catalog answered with an error."""


class TooManyRequestsException(ServiceError):
    """The request was throttled."""


def invalid(message: str, code: str = "INVALID_INPUT") -> InvalidRequestException:
    return InvalidRequestException(message, AthenaErrorCode=code)


def group_arn(ctx: Context, name: str) -> str:
    return ctx.arn("athena", f"workgroup/{name}")


def page(
    ctx: Context, kind: str, where: Where, req: Doc, most: int = 50, order: Order = "name", descending: bool = False
) -> tuple[list[Resource], Doc]:
    """One page, and the answer's NextToken where there is more. Raises InvalidRequestException."""
    limit = min(req.get("MaxResults") or most, most)
    given = req.get("NextToken")
    try:
        found, token = paginate(ctx.store, kind, where, limit=limit, token=given, order=order, descending=descending)
    except BadToken as error:
        raise invalid(f"Invalid NextToken: {error}.") from None
    return found, {} if token is None else {"NextToken": token}
