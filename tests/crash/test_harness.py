"""The crash harness on a toy: a door that is built in two steps outside and told of in the store."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from clary.kernel import reconcile
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Exists
from clary.kernel.reconcile import Controller, Step, again, move
from clary.kernel.resource import Resource, StateMachine
from clary.kernel.sqlite import SqliteStore
from tests.crash.harness import Crash, crashes, pausing

DOOR = StateMachine("DoorStatus", "Asked", {"Asked": {"Framed"}, "Framed": {"Hung"}})


class World:
    """What is outside the store and survives: a directory."""

    def __init__(self, root: Path) -> None:
        self.log = root / "log"

    async def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    async def write(self, line: str) -> None:
        with self.log.open("a") as file:
            file.write(line + "\n")


class DoorReconciler:
    """Frame, then hang; each step looks before it does."""

    def __init__(self, world: Any, careful: bool = True) -> None:
        self.world = world
        self.careful = careful

    async def __call__(self, door: Resource) -> Step:
        step = "frame" if door.phase == "Asked" else "hang"
        done = await self.world.lines()
        if step not in done or not self.careful:
            await self.world.write(step)
        if door.phase == "Asked":
            return move("Framed", after=1.0)
        return move("Hung") if "hang" in await self.world.lines() else again(1.0)

    def give_up(self, resource: Resource, error: Exception) -> Step:
        raise error


async def build(root: Path, careful: bool = True, later: float = 0.0) -> None:
    """Ask for the door, then keep the loop going until it hangs. Also what recovery does, `later` seconds later."""
    clock = ManualClock(1000.0 + later)
    store = SqliteStore(root / "state.db", clock)
    reconciler = DoorReconciler(pausing(World(root)), careful)
    controller = Controller(store, clock, {"door": reconciler}, {"door": DOOR})
    with suppress(Exists):
        store.create(Resource("door", "front", "1", "r", uid="u", phase=DOOR.initial, due=clock.now()))
    while store.get("1", "r", "door", "front").phase != "Hung":
        await controller.tick()
        clock.advance(1.0)
    store.close()


async def careless(root: Path) -> None:
    await build(root, careful=False)


def ends(crash: Crash, careful: bool = True) -> tuple[str, list[str], list[str]]:
    """What is true after the recovery: the phase, the world, the events."""
    asyncio.run(build(crash.directory, careful, later=60.0))
    store = SqliteStore(crash.directory / "state.db", ManualClock())
    try:
        phase = store.get("1", "r", "door", "front").phase
        return phase, asyncio.run(World(crash.directory).lines()), [event.phase for event in store.events(0, 10)]
    finally:
        store.close()
        if not crash.completed:
            shutil.rmtree(crash.directory)


END = ("Hung", ["frame", "hang"], ["Asked", "Framed", "Hung"])


def test_every_await_is_survived(tmp_path: Path) -> None:
    seen = list(crashes(build, tmp_path))
    assert [crash.completed for crash in seen] == [False] * (len(seen) - 1) + [True]
    assert len(seen) > 12
    assert any(crash.where.startswith("test_harness.py") and crash.where.endswith(" __call__") for crash in seen)
    for crash in seen:
        assert ends(crash) == END, crash


def test_every_line_of_the_controller_is_survived(tmp_path: Path) -> None:
    for crash in crashes(build, tmp_path, lines_of=[reconcile]):
        assert ends(crash) == END, crash


def test_a_step_that_cannot_be_repeated_is_found_out(tmp_path: Path) -> None:
    assert any(ends(crash, careful=False) != END for crash in crashes(careless, tmp_path))


async def test_it_also_works_inside_a_loop(tmp_path: Path) -> None:
    assert [crash.completed for crash in crashes(_two_naps, tmp_path)] == [False] * 4 + [True]


async def _two_naps(root: Path) -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _raises(root: Path) -> None:
    raise RuntimeError("as it happens")


async def _never(root: Path) -> None:
    await asyncio.get_running_loop().create_future()


async def _cancels(root: Path) -> None:
    task = asyncio.create_task(_never(root))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_scenario_that_fails_by_itself_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="as it happens"):
        list(crashes(_raises, tmp_path))


def test_a_scenario_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="longer than"):
        list(crashes(_never, tmp_path, timeout=0.3))


def test_cancelled_tasks_are_driven_as_ever(tmp_path: Path) -> None:
    assert list(crashes(_cancels, tmp_path))[-1].completed
