"""Images by URI, locations, and how files come into a run and out of it."""

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from clary.aws.errors import ValidationException
from clary.engines.runners import clean
from clary.jobs import outputs
from clary.jobs.locations import Location, parse
from clary.services.sagemaker import images, inputs


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "xgboost"),
        ("141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.0-1-cpu-py3", "xgboost"),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", "xgboost"),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:latest", "xgboost"),
        ("sagemaker-xgboost", "xgboost"),
        (f"1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1@sha256:{'a' * 64}", "xgboost"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", "scikit-learn"),
        ("localhost:5000/sagemaker-scikit-learn:x", "scikit-learn"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/my-xgboost:1", None),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/xgboost-neo:latest", None),
        ("", None),
    ],
)
def test_an_image_is_looked_up_by_its_repository(uri: str, name: str | None) -> None:
    found = images.lookup(uri)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://b/a/b.csv", "b", "a/b.csv"),
        ("s3://b", "b", ""),
        ("s3://b/a//c", "b", "a//c"),
        ("https://s3.us-east-1.amazonaws.com/b/a/c", "b", "a/c"),
        ("https://b.s3.us-east-1.amazonaws.com/a/c", "b", "a/c"),
    ],
)
def test_a_location_is_read_as_s3_writes_it(uri: str, bucket: str, key: str) -> None:
    assert parse(uri) == Location(bucket, key)


def test_a_location_without_a_bucket_is_refused() -> None:
    with pytest.raises(ValidationException, match="names no bucket"):
        parse("s3:///key")


def test_children_of_a_location_have_single_seams() -> None:
    assert str(Location("b", "a/").child("job", "output")) == "s3://b/a/job/output"
    assert str(Location("b", "").child("job")) == "s3://b/job"


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data/train/", "data/train/a.csv", "a.csv"),
        ("data/train", "data/train/a.csv", "a.csv"),
        ("data/train", "data/train.csv", "train.csv"),
        ("data/train", "data/train2/b.csv", "train2/b.csv"),
        ("data/train/a.csv", "data/train/a.csv", "a.csv"),
        ("", "data/a.csv", "data/a.csv"),
        ("data", "data/train/", ""),
        ("data/", "data//a.csv", "a.csv"),
    ],
)
def test_where_an_object_of_a_prefix_stands(prefix: str, key: str, name: str) -> None:
    assert inputs.relative(prefix, key) == name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "ml"
    (made / "model" / "deep").mkdir(parents=True)
    (made / "model" / "a").write_bytes(b"a" * 1000)
    (made / "model" / "deep" / "b").write_bytes(b"b")
    return made


def test_the_same_content_makes_the_same_archive(root: Path) -> None:
    first = outputs.pack(root, "/opt/ml/model").read_bytes()
    os.utime(root / "model" / "a", (1, 1))
    (root / "model" / "deep").rename(root / "model" / "x")
    (root / "model" / "x").rename(root / "model" / "deep")
    assert outputs.pack(root, "/opt/ml/model").read_bytes() == first
    with tarfile.open(fileobj=io.BytesIO(first), mode="r:gz") as tar:
        assert tar.getnames() == ["a", "deep", "deep/b"]
        assert {(one.uid, one.mtime, one.uname) for one in tar.getmembers()} == {(0, 0, "")}


def test_hard_links_are_whole_and_pipes_left_out(root: Path) -> None:
    (root / "model" / "c").hardlink_to(root / "model" / "a")
    os.mkfifo(root / "model" / "pipe")
    (root / "model" / "out").symlink_to("/etc/passwd")
    packed = outputs.pack(root, "/opt/ml/model").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        member = tar.extractfile("c")
        assert member is not None
        assert member.read() == b"a" * 1000
        assert "pipe" not in tar.getnames()
        assert tar.getmember("out").issym()


def test_an_empty_or_missing_model_makes_an_empty_archive(tmp_path: Path) -> None:
    assert outputs.empty(tmp_path, "/opt/ml/model")
    packed = outputs.pack(tmp_path, "/opt/ml/model").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        assert tar.getnames() == []


def test_links_are_resolved_as_the_run_saw_them(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    model = root / "model"
    (model / "absolute").symlink_to("/opt/ml/model/deep/b")
    (model / "relative").symlink_to("deep/../deep/b")
    (model / "outside").symlink_to(tmp_path / "secret")
    (model / "climbing").symlink_to("../../secret")
    (model / "loop").symlink_to("loop")
    (model / "through").symlink_to("/opt/ml/model/deep")
    assert outputs.resolve(root, "/opt/ml/model/absolute") == model / "deep" / "b"
    assert outputs.resolve(root, "/opt/ml/model/relative") == model / "deep" / "b"
    assert outputs.resolve(root, "/opt/ml/model/through/b") == model / "deep" / "b"
    for name in ("outside", "climbing", "loop", "nothing"):
        assert outputs.resolve(root, f"/opt/ml/model/{name}") is None
    assert outputs.resolve(root, "/etc/passwd") is None
    assert outputs.text(root, "/opt/ml/model/outside", 100) == ""
    assert outputs.text(root, "/opt/ml/model/absolute", 100) == "b"


def test_what_a_run_closed_to_itself_is_stored_all_the_same(root: Path) -> None:
    model = root / "model"
    (model / "a").chmod(0)
    (model / "deep").chmod(0)
    assert [name for name, _ in outputs.files(root, "/opt/ml/model")] == ["a", "deep/b"]
    (model / "deep").chmod(0)
    model.chmod(0)
    assert outputs.text(root, "/opt/ml/model/a", 1) == "a"
    packed = outputs.pack(root, "/opt/ml/model").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        assert tar.getnames() == ["a", "deep", "deep/b"]
        assert all(member.mode & 0o400 for member in tar.getmembers())


def test_a_socket_is_left_out(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        here = os.open(root / "model", os.O_RDONLY)
        left.bind(f"/proc/self/fd/{here}/socket")  # a socket's own path may have 107 bytes only
        os.close(here)
    with tarfile.open(fileobj=io.BytesIO(outputs.pack(root, "/opt/ml/model").read_bytes())) as tar:
        assert tar.getnames() == ["a", "deep", "deep/b"]
    assert [name for name, _ in outputs.files(root, "/opt/ml/model")] == ["a", "deep/b"]


def test_a_name_that_is_no_text_is_refused_as_a_key_and_kept_in_an_archive(root: Path) -> None:
    (root / "model" / os.fsdecode(b"\xff")).write_bytes(b"x")
    with pytest.raises(outputs.OutputError, match=r"the name of /opt/ml/model/\\xff is not UTF-8"):
        outputs.files(root, "/opt/ml/model")
    with tarfile.open(fileobj=io.BytesIO(outputs.pack(root, "/opt/ml/model").read_bytes())) as tar:
        assert b"\xff" in [os.fsencode(name) for name in tar.getnames()]


def test_directories_deeper_than_a_path_may_be_are_refused(root: Path) -> None:
    here = root / "model"
    descriptor = os.open(here, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    with pytest.raises(outputs.OutputError, match="deeper than a path may be"):
        outputs.files(root, "/opt/ml/model")
    clean.delete(root)
    assert not root.exists()
