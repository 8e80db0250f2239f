"""A crawl, killed wherever it gives way: its tables and its counts are the same, each done and told of once."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from clary.aws.authorize import IdentityPolicies, Role, Standing
from clary.aws.credentials import HomeKeyRing, Principal
from clary.aws.gateway import Gateway
from clary.aws.service import Context
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.kernel.telemetry import LogStreamName
from clary.services import glue, s3
from clary.services.glue.crawlers import Crawling
from clary.services.glue.crawlers.rows import CRAWL, CRAWLER, PAGE
from tests.crash.harness import crashes
from tests.crawlers_house import TRUST, HereSurveys
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

START = 1_700_000_000.0
LATER = 1_000.0
CSV = b"id,price,name\n1,2.5,a\n2,3,b\n"


class Small:
    """As much of a house as a crawl needs, on one loop."""

    def __init__(self, directory: Path, now: float = START) -> None:
        self.clock = ManualClock(now)
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.objects = DiskObjects(directory / "objects", self.clock)
        self.logs = SegmentLogs(directory / "logs", self.clock)
        ports: dict[type, Any] = {BucketStore: self.objects, ObjectStore: self.objects, IdentityPolicies: self}
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        services = [glue.service, s3.service]
        self.gateway = Gateway(
            services, ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT, strict=True
        )
        crawling = Crawling(
            objects=self.objects,
            logs=self.logs,
            clock=self.clock,
            store=self.store,
            inside=lambda principal, region: self.context(),
            identities=self,
            scratch=directory / "scratch",
            surveys=HereSurveys(),
        )
        reconcilers = {**glue.catalog.reconcilers(self.store), **glue.crawlers.reconcilers(crawling)}
        self.controller = Controller(self.store, self.clock, reconcilers, glue.MACHINES)

    def context(self) -> Context:
        return self.gateway.inside(ROOT, REGION)

    def of(self, principal: Principal) -> Standing:
        return Standing()

    def role(self, arn: str) -> Role | None:
        return Role("crawler", arn, "AROAEXAMPLE", TRUST, 3600)

    async def glue(self, operation: str, **params: Any) -> Any:
        return await self.context().call("glue", operation, params)

    async def run(self) -> None:
        while await self.controller.tick():
            pass
        due = self.store.next_due()
        if due is not None and due < self.clock.now() + 300:
            self.clock.advance(max(0.0, due - self.clock.now()))
            await self.run()

    def close(self) -> None:
        self.objects.close()
        self.logs.close()
        self.store.close()


async def crawl(directory: Path) -> None:
    house = Small(directory)
    put = house.context()
    await put.call("s3", "CreateBucket", {"Bucket": "lake"})
    for key in ("a/year=1/x.csv", "a/year=2/x.csv", "b/y.json"):
        body = b'{"q": 1}' if key.endswith("json") else CSV
        await put.call("s3", "PutObject", {"Bucket": "lake", "Key": key, "Body": body})
    targets = {"S3Targets": [{"Path": "s3://lake/"}]}
    await house.glue("CreateCrawler", Name="c", Role="crawler", DatabaseName="db", Targets=targets)
    await house.glue("StartCrawler", Name="c")
    await house.run()
    house.close()


async def after(directory: Path) -> None:
    house = Small(directory, START + LATER)
    try:
        try:
            row = house.store.get(ACCOUNT, REGION, CRAWLER, "c")
        except Missing:
            return  # killed before the request was answered
        if row.phase == "READY" and "_last" not in row.status:
            return  # made, but not yet started
        await house.run()
        row = house.store.get(ACCOUNT, REGION, CRAWLER, "c")
        assert (row.phase, row.status["_last"]["Status"]) == ("READY", "SUCCEEDED"), row.status
        [one] = house.store.page(CRAWL, Where())
        counts = {name: many for name, many in one.status["_counts"].items() if many}
        assert counts == {"files seen": 3, "tables created": 2, "partitions created": 2}, counts
        tables = (await house.glue("GetTables", DatabaseName="db"))["TableList"]
        assert [table["Name"] for table in tables] == ["a", "b"]
        parts = (await house.glue("GetPartitions", DatabaseName="db", TableName="a"))["Partitions"]
        assert [part["Values"] for part in parts] == [["1"], ["2"]]
        assert house.store.count(PAGE, Where()) == 0
        stream = LogStreamName(ACCOUNT, REGION, "/aws-glue/crawlers", "c")
        lines = [event.message for event in house.logs.last(stream, 100)]
        assert len(lines) == len(set(lines)) == 10, lines
    finally:
        house.close()


@pytest.mark.slow
def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path) -> None:
    count = 0
    for crash in crashes(crawl, tmp_path, step=3):
        try:
            asyncio.run(after(crash.directory))
        except Exception as error:
            raise AssertionError(f"killed at point {crash.number} ({crash.where})") from error
        shutil.rmtree(crash.directory)
        count += 1
    assert count > 10
