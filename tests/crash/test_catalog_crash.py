"""Killed at many a line, the catalog shows no half change: a client's next try, and the removal, end the same."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import HomeKeyRing, KeyRing
from clary.aws.errors import ServiceError
from clary.aws.gateway import Gateway
from clary.kernel.clock import ManualClock
from clary.kernel.reconcile import Controller
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from clary.services import glue
from clary.services.glue import removals as removing
from clary.services.glue.catalog import databases, names, partitions, removals, tables, versions
from tests.catalog_house import table
from tests.crash.harness import crashes
from tests.inprocess import ACCOUNT, REGION, ROOT, ROOT_KEYS

pytestmark = pytest.mark.slow

KINDS = (
    names.DATABASE,
    names.TABLE,
    names.VERSION,
    names.PARTITION,
    names.STATISTICS,
    names.FUNCTION,
    removals.REMOVAL,
)
OF = {"DatabaseName": "lake", "TableName": "t"}


class Life:
    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(1_000.0)
        self.store = SqliteStore(directory / "state.db", self.clock)
        self.store.release()  # as a control process does when it starts
        ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32)
        ports: dict[type, Any] = {KeyRing: ring}
        self.gateway = Gateway(
            [glue.service], ring=ring, store=self.store, clock=self.clock, ports=ports, account=ACCOUNT
        )
        self.controller = Controller(self.store, self.clock, glue.catalog.reconcilers(self.store), {})

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return await self.gateway.inside(ROOT, REGION).call("glue", operation, params)

    async def unless(self, codes: str, operation: str, **params: Any) -> None:
        try:
            await self.call(operation, **params)
        except ServiceError as error:
            if error.error_code not in codes:
                raise

    async def settle(self) -> None:
        while await self.controller.tick():
            pass

    def count(self) -> dict[str, int]:
        return {kind: self.store.count(kind, Where()) for kind in KINDS}

    async def make(self) -> None:
        """A database, a table with partitions and statistics, as a client that tries again makes them."""
        exists = "AlreadyExistsException"
        await self.unless(exists, "CreateDatabase", DatabaseInput={"Name": "lake"})
        await self.unless(exists, "CreateTable", DatabaseName="lake", TableInput=table("t", "day:string"))
        await self.call("BatchCreatePartition", **OF, PartitionInputList=[{"Values": [str(day)]} for day in range(3)])
        data = {"NumberOfTrues": 1, "NumberOfFalses": 1, "NumberOfNulls": 0}
        said = {"Type": "BOOLEAN", "BooleanColumnStatisticsData": data}
        one = {"ColumnName": "a", "ColumnType": "boolean", "AnalyzedTime": 1, "StatisticsData": said}
        await self.call("UpdateColumnStatisticsForPartition", **OF, PartitionValues=["1"], ColumnStatisticsList=[one])

    async def change(self) -> None:
        """Two commits, each on the version that the client read; what was committed is not committed again."""
        for number in (1, 2):
            now = (await self.call("GetTable", DatabaseName="lake", Name="t"))["Table"]
            if int(now.get("Description", "0")) < number:
                new = table("t", "day:string", Description=str(number))
                await self.call("UpdateTable", DatabaseName="lake", TableInput=new, VersionId=now["VersionId"])

    async def destroy(self) -> None:
        gone = "EntityNotFoundException"
        await self.unless(gone, "DeletePartition", **OF, PartitionValues=["1"])
        await self.unless(gone, "DeleteTable", DatabaseName="lake", Name="t")
        again = f"{gone} AlreadyExistsException"
        await self.unless(again, "CreateTable", DatabaseName="lake", TableInput=table("second", "day:string"))
        await self.unless(gone, "DeleteDatabase", Name="lake")


async def changing(directory: Path) -> None:
    life = Life(directory)
    await life.make()
    await life.change()
    life.store.close()


async def changed(directory: Path) -> list[tuple[str, str | None]]:
    life = Life(directory)
    try:
        await life.make()
        await life.change()
        await life.settle()
        assert life.count() == {
            names.DATABASE: 1,
            names.TABLE: 1,
            names.VERSION: 2,
            names.PARTITION: 3,
            names.STATISTICS: 1,
            names.FUNCTION: 0,
            removals.REMOVAL: 0,
        }
        found = (await life.call("GetTableVersions", **OF))["TableVersions"]
        return [(one["VersionId"], one["Table"].get("Description")) for one in found]
    finally:
        life.store.close()


async def destroying(directory: Path) -> None:
    life = Life(directory)
    await life.make()
    await life.change()
    await life.destroy()
    await life.settle()
    life.store.close()


async def destroyed(directory: Path) -> dict[str, int]:
    """Whatever can be reached after the kill is whole, and a second try leaves nothing."""
    life = Life(directory)
    try:
        await life.destroy()
        await life.settle()
        return life.count()
    finally:
        life.store.close()


def test_a_change_that_was_cut_short_is_made_once(tmp_path: Path) -> None:
    for crash in crashes(changing, tmp_path, lines_of=(databases, tables, versions, partitions), step=5):
        assert asyncio.run(changed(crash.directory)) == [("2", "2"), ("1", "1"), ("0", None)], crash


def test_a_removal_that_was_cut_short_leaves_nothing(tmp_path: Path) -> None:
    for crash in crashes(destroying, tmp_path, lines_of=(databases, removals, removing, tables, partitions), step=5):
        assert not any(asyncio.run(destroyed(crash.directory)).values()), crash
