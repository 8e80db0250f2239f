"""Input mode Pipe: what comes through a FIFO is what the files hold."""

import gzip
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from clary.algorithms.contract import Channel, ClientError
from clary.algorithms.xgboost import pipes
from clary.algorithms.xgboost.data import read_channel
from clary.algorithms.xgboost.table import Rows
from tests.algorithms.conftest import OptMl
from tests.algorithms.test_data import parquet, recordio
from tests.algorithms.test_train import prepared, rows

Feed = Callable[[Path, bytes], None]


@pytest.fixture
def feed() -> Iterator[Feed]:
    """Writes bytes into a FIFO that it makes, from a thread: nobody can write before somebody reads."""
    writers: list[threading.Thread] = []

    def start(pipe: Path, content: bytes) -> None:
        os.mkfifo(pipe)
        writers.append(threading.Thread(target=_write, args=(pipe, content)))
        writers[-1].start()

    yield start
    for one in writers:
        one.join(60)


def _write(pipe: Path, content: bytes) -> None:
    try:
        pipe.write_bytes(content)
    except BrokenPipeError:
        return  # a reader that found a mistake leaves


def piped(root: Path, feed: Feed, kind: str | None, content: bytes) -> Rows:
    feed(root / "train_0", content)
    return read_channel(Channel("train", root / "train", kind, "Pipe"))


CSV = b"".join(b"%d,%d,%d\n" % (n % 2, n, 2 * n) for n in range(5000))


@pytest.mark.parametrize("size", [64, 1 << 20])
@pytest.mark.parametrize("content", [CSV, CSV[:-1], gzip.compress(CSV[:30000]) + gzip.compress(CSV[30000:])])
def test_csv_in_blocks(tmp_path: Path, feed: Feed, monkeypatch: pytest.MonkeyPatch, size: int, content: bytes) -> None:
    monkeypatch.setattr(pipes, "BLOCK_BYTES", size)
    monkeypatch.setattr(pipes.lines, "__defaults__", (max(size, 4096),))
    found = piped(tmp_path, feed, "text/csv", content)
    np.testing.assert_array_equal(found.features, np.array([[n, 2 * n] for n in range(5000)], np.float32))
    assert found.labels.tolist() == [n % 2 for n in range(5000)]


def test_libsvm(tmp_path: Path, feed: Feed) -> None:
    found = piped(tmp_path, feed, None, b"0 0:1.5 1:2\n1 1:-4\n")
    assert found.features.toarray().tolist() == [[1.5, 2], [0, -4]]


def test_several_parquet_files(tmp_path: Path, feed: Feed) -> None:
    content = parquet(y=[0, 1], a=[1.5, 2]) + parquet(y=[1], a=[7.5])
    found = piped(tmp_path, feed, "application/x-parquet", content)
    assert found.features.tolist() == [[1.5], [2], [7.5]] and found.labels.tolist() == [0, 1, 1]


def test_recordio(tmp_path: Path, feed: Feed) -> None:
    content = recordio(np.array([[1.5, 2], [0, -4]], np.float32), np.array([0, 1]))
    found = piped(tmp_path, feed, "application/x-recordio-protobuf", content * 3)
    assert found.features.tolist() == [[1.5, 2], [0, -4]] * 3 and found.labels.tolist() == [0, 1] * 3


def test_a_mistake_is_named_with_its_line(tmp_path: Path, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes.lines, "__defaults__", (10_000,))
    with pytest.raises(ClientError, match=r"File train_0 \(after line \d+\), line \d+, column 2: 'red'"):
        piped(tmp_path, feed, "text/csv", CSV.replace(b",4000,", b",red,"))


def test_an_empty_pipe_has_no_data(tmp_path: Path, feed: Feed) -> None:
    with pytest.raises(ClientError, match="No data in train channel"):
        piped(tmp_path, feed, "text/csv", b"")


def test_a_job_learns_the_same_from_pipes(ml: OptMl, feed: Feed, tmp_path: Path) -> None:
    files = prepared(OptMl(tmp_path / "files")).train()
    prepared(ml)
    config = ml.root / "input" / "config" / "inputdataconfig.json"
    config.write_text(config.read_text().replace('"text/csv"', '"text/csv", "TrainingInputMode": "Pipe"'))
    feed(ml.root / "input" / "data" / "train_0", rows(300, 1).encode())
    feed(ml.root / "input" / "data" / "validation_0", rows(100, 2).encode())
    assert ml.train().save_raw("json") == files.save_raw("json")
