"""Policy documents: what must hold before one is stored, and how one is answered."""

from typing import Final
from urllib.parse import quote

from clary.aws.policy import Malformed, parse
from clary.services.iam.api import LimitExceededException, MalformedPolicyDocumentException

_MOST_TRUST: Final = 2048
"""Characters of a trust policy: AWS's default quota."""


def check_trust(document: str) -> None:
    """A role's trust policy: says who may assume it. Raises MalformedPolicyDocumentException,
    LimitExceededException."""
    try:
        parse(document, "trust")
    except Malformed as error:
        raise MalformedPolicyDocumentException(str(error)) from None
    if size(document) > _MOST_TRUST:
        raise LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {_MOST_TRUST}")


def check_permissions(document: str) -> None:
    """A policy of a user, group or role, inline or managed: says what it may do. Raises
    MalformedPolicyDocumentException."""
    try:
        parse(document, "identity")
    except Malformed as error:
        raise MalformedPolicyDocumentException(str(error)) from None


def on_the_wire(document: str) -> str:
    """As IAM answers it: URL-encoded (RFC 3986). SDKs decode it."""
    return quote(document, safe="")


def size(document: str) -> int:
    """Characters as IAM counts them: white space left out."""
    return len("".join(document.split()))
