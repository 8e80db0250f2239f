"""Why a step failed, in the words and kinds that retry policies name."""

from typing import Final

from clary.aws.errors import ServiceError
from clary.kernel.resource import Doc
from clary.services.sagemaker.pipelines.steps.base import Failed

LONGEST: Final = 1024
"""Characters of a step's FailureReason."""
SERVICE_FAULT: Final = "Step.SERVICE_FAULT"
THROTTLING: Final = "Step.THROTTLING"
JOB_INTERNAL_ERROR: Final = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR: Final = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT: Final = "SageMaker.RESOURCE_LIMIT"
_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown"})


def kind_of_error(error: ServiceError) -> str:
    """What a retry policy calls a refused call; "": nothing that is repeated."""
    if error.error_code in _THROTTLED or error.http_status == 429:
        return THROTTLING
    if error.error_code == "ResourceLimitExceeded":
        return RESOURCE_LIMIT
    # 501 is what is not implemented: it will not be at the next attempt either.
    return SERVICE_FAULT if error.http_status >= 500 and error.http_status != 501 else ""


def kind_of_reason(reason: str) -> str:
    """What a retry policy calls the failure of a job with that FailureReason."""
    begin = reason.partition(":")[0]
    if begin in ("InternalServerError", "InternalFailure"):
        return JOB_INTERNAL_ERROR
    if begin == "CapacityError" or "InsufficientCapacity" in reason:
        return CAPACITY_ERROR
    return RESOURCE_LIMIT if "ResourceLimitExceeded" in reason else ""


def refused(error: ServiceError, called: str, metadata: Doc | None = None) -> Failed:
    """The failure of a step whose call of `called` (for example "sagemaker:CreateModel") was refused."""
    kind = kind_of_error(error)
    who = "InternalServerError" if kind == SERVICE_FAULT else "ClientError"
    why = f"{who}: Failed to invoke {called}. Error Details: {error.error_code}: {error.message}"
    return Failed(why[:LONGEST], kind, metadata or {})


def job_failed(reason: str, metadata: Doc) -> Failed:
    """The failure of a step whose job has failed for that reason."""
    return Failed(reason[:LONGEST], kind_of_reason(reason), metadata)
