"""Requests to S3 that nobody signed: what policies of buckets allow to everybody needs no key."""

from typing import Final

from clary.aws.credentials import ANONYMOUS
from clary.aws.http import Request
from clary.aws.sigv4 import UNSIGNED, Signed

_REGION: Final = "us-east-1"
_SIGNATURES: Final = ("X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "Signature", "AWSAccessKeyId")


def is_unsigned(request: Request) -> bool:
    """It carries no trace of a signature: a broken one is refused, not forgotten."""
    return "authorization" not in request.headers and not any(name in request.args for name in _SIGNATURES)


def anonymous(request: Request) -> Signed:
    """What is known of an unsigned request. A digest of the body that it names is still proven."""
    payload = request.headers.get("x-amz-content-sha256", UNSIGNED)
    return Signed(ANONYMOUS, "", _REGION, "s3", payload, "", "", "", b"")
