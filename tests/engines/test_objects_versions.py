"""The disk object store: versions of keys."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.engines.objects.base import BucketNotEmpty, ConditionFailed, IsMarker, NoBucket, NoVersion, OnlyIf
from clary.engines.objects.disk import DiskObjects
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing
from clary.kernel.objects import Stat


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(root: Path) -> Iterator[DiskObjects]:
    store = DiskObjects(root, ManualClock())
    asyncio.run(store.create_bucket("b"))
    yield store
    store.close()


@pytest.fixture
def kept(store: DiskObjects) -> DiskObjects:
    asyncio.run(store.set_versioning("b", "Enabled"))
    return store


async def put(store: DiskObjects, key: str, data: bytes = b"x", only_if: OnlyIf | None = None, **meta: object) -> Stat:
    async with store.draft("b") as draft:
        await draft.write(data)
        return await draft.commit(key, meta, only_if)


async def content(store: DiskObjects, key: str, version: str | None = None) -> bytes:
    return b"".join([piece async for piece in (await store.open("b", key, version)).stream()])


async def told(store: DiskObjects, prefix: str = "", delimiter: str = "") -> list[tuple[str, str, bool, int | None]]:
    """(key, version, latest, size; None of a marker) of every version, by the largest page and by the smallest."""
    pages: list[list[tuple[str, str, bool, int | None]]] = []
    for limit in (1000, 1):
        found, after = [], ("", "")
        while True:
            page = await store.versions("b", prefix, delimiter, after, limit)
            found += [(one.key, one.id, one.latest, one.stat.size if one.stat else None) for one in page.versions]
            found += [(one, "", False, None) for one in page.prefixes]
            if not page.truncated:
                break
            after = page.last
        pages.append(sorted(found, key=lambda one: one[0]))
    assert pages[0] == pages[1]
    return pages[0]


async def test_every_put_is_a_version_and_the_newest_is_the_plain_file(kept: DiskObjects, root: Path) -> None:
    stats = [await put(kept, "dir/k", b"%d" % n * (n + 1), v=n) for n in range(4)]
    ids = [stat.version for stat in stats]
    assert len(set(ids)) == 4
    assert None not in ids
    assert (root / "b/dir/k").read_bytes() == b"3333"
    for n, stat in enumerate(stats):
        assert stat.version is not None
        assert await content(kept, "dir/k", stat.version) == b"%d" % n * (n + 1)
        assert await kept.head("b", "dir/k", stat.version) == stat
    assert await kept.head("b", "dir/k") == stats[3]
    assert await told(kept) == [("dir/k", ids[n], n == 3, n + 1) for n in (3, 2, 1, 0)]
    assert [stat.key for stat in await kept.list("b", "", "", 10)] == ["dir/k"]


async def test_a_marker_hides_and_going_back_uncovers(kept: DiskObjects, root: Path) -> None:
    first = await put(kept, "k", b"1")
    removed = await kept.remove("b", "k")
    assert removed.marker
    assert removed.version is not None
    assert not (root / "b/k").exists()
    for look in (kept.head, kept.open):
        with pytest.raises(IsMarker) as caught:
            await look("b", "k")
        assert caught.value.version == removed.version
        with pytest.raises(IsMarker):
            await look("b", "k", removed.version)
    assert await content(kept, "k", first.version) == b"1"
    assert await told(kept) == [("k", removed.version, True, None), ("k", first.version, False, 1)]
    assert await kept.list("b", "", "", 10) == []
    assert await kept.remove("b", "k", removed.version) == removed
    assert await content(kept, "k") == b"1"
    assert await told(kept) == [("k", first.version, True, 1)]
    assert (await kept.remove("b", "nothing")).marker
    assert (await kept.remove("b", "k", "0" * 32)).marker is False
    with pytest.raises(NoVersion):
        await kept.open("b", "k", "0" * 32)


async def test_a_version_that_is_removed_gives_way_to_the_one_before(kept: DiskObjects, root: Path) -> None:
    one, two, three = [(await put(kept, "k", b"%d" % n, v=n)).version for n in (1, 2, 3)]
    assert await kept.remove("b", "k", two) is not None
    assert await content(kept, "k") == b"3"
    with pytest.raises(NoVersion):
        await kept.head("b", "k", two)
    await kept.remove("b", "k", three)
    assert await content(kept, "k") == b"1"
    assert (await kept.head("b", "k")).meta == {"v": 1}
    await kept.remove("b", "k", one)
    with pytest.raises(Missing):
        await kept.head("b", "k")
    assert await told(kept) == []
    assert list((root / ".clary/versions").iterdir()) == []
    await kept.delete_bucket("b")


async def test_what_was_there_before_is_the_version_null(store: DiskObjects, root: Path) -> None:
    await put(store, "k", b"old", v=0)
    (root / "b/by-hand").write_bytes(b"by hand")
    assert await told(store) == [("by-hand", "null", True, 7), ("k", "null", True, 3)]
    await store.set_versioning("b", "Enabled")
    assert (await store.versioning("b"), await store.versioning("other")) == ("Enabled", "")
    assert await told(store) == [("by-hand", "null", True, 7), ("k", "null", True, 3)]
    assert await content(store, "k", "null") == b"old"
    new = await put(store, "k", b"newer")
    gone = await store.remove("b", "by-hand")
    assert await told(store) == [
        ("by-hand", gone.version, True, None),
        ("by-hand", "null", False, 7),
        ("k", new.version, True, 5),
        ("k", "null", False, 3),
    ]
    assert (await content(store, "k", "null"), await content(store, "by-hand", "null")) == (b"old", b"by hand")
    assert (await store.head("b", "k", "null")).meta == {"v": 0}
    await store.remove("b", "k", new.version)
    assert (await content(store, "k"), (await store.head("b", "k")).meta) == (b"old", {"v": 0})
    await store.remove("b", "k", "null")
    assert [one[0] for one in await told(store)] == ["by-hand", "by-hand"]


async def test_a_file_written_in_place_is_the_version_null(kept: DiskObjects, root: Path) -> None:
    put_ = await put(kept, "k", b"put")
    (root / "b/new").write_bytes(b"by another program")
    (root / "b/new").replace(root / "b/k")
    assert await content(kept, "k") == b"by another program"
    assert await told(kept) == [("k", "null", True, 18), ("k", put_.version, False, 3)]
    assert await content(kept, "k", "null") == b"by another program"
    assert await content(kept, "k", put_.version) == b"put"
    again = await put(kept, "k", b"again")
    (root / "b/new").write_bytes(b"2nd")
    (root / "b/new").replace(root / "b/k")
    assert await told(kept) == [("k", "null", True, 3), ("k", again.version, False, 5), ("k", put_.version, False, 3)]
    assert (await kept.remove("b", "k", "null")).marker is False
    assert await told(kept) == [("k", again.version, True, 5), ("k", put_.version, False, 3)]
    assert await content(kept, "k") == b"again"


async def test_suspended_replaces_the_version_null_alone(kept: DiskObjects) -> None:
    first = await put(kept, "k", b"1")
    await kept.set_versioning("b", "Suspended")
    second = await put(kept, "k", b"22")
    assert second.version is None
    await put(kept, "k", b"333")
    assert await told(kept) == [("k", "null", True, 3), ("k", first.version, False, 1)]
    gone = await kept.remove("b", "k")
    assert (gone.version, gone.marker) == ("null", True)
    assert await told(kept) == [("k", "null", True, None), ("k", first.version, False, 1)]
    with pytest.raises(IsMarker):
        await kept.head("b", "k", "null")
    await put(kept, "k", b"4444")
    assert await told(kept) == [("k", "null", True, 4), ("k", first.version, False, 1)]
    await kept.set_versioning("b", "Enabled")
    fifth = await put(kept, "k", b"55555")
    assert [one[1] for one in await told(kept)] == [fifth.version, "null", first.version]


async def test_suspended_over_a_file_written_in_place(kept: DiskObjects, root: Path) -> None:
    (root / "b/k").write_bytes(b"by hand")
    await kept.set_versioning("b", "Suspended")
    await put(kept, "k", b"1")
    assert await told(kept) == [("k", "null", True, 1)]
    (root / "b/new").write_bytes(b"by hand")
    (root / "b/new").replace(root / "b/k")
    gone = await kept.remove("b", "k")
    assert await told(kept) == [("k", gone.version, True, None)]


async def test_conditions_hold_against_the_current_version(kept: DiskObjects) -> None:
    first = await put(kept, "k", b"1", OnlyIf(absent=True))
    with pytest.raises(ConditionFailed):
        await put(kept, "k", b"2", OnlyIf(absent=True))
    with pytest.raises(ConditionFailed):
        await kept.remove("b", "k", None, OnlyIf(etag="0" * 32))
    await put(kept, "k", b"2", OnlyIf(etag=first.etag))
    with pytest.raises(ConditionFailed):
        await kept.remove("b", "k", None, OnlyIf(etag=first.etag))
    await kept.remove("b", "k", first.version, OnlyIf(etag=first.etag))
    await kept.remove("b", "k")
    with pytest.raises(Missing):
        await put(kept, "k", b"3", OnlyIf(etag="*"))
    await put(kept, "k", b"3", OnlyIf(absent=True))
    results = await asyncio.gather(
        *(put(kept, "new", b"%d" % n, OnlyIf(absent=True)) for n in range(8)), return_exceptions=True
    )
    assert [type(one) for one in results].count(ConditionFailed) == 7
    assert len(await told(kept, "new")) == 1


async def test_metadata_of_each_version_changes_alone(kept: DiskObjects) -> None:
    first, second = await put(kept, "k", b"1", v=1), await put(kept, "k", b"2", v=2)
    await kept.set_meta(first, {"v": 10})
    await kept.set_meta(second, {"v": 20})
    assert (await kept.head("b", "k", first.version)).meta == {"v": 10}
    assert (await kept.head("b", "k")).meta == {"v": 20}
    assert (await kept.head("b", "k")).version == second.version
    with pytest.raises(Missing):
        await kept.set_meta(first, {"v": 11})
    await kept.remove("b", "k", first.version)
    with pytest.raises(Missing):
        await kept.set_meta(await kept.head("b", "k", first.version), {})


async def test_multipart_and_copies(kept: DiskObjects) -> None:
    first = await put(kept, "k", b"first")
    upload = await kept.create_upload("b", "k", {})
    async with kept.draft("b") as draft:
        await draft.copy(await kept.open("b", "k", first.version))
        await draft.commit_part(upload, 1, {})
    parts = await kept.parts(upload, 0, 10)
    made = await kept.complete(upload, parts, "e-1", {"m": 1})
    assert made.version is not None
    assert await kept.complete(upload, parts, "e-1", {"m": 1}) == made
    assert await told(kept) == [("k", made.version, True, 5), ("k", first.version, False, 5)]
    assert await kept.head("b", "k", made.version) == made


async def test_pages_of_keys_that_hold_something_and_that_do_not(kept: DiskObjects, root: Path) -> None:
    for key in ("a", "a/1", "a/2", "b/x", "c", "é/ü", "é0"):
        await put(kept, key, b"1")
        await put(kept, key, b"22")
    for key in ("a/1", "b/x", "c", "é/ü"):
        await kept.remove("b", key)
    (root / "b/by-hand").write_bytes(b"333")
    everything = await told(kept)
    assert [one[0] for one in everything] == sorted(one[0] for one in everything)
    assert len(everything) == 7 * 2 + 4 + 1
    assert [one[0] for one in await told(kept, "", "/")] == [
        *("a", "a", "a/", "b/", "by-hand", "c", "c", "c", "é/", "é0", "é0")
    ]
    assert [one[0] for one in await told(kept, "a/")] == ["a/1", "a/1", "a/1", "a/2", "a/2"]
    assert [one[0] for one in await told(kept, "b/", "/")] == ["b/x"] * 3


async def test_a_page_goes_on_where_a_version_was_that_is_gone(kept: DiskObjects) -> None:
    clock_order = [(await put(kept, "k", b"%d" % n)).version or "" for n in range(5)]
    page = await kept.versions("b", "", "", ("", ""), 2)
    assert [one.id for one in page.versions] == clock_order[:2:-1]
    await kept.remove("b", "k", page.last[1])
    rest = await kept.versions("b", "", "", page.last, 10)
    assert {one.id for one in rest.versions} >= set(clock_order[:3])


async def test_a_bucket_with_versions_or_markers_is_not_empty(kept: DiskObjects, root: Path) -> None:
    put_ = await put(kept, "k")
    marker = await kept.remove("b", "k")
    for version in (put_.version, marker.version):
        with pytest.raises(BucketNotEmpty):
            await kept.delete_bucket("b")
        await kept.remove("b", "k", version)
    await kept.delete_bucket("b")
    with pytest.raises(NoBucket):
        await kept.set_versioning("b", "Enabled")
    await kept.create_bucket("b")
    assert await kept.versioning("b") == ""
    assert (await put(kept, "k")).version is None


async def test_keys_above_and_beside_each_other(kept: DiskObjects) -> None:
    for key in ("a", "a/b", "a/b/c", "a/"):
        await put(kept, key, key.encode())
    for key in ("a", "a/b", "a/b/c", "a/"):
        await kept.remove("b", key)
        await put(kept, key, b"2" + key.encode())
    assert [await content(kept, key) for key in ("a", "a/b", "a/b/c", "a/")] == [b"2a", b"2a/b", b"2a/b/c", b"2a/"]
    assert len(await told(kept)) == 12


async def test_it_is_all_there_when_the_store_opens_again(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    kept = DiskObjects(root, ManualClock())
    await kept.create_bucket("b")
    await kept.set_versioning("b", "Enabled")
    first, second = await put(kept, "k", b"1"), await put(kept, "k", b"2")
    marker = await kept.remove("b", "gone")
    before = await told(kept)
    kept.close()
    again = DiskObjects(root, ManualClock())
    assert await again.versioning("b") == "Enabled"
    assert (
        await told(again)
        == before
        == [
            ("gone", marker.version, True, None),
            ("k", second.version, True, 1),
            ("k", first.version, False, 1),
        ]
    )
    again.close()


async def test_many_writers_of_one_key_leave_all_their_versions(kept: DiskObjects, root: Path) -> None:
    stats = await asyncio.gather(*(put(kept, "dir/k", b"%d" % n * 100, v=n) for n in range(32)))
    listed = await told(kept)
    assert {one[1] for one in listed} == {stat.version for stat in stats}
    assert [one[2] for one in listed] == [True] + [False] * 31
    for stat in stats:
        assert await content(kept, "dir/k", stat.version) == b"%d" % stat.meta["v"] * 100
    assert list((root / ".clary/tmp").iterdir()) == []


async def test_a_list_does_not_wait_for_a_version_that_is_leaving(kept: DiskObjects, root: Path) -> None:
    one, two = await put(kept, "k", b"1"), await put(kept, "k", b"22")
    with sqlite3.connect(root / ".clary/index.db") as database:  # as a deletion that came no further than its row
        database.execute("UPDATE version SET phase = 2 WHERE id = ?", (two.version,))
    database.close()
    assert await told(kept) == [("k", one.version, True, 1)]


async def test_a_key_whose_file_was_removed_by_hand_has_no_latest_version(kept: DiskObjects, root: Path) -> None:
    one = await put(kept, "k", b"1")
    (root / "b/k").unlink()
    assert await told(kept) == [("k", one.version, False, 1)]
    with pytest.raises(Missing):
        await kept.head("b", "k")
