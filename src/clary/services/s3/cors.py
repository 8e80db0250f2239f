"""Which web pages may call a bucket: the rules, the preflight that asks for them, and the headers that say yes."""

from collections.abc import Sequence
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import NoSuchCORSConfiguration
from clary.services.s3.settings import change, setting

_METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
_MOST: Final = 100
_VARY: Final = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

Headers = list[tuple[bytes, bytes]]


class BadRequest(ServiceError):
    """A preflight without what it is about."""


class AccessForbidden(ServiceError):
    status = 403


@service.operation("PutBucketCors", ignores=("ChecksumAlgorithm", "CORSConfiguration.CORSRules.ID"))
async def put_bucket_cors(ctx: Context, req: Doc) -> Doc:
    """The rules answer from the next request on. Errors: InvalidRequest, MalformedXML."""
    rules = req["CORSConfiguration"]["CORSRules"]
    if not 1 <= len(rules) <= _MOST:
        raise errors.MalformedXML
    for rule in rules:
        _check(rule)
    change(ctx, req, _cors=rules)
    return {}


@service.operation("GetBucketCors")
async def get_bucket_cors(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchCORSConfiguration."""
    return {"CORSRules": setting(ctx, req, "_cors", NoSuchCORSConfiguration(req["Bucket"]))}


@service.operation("DeleteBucketCors")
async def delete_bucket_cors(ctx: Context, req: Doc) -> Doc:
    change(ctx, req, _cors=None)
    return {}


def preflight(rules: Sequence[Doc] | None, origin: str | None, method: str | None, asked: str) -> Headers:
    """The headers of the answer to an OPTIONS request; `asked` is its Access-Control-Request-Headers.

    Raises BadRequest, AccessForbidden."""
    if not origin:
        raise BadRequest("Insufficient information. Origin request header needed.")
    if method not in _METHODS:
        raise BadRequest(f"Invalid Access-Control-Request-Method: {method or 'null'}")
    if not rules:
        raise AccessForbidden("CORSResponse: CORS is not enabled for this bucket.")
    names = [name.strip().lower() for name in asked.split(",") if name.strip()]
    for rule in rules:
        if _allows(rule, origin, method) and all(_matches(rule.get("AllowedHeaders", []), name) for name in names):
            found = _headers(rule, origin)
            if names:
                found.append((b"access-control-allow-headers", ", ".join(names).encode("latin-1", "replace")))
            return found
    raise AccessForbidden(
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request"
        " method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the"
        " resource's CORS spec."
    )


def allowed(rules: Sequence[Doc] | None, origin: str, method: str) -> Headers:
    """What an answer to a page of `origin` carries; nothing where no rule allows it, and then the browser hides it."""
    for rule in rules or ():
        if _allows(rule, origin, method):
            return _headers(rule, origin)
    return []


def _allows(rule: Doc, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and any(_like(one, origin) for one in rule["AllowedOrigins"])


def _headers(rule: Doc, origin: str) -> Headers:
    everybody = next(one for one in rule["AllowedOrigins"] if _like(one, origin)) == "*"
    found = {"access-control-allow-origin": "*" if everybody else origin}
    if not everybody:
        found["access-control-allow-credentials"] = "true"
    found["access-control-allow-methods"] = ", ".join(rule["AllowedMethods"])
    if rule.get("ExposeHeaders"):
        found["access-control-expose-headers"] = ", ".join(rule["ExposeHeaders"])
    if "MaxAgeSeconds" in rule:
        found["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    found["vary"] = _VARY
    return [(name.encode(), _safe(value)) for name, value in found.items()]


def _safe(text: str) -> bytes:
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")


def _matches(patterns: Sequence[str], name: str) -> bool:
    return any(_like(one.lower(), name) for one in patterns)


def _like(pattern: str, text: str) -> bool:
    start, star, end = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(start) + len(end) and text.startswith(start) and text.endswith(end)


def _check(rule: Doc) -> None:
    for method in rule["AllowedMethods"]:
        if method not in _METHODS:
            raise errors.InvalidRequest(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for member, word in (("AllowedOrigins", "AllowedOrigin"), ("AllowedHeaders", "AllowedHeader")):
        for text in rule.get(member, []):
            if text.count("*") > 1:
                raise errors.InvalidRequest(f'{word} "{text}" can not have more than one wildcard.')
    for text in rule.get("ExposeHeaders", []):
        if "*" in text:
            raise errors.InvalidRequest(
                f'ExposeHeader "{text}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
            )
    if not rule["AllowedMethods"] or not rule["AllowedOrigins"]:
        raise errors.MalformedXML
