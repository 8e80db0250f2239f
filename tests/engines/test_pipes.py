"""Pipes as a run reads them: what the feeder streams, epoch by epoch, and how it ends."""

import gzip
import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from clary.engines.pipes import feeder
from clary.engines.pipes.base import Channel, Part, command, shuffled, write_channel, write_items
from clary.engines.runners.base import Work
from clary.engines.runners.process import ProcessRunner
from tests.running import over, process_runner, until

SECONDS = 30.0


class Stand:
    """A feeder beside this process, which is its keeper and the run."""

    def __init__(self, directory: Path) -> None:
        self.ml = directory / "ml"
        self.data = self.ml / "input" / "data"
        self.folder = directory / "files"
        self.data.mkdir(parents=True)
        self.folder.mkdir()
        self._directory = directory
        self.process: subprocess.Popen[str] | None = None

    def file(self, name: str, body: bytes) -> Part:
        (self.folder / name).write_bytes(body)
        return Part(f"s3://lake/{name}", file=name)

    def feed(self, items: Sequence[Sequence[Part]], **how: object) -> subprocess.Popen[str]:
        listed, told = self._directory / "items", self._directory / "train"
        write_items(listed, items)
        channel = Channel("/opt/ml/input/data/train", listed, self.folder, **how)  # type: ignore[arg-type]
        write_channel(told, channel)
        os.mkfifo(self.data / "train_0")
        env = {"CLARY_RUN_ML": str(self.ml), "CLARY_KEEPER": str(os.getpid())}
        self.process = subprocess.Popen(command([told]), env=env, stderr=subprocess.PIPE, text=True)
        return self.process

    def read(self, epoch: int) -> bytes:
        return (self.data / f"train_{epoch}").read_bytes()

    def end(self) -> tuple[int, str]:
        """Exit code and last words, once it has ended by itself."""
        assert self.process is not None
        _, said = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.close()


def records(data: bytes) -> list[bytes]:
    """RecordIO, read as its format says and not as our writer does."""
    found, at = [], 0
    while at < len(data):
        magic, length = struct.unpack_from("<II", data, at)
        assert magic == 0xCED7230A
        found.append(data[at + 8 : at + 8 + length])
        at += 8 + (length + 3) // 4 * 4
    return found


def test_every_epoch_streams_the_objects_in_the_order_of_their_keys(stand: Stand) -> None:
    stand.feed([[stand.file("a", b"one\n")], [stand.file("b", b"")], [stand.file("c", b"two\n" * 200_000)]])
    for epoch in range(3):
        assert stand.read(epoch) == b"one\n" + b"two\n" * 200_000
    assert [path.name for path in stand.data.iterdir()] == ["train_3"], "what is over has no pipe that nobody feeds"


def test_a_reader_may_stop_early_and_read_the_next_epoch(stand: Stand) -> None:
    stand.feed([[stand.file("a", b"x" * 5_000_000)]])
    with (stand.data / "train_0").open("rb") as pipe:
        assert pipe.read(10) == b"x" * 10
    assert len(stand.read(1)) == 5_000_000


def test_records_are_wrapped_whole_and_padded(stand: Stand) -> None:
    stand.feed([[stand.file("a", b"12345"), Part("line 1", data="é")], [stand.file("b", b"")]], recordio=True)
    assert records(stand.read(0)) == [b"12345", "é".encode(), b""]


def test_gzip_is_unpacked_members_and_all(stand: Stand) -> None:
    body = gzip.compress(b"1,2\n" * 100_000) + gzip.compress(b"3,4\n")
    stand.feed([[stand.file("a.gz", body)]], gzip=True)
    assert stand.read(0) == b"1,2\n" * 100_000 + b"3,4\n"


def test_gzip_in_records_tells_the_unpacked_length(stand: Stand) -> None:
    stand.feed([[stand.file("a.gz", gzip.compress(b"abc"))]], gzip=True, recordio=True)
    assert records(stand.read(0)) == [b"abc"]


@pytest.mark.parametrize(
    "body",
    [b"no gzip at all", gzip.compress(b"x" * 9999, mtime=0)[:-20], gzip.compress(b"abc", mtime=0) + b"junk"],
    ids=["text", "cut", "followed"],
)
def test_what_is_no_gzip_is_named_and_ends_it(stand: Stand, body: bytes) -> None:
    stand.feed([[stand.file("a.gz", body)]], gzip=True)
    stand.read(0)
    code, said = stand.end()
    assert code == 1
    assert said.startswith("ClientError: s3://lake/a.gz cannot be read as CompressionType Gzip says: ")
    assert said.count("\n") == 1


def test_a_shuffle_has_another_order_in_each_epoch_and_the_same_again(stand: Stand) -> None:
    items = [[Part("line", data=chr(ord("a") + number))] for number in range(20)]
    stand.feed(items, seed=7)
    seen = [stand.read(epoch).decode() for epoch in range(2)]
    wanted = []
    for epoch in range(2):
        letters = [part.data for (part,) in items]
        shuffled(letters, 7, epoch)
        wanted.append("".join(letters))
    assert seen == wanted
    assert seen[0] != seen[1]


