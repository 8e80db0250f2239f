"""RENAME: how committers publish.

A staged file becomes an object in one step, without copying its bytes; an object is copied and then deleted, as S3
does it. A directory is renamed file by file: each of them is whole at its old or its new place. That takes many steps,
so a row of the staging area says where a rename of a directory was going to: when the client asks again, after a
crash in between, it goes on there and not into the half that it made.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Coroutine
from typing import Final
from urllib.parse import quote

import orjson

from clary.aws.http import Answer
from clary.engines.objects.base import BucketStore
from clary.kernel.errors import Missing
from clary.services.s3.hadoop import staging
from clary.services.s3.hadoop.places import Place, of_text
from clary.services.s3.hadoop.refused import absent, exists, not_empty
from clary.services.s3.hadoop.removing import delete_below, delete_file, delete_keys
from clary.services.s3.hadoop.status import below, children, find
from clary.services.s3.hadoop.visit import Visit, boolean, said
from clary.services.s3.hadoop.writing import publish
from clary.services.s3.incoming import Incoming

_AT_ONCE: Final = 8
"""Files of a directory that are renamed side by side: they share the disk's syncs."""


async def rename(visit: Visit) -> Answer:
    """HDFS's rule: into a directory that is there, else to that name; never over a file, unless `renameoptions` says
    so. false: it cannot be done. With options: FileNotFoundException, FileAlreadyExistsException."""
    old, new = visit.place, of_text(visit.text("destination"))
    options = {one.strip().upper() for one in visit.text("renameoptions").split(",") if one.strip()}
    if not new.bucket:
        return boolean(False)
    told = await _told(visit.objects, old, new)
    found = await find(visit, old)
    if found is None:
        # A staged path is never used again: that its rename is over was told to a client that is asking again.
        if told is None and options:
            raise absent(old.url)
        return _done(options) if told is not None and old.staged else boolean(False)
    if not old.key or old.holds(new):
        return boolean(False)
    if old == new:
        return _done(options) if not found.directory else boolean(False)
    if not found.directory and await _is_published(visit.objects, old, new):
        await visit.objects.remove(staging.STAGED, staging.key_of(old))
        return _done(options)
    target = told
    if target is None:
        target = await _target(visit, old, new, options, directory=found.directory)
        if target is None:
            return boolean(False)
    if not found.directory:
        await move(visit, old, target)
        return _done(options)
    await _tell(visit.objects, old, new, target)
    await _move_directory(visit, old, target)
    if not old.staged:
        await visit.objects.remove(staging.STAGED, _row(old, new))
    return _done(options)


async def _target(visit: Visit, old: Place, new: Place, options: set[str], *, directory: bool) -> Place | None:
    """Where it will be; None: it cannot. Raises Refused, where options were given."""
    there = await find(visit, new)
    if options - {"NONE", "TO_TRASH"}:
        if there is None:
            return new
        if directory != there.directory:
            raise exists(new.url, "is a directory" if there.directory else "is a file")
        if "OVERWRITE" not in options:
            raise exists(new.url)
        if there.directory:
            if await children(visit, new):
                raise not_empty(new.url)
            await delete_below(visit, new)
        return new
    if there is None:
        return new
    if options:
        raise exists(new.url)
    if not there.directory:
        return None
    inside = new.below(old.name)
    return inside if await find(visit, inside) is None and not old.holds(inside) and inside != old else None


async def _is_published(store: BucketStore, old: Place, new: Place) -> bool:
    """The staged file is the object already: what came in between its two steps was a crash."""
    if not old.staged or new.staged:
        return False
    here, there = store.seen(staging.STAGED, staging.key_of(old)), store.seen(new.bucket, new.key)
    if here is None or there is None or here.size != there.size:
        return False
    if here.etag == there.etag:
        return True
    first, second = store.local(staging.STAGED, here.key), store.local(new.bucket, new.key)
    if first is None or second is None:
        return False
    try:
        return await asyncio.to_thread(os.path.samefile, first, second)
    except FileNotFoundError:
        return False


