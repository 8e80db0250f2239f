"""Buckets as websites: pages, redirects and error documents for browsers, at hosts of their own."""

from html import escape
from typing import Final
from urllib.parse import quote, unquote

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.kernel.resource import Doc
from clary.services.s3.api import bucket_named, service
from clary.services.s3.errors import AccessDenied, NoSuchBucket
from clary.services.s3.hosts import website_bucket

_REASONS: Final = {
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    412: "Precondition Failed",
    416: "Requested Range Not Satisfiable",
}


def _wants(request: Request) -> bool:
    return website_bucket(request) is not None and request.method != "OPTIONS"


async def _answer(porch: Porch) -> Answer:
    """A page, a redirect or an error document. Nothing that a website answers is XML, and nobody signs for it."""
    name = website_bucket(porch.request) or ""
    try:
        bucket = bucket_named(porch.context(ANONYMOUS, ""), name)
    except (NoSuchBucket, AccessDenied):
        return _page(porch, NoSuchBucket(name), {"BucketName": name})
    site: Doc | None = bucket.status.get("_website")
    if site is None:
        error = ServiceError(
            "The specified bucket does not have a website configuration", code="NoSuchWebsiteConfiguration", status=404
        )
        return _page(porch, error, {"BucketName": name})
    if porch.request.method not in ("GET", "HEAD"):
        error = ServiceError(
            "The specified method is not allowed against this resource.", code="MethodNotAllowed", status=405
        )
        return _page(porch, error, {"Method": porch.request.method, "ResourceType": "OBJECT"})
    return await _Site(porch, name, site).answer()


class _Site:
    """One request to one website."""

    def __init__(self, porch: Porch, bucket: str, site: Doc) -> None:
        self._porch = porch
        self._bucket = bucket
        self._site = site
        self._key = unquote(porch.request.path.decode("latin-1")[1:])

    async def answer(self) -> Answer:
        every = self._site.get("RedirectAllRequestsTo")
        if every is not None:
            path = self._porch.request.path.decode("latin-1")
            query = self._porch.request.query.decode("latin-1")
            return self._redirect(301, every.get("Protocol"), every["HostName"], path + ("?" + query if query else ""))
        if (moved := self._routed(None)) is not None:
            return moved
        suffix = self._site["IndexDocument"]["Suffix"]
        key = self._key + suffix if not self._key or self._key.endswith("/") else self._key
        try:
            return await self._object(key)
        except ServiceError as error:
            return await self._failed(key, error)

    async def _failed(self, key: str, error: ServiceError) -> Answer:
        status = error.http_status
        if (
            status == 404
            and key == self._key
            and await self._is_there(f"{key}/{self._site['IndexDocument']['Suffix']}")
        ):
            # A folder without its last slash: the browser must have it, or relative links would miss.
            return self._redirect(302, None, None, self._porch.request.path.decode("latin-1") + "/")
        if (moved := self._routed(status)) is not None:
            return moved
        document = self._site.get("ErrorDocument", {}).get("Key")
        if document is not None and 400 <= status < 500:
            try:
                answer = await self._object(document, whole=True)
            except ServiceError as another:
                return _page(self._porch, error, {"Key": key}, another)
            answer.status = status
            return answer
        return _page(self._porch, error, {"Key": key})

    async def _object(self, key: str, *, whole: bool = False) -> Answer:
        """The object as anybody gets it. Raises ServiceError."""
        asked: Doc = {"Bucket": self._bucket, "Key": key}
        headers = self._porch.request.headers
        if not whole:
            for wire, member in (("range", "Range"), ("if-none-match", "IfNoneMatch"), ("if-match", "IfMatch")):
                if wire in headers:
                    asked[member] = headers[wire]
        operation = "HeadObject" if self._porch.request.method == "HEAD" else "GetObject"
        found = await self._porch.perform(ANONYMOUS, "us-east-1", "s3", operation, asked)
        if (where := found.get("WebsiteRedirectLocation")) and not whole:
            if (close := getattr(found.get("Body"), "aclose", None)) is not None:
                await close()
            return self._redirect(301, None, None, where)
        return self._porch.served("s3", operation).codec.encode(found, self._porch.request_id)

    async def _is_there(self, key: str) -> bool:
        try:
            await self._porch.perform(ANONYMOUS, "us-east-1", "s3", "HeadObject", {"Bucket": self._bucket, "Key": key})
        except ServiceError:
            return False
        return True

    def _routed(self, status: int | None) -> Answer | None:
        """The redirect of the first rule that fits: before the look-up those that ask for no error, after it all."""
        for rule in self._site.get("RoutingRules", []):
            condition, redirect = rule.get("Condition", {}), rule["Redirect"]
            prefix, error = condition.get("KeyPrefixEquals", ""), condition.get("HttpErrorCodeReturnedEquals")
            if not self._key.startswith(prefix) or (None if status is None else str(status)) != error:
                continue
            key = self._key
            if "ReplaceKeyWith" in redirect:
                key = redirect["ReplaceKeyWith"]
            elif "ReplaceKeyPrefixWith" in redirect:
                key = redirect["ReplaceKeyPrefixWith"] + key.removeprefix(prefix)
            code = int(redirect.get("HttpRedirectCode", 301))
            return self._redirect(code, redirect.get("Protocol"), redirect.get("HostName"), "/" + quote(key))
        return None

    def _redirect(self, status: int, protocol: str | None, host: str | None, path: str) -> Answer:
        """`path` may be a whole URL. Without a protocol or a host the browser stays where it is."""
        where = path
        if host is not None or protocol is not None:
            own = self._porch.request.headers.get("host", "")
            where = f"{protocol or self._porch.request.scheme}://{host or own}{path}"
        answer = Answer(status, _ids(self._porch))
        answer.headers.append((b"location", where.replace("\r", "").replace("\n", "").encode("utf-8")))
        return answer


def _page(porch: Porch, error: ServiceError, about: dict[str, str], another: ServiceError | None = None) -> Answer:
    """The error as S3's websites tell it to people."""
    title = f"{error.http_status} {_REASONS.get(error.http_status, 'Error')}"
    said = {"Code": error.error_code, "Message": error.message, **about, "RequestId": porch.request_id}
    lines = "".join(f"<li>{escape(name)}: {escape(value)}</li>\n" for name, value in said.items())
    if another is not None:
        lines += (
            "</ul>\n<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n"
            f"<li>Code: {escape(another.error_code)}</li>\n<li>Message: {escape(another.message)}</li>\n"
        )
    body = (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n{lines}</ul>\n<hr/>\n</body>\n"
        "</html>\n"
    )
    answer = Answer(error.http_status, _ids(porch), body.encode(), error.error_code)
    answer.headers += [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"x-amz-error-code", error.error_code.encode()),
        (b"x-amz-error-message", error.message.encode("ascii", "replace")),
    ]
    return answer


def _ids(porch: Porch) -> list[tuple[bytes, bytes]]:
    return [(b"x-amz-request-id", porch.request_id.encode())]


service.door(Door("Website", _wants, _answer))
