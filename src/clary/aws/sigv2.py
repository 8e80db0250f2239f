"""Signature Version 2: presigned URLs, which boto3 still makes for S3 unless told otherwise, and the header of clients
that are told to be as old."""

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from clary.aws import times
from clary.aws.credentials import Known
from clary.aws.sigv4 import UNSIGNED, WINDOW_SECONDS, Refused, Signed

REGION: Final = "us-east-1"
"""These signatures name no region; S3's resources are looked up by bucket all the same."""
# fmt: off
_SIGNED_ARGUMENTS: Final = frozenset({
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
    "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "select",
    "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
    "versions", "website",
})
# fmt: on


def is_presigned(query: bytes) -> bool:
    return b"AWSAccessKeyId=" in query and b"Signature=" in query and b"X-Amz-Signature=" not in query


def is_header(headers: Mapping[str, str]) -> bool:
    return headers.get("authorization", "").startswith("AWS ")


def verify_header(
    method: str,
    path: bytes,
    query: bytes,
    headers: Mapping[str, str],
    now: float,
    known_of: Callable[[str, str | None], Known],
) -> Signed:
    """The caller of a request with "Authorization: AWS key:signature", or Refused. Arguments as of `verify`; the body
    is not signed."""
    key, colon, given = headers["authorization"].removeprefix("AWS ").strip().rpartition(":")
    if not colon:
        raise Refused("malformed", "AWS authorization header is invalid. Expected AwsAccessKeyId:signature")
    said = headers.get("x-amz-date", headers.get("date", ""))  # an empty x-amz-date is the date, and no valid one
    try:
        made = times.parse(said)
        if not made >= 0:
            raise ValueError("before all time that S3 knows")
    except ValueError:
        raise Refused("lapsed", "AWS authentication requires a valid Date or x-amz-date header") from None
    if abs(now - made) > WINDOW_SECONDS:
        raise Refused("skewed", "The difference between the request time and the current time is too large.")
    known = known_of(key, headers.get("x-amz-security-token"))
    # x-amz-date is among the x-amz- headers; then the line of the date is empty.
    date = "" if "x-amz-date" in headers else said
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    return _proven(lines, path, _raw(query), headers, {}, known, key, given)


def verify(
    method: str,
    path: bytes,
    query: bytes,
    headers: Mapping[str, str],
    now: float,
    known_of: Callable[[str, str | None], Known],
) -> Signed:
    """The caller of a presigned URL, or Refused. `path` begins with the bucket. `known_of` is the ring's look-up,
    raising Refused."""
    raw = _raw(query)
    said = {name: (value or b"").decode("latin-1") for name, value in raw.items()}
    key, expires, given = said.get("AWSAccessKeyId", ""), said.get("Expires", ""), said.get("Signature", "")
    if not expires.isdecimal() or len(expires) > 12:
        raise Refused("malformed", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId.")
    if now > int(expires):
        raise Refused("lapsed", "Request has expired")
    known = known_of(key, said.get("x-amz-security-token"))
    lines = [method, said.get("content-md5") or headers.get("content-md5", "")]
    lines += [said.get("content-type") or headers.get("content-type", ""), expires]
    return _proven(lines, path, raw, headers, said, known, key, given)


def _raw(query: bytes) -> dict[str, bytes | None]:
    raw: dict[str, bytes | None] = {}
    for pair in query.split(b"&"):
        name, equals, value = pair.partition(b"=")
        raw[unquote_to_bytes(name).decode("latin-1")] = unquote_to_bytes(value) if equals else None
    return raw


def _proven(
    lines: list[str],
    path: bytes,
    raw: Mapping[str, bytes | None],
    headers: Mapping[str, str],
    said: Mapping[str, str],
    known: Known,
    key: str,
    given: str,
) -> Signed:
    """`lines`: what is signed before the x-amz- headers; `said`: the query string, where it may hold such headers."""
    amz = {name: value for name, value in said.items() if name.startswith("x-amz-")}
    amz |= {name: value.strip() for name, value in headers.items() if name.startswith("x-amz-")}
    signed = [*lines, *(f"{name}:{amz[name]}" for name in sorted(amz))]
    resource = path.decode("latin-1")
    # Of a bucket itself, clients sign the path with a slash at its end and send it without, or the other way round.
    bare = resource.rstrip("/")
    paths = [resource] if "/" in bare[1:] else [resource, bare or "/", f"{bare}/"]
    for one in dict.fromkeys(paths):
        text = "\n".join([*signed, one + _arguments(raw)])
        digest = hmac.digest(known.secret_access_key.encode(), text.encode("latin-1"), "sha1")
        if hmac.compare_digest(base64.b64encode(digest), given.encode("latin-1")):
            return Signed(known.principal, key, REGION, "s3", UNSIGNED, given, "", "", b"")
    raise Refused("mismatch", "The request signature we calculated does not match the signature you provided.")


def _arguments(raw: Mapping[str, bytes | None]) -> str:
    found = []
    for name in sorted(raw):
        if name in _SIGNED_ARGUMENTS:
            value = raw[name]
            found.append(name if value is None else f"{name}={value.decode('latin-1')}")
    return "?" + "&".join(found) if found else ""