def test_hosts_share_the_items_after_the_shuffle(stand: Stand, tmp_path: Path) -> None:
    items = [[Part("line", data=chr(ord("a") + number))] for number in range(7)]
    stand.feed(items, seed=7, host=1, hosts=2)
    letters = [part.data for (part,) in items]
    shuffled(letters, 7, 0)
    assert stand.read(0).decode() == "".join(letters[1::2])


def test_a_link_in_the_place_of_a_pipe_is_not_written_through(stand: Stand, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    stand.feed([[stand.file("a", b"theirs")]])
    (stand.data / "train_1").symlink_to(precious)
    assert stand.read(0) == b"theirs"
    code, said = stand.end()
    assert (code, precious.read_text()) == (1, "mine")
    assert said.startswith("InternalServerError: train could not be fed: ")


def test_a_file_in_the_place_of_a_pipe_is_told(stand: Stand) -> None:
    stand.feed([[stand.file("a", b"theirs")]])
    (stand.data / "train_1").write_bytes(b"own")
    stand.read(0)
    code, said = stand.end()
    assert (code, said) == (
        1,
        "ClientError: train_1 is no named pipe any more: the program has put something else there\n",
    )
    assert (stand.data / "train_1").read_bytes() == b"own"


def test_a_directory_that_became_a_link_is_not_followed(stand: Stand, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    stand.data.rename(stand.ml / "input" / "moved")
    stand.data.symlink_to(tmp_path / "elsewhere")
    stand.feed([[stand.file("a", b"theirs")]])
    assert stand.end()[0] == 1


def test_it_ends_with_its_keeper_whatever_it_waits_for(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    write_items(tmp_path / "items", [[Part("line", data="x")]])
    write_channel(tmp_path / "train", Channel("/opt/ml/input/data/train", tmp_path / "items", stand.folder))
    os.mkfifo(stand.data / "train_0")
    keeps = "import os, subprocess, sys; os.environ['CLARY_KEEPER'] = str(os.getpid())\n"
    keeps += "print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", keeps, *command([tmp_path / "train"])],
        env={"CLARY_RUN_ML": str(stand.ml)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdout is not None
    feeds = os.pidfd_open(int(keeper.stdout.readline()))
    keeper.kill()
    keeper.communicate()
    assert select.select([feeds], [], [], SECONDS)[0], "it has ended"
    os.close(feeds)


def test_a_record_that_is_too_long_is_refused() -> None:
    with pytest.raises(feeder.Refused, match="a RecordIO record holds 536,870,911 at most"):
        feeder._head(1 << 29, "s3://lake/large")


READS = """
import os
ml = os.environ.get('CLARY_ML_ROOT', '/opt/ml')
for epoch in range(2):
    with open(f'{ml}/input/data/train_{epoch}', 'rb') as pipe:
        print(epoch, len(pipe.read()), flush=True)
"""
READS_ON = READS + "open(f'{ml}/up', 'w'); open(f'{ml}/input/data/train_2', 'rb').read(5); import time; time.sleep(600)"


@pytest.mark.parametrize("kind", ["bubblewrap", "mounts", "plain"])
async def test_a_run_reads_its_pipes_and_fails_with_its_feeder(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = process_runner(kind, tmp_path / "runs", monkeypatch)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "0").write_bytes(b"x" * 3_000_000)
    write_items(tmp_path / "items", [[Part("s3://lake/a", file="0")]])
    channel = Channel("/opt/ml/input/data/train", tmp_path / "items", tmp_path / "files")
    write_channel(tmp_path / "train", channel)

    def work(code: str) -> Work:
        feeds = (command([tmp_path / "train"]),)
        return Work(("python3", "-S", "-c", code), pipes=(channel.first_pipe(),), companions=feeds)

    try:
        await runner.start("a", work(READS))
        run = await over(runner, "a")
        assert run.log is not None and run.log.read_text() == "0 3000000\n1 3000000\n"
        assert (run.exit_code, run.broken) == (0, None)
        await runner.start("b", work(READS_ON))
        await _kill_feeder(runner, "b", tmp_path / "train")
        run = await over(runner, "b")
        assert run.exit_code != 0
        assert run.broken == "what feeds the run was ended, with exit code 137"
    finally:
        for uid in await runner.uids():
            await runner.remove(uid)
        runner.close()


async def _kill_feeder(runner: ProcessRunner, uid: str, told: Path) -> None:
    run = await runner.observe(uid)
    assert run.root is not None
    up = run.root / "up"
    await until(lambda: up.exists(), "the run has read two epochs")
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(told) in words:
                os.kill(int(entry.name), signal.SIGKILL)
