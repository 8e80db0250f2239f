"""Killed at many a line of a push, the registry never shows half an image, and the client's next try ends the same."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import HomeKeyRing, KeyRing
from clary.aws.errors import ServiceError
from clary.aws.gateway import Gateway
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.kernel.clock import ManualClock
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.services import ecr
from clary.services.ecr import blobs, images, layers, repositories
from clary.services.ecr.api import IMAGE, KINDS, LAYER, REPOSITORY, TAG
from tests.crash.harness import crashes
from tests.ecr_house import digest_of, manifest
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

pytestmark = pytest.mark.slow
CONFIG, DATA = b"{}", b"0123456789"
MANIFEST = manifest(CONFIG, DATA).decode()
NAME = {"repositoryName": "mine"}


class Life:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(1_000.0)
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.objects = DiskObjects(directory / "objects", self.clock)
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        ports: dict[type, Any] = {BucketStore: self.objects, KeyRing: ring}
        self.gateway = Gateway(
            [ecr.service], ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT
        )

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.gateway.inside(ROOT, REGION).call("ecr", operation, {**NAME, **params})

    async def push(self) -> None:
        """As clients do: what is there already is passed over."""
        await self.unless("RepositoryAlreadyExistsException", "CreateRepository")
        for data in (CONFIG, DATA):
            found = await self.call("BatchCheckLayerAvailability", layerDigests=[digest_of(data)])
            if found["layers"][0]["layerAvailability"] == "AVAILABLE":
                continue
            upload = (await self.call("InitiateLayerUpload"))["uploadId"]
            for start, piece in ((0, data[:1]), (1, data[1:])):
                last = start + len(piece) - 1
                part = {"partFirstByte": start, "partLastByte": last, "layerPartBlob": piece}
                await self.call("UploadLayerPart", uploadId=upload, **part)
            await self.call("CompleteLayerUpload", uploadId=upload, layerDigests=[digest_of(data)])
        await self.unless("ImageAlreadyExistsException", "PutImage", imageManifest=MANIFEST, imageTag="1")

    async def unless(self, code: str, operation: str, **params: Any) -> None:
        try:
            await self.call(operation, **params)
        except ServiceError as error:
            if error.error_code != code:
                raise

    async def whole(self) -> None:
        """Whatever the registry shows can be read, and is what it says."""
        named = {one.spec["digest"] for one in self.reachable(TAG)}
        shown = self.reachable(IMAGE)
        assert named <= {one.name.partition(":")[2] for one in shown}
        linked = {one.name.partition(":")[2] for one in self.reachable(LAYER)}
        for image in shown:
            assert set(image.spec["layers"]) <= linked
        for digest in linked | {one.name.partition(":")[2] for one in shown}:
            assert digest_of(await blobs.read(self.gateway.inside(ROOT, REGION), digest)) == digest

    def reachable(self, kind: str) -> list[Resource]:
        """What hangs on a repository that is still there."""
        there = {one.uid for one in self.store.page(REPOSITORY, Where())}
        return [one for one in self.store.page(kind, Where()) if one.parent in there]

    async def tidied(self) -> tuple[list[int], int]:
        """How many rows of each kind and how many blobs are left a day later."""
        later = ManualClock(self.clock.now() + 1e10)
        await ecr.tidying.tidy(self.store, self.objects, later)
        await self.objects.create_bucket(blobs.BUCKET)  # killed before the first blob, there is none
        found = await self.objects.list(blobs.BUCKET, blobs.PREFIX, "", 100)
        return [self.store.count(kind, Where()) for kind in KINDS], len(found)

    def close(self) -> None:
        self.objects.close()
        self.store.close()


@contextmanager
def life(directory: Path) -> Iterator[Life]:
    made = Life(directory)
    try:
        yield made
    finally:
        made.close()


async def pushed(directory: Path) -> None:
    await Life(directory).push()


async def pushed_and_deleted(directory: Path) -> None:
    one = Life(directory)
    await one.push()
    await one.call("DeleteRepository", force=True)


async def recovered(directory: Path) -> tuple[list[int], int]:
    with life(directory) as one:
        await one.whole()
        await one.push()
        await one.whole()
        return await one.tidied()


def test_a_push_killed_at_any_line_is_pushed_again(tmp_path: Path) -> None:
    for crash in crashes(pushed, tmp_path, lines_of=(images, layers), step=9):
        # One image, one tag, two layers, no upload; two layers and a manifest.
        assert asyncio.run(recovered(crash.directory)) == ([1, 1, 2, 0], 3), crash


async def swept(directory: Path) -> tuple[list[int], int]:
    with life(directory) as one:
        await one.whole()
        await one.unless("RepositoryNotFoundException", "DeleteRepository", force=True)
        return await one.tidied()


def test_a_deletion_killed_at_any_line_leaves_nothing_for_good(tmp_path: Path) -> None:
    for crash in crashes(pushed_and_deleted, tmp_path, lines_of=(repositories,), step=4):
        assert asyncio.run(swept(crash.directory)) == ([0, 0, 0, 0], 0), crash
