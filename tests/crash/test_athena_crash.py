"""Killed at every await, a server makes each table of a query once, with each row once."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import HomeKeyRing
from clary.aws.gateway import Gateway
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.queries.base import Doc, Fetch, Queries, Statement
from clary.kernel.clock import SystemClock
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.services import athena, glue, s3
from clary.services.iam.effective import StoredIdentities
from tests.crash.harness import crashes, pausing
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

MADE = {"database": "db", "table": "t", "exists_ok": False, "properties": {}, "sql": "SELECT 1 a", "data": True}


class Canned:
    """The port, without a process: every query makes a table of one file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def lacks(self) -> str | None:
        return None

    def free(self) -> bool:
        return True

    async def read(self, sql: str, database: str, parameters: list[str] | None = None) -> Statement:
        return Statement("ctas", "DDL", "CREATE_TABLE_AS_SELECT", (), MADE)

    async def begin(self) -> "Canned":
        return self

    async def ask(self, question: Doc, fetch: Fetch | None = None) -> Doc:
        await asyncio.sleep(0)
        file = Path(question["out"]) / "data" / f"{question['name']}_0.parquet"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"rows")
        files = [{"path": f"data/{file.name}", "key": file.name, "values": []}]
        spent = {"bytes": 0, "input_bytes": 0, "run_ms": 1, "plan_ms": 1}
        return {"files": files, "rows": 1, "hive": [{"Name": "a", "Type": "int"}], **spent}

    def end(self, *, kill: bool = False) -> None:
        pass

    def scratch(self, uid: str) -> Path:
        found = self._directory / uid
        found.mkdir(parents=True, exist_ok=True)
        return found

    def forget(self, uid: str) -> None:
        pass


class Life:
    """One server's life on a home."""

    def __init__(self, directory: Path) -> None:
        clock = SystemClock()
        self.store = SqliteStore(directory / "state.db", clock)
        self.store.release()
        self.objects = DiskObjects(directory / "objects", clock)
        queries = Canned(directory / "queries")
        ports: dict[type, Any] = {
            BucketStore: self.objects,
            ObjectStore: self.objects,
            Queries: queries,
            IdentityPolicies: StoredIdentities(self.store, ACCOUNT),
        }
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        services = [athena.service, glue.service, s3.service]
        self.gateway = Gateway(services, ring=ring, store=self.store, clock=clock, ports=ports, account=ACCOUNT)
        ports[s3.happenings.Happenings] = s3.happenings.Happenings(self.store, self.objects, clock)
        found = athena.reconcilers(pausing(queries), self.gateway.inside, self.store, clock)
        machines = {**athena.MACHINES, **glue.MACHINES}
        reconcilers = {**found, **glue.catalog.reconcilers(self.store)}
        self.controller = Controller(self.store, clock, reconcilers, machines)

    async def call(self, service: str, operation: str, **params: Any) -> Doc:
        return await self.gateway.inside(ROOT, REGION).call(service, operation, params)

    async def settle(self) -> None:
        while await self.controller.tick():
            pass

    def close(self) -> None:
        self.objects.close()
        self.store.close()


async def make(directory: Path) -> None:
    directory.mkdir()
    life = Life(directory)
    await life.call("s3", "CreateBucket", Bucket="lake")
    await life.call("glue", "CreateDatabase", DatabaseInput={"Name": "db"})
    life.close()


async def query(directory: Path) -> None:
    shutil.copytree(directory.parent / "made", directory, dirs_exist_ok=True)
    life = Life(directory)
    token, place = "t" * 32, {"OutputLocation": "s3://lake/out/"}
    asked = {"QueryString": "CREATE TABLE t AS SELECT 1 a", "ClientRequestToken": token, "ResultConfiguration": place}
    await life.call("athena", "StartQueryExecution", **asked)
    await life.settle()
    life.close()


async def looked(directory: Path) -> tuple[Doc, list[str], int] | None:
    """After the next start: the execution, the objects of the table, and how many tables there are."""
    life = Life(directory)
    try:
        await life.settle()
        names = (await life.call("athena", "ListQueryExecutions")).get("QueryExecutionIds")
        if not names:
            return None  # killed before it was accepted
        said = (await life.call("athena", "GetQueryExecution", QueryExecutionId=names[0]))["QueryExecution"]
        listed = await life.call("s3", "ListObjectsV2", Bucket="lake", Prefix="out/tables/")
        tables = (await life.call("glue", "GetTables", DatabaseName="db"))["TableList"]
    finally:
        life.close()
    return said, [one["Key"] for one in listed.get("Contents", [])], len(tables)


def test_killed_at_every_await(tmp_path: Path) -> None:
    begun = 0
    asyncio.run(make(tmp_path / "made"))
    for crash in crashes(query, tmp_path):
        found = asyncio.run(looked(crash.directory))
        if found is None:
            assert not begun, crash
            continue
        said, keys, tables = found
        begun += 1
        assert said["Status"]["State"] == "SUCCEEDED", (crash, said)
        name = said["QueryExecutionId"]
        assert keys == [f"out/tables/{name}/{name}_0.parquet"], crash
        assert tables == 1, crash
    assert begun > 10
