"""What a page's programs are answered: JSON, readable for pages of any origin, and refusals in words.

Refusals speak to whoever uses a page: they name no account, role or log, and say what can be done.
"""

import math
from collections.abc import Mapping
from typing import Final

import orjson

from clary.aws.http import Answer, Request

OPEN: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
    (b"cache-control", b"no-store"),
    # What a model answers stands at the console's address: a browser that opens it as a page shall run nothing of it.
    (b"content-security-policy", b"sandbox; default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
"""Any page may ask, and read the answer. Nothing that a browser keeps (cookies, keys) goes with it."""
_PREFLIGHT: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, accept"),
    (b"access-control-max-age", b"7200"),
    (b"vary", b"access-control-request-method, access-control-request-headers"),
]


class Refusal(Exception):
    """An answer that is an error. `message` is for people, `code` for programs."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def wait(seconds: float) -> dict[str, str]:
    """The header that says when to come again."""
    return {"retry_after": str(max(1, math.ceil(seconds)))}


def no_page(endpoint: str) -> Refusal:
    return Refusal(404, "NoSuchPage", f"There is no page of an endpoint {endpoint!r} here.")


def said(doc: Mapping[str, object]) -> Answer:
    return Answer(200, [(b"content-type", b"application/json"), *OPEN], orjson.dumps(doc))


def refused(refusal: Refusal) -> Answer:
    headers = [(b"content-type", b"application/json"), *OPEN]
    headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in refusal.headers.items()]
    body = orjson.dumps({"code": refusal.code, "message": refusal.message})
    return Answer(refusal.status, headers, body, refusal.code)


def is_preflight(request: Request) -> bool:
    """A browser asks whether a page of another origin may ask us. One that is going to sign is going to ask S3."""
    return "x-amz-" not in request.headers.get("access-control-request-headers", "").lower()


def preflight() -> Answer:
    return Answer(204, list(_PREFLIGHT))
