"""What is laid out for a run: links, copies, archives that can be trusted and such that cannot."""

import errno
import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clary.engines.runners import clean, stage
from clary.engines.runners.base import Archive, StartError, Tree, Work
from clary.engines.runners.plain import rewrite
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.rundir import RunDir
from clary.engines.runners.stage import Mount, Placing, Stage


def fill(
    tmp_path: Path, work: Work, placing: Placing = "overlay", limit: int = 1 << 30
) -> tuple[RunDir, tuple[Mount, ...]]:
    run = RunDir.of(tmp_path, "run")
    run.path.mkdir()
    return run, Stage(run, placing, limit).fill(work)


def archive(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Archive:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return Archive("/opt/ml/model", path)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


@pytest.mark.parametrize("mode", ["w:gz", "w", "w:bz2"])
def test_an_archive_is_unpacked_with_its_links_and_modes(tmp_path: Path, mode: str) -> None:
    made = archive(
        tmp_path,
        (member("./"  , tarfile.DIRTYPE), b""),
        (member("./code/", tarfile.DIRTYPE, mode=0o000), b""),
        (member("./code/run", mode=0o4755), b"run"),
        (member("code/same", tarfile.LNKTYPE, "code/run"), b""),
        (member("code/up", tarfile.SYMTYPE, "../code/run"), b""),
        (member("code/run", mode=0o600), b"second"),
        mode=mode,
    )  # fmt: skip
    run, _ = fill(tmp_path, Work(("true",), archives=(made,)))
    code = run.ml / "model" / "code"
    assert (code / "run").read_text() == "second" and (code / "run").stat().st_mode & 0o7777 == 0o644
    assert (code / "same").read_text() == "run" and (code / "same").stat().st_mode & 0o7777 == 0o755
    assert (code / "up").readlink() == Path("../code/run")


REFUSED: list[tuple[str, list[tarfile.TarInfo]]] = [
    ("'/etc/passwd'", [member("/etc/passwd")]),
    ("'../x'", [member("../x")]),
    ("'a/../../x'", [member("a/../../x")]),
    ("'l'.*'/etc'", [member("l", tarfile.SYMTYPE, "/etc")]),
    ("'l'.*'../x'", [member("l", tarfile.SYMTYPE, "../x")]),
    ("'d/l'.*'../../x'", [member("d/l", tarfile.SYMTYPE, "../../x")]),
    ("'l'.*'d/../../x'", [member("l", tarfile.SYMTYPE, "d/../../x")]),
    # Each of the two links is harmless by itself; the second through the first would lead out.
    ("'e'.*'d/b/../x'", [member("d/b", tarfile.SYMTYPE, ".."), member("e", tarfile.SYMTYPE, "d/b/../x")]),
    ("'l/x'.*through", [member("l", tarfile.SYMTYPE, "."), member("l/x")]),
    ("'l/d/x'.*through", [member("l", tarfile.SYMTYPE, "."), member("l/d/x")]),
    ("'h'.*'/etc/hosts'", [member("h", tarfile.LNKTYPE, "/etc/hosts")]),
    ("'h'.*'../x'", [member("h", tarfile.LNKTYPE, "../x")]),
    ("'h'.*no file", [member("l", tarfile.SYMTYPE, "x"), member("h", tarfile.LNKTYPE, "l")]),
    ("'p'.*device or a pipe", [member("p", tarfile.FIFOTYPE)]),
    ("'c'.*device or a pipe", [member("c", tarfile.CHRTYPE)]),
    ("'f/x'.*no directory", [member("f"), member("f/x")]),
]


@pytest.mark.parametrize(("words", "members"), REFUSED, ids=[words for words, _ in REFUSED])
def test_a_member_that_leaves_its_directory_is_refused_by_name(
    tmp_path: Path, words: str, members: list[tarfile.TarInfo]
) -> None:
    outside = sorted(path.name for path in tmp_path.iterdir())
    made = archive(tmp_path, *((one, b"x" if one.isreg() else b"") for one in members))
    with pytest.raises(StartError, match=words):
        fill(tmp_path, Work(("true",), archives=(made,)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*outside, "model.tar.gz", "run"])


def test_depth_is_bounded_by_the_length_of_a_path_alone(tmp_path: Path) -> None:
    made = archive(tmp_path, (member("d/" * 1500 + "f"), b"deep"))
    (tmp_path / "object").write_text("object")
    tree = Tree("/opt/ml/input/data/train", (("a/" * 511 + "b", tmp_path / "object"),))
    run, _ = fill(tmp_path, Work(("true",), archives=(made,), trees=(tree,)))
    assert run.ml.joinpath("model", *["d"] * 1500, "f").read_text() == "deep"
    clean.delete(run.path)
    run.path.mkdir()
    made = archive(tmp_path, (member("d/" * 2100 + "f"), b"too deep"))
    with pytest.raises(StartError, match="File name too long: 'd'"):
        Stage(run, "overlay", 1 << 30).fill(Work(("true",), archives=(made,)))
    clean.delete(run.path)


def test_a_hard_link_in_an_archive_never_reaches_an_input_file(tmp_path: Path) -> None:
    (tmp_path / "object").write_text("object")
    made = archive(tmp_path, (member("o"), b"from the archive"))
    tree = Tree("/opt/ml/model", (("o", tmp_path / "object"),))
    _, (mount,) = fill(tmp_path, Work(("true",), archives=(made,), trees=(tree,)))
    assert (tmp_path / "object").read_text() == "object"
    assert (mount.files / "o").read_text() == "from the archive"


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    made = archive(tmp_path, (member("a"), bytes(600)), (member("b"), bytes(600)))
    with pytest.raises(StartError, match=r"it holds 1,112 bytes or more, and 1,000 are left of what all"):
        fill(tmp_path, Work(("true",), archives=(made,)), limit=1000)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"no archive",
        lambda data: data[:-20],
        lambda data: data[:40] + b"x" * 9 + data[49:],
        lambda data: b"",
    ],
)
def test_a_broken_archive_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    made = archive(tmp_path, (member("a"), os.urandom(3000)))
    made.path.write_bytes(spoil(made.path.read_bytes()))
    with pytest.raises(StartError, match=r"model.tar.gz is not a readable"):
        fill(tmp_path, Work(("true",), archives=(made,)))