async def move(visit: Visit, old: Place, new: Place) -> None:
    """The file is at its new place and not at the old one; at every moment it is whole at one of them. Raises
    ServiceError."""
    store = visit.objects
    if old.staged and new.staged:
        visit.must("PutObject", new)
        await staging.move(store, staging.key_of(old), staging.key_of(new))
    elif old.staged:
        staged = (staging.STAGED, staging.key_of(old))
        await publish(visit, new, Incoming(_nothing(), staged), overwrite=True)
        await store.remove(*staged)
    elif new.staged:
        visit.must("PutObject", new)
        found = await visit.perform("GetObject", {"Bucket": old.bucket, "Key": old.key})
        await staging.put(store, staging.key_of(new), found["Body"])
        await delete_file(visit, old)
    else:
        await _copy(visit, old, new)
        await delete_file(visit, old)


async def _copy(visit: Visit, old: Place, new: Place) -> None:
    source = quote(f"{old.bucket}/{old.key}", safe="/")
    await visit.perform("CopyObject", {"Bucket": new.bucket, "Key": new.key, "CopySource": source})
    await staging.settle(visit.objects, new)


async def _move_directory(visit: Visit, old: Place, new: Place) -> None:
    store = visit.objects
    if not old.staged:
        keys = [stat.key async for stat in below(visit, old)]
        pairs = [(Place(old.bucket, key), Place(new.bucket, new.prefix + key[len(old.prefix) :])) for key in keys]
        # All copies come before the first deletion: whatever refuses leaves the old ones.
        await _side_by_side([_moved_whole(visit, *pair) for pair in pairs])
        await delete_keys(visit, old.bucket, keys)
    prefix = staging.prefix_of(old)
    while found := (await staging.page(store, prefix, "", "")).objects:
        files = [stat.key for stat in found if not stat.key.endswith("/")]
        marks = [stat.key for stat in found if stat.key.endswith("/")]
        for mark in marks:
            await _move_mark(visit, mark[len(prefix) :], new)
        await _side_by_side(
            [move(visit, staging.place_of(key), Place(new.bucket, new.prefix + key[len(prefix) :])) for key in files]
        )
        await store.delete_many(staging.STAGED, marks)


async def _moved_whole(visit: Visit, old: Place, new: Place) -> None:
    if new.staged:
        found = await visit.perform("GetObject", {"Bucket": old.bucket, "Key": old.key})
        await staging.put(visit.objects, staging.key_of(new), found["Body"])
    else:
        await _copy(visit, old, new)


async def _move_mark(visit: Visit, rest: str, new: Place) -> None:
    """A directory with nothing in it but, perhaps, other directories, stays one."""
    place = Place(new.bucket, (new.prefix + rest).strip("/"))
    if await find(visit, place) is None:
        visit.must("PutObject", Place(place.bucket, place.prefix))
        await staging.mark(visit.objects, place)


async def _side_by_side(work: list[Coroutine[None, None, None]]) -> None:
    """All done. When one fails, those that have begun end first: nothing goes on behind a refusal."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(step: Coroutine[None, None, None]) -> None:
        async with gate:
            await step

    done = await asyncio.gather(*(one(step) for step in work), return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result


def _row(old: Place, new: Place) -> str:
    return staging.rename_of(old, hashlib.sha256(new.url.encode()).hexdigest())


async def _told(store: BucketStore, old: Place, new: Place) -> Place | None:
    """Where that rename of a directory was going to, if it has begun."""
    try:
        found = await store.open(staging.STAGED, _row(old, new))
    except Missing:
        return None
    bucket, key = orjson.loads(b"".join([data async for data in found.stream()]))
    return Place(bucket, key)


async def _tell(store: BucketStore, old: Place, new: Place, target: Place) -> None:
    async def once() -> AsyncIterator[bytes]:
        yield orjson.dumps([target.bucket, target.key])

    await staging.put(store, _row(old, new), once())


def _done(options: set[str]) -> Answer:
    """With options, success says nothing."""
    return said(b"") if options else boolean(True)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
