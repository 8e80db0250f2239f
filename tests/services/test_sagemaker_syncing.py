"""What a run writes below a path reaches S3 while it runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.service import Context
from clary.jobs import outputs
from clary.jobs.locations import Location
from clary.services.sagemaker.syncing import EVERY_SECONDS, PATIENCE_PASSES, Syncing
from tests.sagemaker_house import REGION, ROOT, House

PATH = "/opt/ml/checkpoints"
TO = Location("lake", "ckpt")


class Place:
    """A run's files, and what follows them."""

    def __init__(self, directory: Path) -> None:
        self.house = House(directory)
        self.house.objects.write("lake", "other", b"")
        self.clock: Any = self.house.clock
        self.root = directory / "ml"
        self.below = self.root / "checkpoints"
        self.below.mkdir(parents=True)
        self.syncing = Syncing(self.clock)

    @property
    def ctx(self) -> Context:
        return self.house.inside(ROOT, REGION)

    async def look(self, *, final: bool = False, seconds: float = EVERY_SECONDS) -> int:
        self.clock.advance(seconds)
        return await self.syncing.sync(self.ctx, "u", self.root, PATH, TO, final=final)

    def puts(self) -> list[str]:
        puts, self.house.objects.puts[:] = list(self.house.objects.puts), []
        return puts


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.house.close()


async def test_a_file_is_stored_once_it_rests_and_again_when_it_changes(place: Place) -> None:
    (place.below / "a").write_bytes(b"1")
    assert await place.look() == 0
    assert await place.look() == 1
    assert place.puts() == ["lake/ckpt/a"]
    assert await place.look() == 0
    (place.below / "a").write_bytes(b"22")
    (place.below / "sub").mkdir()
    (place.below / "sub" / "b").write_bytes(b"3")
    await place.look()
    await place.look()
    assert place.puts() == ["lake/ckpt/a", "lake/ckpt/sub/b"]
    assert place.house.objects.read("lake", "ckpt/a") == b"22"


async def test_looks_in_between_cost_nothing(place: Place) -> None:
    (place.below / "a").write_bytes(b"1")
    await place.look()
    assert await place.look(seconds=EVERY_SECONDS / 4) == 0
    assert await place.look(seconds=EVERY_SECONDS) == 1


async def test_the_end_stores_everything_at_once(place: Place) -> None:
    (place.below / "a").write_bytes(b"1")
    assert await place.look(final=True, seconds=0.0) == 1
    assert await place.look(final=True, seconds=0.0) == 0


async def test_a_file_that_never_rests_is_stored_too(place: Place) -> None:
    stored = []
    for number in range(PATIENCE_PASSES + 1):
        (place.below / "log").write_bytes(b"x" * (number + 1))
        stored.append(await place.look())
    assert stored == [0] * PATIENCE_PASSES + [1]


async def test_what_is_deleted_stays_in_s3(place: Place) -> None:
    (place.below / "a").write_bytes(b"1")
    await place.look(final=True)
    (place.below / "a").unlink()
    await place.look(final=True)
    assert place.house.objects.keys("lake", "ckpt/") == ["ckpt/a"]


async def test_what_s3_has_already_is_not_stored_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"Contents": [{"Key": "ckpt/a", "Size": 1, "ETag": '"c4ca4238a0b923820dcc509a6f75849b"'}]}
    call = place.house.objects.call

    async def answers(operation: str, req: Any) -> Any:
        return listed if operation == "ListObjectsV2" else await call(operation, req)

    monkeypatch.setattr(place.house.objects, "call", answers)
    (place.below / "a").write_bytes(b"1")
    (place.below / "b").write_bytes(b"1")
    assert await place.look(final=True) == 1
    assert place.puts() == ["lake/ckpt/b"]
    (place.below / "a").write_bytes(b"2")
    assert await place.look(final=True) == 1


async def test_what_cannot_be_stored_is_told_and_tried_again(place: Place) -> None:
    (place.below / "a").symlink_to("/etc/passwd")
    with pytest.raises(outputs.OutputError, match="leads out"):
        await place.look(final=True)
    (place.below / "a").unlink()
    (place.below / "a").write_bytes(b"1")
    place.syncing.forget("u")
    assert await place.look(final=True) == 1


async def test_without_the_path_there_is_nothing_to_store(place: Place) -> None:
    place.below.rmdir()
    assert await place.look() == await place.look(final=True) == 0
