"""Runs of Glue's jobs and their triggers, killed at every place where they give way: always the same end."""

import asyncio
from pathlib import Path
from typing import Any

from clary.engines.runners.base import Work
from clary.kernel.clock import ManualClock
from clary.kernel.reconcile import Controller
from clary.services.glue import MACHINES, reconcilers
from tests.crash.harness import crashes, pausing
from tests.glue_house import House, job_request

START = 1_700_000_000.0
LATER = 3600.0
"""How long after the crash the next process starts: every lease has lapsed."""


def behave(uid: str, work: Work, root: Path) -> int:
    """The first attempt of "job" commits a bookmark and fails; everything else does well."""
    (root.parent / "log").write_text("printed\n")
    (root / "output" / "stderr").write_text("complained\n")
    said = (root / "input" / "config" / "etl.json").read_text()
    if '"JobName": "job"' not in said:
        return 0
    (root / "output" / "bookmark.json").write_text('{"version":1}')
    return 1 if '"Attempt": 0' in said else 0


class Fragile(House):
    """A house whose engines give way at each call, so that the child can be killed before and after it."""

    def __init__(self, directory: Path, start: float = START) -> None:
        super().__init__(directory, behave=behave, clock=ManualClock(start))
        members = {name: getattr(self.engines, name) for name in self.engines.__slots__}
        runner: Any = pausing(self.runner)
        fragile = type(self.engines)(**{**members, "runner": runner, "spark": runner})
        self.controller = Controller(self.store, self.clock, reconcilers(fragile), MACHINES)

    async def _call(self, ctx: Any, name: str, operation: str, req: Any) -> Any:
        await asyncio.sleep(0)
        answer = await super()._call(ctx, name, operation, req)
        await asyncio.sleep(0)
        return answer


async def life(directory: Path) -> None:
    """A job that fails and is tried again, a trigger that waits for its success, and the job that it starts."""
    house = Fragile(directory)
    for name in ("job", "after"):
        house.objects.write("lake", f"scripts/{name}.py", b"print(1)")
    await house.call("CreateJob", **job_request("after"))
    arguments = {"--job-bookmark-option": "job-bookmark-enable"}
    await house.call("CreateJob", **job_request("job", MaxRetries=1, DefaultArguments=arguments))
    condition = {"LogicalOperator": "EQUALS", "JobName": "job", "State": "SUCCEEDED"}
    asked = {"Predicate": {"Conditions": [condition]}, "Actions": [{"JobName": "after"}], "StartOnCreation": True}
    await house.call("CreateTrigger", Name="t", Type="CONDITIONAL", **asked)
    await house.start()
    await house.run(10.0)


async def stopped(directory: Path) -> None:
    """A run is stopped, and its job deleted."""
    house = Fragile(directory)
    house.runner.behave = lambda uid, work, root: None
    house.objects.write("lake", "scripts/job.py", b"print(1)")
    await house.call("CreateJob", **job_request("job"))
    run = await house.start()
    await house.run(1.0)
    await house.call("BatchStopJobRun", JobName="job", JobRunIds=[run])
    await house.run(2.0)
    await house.call("DeleteJob", JobName="job")
    await house.run(2.0)


async def after_life(directory: Path) -> None:
    """The next process on what the killed one left."""
    house = House(directory, behave=behave, clock=ManualClock(START + LATER))
    try:
        await house.run(60.0)
        runs = house.runs()
        if not runs:
            return  # killed before the request was answered: nobody was promised anything
        assert [(one.spec["JobName"], one.spec["Attempt"], one.phase) for one in runs] == [
            ("job", 0, "FAILED"),
            ("job", 1, "SUCCEEDED"),
            ("after", 0, "SUCCEEDED"),
        ]
        for one in runs:
            assert house.lines("/aws-glue/python-jobs/output", one.name) == ["printed"]
            assert house.lines("/aws-glue/python-jobs/error", one.name) == ["complained"]
        entry = (await house.call("GetJobBookmark", JobName="job"))["JobBookmarkEntry"]
        assert (entry["JobBookmark"], entry["Run"], entry["RunId"]) == ('{"version":1}', 2, runs[1].name)
        starts = house.runner.starts()
        assert len(starts) == len(set(starts)) == 3
        assert await house.runner.uids() == []
    finally:
        house.close()


async def after_stopped(directory: Path) -> None:
    house = House(directory, clock=ManualClock(START + LATER))
    try:
        await house.run(60.0)
        if house.runs():  # killed before the job was deleted
            assert house.runs()[0].phase in ("STOPPED", "RUNNING")
            await house.call("DeleteJob", JobName="job")
            await house.run(200.0)
        assert house.runs() == [] and await house.runner.uids() == []
    finally:
        house.close()


def test_a_run_that_is_tried_again_and_its_trigger_end_alike_wherever_they_are_killed(tmp_path: Path) -> None:
    last = 0
    for crash in crashes(life, tmp_path):
        asyncio.run(after_life(crash.directory))
        last = crash.number
    assert last > 40


def test_a_stop_and_the_end_of_a_job_leave_nothing_wherever_they_are_killed(tmp_path: Path) -> None:
    for crash in crashes(stopped, tmp_path):
        asyncio.run(after_stopped(crash.directory))
