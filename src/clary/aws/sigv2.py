"""Presigned URLs of the older kind (Signature Version 2), which boto3 still makes for S3 unless told otherwise."""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from clary.aws.credentials import Known
from clary.aws.sigv4 import UNSIGNED, Refused, Signed

REGION: Final = "us-east-1"
"""These signatures name no region; S3's resources are looked up by bucket all the same."""
# fmt: off
_SIGNED_ARGUMENTS: Final = frozenset({
    "accelerate", "acl", "analytics", "cors", "delete", "inventory", "lifecycle", "location", "logging",
    "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "select",
    "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
    "versions", "website",
})
# fmt: on


def is_presigned(query: bytes) -> bool:
    return b"AWSAccessKeyId=" in query and b"Signature=" in query and b"X-Amz-Signature=" not in query


def verify(
    method: str,
    path: bytes,
    query: bytes,
    headers: Mapping[str, str],
    now: float,
    known_of: Callable[[str, str | None], Known],
) -> Signed:
    """The caller, or Refused. `path` begins with the bucket. `known_of` is the ring's look-up, raising Refused."""
    raw: dict[str, bytes | None] = {}
    for pair in query.split(b"&"):
        name, equals, value = pair.partition(b"=")
        raw[unquote_to_bytes(name).decode("latin-1")] = unquote_to_bytes(value) if equals else None
    said = {name: (value or b"").decode("latin-1") for name, value in raw.items()}
    key, expires, given = said.get("AWSAccessKeyId", ""), said.get("Expires", ""), said.get("Signature", "")
    if not expires.isdecimal() or len(expires) > 12:
        raise Refused("malformed", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId.")
    if now > int(expires):
        raise Refused("lapsed", "Request has expired")
    known = known_of(key, said.get("x-amz-security-token"))
    amz = {name: value for name, value in said.items() if name.startswith("x-amz-")}
    amz |= {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    lines = [method, said.get("content-md5") or headers.get("content-md5", "")]
    lines += [said.get("content-type") or headers.get("content-type", ""), expires]
    lines += [f"{name}:{amz[name]}" for name in sorted(amz)]
    text = "\n".join([*lines, path.decode("latin-1") + _arguments(raw)])
    digest = hmac.digest(known.secret_access_key.encode(), text.encode("latin-1"), "sha1")
    if not hmac.compare_digest(base64.b64encode(digest), given.encode("latin-1")):
        raise Refused("mismatch", "The request signature we calculated does not match the signature you provided.")
    return Signed(known.principal, key, REGION, "s3", UNSIGNED, given, "", "", b"")


def _arguments(raw: Mapping[str, bytes | None]) -> str:
    found = []
    for name in sorted(raw):
        if name in _SIGNED_ARGUMENTS:
            value = raw[name]
            found.append(name if value is None else f"{name}={value.decode('latin-1')}")
    return "?" + "&".join(found) if found else ""
