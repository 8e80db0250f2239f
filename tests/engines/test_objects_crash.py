"""The disk store in a real child, killed before and after each of its changes: what was answered holds, what was not is
all or nothing."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from clary.engines.objects import disk
from clary.engines.objects.base import OnlyIf
from clary.engines.objects.disk import DiskObjects
from clary.kernel.errors import Missing
from tests import objects_effects
from tests.crash.harness import Crash, crashes

State = dict[str, int]
"""What each key holds: the number of the write; content and metadata both tell it."""


async def body(number: int) -> AsyncIterator[bytes]:
    yield b"%d " % number * 100


async def put(store: DiskObjects, key: str, number: int) -> None:
    await store.put("b", key, body(number), {"n": number})


async def replace(store: DiskObjects, key: str, number: int) -> None:
    """Under a condition: with syncs of its own."""
    async with store.draft("b") as made:
        await made.write(b"%d " % number * 100)
        await made.commit(key, {"n": number}, OnlyIf(etag="*"))


async def copy(store: DiskObjects) -> None:
    async with store.draft("b") as made:
        await made.copy(await store.open("b", "k"))
        await made.commit("copy", {"n": 2})


async def multipart(store: DiskObjects) -> None:
    upload = await store.create_upload("b", "k", {})
    for number in (1, 2, 2):
        async with store.draft("b") as made:
            await made.write(b"5 " * 50)
            await made.commit_part(upload, number, {})
    parts = await store.parts(upload, 0, 10)
    await store.complete(upload, parts, "e-2", {"n": 5})
    # A client that heard nothing asks again and hears the same.
    assert (await store.complete(upload, parts, "e-2", {"n": 5})).meta == {"n": 5}


OPERATIONS: list[tuple[Callable[[DiskObjects], Awaitable[object]], State]] = [
    (lambda store: store.create_bucket("b"), {}),
    (lambda store: put(store, "k", 1), {"k": 1}),
    (lambda store: put(store, "k", 8), {"k": 8}),
    (lambda store: replace(store, "k", 2), {"k": 2}),
    (copy, {"k": 2, "copy": 2}),
    (lambda store: put(store, "k/below", 3), {"k": 2, "copy": 2, "k/below": 3}),
    (lambda store: put(store, "k", 4), {"k": 4, "copy": 2, "k/below": 3}),
    (multipart, {"k": 5, "copy": 2, "k/below": 3}),
    (lambda store: store.delete("b", "k/below"), {"k": 5, "copy": 2}),
    (lambda store: store.delete("b", "k"), {"copy": 2}),
    (lambda store: store.delete("b", "copy"), {}),
]


async def scenario(root: Path) -> None:
    objects_effects.through_here()
    store = DiskObjects(root / "objects")
    for operation, _ in OPERATIONS:
        await operation(store)
        with (root / "answered").open("ab", buffering=0) as file:
            file.write(b".")
    store.close()


async def state(store: DiskObjects) -> State:
    """What is there, every object proven whole and of one piece with its metadata."""
    found: State = {}
    try:
        listed = await store.list("b", "", "", 100)
    except Missing:
        return found
    for stat in listed:
        content = b"".join([piece async for piece in await store.get("b", stat.key)])
        number = stat.meta["n"]
        assert content == b"%d " % number * 100
        assert stat == await store.head("b", stat.key)
        found[stat.key] = number
    return found


def check(crash: Crash) -> None:
    root = crash.directory / "objects"
    answered = len((crash.directory / "answered").read_bytes()) if (crash.directory / "answered").exists() else 0
    store = DiskObjects(root)
    try:
        found = asyncio.run(state(store))
        # What was answered holds; of what was under way, all or nothing.
        allowed = [state_after for _, state_after in [(None, {}), *OPERATIONS][answered : answered + 2]]
        assert found in allowed
        assert list((root / ".clary/tmp").iterdir()) == []
        open_uploads = {upload.id for upload in asyncio.run(store.uploads("b", "", ("", ""), 10))}
        assert {path.name for path in (root / ".clary/parts").iterdir()} == open_uploads
    finally:
        store.close()
    with sqlite3.connect(root / ".clary/index.db") as database:
        records = database.execute("SELECT key, pending FROM object").fetchall()
    database.close()
    assert sorted(records) == sorted((key.encode(), 0) for key in found)
    # And life goes on.
    store = DiskObjects(root)
    asyncio.run(store.create_bucket("b"))
    asyncio.run(put(store, "k", 9))
    assert asyncio.run(state(store)) == {**found, "k": 9}
    store.close()
    shutil.rmtree(crash.directory)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("boot", ["the same", "another"])
def test_every_change_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str) -> None:
    """After another boot, whatever the index holds of small objects is held against their files."""
    places: list[str] = []
    if boot == "another":
        monkeypatch.setattr(disk, "boot_id", lambda: "" if os.getpid() == tester else "the same")
    tester = os.getpid()
    for crash in crashes(scenario, tmp_path, lines_of=[objects_effects]):
        try:
            check(crash)
        except AssertionError as error:
            raise AssertionError(f"killed in run {crash.number} of {tmp_path}") from error
        places.append(crash.where)
    assert len(places) > 100
