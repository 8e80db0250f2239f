"""Garbage of the registry: rows whose repository is gone, uploads that nobody ends, layers that no image needs, and the
blobs that no row names."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from clary.engines.objects.base import BucketStore, ConditionFailed, OnlyIf
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.ecr import blobs
from clary.services.ecr.api import IMAGE, KINDS, LAYER, PAGE, REPOSITORY, UPLOAD, own_name

UNNEEDED_SECONDS: Final = 86_400.0
"""A layer that no image needs yet may be one whose manifest is still to come, and an upload may be resumed."""


async def tidy(store: Store, objects: BucketStore, clock: Clock) -> None:
    """Once in a while. What is younger than a day is left alone: it is on its way."""
    old = clock.now() - UNNEEDED_SECONDS
    _forget_orphans(store)
    needed: dict[str, set[str]] = {}
    named: set[str] = set()
    for image in _all(store, IMAGE):
        needed.setdefault(image.parent, set()).update(image.spec["layers"])
        named.add(own_name(image))
    for upload in _all(store, UPLOAD):
        if upload.modified < old:
            _delete(store, upload)
        else:
            named.update(part for part, _ in upload.status["_parts"])
    for layer in _all(store, LAYER):
        if layer.modified < old and own_name(layer) not in needed.get(layer.parent, ()):
            _delete(store, layer)
        else:
            named.add(own_name(layer))
    await _collect(store, objects, named, old)


async def _collect(store: Store, objects: BucketStore, named: set[str], old: float) -> None:
    after = ""
    with suppress(Missing):  # nothing was ever pushed
        while found := await objects.list(blobs.BUCKET, blobs.PREFIX, after, PAGE):
            after = found[-1].key
            for one in found:
                digest = f"sha256:{one.key.rpartition('/')[2]}"
                # Young ones are spared: their rows are written after them. One that is pushed again at this moment is
                # another object, and stays.
                if one.modified < old and digest not in named:
                    with suppress(ConditionFailed, Missing):
                        await objects.remove(blobs.BUCKET, one.key, only_if=OnlyIf(modified=float(int(one.modified))))


def _forget_orphans(store: Store) -> None:
    for kind in KINDS:
        for one in _all(store, kind):
            try:
                store.find(REPOSITORY, one.parent)
            except Missing:
                _delete(store, one)


def _all(store: Store, kind: str) -> Iterator[Resource]:
    after: list[object] | None = None
    while found := store.page(kind, Where(), after=after, limit=PAGE):
        yield from found
        last = found[-1]
        after = [last.name, last.name, last.account, last.region]


def _delete(store: Store, one: Resource) -> None:
    with suppress(Stale):
        store.delete(one)
