"""Versions in a real child, killed before and after each of its changes: what was answered holds, what was not is all
or nothing, and the key holds what its newest version says."""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from clary.engines.objects.disk import DiskObjects
from clary.kernel.errors import Missing
from tests import objects_effects
from tests.crash.harness import Crash, crashes

State = tuple[list[int], int]
"""The numbers that the versions hold, the newest first, 0 for a delete marker; and the number that the key holds, 0 for
none. Content and metadata both tell the number."""
Change = Callable[[DiskObjects, Path], Awaitable[object]]


def put(number: int) -> Change:
    async def change(store: DiskObjects, root: Path) -> None:
        async with store.draft("b") as draft:
            await draft.write(b"%d " % number * 100)
            await draft.commit("dir/k", {"n": number})

    return change


def written_in_place(number: int) -> Change:
    async def change(store: DiskObjects, root: Path) -> None:
        (root / "b/dir").mkdir(exist_ok=True)
        (root / "b/new").write_bytes(b"%d " % number * 100)
        (root / "b/new").replace(root / "b/dir/k")

    return change


def removed(number: int) -> Change:
    async def change(store: DiskObjects, root: Path) -> None:
        found = (await store.versions("b", "dir/", "", ("", ""), 100)).versions
        for one in found:
            if await number_of(store, one.id if one.stat else None) == number:
                await store.remove("b", "dir/k", one.id)
                return
        raise AssertionError(f"no version holds {number}")

    return change


def set_to(state: str) -> Change:
    return lambda store, root: store.set_versioning("b", state)


async def deleted(store: DiskObjects, root: Path) -> None:
    await store.remove("b", "dir/k")


async def multipart(store: DiskObjects, root: Path) -> None:
    upload = await store.create_upload("b", "dir/k", {})
    async with store.draft("b") as draft:
        await draft.write(b"5 " * 100)
        await draft.commit_part(upload, 1, {})
    made = await store.complete(upload, await store.parts(upload, 0, 1), "e-1", {"n": 5})
    assert await store.complete(upload, [], "e-1", {}) == made


CHANGES: list[tuple[Change, State]] = [
    (lambda store, root: store.create_bucket("b"), ([], 0)),
    (put(1), ([1], 1)),
    (set_to("Enabled"), ([1], 1)),
    (put(2), ([2, 1], 2)),
    (put(3), ([3, 2, 1], 3)),
    (deleted, ([0, 3, 2, 1], 0)),
    (put(4), ([4, 0, 3, 2, 1], 4)),
    (removed(4), ([0, 3, 2, 1], 0)),
    (removed(0), ([3, 2, 1], 3)),
    (removed(2), ([3, 1], 3)),
    (multipart, ([5, 3, 1], 5)),
    (written_in_place(6), ([6, 5, 3], 6)),
    (put(7), ([7, 6, 5, 3], 7)),
    (set_to("Suspended"), ([7, 6, 5, 3], 7)),
    (put(8), ([8, 7, 5, 3], 8)),
    (deleted, ([0, 7, 5, 3], 0)),
    (removed(0), ([7, 5, 3], 7)),
    (written_in_place(9), ([9, 7, 5, 3], 9)),
    (put(10), ([10, 7, 5, 3], 10)),
    (written_in_place(11), ([11, 7, 5, 3], 11)),
    (deleted, ([0, 7, 5, 3], 0)),
    (written_in_place(12), ([12, 7, 5, 3], 12)),
    (removed(12), ([7, 5, 3], 7)),
]


async def scenario(directory: Path) -> None:
    objects_effects.through_here()
    root = directory / "objects"
    store = DiskObjects(root)
    for change, _ in CHANGES:
        await change(store, root)
        with (directory / "answered").open("ab", buffering=0) as file:
            file.write(b".")
    store.close()


async def number_of(store: DiskObjects, version: str | None) -> int:
    """What a version holds, proven whole and of one piece with its metadata; 0 for a marker (None)."""
    if version is None:
        return 0
    opened = await store.open("b", "dir/k", version)
    content = b"".join([piece async for piece in opened.stream()])
    number = int(content.split()[0])
    assert content == b"%d " % number * 100
    assert opened.stat.meta in ({"n": number}, {})
    assert opened.stat == await store.head("b", "dir/k", version)
    return number


async def state(store: DiskObjects) -> State:
    try:
        page = await store.versions("b", "", "", ("", ""), 100)
    except Missing:
        return [], 0
    numbers = [await number_of(store, one.id if one.stat else None) for one in page.versions]
    assert [one.latest for one in page.versions] == [True] * bool(numbers) + [False] * (len(numbers) - 1)
    listed = await store.list("b", "", "", 10)
    assert [stat.key for stat in listed] == ["dir/k"] * (numbers[:1] not in ([], [0]))
    if not listed:
        return numbers, 0
    opened = await store.open("b", "dir/k")
    content = b"".join([piece async for piece in opened.stream()])
    return numbers, int(content.split()[0])


def check(crash: Crash) -> None:
    root, answers = crash.directory / "objects", crash.directory / "answered"
    answered = len(answers.read_bytes()) if answers.exists() else 0
    store = DiskObjects(root)
    try:
        found = asyncio.run(state(store))
        allowed = [after for _, after in [(None, ([], 0)), *CHANGES][answered : answered + 2]]
        assert found in allowed, (found, allowed)
        assert list((root / ".clary/tmp").iterdir()) == []
        asyncio.run(life_goes_on(store, root, found))
    finally:
        store.close()
    # Nothing is left of what is gone.
    with sqlite3.connect(root / ".clary/index.db") as database:
        rows = database.execute("SELECT ino, phase, file FROM version").fetchall()
        records = database.execute("SELECT ino FROM object").fetchall()
    database.close()
    assert {phase for _, phase, _ in rows} <= {0}
    assert {path.name for path in (root / ".clary/versions").iterdir()} == {row[2] for row in rows} - {None}
    assert {ino for (ino,) in records} <= {row[0] for row in rows} | {(root / "b/dir/k").stat().st_ino}
    shutil.rmtree(crash.directory)


async def life_goes_on(store: DiskObjects, root: Path, found: State) -> None:
    await store.create_bucket("b")
    before = await store.versioning("b")
    await put(99)(store, root)
    kept = found[0]
    if before != "Enabled":
        now, _ = await state(store)
        assert now[0] == 99
        assert len(now) in (len(kept), len(kept) + 1)
        return
    assert await state(store) == ([99, *kept], 99)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_change_is_survived(tmp_path: Path) -> None:
    places: list[str] = []
    for crash in crashes(scenario, tmp_path, lines_of=[objects_effects]):
        try:
            check(crash)
        except AssertionError as error:
            raise AssertionError(f"killed in run {crash.number} of {tmp_path}") from error
        places.append(crash.where)
    assert len(places) > 200
