"""Policy documents: what must hold before one is stored, and how one is answered."""

from typing import Any, Final
from urllib.parse import quote

import orjson

from clary.services.iam.api import LimitExceededException, MalformedPolicyDocumentException

_VERSIONS: Final = ("2012-10-17", "2008-10-17")
_MOST_TRUST: Final = 2048


def check_trust(document: str) -> None:
    """A role's trust policy: says who may assume it. Raises MalformedPolicyDocumentException,
    LimitExceededException."""
    if size(document) > _MOST_TRUST:
        raise LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {_MOST_TRUST}")
    for statement in _statements(document):
        _one_of(statement, "Principal", "NotPrincipal")
        for prohibited in ("Resource", "NotResource"):
            if prohibited in statement:
                raise MalformedPolicyDocumentException(f"Has prohibited field {prohibited}")


def check_permissions(document: str) -> None:
    """A role's inline policy: says what it may do. Raises MalformedPolicyDocumentException."""
    for statement in _statements(document):
        _one_of(statement, "Resource", "NotResource")
        for prohibited in ("Principal", "NotPrincipal"):
            if prohibited in statement:
                raise MalformedPolicyDocumentException("Policy document should not specify a principal.")


def on_the_wire(document: str) -> str:
    """As IAM answers it: URL-encoded (RFC 3986). SDKs decode it."""
    return quote(document, safe="")


def _statements(document: str) -> list[dict[str, Any]]:
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise MalformedPolicyDocumentException("This policy contains invalid Json") from None
    if not isinstance(policy, dict):
        raise MalformedPolicyDocumentException("Syntax errors in policy: the document must be a JSON object.")
    if policy.get("Version", _VERSIONS[1]) not in _VERSIONS:
        raise MalformedPolicyDocumentException("The policy must contain a valid version string")
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicyDocumentException("Missing required field Statement")
    for statement in statements:
        if not isinstance(statement, dict):
            raise MalformedPolicyDocumentException("Syntax errors in policy: a Statement must be a JSON object.")
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise MalformedPolicyDocumentException("Syntax errors in policy: Effect must be Allow or Deny.")
        _one_of(statement, "Action", "NotAction")
    return statements


def _one_of(statement: dict[str, Any], name: str, inverse: str) -> None:
    if (name in statement) == (inverse in statement):
        raise MalformedPolicyDocumentException(
            f"Syntax errors in policy: use either {name} or {inverse}."
            if name in statement
            else f"Missing required field {name}"
        )


def size(document: str) -> int:
    """Characters as IAM counts them: white space left out."""
    return len("".join(document.split()))
