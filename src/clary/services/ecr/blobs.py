"""Layers and manifests as bytes: each blob once, by its digest, whoever pushed it.

Whether a repository may read a blob is another matter: that is a row of the kind `ecr-layer` or `ecr-image`. A blob
that no row names is garbage, which `tidying` collects once it is old enough: a row is written after its blob.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

from clary.aws.service import Context
from clary.engines.objects.base import BucketStore, Opened
from clary.kernel.errors import Missing

BUCKET: Final = "_registry"
"""No bucket of S3 can have this name."""
PREFIX: Final = "blobs/sha256/"


def key_of(digest: str) -> str:
    """Where the blob of that digest lies ("sha256:<hex>")."""
    hexed = digest.removeprefix("sha256:")
    return f"{PREFIX}{hexed[:2]}/{hexed}"


async def receive(ctx: Context, body: AsyncIterator[bytes]) -> tuple[str, int]:
    """(digest, size) of the bytes, which are stored, durably. Constant memory."""
    objects = await _objects(ctx)
    hashed = sha256()
    async with objects.draft(BUCKET, {"sha256": hashed}) as draft:
        async for piece in body:
            await draft.write(piece)
        digest = f"sha256:{(await draft.digests())['sha256'].hex()}"
        stat = await draft.commit(key_of(digest), {})
    return digest, stat.size


async def join(ctx: Context, parts: Sequence[str]) -> tuple[str, int]:
    """(digest, size) of the blobs of these digests as one, which is stored. Raises Missing."""
    objects = await _objects(ctx)
    hashed = sha256()
    async with objects.draft(BUCKET, {"sha256": hashed}) as draft:
        for part in parts:
            opened = await objects.open(BUCKET, key_of(part))
            try:
                await draft.copy(opened)
            finally:
                opened.close()
        digest = f"sha256:{(await draft.digests())['sha256'].hex()}"
        stat = await draft.commit(key_of(digest), {})
    return digest, stat.size


async def opened(ctx: Context, digest: str) -> Opened:
    """Raises Missing."""
    return await ctx.port(BucketStore).open(BUCKET, key_of(digest))


async def size_of(ctx: Context, digest: str) -> int | None:
    """None: there is no such blob."""
    with suppress(Missing):
        return (await ctx.port(BucketStore).head(BUCKET, key_of(digest))).size
    return None


async def read(ctx: Context, digest: str) -> bytes:
    """A whole blob, for manifests. Raises Missing."""
    found = await opened(ctx, digest)
    return b"".join([piece async for piece in found.stream()])


async def _objects(ctx: Context) -> BucketStore:
    objects = ctx.port(BucketStore)
    await objects.create_bucket(BUCKET)
    return objects
