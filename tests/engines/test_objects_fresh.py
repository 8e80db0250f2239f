"""Small objects share a sync: what is answered lasts, whatever the machine loses, and nothing comes between."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.engines.objects import disk, fresh
from clary.engines.objects.base import ConditionFailed, NoBucket, OnlyIf
from clary.engines.objects.disk import DiskObjects
from clary.engines.objects.index import Index
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture(autouse=True)
def never_synced_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the index stays there until somebody needs it elsewhere."""
    monkeypatch.setattr(fresh, "_SYNC_SECONDS", 3600.0)


@pytest.fixture
def store(root: Path) -> Iterator[DiskObjects]:
    store = DiskObjects(root, ManualClock())
    asyncio.run(store.create_bucket("b"))
    yield store
    store.close()


async def body(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def put(store: DiskObjects, key: str, data: bytes, only_if: OnlyIf | None = None) -> None:
    async with store.draft("b") as draft:
        await draft.write(data)
        await draft.commit(key, {"is": data.decode()[:9]}, only_if)


async def content(store: DiskObjects, key: str) -> bytes:
    data = b"".join([piece async for piece in await store.get("b", key)])
    assert (await store.head("b", key)).meta == {"is": data.decode()[:9]}
    return data


def waiting(root: Path) -> list[str]:
    """Keys whose bytes are in the index."""
    with sqlite3.connect(root / ".clary/index.db") as database:
        rows = database.execute("SELECT key FROM fresh ORDER BY seq").fetchall()
    database.close()
    return [row[0].decode() for row in rows]


def after_power_cut(root: Path, lost: list[str], monkeypatch: pytest.MonkeyPatch, *, emptied: bool = False) -> Path:
    """A copy of the store as the disk may hold it after a power cut: of files that nobody synced, nothing, or a name
    without bytes. What the index has committed is synced."""
    left = root.with_name("left")
    shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(root, left)
    with sqlite3.connect(left / ".clary/index.db") as database:  # the copies have inodes of their own
        for table in ("object", "fresh"):
            for (key,) in database.execute(f"SELECT DISTINCT key FROM {table}").fetchall():
                if (path := left / "b" / key.decode()).exists():
                    database.execute(f"UPDATE {table} SET ino = ? WHERE key = ?", (path.stat().st_ino, key))
    database.close()
    for key in lost:
        path = left / "b" / key
        if emptied:
            at = path.stat().st_mtime_ns
            with path.open("r+b") as file:
                file.truncate()
            os.utime(path, ns=(at + 10**6, at + 10**6))  # before the put had set its time
        else:
            path.unlink()
    monkeypatch.setattr(disk, "boot_id", lambda: "another boot")
    return left


@pytest.mark.parametrize("emptied", [False, True])
def test_what_was_answered_survives_a_power_cut(
    store: DiskObjects, root: Path, monkeypatch: pytest.MonkeyPatch, emptied: bool
) -> None:
    async def puts() -> None:
        await asyncio.gather(*(put(store, f"d/{n}", b"%d " % n * 50) for n in range(20)))
        await put(store, "d/3", b"again")

    asyncio.run(puts())
    at = asyncio.run(store.head("b", "d/3")).modified
    assert len(set(waiting(root))) == 20
    left = after_power_cut(root, [f"d/{n}" for n in range(20)], monkeypatch, emptied=emptied)
    for _ in range(2):  # and opening it again changes nothing
        again = DiskObjects(left)
        for n in range(20):
            assert asyncio.run(content(again, f"d/{n}")) == (b"again" if n == 3 else b"%d " % n * 50)
        assert asyncio.run(again.head("b", "d/3")).modified == at
        assert waiting(left) == []
        assert list((left / ".clary/tmp").iterdir()) == []
        again.close()


def test_the_old_object_that_a_lost_rename_leaves_is_replaced(
    store: DiskObjects, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(put(store, "k", b"old"))
    old = root.with_name("old")
    os.link(root / "b/k", old)
    asyncio.run(put(store, "k", b"new"))
    left = after_power_cut(root, ["k"], monkeypatch)
    shutil.copy2(old, left / "b/k")
    again = DiskObjects(left)
    assert asyncio.run(content(again, "k")) == b"new"
    again.close()


def test_a_file_that_was_written_in_place_since_is_left(
    store: DiskObjects, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(put(store, "k", b"put"))
    left = after_power_cut(root, ["k"], monkeypatch)
    (left / "b/k").write_bytes(b"by hand")
    again = DiskObjects(left)
    assert (left / "b/k").read_bytes() == b"by hand"
    assert asyncio.run(again.head("b", "k")).meta == {}
    again.close()


def test_what_was_deleted_does_not_come_back(store: DiskObjects, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(put(store, "k", b"1"))
    asyncio.run(put(store, "other", b"1"))
    asyncio.run(store.delete("b", "k"))
    again = DiskObjects(after_power_cut(root, ["other"], monkeypatch))
    with pytest.raises(Missing):
        asyncio.run(again.head("b", "k"))
    assert asyncio.run(content(again, "other")) == b"1"
    again.close()


@pytest.mark.parametrize("change", ["large", "conditional", "metadata"])
def test_a_change_in_the_ordinary_way_syncs_what_it_finds_first(store: DiskObjects, root: Path, change: str) -> None:
    async def go() -> None:
        await put(store, "k", b"small")
        assert waiting(root) == ["k"]
        if change == "large":
            await put(store, "k", b"x" * (fresh.SMALL + 1))
        elif change == "conditional":
            await put(store, "k", b"other", OnlyIf(etag="*"))
        else:
            await store.set_meta(await store.head("b", "k"), {"is": "small", "more": 1})

    asyncio.run(go())
    assert waiting(root) == []


def test_a_condition_holds_against_puts_that_share_a_sync(store: DiskObjects) -> None:
    async def go() -> None:
        for n in range(20):
            done = await asyncio.gather(
                put(store, f"{n}", b"plain"),
                put(store, f"{n}", b"mine", OnlyIf(absent=True)),
                put(store, f"{n}", b"too", OnlyIf(absent=True)),
                return_exceptions=True,
            )
            assert any(isinstance(one, ConditionFailed) for one in done[1:])
            won = [data for data, one in zip((b"plain", b"mine", b"too"), done, strict=True) if one is None]
            assert await content(store, f"{n}") in won

    asyncio.run(go())


def test_many_puts_share_one_sync(store: DiskObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    transact = Index._transact

    def counting(index: Index, jobs: Any) -> Any:
        counted.append(len(jobs))
        return transact(index, jobs)

    async def go() -> None:
        await put(store, "d/first", b"")  # makes the directory
        monkeypatch.setattr(Index, "_transact", counting)
        await asyncio.gather(*(put(store, f"d/{n}", b"x") for n in range(100)))

    asyncio.run(go())
    assert len(counted) <= 3


def test_a_bucket_that_is_gone_refuses_and_keeps_nothing(store: DiskObjects, root: Path) -> None:
    asyncio.run(put(store, "k", b"1"))
    asyncio.run(store.delete("b", "k"))
    asyncio.run(store.delete_bucket("b"))
    with pytest.raises(NoBucket):
        asyncio.run(put(store, "k", b"2"))
    assert waiting(root) == []
    assert list((root / ".clary/tmp").iterdir()) == []


async def test_a_client_that_leaves_does_not_stop_its_put(store: DiskObjects, root: Path) -> None:
    task = asyncio.create_task(put(store, "k", b"x"))
    while not waiting(root):
        await asyncio.to_thread(os.stat, root)
        task.cancel()
    await asyncio.wait([task])
    await put(store, "k", b"y", OnlyIf(etag="*"))  # waits for the first, and finds it
    assert await content(store, "k") == b"y"


def test_the_sync_by_time_takes_bytes_out_of_the_index(
    store: DiskObjects, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "_SYNC_SECONDS", 0.0)

    async def go() -> None:
        await asyncio.gather(*(put(store, f"{n}", b"x") for n in range(50)))
        async with asyncio.timeout(20):
            while waiting(root):
                await asyncio.to_thread(os.stat, root)
        assert [await content(store, f"{n}") for n in range(50)] == [b"x"] * 50

    asyncio.run(go())


def test_a_loop_that_ends_in_the_middle_leaves_the_key_free(store: DiskObjects) -> None:
    async def left() -> None:
        task = asyncio.create_task(put(store, "d/k", b"1"))
        await asyncio.wait([task], timeout=0)

    asyncio.run(left())
    asyncio.run(put(store, "d/k", b"2"))
    assert asyncio.run(content(store, "d/k")) == b"2"
    asyncio.run(store.delete("b", "d/k"))  # waits for nobody
