"""Requests that browsers make: the preflight, and the headers on what they asked for."""

from collections.abc import Callable

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
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
    rules = _rules(context(), bucket_in(request))
    answer.headers += cors.allowed(rules, request.headers["origin"], request.method)


def _rules(ctx: Context, bucket: str) -> list[Doc] | None:
    try:
        found: list[Doc] | None = bucket_named(ctx, bucket).status.get("_cors")
    except (NoSuchBucket, AccessDenied):
        return None
    return found


service.door(Door("Preflight", _wants, _answer))
service.finish(finish)
