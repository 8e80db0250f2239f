"""Killed at any await of a commit through the Hadoop door: every object is whole or not there, and the client that asks
again gets what it wanted."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import pytest
from botocore.awsrequest import AWSPreparedRequest

from clary.algorithms.etl.files import token
from clary.aws.credentials import HomeKeyRing, KeyRing
from clary.aws.gateway import Gateway
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.kernel.clock import SystemClock
from clary.kernel.sqlite import SqliteStore
from clary.services import s3
from clary.services.s3.hadoop import staging
from tests.crash.harness import crashes, pausing
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS, URL, drive

pytestmark = pytest.mark.slow
TASK = "/data/out/_temporary/0/task_0"
BODIES = {"k=1/large": bytes(range(256)) * 256, "small": b"1"}
HEADERS = {f"X-Clary-Token-{token(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key, '')}": '""'}


class Life:
    def __init__(self, directory: Path) -> None:
        clock = SystemClock()
        self.store = SqliteStore(directory / "state.db", clock)
        self.objects = DiskObjects(directory / "objects", clock)
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        port: Any = pausing(self.objects)
        told = s3.happenings.Happenings(self.store, port, clock)
        ports: dict[type, Any] = {BucketStore: port, KeyRing: ring, s3.happenings.Happenings: told}
        self.gateway = Gateway([s3.service], ring=ring, store=self.store, clock=clock, ports=ports, account=ACCOUNT)

    async def ask(self, method: str, operation: str, path: str, body: bytes = b"", **more: str) -> Any:
        query = urlencode({"op": operation, **more})
        asked = AWSPreparedRequest(method, f"{URL}/webhdfs/v1{path}?{query}", dict(HEADERS), body, False)
        status, headers, said = await drive(self.gateway, asked)
        if status == 307:
            where = urlsplit(headers["location"])
            return await self.ask(method, operation, path, body, data="true", **more) if where.query else None
        assert status in (200, 201), said
        return orjson.loads(said) if said else None

    async def bucket(self) -> None:
        await self.gateway.inside(ROOT, REGION).call("s3", "CreateBucket", {"Bucket": "data"})

    async def stage(self) -> None:
        for name, body in BODIES.items():
            await self.ask("PUT", "CREATE", f"{TASK}/{name}", body, overwrite="true")

    async def publish(self) -> bool:
        done = await self.ask("PUT", "RENAME", TASK, destination="/data/done")
        return bool(done["boolean"])

    async def shown(self) -> list[str]:
        """What S3 shows; each is what was written."""
        call = self.gateway.inside(ROOT, REGION).call
        found = (await call("s3", "ListObjectsV2", {"Bucket": "data"})).get("Contents", [])
        for one in found:
            body = await (await call("s3", "GetObject", {"Bucket": "data", "Key": one["Key"]}))["Body"].__anext__()
            wanted = BODIES[one["Key"].removeprefix("done/")]
            assert body == wanted
            assert one["ETag"].strip('"') == hashlib.md5(wanted, usedforsecurity=False).hexdigest()
        return [one["Key"] for one in found]

    def close(self) -> None:
        self.objects.close()
        self.store.close()


async def committed(directory: Path) -> None:
    one = Life(directory)
    await one.bucket()
    (directory / "bucket").touch()
    await one.stage()
    (directory / "staged").touch()
    assert await one.publish()


async def recovered(directory: Path) -> tuple[list[str], list[str]]:
    """(keys that S3 shows, keys that are staged) after the client has gone on."""
    one = Life(directory)
    try:
        if not (directory / "bucket").exists():
            await one.bucket()
        shown = await one.shown()
        if not (directory / "staged").exists():
            assert shown == []
            await one.stage()
        assert await one.publish()
        left = [stat.key async for stat in staging.every(one.objects, "files/")]
        return await one.shown(), left
    finally:
        one.close()


def test_a_commit_killed_at_any_await_ends_the_same(tmp_path: Path) -> None:
    for crash in crashes(committed, tmp_path, step=2):
        assert asyncio.run(recovered(crash.directory)) == (["done/k=1/large", "done/small"], []), crash
