"""Where messages can go: what each protocol takes for an endpoint."""

import re
from hashlib import blake2b
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.web import Web, WebRefused
from clary.services.sns.errors import InvalidParameterException

_QUEUE: Final = re.compile(r"arn:aws:sqs:[a-z0-9-]+:(\d{12}):[A-Za-z0-9_-]{1,80}(\.fifo)?")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_ELSEWHERE: Final = {
    "application": "Mobile push (the protocol application)",
    "firehose": "The protocol firehose",
    "lambda": "The protocol lambda",
    "sms": "The protocol sms",
}


async def check(ctx: Context, protocol: str, endpoint: str) -> None:
    """Raises InvalidParameterException, NotImplementedHere."""
    if protocol in _ELSEWHERE:
        raise NotImplementedHere(f"{_ELSEWHERE[protocol]} is not served by Clary yet: sqs, http, https and e-mail are.")
    if protocol == "sqs":
        check_queue(ctx, endpoint, "SQS endpoint ARN")
    elif protocol in ("http", "https"):
        await _check_web(ctx, protocol, endpoint)
    elif protocol in ("email", "email-json"):
        if not _ADDRESS.fullmatch(endpoint):
            raise InvalidParameterException("Email address")
    else:
        raise InvalidParameterException(f"Does not support this protocol string: {protocol}")


def check_queue(ctx: Context, arn: str, name: str) -> None:
    """Raises InvalidParameterException unless it names a standard queue of this account."""
    match = _QUEUE.fullmatch(arn)
    if match is None:
        raise InvalidParameterException(name)
    if match[1] != ctx.account:
        raise InvalidParameterException(f"{name} Reason: the queue is of another account")
    if match[2]:
        raise InvalidParameterException("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")


async def _check_web(ctx: Context, protocol: str, endpoint: str) -> None:
    if not endpoint.startswith(f"{protocol}://"):
        raise InvalidParameterException("Endpoint must match the specified protocol")
    web: Web = ctx.port(Web)
    try:
        await web.check(endpoint)
    except WebRefused as error:
        raise InvalidParameterException(f"Endpoint Reason: {error}") from None


def digest(protocol: str, endpoint: str) -> str:
    """What names the endpoint among those of a topic."""
    return blake2b(f"{protocol}\0{endpoint}".encode(), digest_size=16).hexdigest()
