"""Requests that browsers make: the preflight, and the headers on what they asked for."""

from collections.abc import Callable
from typing import Final

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.hosts import bucket_of as bucket_of_host
from clary.aws.http import Answer, Request
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3 import cors
from clary.services.s3.api import bucket_named, service
from clary.services.s3.errors import AccessDenied, NoSuchBucket
from clary.services.s3.hosts import bucket_in


def _wants(request: Request) -> bool:
    return request.method == "OPTIONS"


async def _answer(porch: Porch) -> Answer:
    """Every preflight is S3's: no other service that is served here has web pages for callers."""
    headers = porch.request.headers
    rules = _rules(porch.context(ANONYMOUS, ""), bucket_in(porch.request))
    found = cors.preflight(
        rules,
        headers.get("origin"),
        headers.get("access-control-request-method"),
        headers.get("access-control-request-headers", ""),
    )
    return Answer(200, [(b"x-amz-request-id", porch.request_id.encode()), *found])


def finish(request: Request, answer: Answer, context: Callable[[], Context]) -> None:
    """An answer of S3 to a web page of another origin says whether the page may read it."""
    if "origin" not in request.headers or request.method == "OPTIONS":
        return
    if any(name == b"access-control-allow-origin" for name, _ in answer.headers):
        return  # a door that is not of S3 has said it
    rules = _rules(context(), bucket_in(request))
    answer.headers += cors.allowed(rules, request.headers["origin"], request.method)


def _rules(ctx: Context, bucket: str) -> list[Doc] | None:
    try:
        found: list[Doc] | None = bucket_named(ctx, bucket).status.get("_cors")
    except (NoSuchBucket, AccessDenied):
        return None
    return found


def confine(request: Request, answer: Answer, context: Callable[[], Context]) -> None:
    """What a browser would run of an object is kept apart from the console, which is served at the same address: its
    script has no origin, so it reads neither the console's session nor anything else of this server. Buckets at hosts
    of their own have an origin of their own, and are left as they are."""
    if request.door or not request.headers.get("user-agent", "").startswith("Mozilla/"):
        return
    if bucket_of_host(request.headers.get("host", "")):
        return
    # A type that no browser knows would be guessed from the bytes.
    answer.headers.append((b"x-content-type-options", b"nosniff"))
    kind = next((value for name, value in answer.headers if name == b"content-type"), b"")
    if kind.partition(b";")[0].strip().lower().endswith(_RUNNABLE):
        answer.headers.append((b"content-security-policy", _CONFINED))


_RUNNABLE: Final = (b"html", b"xml")
_CONFINED: Final = b"sandbox allow-scripts allow-forms allow-popups allow-downloads"

service.door(Door("Preflight", _wants, _answer))
service.finish(finish)
service.finish(confine)
