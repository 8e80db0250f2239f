"""The disk object store: keys and paths, atomic puts, listings, multipart uploads."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clary.engines.objects.base import BucketNotEmpty, ConditionFailed, NoBucket, NoUpload, OnlyIf, PartChanged
from clary.engines.objects.disk import DiskObjects, InUse
from clary.kernel.clock import ManualClock
from clary.kernel.errors import Missing
from clary.kernel.objects import read_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(root: Path) -> Iterator[DiskObjects]:
    store = DiskObjects(root, ManualClock())
    asyncio.run(store.create_bucket("b"))
    yield store
    store.close()


async def chunks(*data: bytes) -> AsyncIterator[bytes]:
    for one in data:
        yield one


async def put(store: DiskObjects, key: str, data: bytes = b"x", **meta: object) -> None:
    await store.put("b", key, chunks(data), meta)


async def content(store: DiskObjects, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([data async for data in await store.get("b", key, start, end)])


async def keys(store: DiskObjects, prefix: str = "", after: str = "", limit: int = 1000) -> list[str]:
    return [stat.key for stat in await store.list("b", prefix, after, limit)]


async def test_an_ordinary_key_is_a_plain_file_at_its_path(store: DiskObjects, root: Path) -> None:
    stat = await store.put("b", "raw/a=1%3A2/data.csv", chunks(b"1,", b"2\n"), {"ContentType": "text/csv"})
    assert (root / "b/raw/a=1%3A2/data.csv").read_bytes() == b"1,2\n"
    assert store.local("b", "raw/a=1%3A2/data.csv") == root / "b/raw/a=1%3A2/data.csv"
    assert stat == await store.head("b", "raw/a=1%3A2/data.csv")
    assert (stat.size, stat.etag) == (4, hashlib.md5(b"1,2\n").hexdigest())
    assert stat.meta == {"ContentType": "text/csv"}
    assert stat.modified == pytest.approx(ManualClock().now())


async def test_what_is_not_there_is_missing(store: DiskObjects) -> None:
    for look in (store.head, store.open):
        with pytest.raises(Missing):
            await look("b", "nothing")
        with pytest.raises(NoBucket):
            await look("no-bucket", "nothing")
    assert store.local("b", "nothing") is None
    await store.delete("b", "nothing")
    with pytest.raises(NoBucket):
        await store.put("no-bucket", "k", chunks(b"x"), {})


@pytest.mark.parametrize("bucket", ["", ".", "..", ".clary", "../outside", "b/..", "/tmp", "\0"])
async def test_no_name_of_a_bucket_leads_elsewhere(store: DiskObjects, bucket: str) -> None:
    with pytest.raises(NoBucket):
        await store.create_bucket(bucket)
    with pytest.raises(NoBucket):
        await store.put(bucket, "k", chunks(b"x"), {})
    with pytest.raises(NoBucket):
        await store.head(bucket, "tmp")
    with pytest.raises(NoBucket):
        await store.page(bucket, "", "", "", 10)
    assert store.local(bucket, "index.db") is None


async def test_a_put_replaces_and_a_reader_keeps_what_it_opened(store: DiskObjects) -> None:
    old = os.urandom(3 << 20)
    await put(store, "k", old, v=1)
    stream = await store.get("b", "k")
    first = await anext(stream)
    await put(store, "k", b"new", v=2)
    assert first + b"".join([data async for data in stream]) == old
    assert await content(store, "k") == b"new"
    assert (await store.head("b", "k")).meta == {"v": 2}


async def test_a_hard_link_stays_what_it_was(store: DiskObjects, tmp_path: Path) -> None:
    await put(store, "k", b"old")
    path = store.local("b", "k")
    assert path is not None
    (tmp_path / "snapshot").hardlink_to(path)
    await put(store, "k", b"new")
    assert (tmp_path / "snapshot").read_bytes() == b"old"


async def test_parts_of_an_object(store: DiskObjects) -> None:
    data = os.urandom((2 << 20) + 12345)
    await put(store, "k", data)
    for start, end in ((0, 1), (5, 5), (1 << 20, None), ((1 << 20) - 3, (1 << 20) + 3), (len(data) - 1, len(data))):
        assert await content(store, "k", start, end) == data[start:end]


async def test_a_body_that_breaks_off_leaves_the_old_object_and_no_file(store: DiskObjects, root: Path) -> None:
    await put(store, "k", b"old")

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2 << 20)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put("b", "k", broken(), {})
    assert await content(store, "k") == b"old"
    assert list((root / ".clary/tmp").iterdir()) == []


async def test_a_file_written_in_place_is_an_object(store: DiskObjects, root: Path) -> None:
    await put(store, "dir/a", b"put", v=1)
    (root / "b/dir/part-0").write_bytes(b"by hand")
    assert await keys(store) == ["dir/a", "dir/part-0"]
    stat = await store.head("b", "dir/part-0")
    assert (stat.size, stat.meta) == (7, {})
    assert stat.etag.endswith("-1")
    assert await store.head("b", "dir/part-0") == stat
    (root / "b/dir/part-0").write_bytes(b"again, longer")
    assert (await store.head("b", "dir/part-0")).etag != stat.etag
    # A put object that is changed in place loses the metadata that was true of the old bytes.
    (root / "b/dir/a").write_bytes(b"changed by hand")
    assert (await store.head("b", "dir/a")).meta == {}
    await store.delete("b", "dir/part-0")
    assert await keys(store) == ["dir/a"]


async def test_links_are_not_followed(store: DiskObjects, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "b/dir").symlink_to(outside)
    (root / "b/file").symlink_to(outside / "secret")
    for key in ("dir/secret", "file"):
        with pytest.raises(Missing):
            await store.head("b", key)
        with pytest.raises(Missing):
            await store.open("b", key)
    assert await keys(store) == []
    with pytest.raises(OSError):
        await put(store, "dir/new")
    await put(store, "file", b"mine")
    assert (outside / "secret").read_bytes() == b"secret"
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


async def test_a_key_beside_keys_below_it(store: DiskObjects) -> None:
    await put(store, "a", b"1", v=1)
    await put(store, "a/b", b"2", v=2)
    await put(store, "a/b/c", b"3")
    await put(store, "a/b/", b"4")
    assert await keys(store) == ["a", "a/b", "a/b/", "a/b/c"]
    assert [await content(store, key) for key in await keys(store)] == [b"1", b"2", b"4", b"3"]
    assert [(await store.head("b", key)).meta for key in ("a", "a/b")] == [{"v": 1}, {"v": 2}]
    await put(store, "a", b"1 again")
    assert await content(store, "a") == b"1 again"
    for key in ("a/b/c", "a/b/", "a/b"):
        await store.delete("b", key)
    assert await keys(store) == ["a"]
    await put(store, "a", b"once more")
    await store.delete("b", "a")
    assert await keys(store) == []
    with pytest.raises(Missing):
        await store.head("b", "a")
    await store.delete_bucket("b")


async def test_a_file_in_place_of_one_aside_hides_it_and_goes_with_it(store: DiskObjects, root: Path) -> None:
    await put(store, "a/b")
    await put(store, "a", b"aside")
    await store.delete("b", "a/b")
    (root / "b/a").write_bytes(b"by hand")
    assert await content(store, "a") == b"by hand"
    assert await keys(store) == ["a"]
    await store.delete("b", "a")
    assert await keys(store) == []


async def test_buckets(store: DiskObjects, root: Path) -> None:
    await store.create_bucket("b")
    await put(store, "a/b/c")
    with pytest.raises(BucketNotEmpty):
        await store.delete_bucket("b")
    await store.delete("b", "a/b/c")
    assert list((root / "b").iterdir()) == []
    (root / "b/empty/dirs").mkdir(parents=True)
    upload = await store.create_upload("b", "k", {})
    await store.delete_bucket("b")
    with pytest.raises(NoBucket):
        await store.delete_bucket("b")
    await store.create_bucket("b")
    with pytest.raises(NoUpload):
        await store.upload("b", "k", upload.id)


async def test_a_deletion_of_a_bucket_that_was_cut_short_is_finished_by_the_next(
    store: DiskObjects, root: Path
) -> None:
    await store.create_bucket("gone")
    upload = await store.create_upload("gone", "k", {})
    (root / "gone").rmdir()  # as far as the crash let it come
    with pytest.raises(NoBucket):
        await store.delete_bucket("gone")
    await store.create_bucket("gone")
    with pytest.raises(NoUpload):
        await store.upload("gone", "k", upload.id)


async def test_conditions_are_looked_at_in_the_step_of_the_write(store: DiskObjects) -> None:
    async def put_if(data: bytes, only_if: OnlyIf) -> None:
        async with store.draft("b") as draft:
            await draft.write(data)
            await draft.commit("k", {}, only_if)

    with pytest.raises(Missing):
        await put_if(b"1", OnlyIf(etag="*"))
    results = await asyncio.gather(
        *(put_if(b"first %d" % n, OnlyIf(absent=True)) for n in range(8)), return_exceptions=True
    )
    assert [type(one) for one in results].count(type(None)) == 1
    assert [type(one) for one in results].count(ConditionFailed) == 7
    stat = await store.head("b", "k")
    with pytest.raises(ConditionFailed):
        await put_if(b"2", OnlyIf(etag="0" * 32))
    await put_if(b"2", OnlyIf(etag=stat.etag))
    with pytest.raises(ConditionFailed):
        await store.remove("b", "k", None, OnlyIf(etag=stat.etag))
    await store.remove("b", "k", None, OnlyIf(etag=hashlib.md5(b"2").hexdigest(), size=1))
    assert await keys(store) == []


async def test_metadata_alone_can_change(store: DiskObjects) -> None:
    await put(store, "k", b"1", v=1)
    stat = await store.head("b", "k")
    await store.set_meta(stat, {"v": 2})
    assert (await store.head("b", "k")).meta == {"v": 2}
    assert (await store.head("b", "k")).modified == stat.modified
    await put(store, "k", b"2", v=3)
    with pytest.raises(Missing):
        await store.set_meta(stat, {"v": 4})
    assert (await store.head("b", "k")).meta == {"v": 3}


async def test_a_copy_has_its_own_file(store: DiskObjects, root: Path) -> None:
    for size in (0, 10, 3 << 20):
        data = os.urandom(size)
        await put(store, "source", data)
        async with store.draft("b") as draft:
            await draft.copy(await store.open("b", "source"))
            assert (await draft.digests())["MD5"] == hashlib.md5(data).digest()
            stat = await draft.commit("copy", {})
        assert stat.etag == hashlib.md5(data).hexdigest()
        assert await content(store, "copy") == data
        assert (root / "b/copy").stat().st_ino != (root / "b/source").stat().st_ino
        async with store.draft("b") as draft:
            await draft.copy(await store.open("b", "source"), 3, 7)
            await draft.commit("some", {})
        assert await content(store, "some") == data[3:7]


async def test_pages_in_byte_order_with_prefixes_rolled_up(store: DiskObjects) -> None:
    names = ["a", "a-b", "a/1", "a/2/x", "a/2/y", "a0", "b/z", "é", "日本/x", "\U0001f600", "￿"]
    for name in names:
        await put(store, name)
    ordered = sorted(names, key=str.encode)
    assert await keys(store) == ordered
    for limit in (1, 2, 3, 100):
        seen, after = [], ""
        while True:
            page = await store.page("b", "", "", after, limit)
            seen += [stat.key for stat in page.objects]
            if not page.truncated:
                break
            after = page.last
        assert seen == ordered
    page = await store.page("b", "", "/", "", 100)
    assert page.prefixes == ["a/", "b/", "日本/"]
    assert [stat.key for stat in page.objects] == ["a", "a-b", "a0", "é", "￿", "\U0001f600"]
    page = await store.page("b", "a/", "/", "", 100)
    assert ([stat.key for stat in page.objects], page.prefixes) == (["a/1"], ["a/2/"])
    page = await store.page("b", "", "/", "a/", 2)
    assert ([stat.key for stat in page.objects], page.prefixes, page.last) == (["a0"], ["b/"], "b/")
    page = await store.page("b", "", "/", "a/1", 1)
    assert page.prefixes == ["a/"]
    page = await store.page("b", "a", "-", "", 100)
    assert ([stat.key for stat in page.objects][:2], page.prefixes) == (["a", "a/1"], ["a-"])


async def test_a_large_directory_is_read_again_only_when_it_changed(store: DiskObjects, root: Path) -> None:
    for n in range(1200):
        (root / f"b/{n:05d}").touch()
    os.utime(root / "b", (1_000_000_000, 1_000_000_000))
    assert len(await keys(store, limit=2000)) == 1200
    assert await keys(store, after="00500", limit=2) == ["00501", "00502"]
    await put(store, "00500a")
    assert await keys(store, after="00500", limit=2) == ["00500a", "00501"]


async def test_multipart(store: DiskObjects, root: Path) -> None:
    upload = await store.create_upload("b", "k", {"ContentType": "x"})
    assert await store.upload("b", "k", upload.id) == upload
    assert await store.uploads("b", "", ("", ""), 10) == [upload]
    data = [os.urandom(5), os.urandom(1 << 21), b"end"]
    for number in (3, 1, 2, 2):
        async with store.draft("b") as draft:
            await draft.write(data[number - 1])
            await draft.commit_part(upload, number, {"n": number})
    parts = await store.parts(upload, 0, 10)
    assert [(part.number, part.size, part.meta) for part in parts] == [
        (n, len(data[n - 1]), {"n": n}) for n in (1, 2, 3)
    ]
    assert await store.parts(upload, 1, 1) == parts[1:2]
    assert len(list((root / ".clary/parts" / upload.id).iterdir())) == 3
    stat = await store.complete(upload, parts, "etag-3", upload.meta)
    assert await store.complete(upload, parts, "etag-3", upload.meta) == stat
    assert await store.head("b", "k") == stat
    assert await content(store, "k") == b"".join(data)
    assert list((root / ".clary/parts").iterdir()) == []
    assert await store.uploads("b", "", ("", ""), 10) == []
    async with store.draft("b") as draft:
        with pytest.raises(NoUpload):
            await draft.commit_part(upload, 1, {})


async def test_a_refused_completion_leaves_the_upload_open(store: DiskObjects) -> None:
    await put(store, "k", b"there")
    upload = await store.create_upload("b", "k", {})
    async with store.draft("b") as draft:
        await draft.write(b"part")
        part = await draft.commit_part(upload, 1, {})
    async with store.draft("b") as draft:
        await draft.write(b"newer")
        newer = await draft.commit_part(upload, 1, {})
    with pytest.raises(PartChanged):
        await store.complete(upload, [part], "e-1", {})
    with pytest.raises(ConditionFailed):
        await store.complete(upload, [newer], "e-1", {}, OnlyIf(absent=True))
    assert await content(store, "k") == b"there"
    assert await store.parts(upload, 0, 10) == [newer]
    await store.complete(upload, [newer], "e-1", {})
    assert await content(store, "k") == b"newer"
    with pytest.raises(NoUpload):
        await store.abort(upload)


async def test_an_aborted_upload_is_gone(store: DiskObjects, root: Path) -> None:
    upload = await store.create_upload("b", "k", {})
    async with store.draft("b") as draft:
        await draft.commit_part(upload, 1, {})
    await store.abort(upload)
    assert list((root / ".clary/parts").iterdir()) == []
    with pytest.raises(NoUpload):
        await store.abort(upload)
    with pytest.raises(NoUpload):
        await store.complete(upload, [], "e-0", {})


async def test_one_process_at_a_time(store: DiskObjects, root: Path) -> None:
    with pytest.raises(InUse):
        DiskObjects(root)


async def test_a_local_file_as_a_body(store: DiskObjects, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(range(256)) * 10)
    await store.put("b", "k", read_file(tmp_path / "f", 1000), {})
    assert await content(store, "k") == bytes(range(256)) * 10


async def test_many_writers_of_one_key_leave_one_whole_object(store: DiskObjects, root: Path) -> None:
    await asyncio.gather(*(put(store, "dir/k", b"%d" % n * 1000, v=n) for n in range(32)))
    stat = await store.head("b", "dir/k")
    data = await content(store, "dir/k")
    assert stat.etag == hashlib.md5(data).hexdigest()
    assert data == b"%d" % stat.meta["v"] * 1000
    assert list((root / ".clary/tmp").iterdir()) == []