def test_a_missing_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="is not there"):
        fill(tmp_path, Work(("true",), archives=(Archive("/opt/ml/model", tmp_path / "gone.tar.gz"),)))


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_where_a_link_is_impossible_the_file_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "object").write_bytes(os.urandom(5 << 20))
    _, (mount,) = fill(tmp_path, Work(("true",), trees=(Tree("/opt/ml/x", (("o", tmp_path / "object"),)),)))
    assert (mount.files / "o").read_bytes() == (tmp_path / "object").read_bytes()
    assert (tmp_path / "object").stat().st_nlink == 1


def test_a_symbolic_link_is_followed_once_and_then_forgotten(tmp_path: Path) -> None:
    (tmp_path / "object").write_text("object")
    (tmp_path / "link").symlink_to("object")
    for placing in ("overlay", "copy"):
        work = Work(("true",), trees=(Tree("/opt/ml/x", (("o", tmp_path / "link"),)),))
        run, mounts = fill(tmp_path, work, placing)
        there = (mounts[0].files if mounts else run.ml / "x") / "o"
        assert there.read_text() == "object" and not there.is_symlink()
        clean.delete(run.path)


def test_an_unreadable_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "object").write_text("object")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StartError, match="'o' cannot be read"):
        fill(tmp_path, Work(("true",), trees=(Tree("/opt/ml/x", (("o", tmp_path / "object"),)),)), "copy")


async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "object").write_text("object")
    runner = ProcessRunner(tmp_path / "runs")
    runner.probe()
    monkeypatch.setattr(os, "link", full)
    with pytest.raises(StartError, match="disk is full"):
        await runner.start("a", Work(("true",), trees=(Tree("/opt/ml/x", (("o", tmp_path / "object"),)),)))
    assert await runner.uids() == []


def test_ten_thousand_files_are_laid_out_quickly(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "one").write_text("x")
    files = []
    for number in range(10_000):
        path = source / str(number)
        os.link(source / "one", path)
        files.append((f"{number % 100}/{number}", path))
    start = time.process_time()
    _, (mount,) = fill(tmp_path, Work(("true",), trees=(Tree("/opt/ml/x", tuple(files)),)))
    # CPU seconds, since other tests share this machine; about 0.2 when measured.
    assert time.process_time() - start < 2.0
    assert sum(len(names) for _, _, names in os.walk(mount.files)) == 10_000


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/opt/ml", "/r/ml"), ("/opt/ml/model", "/r/ml/model"), ("--in=/opt/ml/a:/opt/ml/b", "--in=/r/ml/a:/r/ml/b"),
        ('{"a": "/opt/ml"}', '{"a": "/r/ml"}'), ("/opt/mlflow", "/opt/mlflow"), ("/opt/ml-ops", "/opt/ml-ops"),
    ],
)  # fmt: skip
def test_without_mounts_words_are_rewritten(text: str, seen: str) -> None:
    assert rewrite(text, Path("/r/ml")) == seen


def test_placings_are_the_three_that_are_known() -> None:
    assert set(stage.Placing.__args__) == {"overlay", "read-only", "copy"}


def test_a_tree_of_its_own_is_copied_where_others_are_linked(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.write_bytes(b"step 3")
    trees = (
        Tree("/opt/ml/checkpoints", (("sub/last", origin),), own=True),
        Tree("/opt/ml/input/data/train", (("a", origin),)),
    )
    run, mounts = fill(tmp_path, Work(("true",), trees=trees))
    assert [mount.target for mount in mounts] == ["/opt/ml/input/data/train"]
    copy = run.ml / "checkpoints" / "sub" / "last"
    with copy.open("ab") as file:
        file.write(b" and 4")
    assert (copy.read_bytes(), origin.read_bytes()) == (b"step 3 and 4", b"step 3")
