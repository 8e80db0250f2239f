"""One try to deliver, and what its failure is worth: trying again, or not."""

from dataclasses import dataclass
from typing import Final

from clary.aws.acting import NotAssumable
from clary.aws.errors import ServiceError
from clary.kernel.resource import Doc
from clary.kernel.web import Web, WebFailed, WebRefused

_WEB_SECONDS: Final = 15.0
_LATER: Final = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled"})
"""Refusals that time heals."""


class Refused(Exception):
    """The receiver will not have it, however often it is tried."""


class Unreached(Exception):
    """The receiver could not take it now."""


@dataclass(frozen=True, slots=True)
class Worth:
    code: str
    """As dead letters name it."""
    message: str
    again: bool
    """Trying again may help."""


def worth(error: Exception) -> Worth:
    """What a failed try says of the next one."""
    if isinstance(error, ServiceError):
        later = error.http_status >= 500 and error.http_status != 501
        return Worth(error.error_code, error.message, later or error.error_code in _LATER)
    if isinstance(error, NotAssumable):
        return Worth("AccessDenied", str(error), False)
    if isinstance(error, Refused):
        return Worth("SDK_CLIENT_ERROR", str(error), False)
    if isinstance(error, TimeoutError):
        return Worth("TIMEOUT", "the receiver did not answer in time", True)
    return Worth("SDK_CLIENT_ERROR", str(error) or type(error).__name__, True)


def check_taken(answer: Doc) -> None:
    """An operation that takes entries has taken its own. PutEvents answers 200 with the refusal inside, for example of
    a bus that has been deleted. Raises ServiceError."""
    if not answer.get("FailedEntryCount"):
        return
    for entry in answer.get("Entries", ()):
        if code := entry.get("ErrorCode"):
            later = code in ("InternalFailure", "InternalException", *_LATER)
            raise ServiceError(entry.get("ErrorMessage", code), code=code, status=500 if later else 400)


async def post(web: Web, params: Doc) -> None:
    """The address has taken it (2xx). Raises Refused (4xx, or an address to which nothing may be sent), Unreached."""
    try:
        body = params["Body"].encode()
        answer = await web.post(params["Url"], params.get("Headers", {}), body, params.get("Seconds", _WEB_SECONDS))
    except WebRefused as error:
        raise Refused(str(error)) from error
    except WebFailed as error:
        raise Unreached(str(error)) from error
    if 200 <= answer.status < 300:
        return
    said = f"{params['Url']} answered {answer.status}"
    if 400 <= answer.status < 500 and answer.status != 429:
        raise Refused(said)
    raise Unreached(said)
