"""What is set on a bucket stands in its row, so that it ends with the bucket and is read with it.

Members of the status, each absent until it is set:

    _acl                             what the bucket's list grants
    _cors _encryption _lifecycle     the documents of their Put operations
    _notification _website _policy
    _scan                            how far the lifecycle's look has come
    _ownership                       "BucketOwnerEnforced", "BucketOwnerPreferred" or "ObjectWriter"
    _public_access_block             the four flags
    _tags                            pairs of name and value
    _kept                            documents that are only remembered, by name and id
"""

from typing import Any

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.services.s3.api import bucket_named, opened_bucket
from clary.services.s3.bucket_errors import OperationAborted

_TRIES = 20


def bucket_of(ctx: Context, req: Doc) -> Resource:
    """The bucket that the request is about. Raises NoSuchBucket, AccessDenied."""
    return bucket_named(ctx, opened_bucket(ctx, req))


def setting(ctx: Context, req: Doc, name: str, absent: ServiceError) -> Any:
    """What is set under `name` on the request's bucket. Raises `absent` when nothing is, NoSuchBucket, AccessDenied."""
    found = bucket_of(ctx, req).status.get(name)
    if found is None:
        raise absent
    return found


def change(ctx: Context, req: Doc, *, due: float | None = None, **members: Any) -> Resource:
    """The members are set on the request's bucket; None takes one away. With `due` the bucket is looked at by then."""
    for _ in range(_TRIES):
        bucket = bucket_of(ctx, req)
        try:
            if due is None:
                return ctx.store.update(bucket, **members)
            return ctx.store.update(bucket, due=due, **members)
        except Stale:  # another request, or the lifecycle's look, was faster: set it on top of that
            continue
    raise OperationAborted
