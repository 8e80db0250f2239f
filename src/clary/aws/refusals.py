"""What a refused signature is called: every family of services has its own code and words for the same thing."""

from typing import Final, Literal

from clary.aws.errors import ServiceError
from clary.aws.sigv4 import Kind, Refused

Family = Literal["json", "query", "s3"]
"""json: json and rest-json; query: query; s3: rest-xml."""

_CODES: Final[dict[Kind, dict[Family, tuple[str, int]]]] = {
    "missing": {
        "json": ("MissingAuthenticationTokenException", 403),
        "query": ("MissingAuthenticationToken", 403),
        "s3": ("AccessDenied", 403),
    },
    "malformed": {
        "json": ("IncompleteSignatureException", 400),
        "query": ("IncompleteSignature", 400),
        "s3": ("AuthorizationHeaderMalformed", 400),
    },
    "unknown-key": {
        "json": ("UnrecognizedClientException", 403),
        "query": ("InvalidClientTokenId", 403),
        "s3": ("InvalidAccessKeyId", 403),
    },
    "bad-token": {
        "json": ("UnrecognizedClientException", 403),
        "query": ("InvalidClientTokenId", 403),
        "s3": ("InvalidToken", 400),
    },
    "expired-token": {
        "json": ("ExpiredTokenException", 403),
        "query": ("ExpiredToken", 403),
        "s3": ("ExpiredToken", 400),
    },
    "mismatch": dict.fromkeys(("json", "query", "s3"), ("SignatureDoesNotMatch", 403)),
    "skewed": {
        "json": ("SignatureDoesNotMatch", 403),
        "query": ("SignatureDoesNotMatch", 403),
        "s3": ("RequestTimeTooSkewed", 403),
    },
    "lapsed": {
        "json": ("SignatureDoesNotMatch", 403),
        "query": ("SignatureDoesNotMatch", 403),
        "s3": ("AccessDenied", 403),
    },
    "unsigned-header": {
        "json": ("SignatureDoesNotMatch", 403),
        "query": ("SignatureDoesNotMatch", 403),
        "s3": ("AccessDenied", 403),
    },
}
_S3_WORDS: Final[dict[Kind, str]] = {
    "missing": "Access Denied",
    "unknown-key": "The AWS Access Key Id you provided does not exist in our records.",
    "bad-token": "The provided token is malformed or otherwise invalid.",
    "expired-token": "The provided token has expired.",
    "skewed": "The difference between the request time and the current time is too large.",
}


def refusal(refused: Refused, family: Family) -> ServiceError:
    """The refusal in the words of one family of services."""
    code, status = _CODES[refused.kind][family]
    message = _S3_WORDS.get(refused.kind, refused.message) if family == "s3" else refused.message
    return ServiceError(message, code=code, status=status)
