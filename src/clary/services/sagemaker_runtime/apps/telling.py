"""app.json: what a page is about, as far as its role may see it."""

import re
from typing import Any, Final

import orjson

from clary.aws.doors import Porch
from clary.aws.errors import AccessDenied, ServiceError, ValidationException
from clary.kernel.resource import Doc
from clary.services.sagemaker_runtime.apps.grants import App

MOST_BYTES: Final = 1024 * 1024
"""The longest document."""
_PLACE: Final = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)
MISSING: Final = "Missing"
"""The status of an endpoint that is not there."""


class _Unreadable(Exception):
    """The document cannot be shown; the message says why."""


async def told(porch: Porch, app: App) -> Doc:
    """The page's own description. `problem` stands there where its document could not be had."""
    doc: Doc = {
        "endpoint": app.endpoint,
        "status": await status(porch, app),
        "access": "public" if app.public else "token",
        "rate": app.rate,
        "document": None,
    }
    if app.document:
        try:
            doc["document"] = await _document(porch, app)
        except _Unreadable as problem:
            doc["problem"] = str(problem)
    return doc


async def status(porch: Porch, app: App) -> str | None:
    """EndpointStatus, or MISSING; None: the role may not know."""
    try:
        found = await porch.perform(
            app.actor, app.region, "sagemaker", "DescribeEndpoint", {"EndpointName": app.endpoint}
        )
    except AccessDenied:
        return None
    except ValidationException:
        return MISSING
    said: str = found["EndpointStatus"]
    return said


async def _document(porch: Porch, app: App) -> dict[str, Any]:
    place = _PLACE.fullmatch(app.document)
    if place is None:
        raise _Unreadable(f"The page's document is to be at {app.document}, which is no s3://bucket/key.")
    try:
        asked = {"Bucket": place[1], "Key": place[2]}
        found = await porch.perform(app.actor, app.region, "s3", "GetObject", asked)
    except ServiceError as error:
        if error.error_code in ("AccessDenied", "NoSuchKey", "NoSuchBucket"):  # S3 tells them apart for few
            raise _Unreadable("The page may not read its document, or it is not there.") from None
        raise _Unreadable(f"The page's document cannot be read ({error.error_code}).") from None
    body = await _whole(found)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _Unreadable(f"The page's document is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise _Unreadable("The page's document is no JSON object.")
    return document


async def _whole(found: Doc) -> bytes:
    """The object's bytes. Raises _Unreadable."""
    body, held = found["Body"], bytearray()
    try:
        async for piece in body:
            held += piece
            if len(held) > MOST_BYTES:
                raise _Unreadable(f"The page's document is longer than {MOST_BYTES} bytes.")
    finally:
        if (close := getattr(body, "aclose", None)) is not None:
            await close()
    return bytes(held)
