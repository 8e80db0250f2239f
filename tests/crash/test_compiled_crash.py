"""A model that is compiled and deployed, killed at places where the control process gives way: the end is the same."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clary.kernel.reconcile import Controller
from clary.services.sagemaker import MACHINES, reconcilers
from tests.crash.harness import crashes, pausing
from tests.services.test_sagemaker_compiled import Compiler, deploy, described, model
from tests.services.test_sagemaker_endpoints import archive

START = 1_700_000_000.0
LATER = 3600.0
"""How long after the crash the next process starts: every lease has lapsed."""


class Fragile(Compiler):
    """Its engines give way at each call, so that it can be killed before and after each."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, START)
        ports = {"runner": pausing(self.runner), "serving": pausing(self.serving), "graphs": pausing(self.graphs)}
        self.reconcilers = reconcilers(replace(self.engines, **ports))
        self.controller = Controller(self.store, self.clock, self.reconcilers, MACHINES)


async def live(directory: Path) -> None:
    house = Fragile(directory)
    house.objects.write("lake", "models/job/output/model.tar.gz", archive(model=b"weights"))
    await model(house)
    await house.run(1.0)
    await deploy(house)
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(1.0)


async def after(directory: Path) -> None:
    """Whatever was begun is ended, and can be begun again."""
    house = Compiler(directory, START + LATER)
    try:
        house.objects.write("lake", "models/job/output/model.tar.gz", archive(model=b"weights"))
        await house.run(60.0)
        if house.count("model"):
            (row,) = house.rows()
            assert row.phase == "Compiled"
            assert house.graphs.kept() == [row.name]
            assert 1 <= len(house.runner.starts()) <= 2
            if house.count("endpoint"):
                assert house.routes()[0].startswith("graph:")
                assert (await described(house))["EndpointStatus"] == "InService"
            else:
                assert house.graphs.asked() == {}
        assert await house.runner.uids() == []
        if house.count("endpoint"):
            await house.call("DeleteEndpoint", EndpointName="e")
        if house.count("model"):
            await house.call("DeleteModel", ModelName="m")
        await house.run(3 * 3600.0)
        assert house.rows() == []
        assert house.graphs.kept() == []
        assert house.graphs.asked() == {}
    finally:
        house.close()


@pytest.mark.slow
def test_a_kill_changes_nothing_of_the_end(tmp_path: Path) -> None:
    count = 0
    for crash in crashes(live, tmp_path, step=3):
        try:
            asyncio.run(after(crash.directory))
        except Exception as error:
            raise AssertionError(f"killed at point {crash.number} ({crash.where})") from error
        shutil.rmtree(crash.directory)
        count += 1
    assert count > 20
