"""What jobs have written and not committed: objects of a bucket that S3 does not know.

A key of it is `files/<bucket>/<key>`; `files/<bucket>/<path>/` says that a job has made that directory, which S3 has
no word for. `renames/<bucket>/<path>/...` is a rename of that directory that has begun, so that one that was cut short
goes on where it was (renaming.py). What a killed job leaves goes by age.
"""

from collections.abc import AsyncIterator
from typing import Final

from clary.engines.objects.base import BucketStore, Page
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat
from clary.kernel.store import Store, Where
from clary.services.s3 import checksums
from clary.services.s3.api import BUCKET
from clary.services.s3.hadoop.places import Place

STAGED: Final = "_staged"
"""No bucket of S3 can have this name."""
_FILES: Final = "files/"
_RENAMES: Final = "renames/"
_PAGE: Final = 1000
KEPT_SECONDS: Final = 8 * 86_400.0
"""Longer than any job may run."""


def key_of(place: Place) -> str:
    return f"{_FILES}{place.bucket}/{place.key}"


def prefix_of(place: Place) -> str:
    return f"{_FILES}{place.bucket}/{place.prefix}"


def rename_of(place: Place, name: str) -> str:
    """The row of a rename of that directory."""
    return f"{_RENAMES}{place.bucket}/{place.prefix}{name}"


def place_of(key: str) -> Place:
    """The place of a staged file."""
    bucket, _, rest = key.removeprefix(_FILES).partition("/")
    return Place(bucket, rest)


async def put(store: BucketStore, key: str, body: AsyncIterator[bytes]) -> Stat:
    """The staged object is there, whole, with the checksum that S3 will keep of it."""
    await store.create_bucket(STAGED)
    wanted = checksums.Wanted({}, {})
    async with store.draft(STAGED, dict(wanted.hashes)) as draft:
        async for data in body:
            await draft.write(data)
        sums = wanted.found(None, await draft.digests())
        return await draft.commit(key, {"_sums": sums})


async def move(store: BucketStore, old: str, new: str) -> None:
    """The staged object has another key. Raises Missing."""
    async with store.draft(STAGED) as draft:
        stat = await draft.adopt(STAGED, old)
        await draft.commit(new, stat.meta)
    await store.remove(STAGED, old)


async def mark(store: BucketStore, place: Place) -> None:
    """The directory is there for jobs, until something in it is, or was."""
    await put(store, prefix_of(place), _nothing())


async def settle(store: BucketStore, place: Place) -> None:
    """An object is there: what directories it lies in, its key says from now on, and nothing else."""
    parts = place.key.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        marker = prefix_of(Place(place.bucket, "/".join(parts[:depth])))
        if store.seen(STAGED, marker) is not None:
            await store.remove(STAGED, marker)


async def page(store: BucketStore, prefix: str, delimiter: str, after: str, limit: int = _PAGE) -> Page:
    try:
        return await store.page(STAGED, prefix, delimiter, after, limit)
    except Missing:  # nothing was ever staged
        return Page([], [], "", False)


async def every(store: BucketStore, prefix: str) -> AsyncIterator[Stat]:
    """Every staged object of that prefix, also while those that were given are taken away."""
    after = ""
    while True:
        found = await page(store, prefix, "", after)
        for stat in found.objects:
            yield stat
        if not found.truncated:
            return
        after = found.last


async def clear(store: BucketStore, place: Place) -> None:
    """Nothing is staged below the place, and its renames are forgotten."""
    for prefix in (prefix_of(place), rename_of(place, "")):
        while found := (await page(store, prefix, "", "")).objects:
            await store.delete_many(STAGED, [stat.key for stat in found])


async def tidy(rows: Store, store: BucketStore, clock: Clock) -> None:
    """Once in a while: what no running job can have staged is gone, and what was staged for a bucket that is gone."""
    old = clock.now() - KEPT_SECONDS
    there: dict[str, bool] = {}
    gone: list[str] = []
    async for stat in every(store, ""):
        bucket = place_of(stat.key).bucket
        if stat.key.startswith(_FILES) and bucket not in there:
            found = rows.page(BUCKET, Where(name_prefix=bucket), limit=1)
            there[bucket] = bool(found) and found[0].name == bucket
        if stat.modified < old or not there.get(bucket, True):
            gone.append(stat.key)
    for start in range(0, len(gone), _PAGE):
        await store.delete_many(STAGED, gone[start : start + _PAGE])


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
