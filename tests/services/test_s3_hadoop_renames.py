"""What committers do at the Hadoop door: staged files, renames that publish, and what becomes of the rest."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.engines.objects.disk import DiskObjects
from clary.kernel.clock import Clock
from clary.services.s3.hadoop import staging
from tests.hadoop_house import Hadoop, Raised, keys_in
from tests.inprocess import InProcess
from tests.s3_house import s3_house

BIG = os.urandom(1 << 18)
ATTEMPT = "/data/out/_temporary/0/_temporary/attempt_0"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[InProcess, DiskObjects]]:
    with s3_house(tmp_path) as (made, store):
        made.client("s3").create_bucket(Bucket="data")
        yield made, store


def staged(house: InProcess, store: DiskObjects) -> list[str]:
    async def every() -> list[str]:
        return [stat.key async for stat in staging.every(store, "")]

    return house.run(every())


def inode(store: DiskObjects, bucket: str, key: str) -> int:
    path = store.local(bucket, key)
    assert path is not None
    return path.stat().st_ino


def test_a_job_commits_as_hadoops_committer_does(house: tuple[InProcess, DiskObjects]) -> None:
    made, store = house
    s3, hadoop = made.client("s3"), Hadoop(made)
    assert hadoop.mkdirs("/data/out/_temporary/0")
    hadoop.create(f"{ATTEMPT}/k=1/part-0", BIG)
    hadoop.create(f"{ATTEMPT}/part-1", b"small")
    assert keys_in(s3) == []
    assert hadoop.names("/data/out") == ["_temporary/"]
    assert hadoop.names(ATTEMPT) == ["k=1/", "part-1"]
    assert hadoop.open(f"{ATTEMPT}/k=1/part-0", offset=9, length=5) == BIG[9:14]
    before = inode(store, staging.STAGED, f"files{ATTEMPT}/k=1/part-0")

    task = "/data/out/_temporary/0/task_0"
    assert hadoop.rename(ATTEMPT, task)
    assert hadoop.kind(ATTEMPT) is None
    assert hadoop.names(task) == ["k=1/", "part-1"]
    assert hadoop.rename(f"{task}/k=1", "/data/out/k=1")
    assert hadoop.rename(f"{task}/part-1", "/data/out/part-1")
    assert keys_in(s3) == ["out/k=1/part-0", "out/part-1"]
    assert inode(store, "data", "out/k=1/part-0") == before, "the bytes were copied"
    assert s3.get_object(Bucket="data", Key="out/k=1/part-0")["Body"].read() == BIG

    assert hadoop.delete("/data/out/_temporary", recursive=True)
    hadoop.create("/data/out/_SUCCESS", b"")
    assert hadoop.names("/data/out") == ["_SUCCESS", "k=1/", "part-1"]
    assert staged(made, store) == []


def test_what_is_published_is_as_if_it_had_been_put(house: tuple[InProcess, DiskObjects]) -> None:
    made, _ = house
    s3, hadoop = made.client("s3"), Hadoop(made)
    hadoop.create(f"{ATTEMPT}/a", BIG)
    hadoop.create("/data/straight", BIG)
    assert hadoop.rename(f"{ATTEMPT}/a", "/data/published")
    told = [s3.head_object(Bucket="data", Key=key, ChecksumMode="ENABLED") for key in ("straight", "published")]
    names = ("ETag", "ContentLength", "ContentType", "ChecksumCRC64NVME")
    assert [told[0][name] for name in names] == [told[1][name] for name in names]


def test_versions_are_kept_and_events_are_told(house: tuple[InProcess, DiskObjects]) -> None:
    made, _ = house
    s3, hadoop = made.client("s3"), Hadoop(made)
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket="data", NotificationConfiguration={"EventBridgeConfiguration": {}})
    hadoop.create("/data/k", b"old")
    hadoop.create(f"{ATTEMPT}/k", BIG)
    assert hadoop.rename(f"{ATTEMPT}/k", "/data/k", renameoptions="OVERWRITE")
    hadoop.create(f"{ATTEMPT}/k", BIG)
    assert hadoop.delete("/data/k")
    found = s3.list_object_versions(Bucket="data")
    assert [one["Size"] for one in found["Versions"]] == [len(BIG), 3]
    assert [one["Key"] for one in found["DeleteMarkers"]] == ["k"]
    told = [
        (one["Record"]["eventName"], one["Record"]["s3"]["object"]["key"])
        for event in made.store.events(0, 100)
        if event.kind == "s3-event" and event.phase == "Happened" and event.type == "moved"
        for one in event.resource["status"].get("Events", [])
    ]
    assert told == [
        ("ObjectCreated:Put", "k"),
        ("ObjectCreated:Put", "k"),
        ("ObjectRemoved:DeleteMarkerCreated", "k"),
    ]


def test_objects_are_renamed_by_copy_and_deletion(house: tuple[InProcess, DiskObjects]) -> None:
    made, _ = house
    s3, hadoop = made.client("s3"), Hadoop(made)
    for key in ("d/a +%.csv", "d/e/b", "d/"):
        s3.put_object(Bucket="data", Key=key, Body=b"1", Metadata={"of": "mine"})
    assert hadoop.rename("/data/d/e/b", "/data/d/e/c")
    assert hadoop.rename("/data/d", "/data/new")
    assert keys_in(s3) == ["new/", "new/a +%.csv", "new/e/c"]
    assert s3.head_object(Bucket="data", Key="new/e/c")["Metadata"] == {"of": "mine"}
    # Into a directory that is there; never over a file, nor into itself.
    s3.put_object(Bucket="data", Key="there/x", Body=b"2")
    assert hadoop.rename("/data/new/e", "/data/there")
    assert not hadoop.rename("/data/there/x", "/data/there/e/c")
    assert not hadoop.rename("/data/there", "/data/there/deeper")
    assert not hadoop.rename("/data/absent", "/data/y")
    assert keys_in(s3) == ["new/", "new/a +%.csv", "there/e/c", "there/x"]
    with pytest.raises(Raised, match="exists already"):
        hadoop.rename("/data/there/x", "/data/there/e/c", renameoptions="NONE")
    assert hadoop.rename("/data/there/x", "/data/there/e/c", renameoptions="OVERWRITE")
    assert hadoop.open("/data/there/e/c") == b"2"


def test_a_rename_that_was_cut_short_goes_on_where_it_was(
    house: tuple[InProcess, DiskObjects], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, store = house
    s3, hadoop = made.client("s3"), Hadoop(made)
    for number in range(20):
        hadoop.create(f"{ATTEMPT}/{number:02}", BIG)
    plain, left = store.remove, [5]

    async def broken(bucket: str, key: str, *more: Any, **named: Any) -> Any:
        if bucket == staging.STAGED and key.startswith("files/"):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.EIO, "the disk is gone")
        return await plain(bucket, key, *more, **named)

    monkeypatch.setattr(store, "remove", broken)
    with pytest.raises(Raised, match="its log says why"):
        hadoop.rename(ATTEMPT, "/data/out/k=1")
    monkeypatch.undo()
    assert keys_in(s3)
    assert hadoop.rename(ATTEMPT, "/data/out/k=1")
    assert keys_in(s3) == [f"out/k=1/{number:02}" for number in range(20)]
    # It asks again because the answer was lost.
    assert hadoop.rename(ATTEMPT, "/data/out/k=1")


def test_a_client_that_hangs_up_leaves_nothing(house: tuple[InProcess, DiskObjects], tmp_path: Path) -> None:
    made, _ = house
    s3, hadoop = made.client("s3"), Hadoop(made)

    async def half(path: str) -> None:
        scope = {
            "type": "http",
            "method": "PUT",
            "path": f"/webhdfs/v1{path}",
            "query_string": b"op=CREATE&data=true",
            "headers": [
                *((name.lower().encode(), value.encode()) for name, value in hadoop.headers.items()),
                (b"transfer-encoding", b"chunked"),
            ],
        }
        messages = iter(({"type": "http.request", "body": BIG, "more_body": True}, {"type": "http.disconnect"}))

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            raise AssertionError(f"answered to nobody: {message}")

        await made.gateway(scope, receive, send)

    for path in ("/data/whole", f"{ATTEMPT}/part"):
        made.run(half(path))
        assert hadoop.kind(path) is None
    assert keys_in(s3) == []
    assert list((tmp_path / "objects" / ".clary" / "tmp").iterdir()) == []


def test_what_a_killed_job_left_goes_by_age(house: tuple[InProcess, DiskObjects]) -> None:
    made, store = house
    hadoop = Hadoop(made)
    made.client("s3").create_bucket(Bucket="gone")
    for path in (f"{ATTEMPT}/part", "/gone/_temporary/x"):
        hadoop.create(path, b"1")
    hadoop.rename(ATTEMPT, "/data/out/_temporary/0/task_0")
    made.client("s3").delete_bucket(Bucket="gone")

    class Later:
        def __init__(self, clock: Clock) -> None:
            self._clock = clock

        def now(self) -> float:
            return self._clock.now() + staging.KEPT_SECONDS + 1

    async def tidy(clock: Any) -> None:
        await staging.tidy(made.raw_store, store, clock)

    made.run(tidy(made.clock))
    kept = staged(made, store)
    assert [key.partition("/")[0] for key in kept] == ["files", "renames"]
    assert not any("gone" in key for key in kept)
    made.run(tidy(Later(made.clock)))
    assert staged(made, store) == []


def test_a_staged_object_without_its_record_is_published_whole(house: tuple[InProcess, DiskObjects]) -> None:
    """As a crash between the time and the name of a file that is being published leaves it."""
    made, store = house
    hadoop = Hadoop(made)
    hadoop.create(f"{ATTEMPT}/part", BIG)
    path = store.local(staging.STAGED, f"files{ATTEMPT}/part")
    assert path is not None
    os.utime(path)
    assert hadoop.rename(f"{ATTEMPT}/part", "/data/part")
    assert made.client("s3").get_object(Bucket="data", Key="part")["Body"].read() == BIG
    assert "-" not in made.client("s3").head_object(Bucket="data", Key="part")["ETag"]


@pytest.mark.parametrize("body", [BIG, b"small"])
def test_a_file_that_was_published_and_not_taken_away_is_done(
    house: tuple[InProcess, DiskObjects], monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    made, store = house
    hadoop = Hadoop(made)
    hadoop.create(f"{ATTEMPT}/part", body)

    async def broken(bucket: str, key: str) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(store, "remove", broken)
    with pytest.raises(Raised):
        hadoop.rename(f"{ATTEMPT}/part", "/data/part")
    monkeypatch.undo()
    assert keys_in(made.client("s3")) == ["part"]
    assert hadoop.rename(f"{ATTEMPT}/part", "/data/part")
    assert staged(made, store) == []
    assert hadoop.open("/data/part") == body


def test_what_is_staged_cannot_be_had_by_s3(house: tuple[InProcess, DiskObjects]) -> None:
    made, _ = house
    s3, hadoop = made.client("s3"), Hadoop(made)
    hadoop.create(f"{ATTEMPT}/part", b"1")
    for bucket, key in (("data", f"{ATTEMPT}/part".removeprefix("/data/")), (staging.STAGED, f"files{ATTEMPT}/part")):
        with pytest.raises(s3.exceptions.ClientError, match=r"NoSuchKey|NoSuchBucket|InvalidBucketName"):
            s3.get_object(Bucket=bucket, Key=key)
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["data"]
    s3.delete_bucket(Bucket="data")  # it is empty
