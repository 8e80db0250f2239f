"""The Hadoop door: files and directories, bytes, refusals, and who may ask."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.authorize import ResourcePolicies
from clary.aws.credentials import Keys, Principal
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.services import s3 as services_s3
from tests.hadoop_house import Hadoop, Raised, keys_in
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, InProcess
from tests.real import TRUST


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    objects = DiskObjects(tmp_path / "objects")
    with iam_house(tmp_path, [services_s3.service]) as made:
        made.ports[BucketStore] = objects
        made.ports[ResourcePolicies] = services_s3.policy.BucketPolicies(made.raw_store, ACCOUNT, objects)
        made.client("s3").create_bucket(Bucket="data")
        yield made
    objects.close()


def role(house: InProcess, *statements: dict[str, Any], seconds: float = 3600.0) -> Hadoop:
    """A session that may do just that."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam = house.client("iam")
    iam.create_role(RoleName="etl", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="etl", PolicyName="p", PolicyDocument=text)
    arn, user = f"arn:aws:sts::{ACCOUNT}:assumed-role/etl/job", iam.get_role(RoleName="etl")["Role"]["RoleId"]
    principal = Principal(ACCOUNT, arn, f"{user}:job", "assumed-role", issued=house.clock.now())
    return Hadoop(house, house.ring.issue(principal, house.clock.now() + seconds))


