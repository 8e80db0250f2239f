"""What an operation on objects does beside its work because of what is set on the bucket: it tells what happens, and
when the object will expire."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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


Handled = Callable[[Doc], Awaitable[Doc]]
"""The handler itself; it need not look the bucket up again."""
Around = Callable[[str, Handled, Context, Resource, Doc], Awaitable[Doc]]
"""(operation, handler, context, bucket, request): the handler's answer, with what is done beside it."""


def register(service: Service) -> None:
    """The handlers do so from now on. After all of them have been declared."""
    told, expires = frozenset({"_notification"}), frozenset({"_lifecycle"})
    arounds: Mapping[str, tuple[Around, frozenset[str]]] = {
        **dict.fromkeys(_CREATED, (_creating, told | expires)),
        **dict.fromkeys(_TAGGED, (_tagging, told)),
        **dict.fromkeys(_READ, (_reading, expires)),
        "DeleteObject": (_deleting, told),
        "DeleteObjects": (_deleting_many, told),
    }
    for name, (around, settings) in arounds.items():
        service.handlers[name] = _wrapped(name, service.handlers[name], around, settings)
    for name, asks in service.accesses.items():
        if name not in ("CreateBucket", "ListBuckets"):
            service.accesses[name] = _bucket_first(asks)


def _wrapped(name: str, handler: Handler, around: Around, settings: frozenset[str]) -> Handler:
    """The handler, with `around` it where the bucket has one of the settings."""

    @wraps(handler)
    async def wrapped(ctx: Context, req: Doc) -> Doc:
        bucket = _bucket(ctx, req)

        async def handled(asked: Doc) -> Doc:
            token = AT_HAND.set((ctx, bucket) if bucket is not None else None)
            try:
                return await handler(ctx, asked)
            finally:
                AT_HAND.reset(token)

        if bucket is None or settings.isdisjoint(bucket.status):
            return await handled(req)
        return await around(name, handled, ctx, bucket, req)

    return wrapped


def _bucket_first(asks: Asks) -> Asks:
    """Of a bucket that is not there S3 tells everybody, also those whom no policy lets in."""

    def asked(ctx: Context, req: Doc) -> Sequence[Ask]:
        if ctx.principal.kind != "root":  # nobody asks for root, whose handler looks first thing
            bucket_named(ctx, req["Bucket"])
        return asks(ctx, req)

    return asked


async def _creating(name: str, handled: Handled, ctx: Context, bucket: Resource, req: Doc) -> Doc:
    form = FORM.get()
    change = Change("ObjectCreated:Post" if form else _CREATED[name], req["Key"], "POST Object" if form else name)
    async with ctx.port(Happenings).telling(bucket, _asker(ctx), [change]):
        answer = await handled(req)
        change.stat = await _stat(ctx, bucket, req["Key"], answer.get("VersionId"))
    return answer | _expires(bucket, change.stat)


async def _tagging(name: str, handled: Handled, ctx: Context, bucket: Resource, req: Doc) -> Doc:
    change = Change(_TAGGED[name], req["Key"], name, req.get("VersionId"))
    change.tags = [[one["Key"], one["Value"]] for one in req.get("Tagging", {}).get("TagSet", [])]
    async with ctx.port(Happenings).telling(bucket, _asker(ctx), [change]):
        answer = await handled(req)
        change.stat = await _stat(ctx, bucket, req["Key"], req.get("VersionId"))
    return answer


async def _reading(name: str, handled: Handled, ctx: Context, bucket: Resource, req: Doc) -> Doc:
    answer = await handled(req)
    if "VersionId" in req:
        return answer
    return answer | _expires(bucket, await _stat(ctx, bucket, req["Key"], None))


async def _deleting(name: str, handled: Handled, ctx: Context, bucket: Resource, req: Doc) -> Doc:
    changes = [one for one in [await _deletion(ctx, bucket, req)] if one is not None]
    async with ctx.port(Happenings).telling(bucket, _asker(ctx), changes):
        answer = await handled(req)
        for one in changes:
            _deleted(one, answer.get("DeleteMarker", False), answer.get("VersionId"))
    return answer


async def _deleting_many(name: str, handled: Handled, ctx: Context, bucket: Resource, req: Doc) -> Doc:
    asked = [one for one in req["Delete"]["Objects"] if one["Key"]]
    found = [await _deletion(ctx, bucket, one) for one in asked]
    changes = {(one.key, one.version): one for one in found if one is not None}
    async with ctx.port(Happenings).telling(bucket, _asker(ctx), list(changes.values())):
        answer = await handled({**req, "Delete": {**req["Delete"], "Quiet": False}})
        done = {(one["Key"], one.get("VersionId")): one for one in answer.get("Deleted", [])}
        for place, one in changes.items():
            result = done.get(place)
            one.done = result is not None
            _deleted(one, "DeleteMarkerVersionId" in (result or {}), (result or {}).get("DeleteMarkerVersionId"))
    if req["Delete"].get("Quiet"):
        answer.pop("Deleted", None)
    return answer


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
