"""POST object: an HTML form, or whoever has its fields, uploads what the signed policy in it allows."""

import base64
import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from clary.aws import model, sigv4, xml
from clary.aws.body import Body
from clary.aws.credentials import ANONYMOUS, Principal
from clary.aws.doors import Door, Porch
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.rest import reader
from clary.aws.scalars import SerializationException
from clary.kernel.resource import Doc
from clary.services.s3 import errors, form_policy
from clary.services.s3.api import PUT_MAX, service
from clary.services.s3.around import FORM
from clary.services.s3.form_parts import Form, read_form
from clary.services.s3.form_policy import Allowed
from clary.services.s3.hosts import bucket_in

_REGION: Final = "us-east-1"
_META: Final = "x-amz-meta-"
_NOT_HEADERS: Final = frozenset({"content-length", "expect", "host", "x-amz-security-token", "x-amz-tagging"})
_STATUSES: Final = {"200": 200, "201": 201}


class RequestTooSmall(ServiceError):
    code = "EntityTooSmall"

    def __init__(self, size: int, least: int) -> None:
        super().__init__(
            "Your proposed upload is smaller than the minimum allowed size", ProposedSize=size, MinSizeAllowed=least
        )


def _wants(request: Request) -> bool:
    return (
        request.method == "POST"
        and request.headers.get("content-type", "").lower().startswith("multipart/form-data")
        and "authorization" not in request.headers
    )


async def _answer(porch: Porch) -> Answer:
    """The object is there, whole and durably, and the form gets the answer that it asks for."""
    bucket = bucket_in(porch.request)
    form = await read_form(porch.request.headers["content-type"], porch.request.chunks())
    fields = form.fields
    if form.content is None:
        raise errors.InvalidArgument("POST requires exactly one file upload per request.", "file", 0)
    if not fields.get("key"):
        raise errors.InvalidArgument(
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
            "key",
            "",
        )
    principal, region = _caller(porch, fields)
    # Before the policy is held against them: it speaks of the name that the object will have.
    fields |= {name: text.replace("${filename}", form.filename or "") for name, text in fields.items() if "${" in text}
    allowed = Allowed()
    if "policy" in fields:
        allowed = form_policy.check(fields["policy"], fields, bucket, porch.clock.now())
    doc = _request(form, bucket)
    doc["Body"] = Body(_bounded(form.content, allowed))
    token = FORM.set(True)
    try:
        done = await porch.perform(principal, region, "s3", "PutObject", doc)
    finally:
        FORM.reset(token)
    return _done(porch, fields, bucket, doc["Key"], done)


def _caller(porch: Porch, fields: Mapping[str, str]) -> tuple[Principal, str]:
    """Who signed the policy; nobody where there is none. Raises Refused, AccessDenied."""
    policy = fields.get("policy")
    if policy is None:
        if fields.keys() & {"signature", "x-amz-signature"}:
            raise errors.InvalidArgument("Bucket POST must contain a field named 'policy'.", "policy", "")
        return ANONYMOUS, _REGION
    if "x-amz-signature" in fields:
        return _signed(porch, fields, policy)
    key, given = fields.get("awsaccesskeyid"), fields.get("signature")
    if key is None or given is None:
        raise errors.InvalidArgument(
            "Bucket POST must contain a field named 'X-Amz-Signature', or 'AWSAccessKeyId' and 'Signature'.",
            "X-Amz-Signature",
            "",
        )
    known = porch.known(key, fields.get("x-amz-security-token"))
    digest = hmac.digest(known.secret_access_key.encode(), policy.encode(), "sha1")
    _must_match(base64.b64encode(digest).decode(), given)
    return known.principal, _REGION