def allow(*actions: str, resource: str = "arn:aws:s3:::data/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"s3:{one}" for one in actions], "Resource": resource, **more}


def test_an_object_is_a_file_and_what_keys_share_is_a_directory(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    s3.put_object(Bucket="data", Key="in/2024/a.csv", Body=b"12345")
    s3.put_object(Bucket="data", Key="made/", Body=b"")
    s3.put_object(Bucket="data", Key="in/b c+d%20=ü.csv", Body=b"1")
    found = hadoop.ask("GET", "GETFILESTATUS", "/data/in/2024/a.csv")["FileStatus"]
    assert (found["type"], found["length"], found["pathSuffix"]) == ("FILE", 5, "")
    assert (
        found["modificationTime"]
        == s3.head_object(Bucket="data", Key="in/2024/a.csv")["LastModified"].timestamp() * 1000
    )
    assert [hadoop.kind(f"/data/{one}") for one in ("", "in", "in/2024", "made", "in/20")] == [
        *("DIRECTORY", "DIRECTORY", "DIRECTORY", "DIRECTORY"),
        None,
    ]
    assert hadoop.names("/data") == ["in/", "made/"]
    assert hadoop.names("/data/in") == ["2024/", "b c+d%20=ü.csv"]
    assert hadoop.names("/data/made") == []
    assert hadoop.names("/data/in/2024/a.csv") == [""]
    assert hadoop.open("/data/in/b c+d%20=ü.csv") == b"1"
    summary = hadoop.ask("GET", "GETCONTENTSUMMARY", "/data/in")["ContentSummary"]
    assert (summary["fileCount"], summary["directoryCount"], summary["length"]) == (2, 2, 6)


def test_names_that_hadoop_would_misread_are_made_plain_or_left_out(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    for key in ("d/10:30.csv", "d//double", "d/../up"):
        s3.put_object(Bucket="data", Key=key, Body=b"1")
    assert hadoop.names("/data/d") == ["./10:30.csv"]
    with pytest.raises(Raised, match=r"without \. and \.\.") as raised:
        hadoop.kind("/data/d/../up")
    assert raised.value.name == "IllegalArgumentException"


def test_more_than_a_page_is_listed_whole(house: InProcess, tmp_path: Path) -> None:
    hadoop, many = Hadoop(house), tmp_path / "objects" / "data" / "many"
    many.mkdir()
    for number in range(2100):
        (many / f"{number:05}").touch()
    names = hadoop.names("/data/many")
    assert (len(names), names[0], names[-1]) == (2100, "00000", "02099")
    batch = hadoop.ask("GET", "LISTSTATUS_BATCH", "/data/many")["DirectoryListing"]
    assert len(batch["partialListing"]["FileStatuses"]["FileStatus"]) == 2100
    assert batch["remainingEntries"] == 0
    assert hadoop.delete("/data/many", recursive=True)
    assert keys_in(house.client("s3")) == []


def test_any_range_is_read(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    body = bytes(range(256)) * 20_000
    s3.put_object(Bucket="data", Key="big", Body=body)
    assert hadoop.open("/data/big") == body
    assert hadoop.open("/data/big", offset=5_000_000) == body[5_000_000:]
    assert hadoop.open("/data/big", offset=7, length=11) == body[7:18]
    assert hadoop.open("/data/big", offset=len(body)) == b""
    assert hadoop.open("/data/big", offset=3, length=0) == b""
    with pytest.raises(Raised, match="out of the range"):
        hadoop.open("/data/big", offset=len(body) + 1)


def test_what_is_written_is_an_object_as_any_other(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    hadoop.create("/data/out/a b+%.bin", b"x" * 3_000_000)
    hadoop.create("/data/out/small", b"y")
    head = s3.head_object(Bucket="data", Key="out/a b+%.bin", ChecksumMode="ENABLED")
    etag = hashlib.md5(b"x" * 3_000_000, usedforsecurity=False).hexdigest()
    assert (head["ETag"], head["ContentLength"], head["ContentType"]) == (
        f'"{etag}"',
        3_000_000,
        "binary/octet-stream",
    )
    assert "ChecksumCRC64NVME" in head
    with pytest.raises(Raised, match="exists already") as raised:
        hadoop.create("/data/out/small", b"z")
    assert raised.value.java_class == "org.apache.hadoop.fs.FileAlreadyExistsException"
    hadoop.create("/data/out/small", b"z", overwrite="true")
    assert hadoop.open("/data/out/small") == b"z"
    with pytest.raises(Raised, match="is a directory"):
        hadoop.create("/data/out", b"z", overwrite="true")
    with pytest.raises(Raised, match="does not exist") as raised:
        hadoop.create("/nowhere/x", b"z")
    assert raised.value.name == "FileNotFoundException"


def test_a_directory_is_made_for_jobs_and_seen_by_nobody_else(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    assert hadoop.mkdirs("/data/new/deep")
    assert hadoop.mkdirs("/data/new/deep")
    assert hadoop.kind("/data/new/deep") == "DIRECTORY"
    assert hadoop.names("/data/new") == ["deep/"]
    assert keys_in(s3) == []
    hadoop.create("/data/new/deep/file", b"1")
    assert keys_in(s3) == ["new/deep/file"]
    s3.delete_object(Bucket="data", Key="new/deep/file")
    # As with any client of S3: with its last object the directory is gone.
    assert hadoop.kind("/data/new/deep") is None
    s3.put_object(Bucket="data", Key="file", Body=b"1")
    with pytest.raises(Raised, match="is a file"):
        hadoop.mkdirs("/data/file")


def test_deletions(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    for key in ("d/a", "d/e/b", "d/e/", "dx"):
        s3.put_object(Bucket="data", Key=key, Body=b"1")
    assert not hadoop.delete("/data/absent")
    with pytest.raises(Raised, match="recursively") as raised:
        hadoop.delete("/data/d")
    assert raised.value.name == "PathIsNotEmptyDirectoryException"
    assert hadoop.delete("/data/d/a")
    assert hadoop.delete("/data/d", recursive=True)
    assert keys_in(s3) == ["dx"]


def test_what_s3_has_not_is_refused_by_name(house: InProcess) -> None:
    house.client("s3").put_object(Bucket="data", Key="k", Body=b"1")
    hadoop = Hadoop(house)
    for method, operation, words in (
        ("POST", "APPEND", "cannot be appended"),
        ("POST", "CONCAT", "cannot be joined"),
        ("PUT", "CREATESYMLINK", "no links"),
        ("GET", "GETFILECHECKSUM", "ETags"),
        ("GET", "GETXATTRS", "not served"),
    ):
        with pytest.raises(Raised, match=words) as raised:
            hadoop.ask(method, operation, "/data/k")
        assert raised.value.java_class == "java.lang.UnsupportedOperationException"
    hadoop.ask("PUT", "SETPERMISSION", "/data/k", permission="700")
    assert hadoop.ask("GET", "GETSERVERDEFAULTS", "/")["FsServerDefaults"]["blockSize"] > 0


def test_the_table_of_mounts_names_every_bucket(house: InProcess) -> None:
    s3, hadoop = house.client("s3"), Hadoop(house)
    assert hadoop.names("/~mounts") == ["mount-table.1.xml"]
    s3.create_bucket(Bucket="later.on")
    s3.create_bucket(Bucket="data.raw")
    table = hadoop.open("/~mounts/mount-table.1.xml").decode()
    assert "<name>fs.viewfs.mounttable.later.on.linkFallback</name>" in table
    assert "<value>webhdfs://127.0.0.1:4810/data</value>" in table
    assert "data.raw" not in table  # Hadoop would refuse the bucket "data" too
    with pytest.raises(Raised):
        hadoop.ask("PUT", "MKDIRS", "/~mounts")


def test_who_proves_nothing_is_told_nothing(house: InProcess) -> None:
    good = Hadoop(house)
    good.create("/data/k", b"1")
    wrong = Keys(good.keys.access_key_id, "wrong")
    for bad, words in (
        (Hadoop(house, wrong), "secret"),
        (Hadoop(house, Keys("AKIANOBODY", "x")), "invalid"),
        (Hadoop(house, good.keys, until=house.clock.now() - 1), "expired"),
        (role(house, allow("*"), seconds=-1), "expired"),
    ):
        with pytest.raises(Raised, match=words) as raised:
            bad.open("/data/k")
        assert (raised.value.name, raised.value.status) == ("AccessControlException", 403)
    status, _, body = house.request("GET", "/webhdfs/v1/data/k?op=OPEN", {})
    assert status == 403
    assert b"AccessControlException" in body
    status, _, body = house.request("GET", "/webhdfs/v1/data/k?op=OPEN", {"X-Clary-Token-zzz1": '""'})
    assert status == 403


def test_the_roles_permissions_hold_key_by_key(house: InProcess) -> None:
    s3 = house.client("s3")
    for key in ("in/a", "in/secret/b", "other/c"):
        s3.put_object(Bucket="data", Key=key, Body=b"1")
    lists = allow(
        "ListBucket", resource="arn:aws:s3:::data", Condition={"StringLike": {"s3:prefix": ["in/*", "out/*"]}}
    )
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/in/secret/*"}
    writes = allow("PutObject", resource="arn:aws:s3:::data/out/*")
    hadoop = role(house, allow("GetObject"), lists, deny, writes)
    assert hadoop.open("/data/in/a") == b"1"
    assert hadoop.names("/data/in") == ["a", "secret/"]
    hadoop.create("/data/out/x", b"1")
    hadoop.create("/data/out/_temporary/0/x", b"1")
    assert hadoop.rename("/data/out/_temporary/0/x", "/data/out/y")

    for action, call in (
        ("s3:GetObject", lambda: hadoop.open("/data/in/secret/b")),
        ("s3:ListBucket", lambda: hadoop.names("/data/other")),
        ("s3:ListBucket", lambda: hadoop.names("/data")),
        ("s3:PutObject", lambda: hadoop.create("/data/in/x", b"1")),
        ("s3:PutObject", lambda: hadoop.mkdirs("/data/in/new")),
        ("s3:PutObject", lambda: hadoop.create("/data/in/_temporary/x", b"1")),
        ("s3:DeleteObject", lambda: hadoop.delete("/data/in/a")),
        ("s3:DeleteObject", lambda: hadoop.delete("/data/out", recursive=True)),
        ("s3:DeleteObject", lambda: hadoop.rename("/data/in/a", "/data/out/z")),
    ):
        with pytest.raises(Raised, match=action) as raised:
            call()
        assert raised.value.java_class == "org.apache.hadoop.security.AccessControlException"
    # A staged file is not published where the role may not write.
    hadoop.create("/data/out/_temporary/0/w", b"1")
    with pytest.raises(Raised, match="s3:PutObject"):
        hadoop.rename("/data/out/_temporary/0/w", "/data/in/w")
    assert hadoop.delete("/data/out/_temporary", recursive=True)
    assert keys_in(s3) == ["in/a", "in/secret/b", "other/c", "out/x", "out/y", "out/z"]


def test_a_bucket_called_webhdfs_is_still_a_bucket(house: InProcess) -> None:
    s3 = house.client("s3")
    s3.create_bucket(Bucket="webhdfs")
    s3.put_object(Bucket="webhdfs", Key="v1/a", Body=b"1")
    assert s3.get_object(Bucket="webhdfs", Key="v1/a")["Body"].read() == b"1"
