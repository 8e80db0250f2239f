"""An asynchronous invocation, killed at every place where it gives way: it has one final object, and is told of."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from clary.engines.serving.base import Reply
from clary.kernel.clock import ManualClock
from tests.asynchronous_house import AsyncHouse
from tests.crash.harness import crashes, pausing

START = 1_700_000_000.0
LATER = 120.0
"""How long after the crash the next process starts: every lease has lapsed."""
ACCEPTED = "accepted"


class Fragile(AsyncHouse):
    """The model and S3 give way at each call, so that the child can be killed before and after it."""

    def __init__(self, directory: Path, start: float = START) -> None:
        super().__init__(directory, clock=ManualClock(start))
        self.serving.model = model
        self.assemble({"serving": pausing(self.serving)})

    async def _call(self, ctx: object, name: str, operation: str, req: dict[str, object]) -> dict[str, object]:
        await asyncio.sleep(0)
        answer = await super()._call(ctx, name, operation, req)
        await asyncio.sleep(0)
        return answer


async def model(body: bytes, headers: Mapping[str, str]) -> Reply:
    await asyncio.sleep(0)
    return Reply(400, {}, b"no") if body == b"fail" else Reply(200, {"content-type": "text/plain"}, body.upper())


async def prepared(directory: Path) -> None:
    house = AsyncHouse(directory, clock=ManualClock(START))
    await house.deploy()
    house.close()


async def scenario(directory: Path) -> None:
    house = Fragile(directory, START + 10)
    for name, body in (("good", b"hello"), ("bad", b"fail")):
        said = await house.ask(Body=body, InferenceId=name)
        with (directory / ACCEPTED).open("a") as file:  # who asked has the answer
            file.write(said["InferenceId"] + "\n")
    await house.work()
    house.close()


async def ended(directory: Path) -> tuple[list[str], list[str], list[str], int]:
    """(what was accepted, the final objects, whom the topic was told of, rows and files that are left)."""
    house = Fragile(directory, START + LATER)
    house.backlog.pump.find()
    await house.run(0.0)
    await house.work()
    accepted = (directory / ACCEPTED).read_text().split() if (directory / ACCEPTED).exists() else []
    objects = house.objects.keys("lake", "out/") + house.objects.keys("lake", "bad/")
    told = [one["inferenceId"] for one in house.published]
    left = len(house.waiting())
    for kind, place in (("good", "out/good.out"), ("bad", "bad/bad-error.out")):
        if place in objects:
            content = house.objects.read("lake", place)
            assert content == b"HELLO" if kind == "good" else b"(400)" in content
    house.close()
    return accepted, objects, told, left


@pytest.mark.slow
def test_whatever_is_accepted_has_one_object_and_is_told(tmp_path: Path) -> None:
    made = tmp_path / "made"
    asyncio.run(prepared(made))

    async def life(directory: Path) -> None:
        shutil.copytree(made, directory, dirs_exist_ok=True)
        await scenario(directory)

    points = 0
    for crash in crashes(life, tmp_path):
        points += 1
        if not (crash.directory / "state.db").exists():
            continue
        accepted, objects, told, left = asyncio.run(ended(crash.directory))
        assert left == 0, crash
        for name in accepted:
            mine = [one for one in objects if one.rsplit("/", 1)[1].startswith(name)]
            assert len(mine) == 1, (crash, mine)
            assert name in told, crash
    assert points > 30