def _signed(porch: Porch, fields: Mapping[str, str], policy: str) -> tuple[Principal, str]:
    if fields.get("x-amz-algorithm") != sigv4.ALGORITHM:
        raise errors.InvalidArgument(
            f"x-amz-algorithm must be {sigv4.ALGORITHM}", "x-amz-algorithm", fields.get("x-amz-algorithm", "")
        )
    parts = fields.get("x-amz-credential", "").split("/")
    if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"] or not fields.get("x-amz-date", "").startswith(parts[1]):
        raise errors.InvalidArgument(
            "x-amz-credential must be <key>/<YYYYMMDD>/<region>/s3/aws4_request, of the day of x-amz-date",
            "x-amz-credential",
            fields.get("x-amz-credential", ""),
        )
    known = porch.known(parts[0], fields.get("x-amz-security-token"))
    key = sigv4.derive(known.secret_access_key, parts[1], parts[2], "s3")
    _must_match(hmac.digest(key, policy.encode(), "sha256").hex(), fields["x-amz-signature"])
    return known.principal, parts[2]


def _must_match(made: str, given: str) -> None:
    if not hmac.compare_digest(made.encode(), given.encode()):
        raise sigv4.Refused(
            "mismatch", "The request signature we calculated does not match the signature you provided."
        )


def _request(form: Form, bucket: str) -> Doc:
    """The PutObject that the form stands for. Raises InvalidArgument, MalformedXML."""
    fields = form.fields
    doc: Doc = {"Bucket": bucket, "Key": fields["key"]}
    shape = model.load("s3").operation("PutObject").input
    assert shape is not None
    for name, member in shape.members.items():
        wire = member.wire(name).lower()
        # A form says "acl" where a header says "x-amz-acl".
        text = fields.get("acl" if wire == "x-amz-acl" else wire)
        if member.location != "header" or wire in _NOT_HEADERS or text is None:
            continue
        try:
            doc[name] = reader(member, "rfc822")(text)
        except SerializationException as error:
            raise errors.InvalidArgument(error.message, wire, text) from None
    if user := {name.removeprefix(_META): text for name, text in fields.items() if name.startswith(_META)}:
        doc["Metadata"] = user
    if "tagging" in fields:
        doc["Tagging"] = _tagging(fields["tagging"])
    return doc


def _tagging(text: str) -> str:
    """The form's XML as the header would say it."""
    pairs = []
    for group in xml.parse(text.encode()).children:
        for tag in group.children:
            said = {one.tag: one.text for one in tag.children}
            pairs.append((said.get("Key", ""), said.get("Value", "")))
    return urlencode(pairs)


async def _bounded(source: AsyncIterator[bytes], allowed: Allowed) -> AsyncIterator[bytes]:
    most = PUT_MAX if allowed.most is None else min(allowed.most, PUT_MAX)
    size = 0
    async for piece in source:
        size += len(piece)
        if size > most:
            raise errors.EntityTooLarge(size, most)
        yield piece
    # Before the end is told: what is too small is never committed.
    if size < allowed.least:
        raise RequestTooSmall(size, allowed.least)


def _done(porch: Porch, fields: Mapping[str, str], bucket: str, key: str, done: Doc) -> Answer:
    etag = done["ETag"]
    request = porch.request
    where = f"{request.scheme}://{request.headers.get('host', '')}{request.path.decode('latin-1').rstrip('/')}/"
    where += quote(key)
    headers = [(b"x-amz-request-id", porch.request_id.encode()), (b"etag", etag.encode())]
    if "VersionId" in done:
        headers.append((b"x-amz-version-id", done["VersionId"].encode()))
    redirect = fields.get("success_action_redirect") or fields.get("redirect")
    if redirect is not None and urlsplit(redirect).scheme in ("http", "https"):
        parts = urlsplit(redirect)
        query = [*parse_qsl(parts.query, keep_blank_values=True), ("bucket", bucket), ("key", key), ("etag", etag)]
        to = urlunsplit(parts._replace(query=urlencode(query)))
        return Answer(303, [*headers, (b"location", to.replace("\r", "").replace("\n", "").encode())])
    headers.append((b"location", where.encode()))
    status = _STATUSES.get(fields.get("success_action_status", ""), 204)
    if status != 201:
        return Answer(status, headers)
    said = {"Location": where, "Bucket": bucket, "Key": key, "ETag": etag}
    body = "".join(f"<{name}>{xml.readable(value)}</{name}>" for name, value in said.items())
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{body}</PostResponse>'
    return Answer(201, [*headers, (b"content-type", b"application/xml")], document.encode())


service.door(Door("PostObject", _wants, _answer))
