"""What an operation on objects does beside its work because of what is set on the bucket: it tells what happens, and
when the object will expire."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context, Handler, Service
from clary.engines.objects.base import IsMarker
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc, Resource
from clary.services.s3.api import AT_HAND, bucket_named, objects
from clary.services.s3.errors import AccessDenied, NoSuchBucket
from clary.services.s3.happenings import Asker, Change, Happenings
from clary.services.s3.lifecycle import expiration

FORM: Final[ContextVar[bool]] = ContextVar("form", default=False)
"""The PutObject at hand came as a form."""

_CREATED: Final = {
    "PutObject": "ObjectCreated:Put",
    "CopyObject": "ObjectCreated:Copy",
    "CompleteMultipartUpload": "ObjectCreated:CompleteMultipartUpload",
}
_TAGGED: Final = {"PutObjectTagging": "ObjectTagging:Put", "DeleteObjectTagging": "ObjectTagging:Delete"}
_READ: Final = ("GetObject", "HeadObject")


def register(service: Service) -> None:
    """The handlers do so from now on. After all of them have been declared."""
    wraps_of: Mapping[str, Callable[[str, Handler], Handler]] = {
        **dict.fromkeys(_CREATED, _creating),
        **dict.fromkeys(_TAGGED, _tagging),
        **dict.fromkeys(_READ, _reading),
        "DeleteObject": _deleting,
        "DeleteObjects": _deleting_many,
    }
    for name, wrap in wraps_of.items():
        service.handlers[name] = wrap(name, service.handlers[name])
    for name, asks in service.accesses.items():
        if name not in ("CreateBucket", "ListBuckets"):
            service.accesses[name] = _bucket_first(asks)


def _bucket_first(asks: Asks) -> Asks:
    """Who did not sign has no policies: only the bucket could let them in, and one that is not there is told of."""

    def asked(ctx: Context, req: Doc) -> Sequence[Ask]:
        if ctx.principal.kind == "anonymous":
            bucket_named(ctx, req["Bucket"])
        return asks(ctx, req)

    return asked


def _creating(name: str, handler: Handler) -> Handler:
    @wraps(handler)
    async def put(ctx: Context, req: Doc) -> Doc:
        bucket = _bucket(ctx, req)
        if bucket is None or not bucket.status.keys() & {"_notification", "_lifecycle"}:
            return await _handled(handler, ctx, req, bucket)
        form = FORM.get()
        change = Change("ObjectCreated:Post" if form else _CREATED[name], req["Key"], "POST Object" if form else name)
        async with ctx.port(Happenings).telling(bucket, _asker(ctx), [change]):
            answer = await _handled(handler, ctx, req, bucket)
            change.stat = await _stat(ctx, bucket, req["Key"], answer.get("VersionId"))
        return answer | _expires(bucket, change.stat)

    return put


def _tagging(name: str, handler: Handler) -> Handler:
    @wraps(handler)
    async def tag(ctx: Context, req: Doc) -> Doc:
        bucket = _bucket(ctx, req)
        if bucket is None or "_notification" not in bucket.status:
            return await _handled(handler, ctx, req, bucket)
        change = Change(_TAGGED[name], req["Key"], name, req.get("VersionId"))
        change.tags = [[one["Key"], one["Value"]] for one in req.get("Tagging", {}).get("TagSet", [])]
        async with ctx.port(Happenings).telling(bucket, _asker(ctx), [change]):
            answer = await _handled(handler, ctx, req, bucket)
            change.stat = await _stat(ctx, bucket, req["Key"], req.get("VersionId"))
        return answer

    return tag


def _reading(name: str, handler: Handler) -> Handler:
    @wraps(handler)
    async def read(ctx: Context, req: Doc) -> Doc:
        bucket = _bucket(ctx, req)
        answer = await _handled(handler, ctx, req, bucket)
        if bucket is None or "_lifecycle" not in bucket.status or "VersionId" in req:
            return answer
        return answer | _expires(bucket, await _stat(ctx, bucket, req["Key"], None))

    return read


def _deleting(name: str, handler: Handler) -> Handler:
    @wraps(handler)
    async def delete(ctx: Context, req: Doc) -> Doc:
        bucket = _bucket(ctx, req)
        if bucket is None or "_notification" not in bucket.status:
            return await _handled(handler, ctx, req, bucket)
        changes = [one for one in [await _deletion(ctx, bucket, req)] if one is not None]
        async with ctx.port(Happenings).telling(bucket, _asker(ctx), changes):
            answer = await _handled(handler, ctx, req, bucket)
            for one in changes:
                _deleted(one, answer.get("DeleteMarker", False), answer.get("VersionId"))
        return answer

    return delete


def _deleting_many(name: str, handler: Handler) -> Handler:
    @wraps(handler)
    async def delete(ctx: Context, req: Doc) -> Doc:
        bucket = _bucket(ctx, req)
        if bucket is None or "_notification" not in bucket.status:
            return await _handled(handler, ctx, req, bucket)
        asked = [one for one in req["Delete"]["Objects"] if one["Key"]]
        found = [await _deletion(ctx, bucket, one) for one in asked]
        changes = {(one.key, one.version): one for one in found if one is not None}
        loud = {**req, "Delete": {**req["Delete"], "Quiet": False}}
        async with ctx.port(Happenings).telling(bucket, _asker(ctx), list(changes.values())):
            answer = await _handled(handler, ctx, loud, bucket)
            done = {(one["Key"], one.get("VersionId")): one for one in answer.get("Deleted", [])}
            for name, one in changes.items():
                result = done.get(name)
                one.done = result is not None
                _deleted(one, "DeleteMarkerVersionId" in (result or {}), (result or {}).get("DeleteMarkerVersionId"))
        if req["Delete"].get("Quiet"):
            answer.pop("Deleted", None)
        return answer

    return delete


async def _deletion(ctx: Context, bucket: Resource, one: Doc) -> Change | None:
    """The deletion of what is there; None: nothing is, so nothing will happen."""
    key, version = one["Key"], one.get("VersionId")
    change = Change("ObjectRemoved:Delete", key, "DeleteObject", version)
    try:
        change.stat = await objects(ctx).head(bucket.name, key, version)
    except IsMarker:
        return change  # a marker is put on a marker, or taken away
    except Missing:
        return change if version is None and await objects(ctx).versioning(bucket.name) else None
    return change


def _deleted(change: Change, marker: bool, version: str | None) -> None:
    if marker and change.version is None:
        change.name, change.version = "ObjectRemoved:DeleteMarkerCreated", version


async def _handled(handler: Handler, ctx: Context, req: Doc, bucket: Resource | None) -> Doc:
    """The handler's answer; it need not look the bucket up again."""
    token = AT_HAND.set((ctx, bucket) if bucket is not None else None)
    try:
        return await handler(ctx, req)
    finally:
        AT_HAND.reset(token)


def _bucket(ctx: Context, req: Doc) -> Resource | None:
    """None: the handler will say what is wrong with it."""
    try:
        return bucket_named(ctx, req["Bucket"])
    except (NoSuchBucket, AccessDenied):
        return None


async def _stat(ctx: Context, bucket: Resource, key: str, version: str | None) -> Stat | None:
    try:
        return await objects(ctx).head(bucket.name, key, version)
    except Missing:
        return None  # it was deleted the moment after


def _expires(bucket: Resource, stat: Stat | None) -> Doc:
    if stat is None or "_lifecycle" not in bucket.status:
        return {}
    found = expiration(bucket.status["_lifecycle"], stat)
    return {"Expiration": found} if found is not None else {}


def _asker(ctx: Context) -> Asker:
    return Asker(ctx.request_id, ctx.principal.user_id, ctx.principal.account, ctx.origin.get("aws:sourceip", ""))
