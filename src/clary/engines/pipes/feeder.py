"""Feeds the named pipes of one run (input mode Pipe): a program of its own beside it, outside of its sandbox.

    python feeder.py CHANNEL.json ...

For each channel there is a pipe an epoch. Opening it waits for a reader; then the epoch is streamed, and the next
epoch's pipe is there before this one's end is seen. A reader may stop early. Nothing is held in memory but a piece.

Whatever goes wrong ends the program with a line of words for the job's owner: its keeper ends the run then, so that a
cut is never taken for the end of the data. Only the standard library is used, and nothing of Clary: it starts faster.
"""

import errno
import fcntl
import gzip
import json
import os
import random
import select
import stat
import struct
import sys
import threading
import zlib
from array import array
from collections.abc import Iterator, MutableSequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

ML = "/opt/ml/"
PIPE_BYTES = 1 << 20
PIECE = 1 << 18
MAGIC = 0xCED7230A
LONGEST_RECORD = (1 << 29) - 1


class Refused(Exception):
    """Something that cannot be streamed; the message is the run's last word on it."""


def shuffled(items: MutableSequence[Any], seed: int | None, epoch: int = 0) -> None:
    """In the order of that seed and epoch, in place; without a seed as they are."""
    if seed is not None:
        random.Random(f"{seed} {epoch}").shuffle(items)


class Feed:
    """One channel, being fed by one thread."""

    def __init__(self, told: dict[str, Any], ml: Path) -> None:
        self._ml = ml
        *self._above, self.name = told["pipe"].removeprefix(ML).split("/")
        self._told = told
        self._items = Path(told["items"]).open("rb")  # noqa: SIM115 (for as long as the program lives)
        self._starts = array("Q")
        self._folder = os.open(told["folder"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        at = 0
        for line in self._items:
            self._starts.append(at)
            at += len(line)

    def run(self) -> None:
        """Every epoch that somebody reads has been streamed; returns when the run has removed its pipe."""
        directory = self._enter()
        for epoch in count():
            try:
                pipe = os.open(self._name(epoch), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            except FileNotFoundError:
                return
            try:
                self._epoch(directory, epoch, pipe)
            finally:
                os.close(pipe)

    def _name(self, epoch: int) -> str:
        return f"{self.name}_{epoch}"

    def _enter(self) -> int:
        """The directory of the pipes. The run can write there: no link that it made is followed, or it could have any
        file of this machine written."""
        here = os.open(self._ml, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for step in self._above:
            below = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = below
        return here

    def _epoch(self, directory: int, epoch: int, pipe: int) -> None:
        name = self._name(epoch)
        if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            raise Refused(f"ClientError: {name} is no named pipe any more: the program has put something else there")
        # Before this epoch's end can be seen: a reader opens the next at once.
        with suppress(FileExistsError):
            os.mkfifo(self._name(epoch + 1), 0o644, dir_fd=directory)
        with suppress(OSError):  # a user may have too much in pipes already: then in smaller pieces
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        with suppress(BrokenPipeError):  # the reader has enough
            for at in self._order(epoch):
                self._item(pipe, at)
        # While it is still open: who opens it later is told that the epoch is over, and does not wait for ever.
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)

    def _order(self, epoch: int) -> "array[int]":
        order = self._starts[:]
        shuffled(order, self._told["seed"], epoch)
        return order[self._told["host"] :: self._told["hosts"]]

    def _item(self, pipe: int, at: int) -> None:
        self._items.seek(at)
        for part in json.loads(self._items.readline()):
            if "file" not in part:
                self._data(pipe, part["data"].encode(), part["of"])
                continue
            file = os.open(part["file"], os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                self._file(pipe, file, part["of"])
            finally:
                os.close(file)

    def _data(self, pipe: int, data: bytes, of: str) -> None:
        if self._told["recordio"]:
            _write(pipe, _head(len(data), of) + data + _tail(len(data)))
        else:
            _write(pipe, data)

    def _file(self, pipe: int, file: int, of: str) -> None:
        zipped, record = self._told["gzip"], self._told["recordio"]
        size = os.fstat(file).st_size
        if record:
            # How long a record is stands before it: what is zipped is unpacked twice rather than held in memory.
            size = sum(len(piece) for piece in _unzipped(file, of)) if zipped else size
            _write(pipe, _head(size, of))
        if zipped:
            for piece in _unzipped(file, of):
                _write(pipe, piece)
        else:
            _pour(file, pipe, size)
        if record:
            _write(pipe, _tail(size))


def _head(length: int, of: str) -> bytes:
    if length > LONGEST_RECORD:
        # Longer ones would have to be split where the reader puts a mark back in: that is for data which holds marks.
        raise Refused(f"ClientError: {of} has {length:,} bytes, and a RecordIO record holds {LONGEST_RECORD:,} at most")
    return struct.pack("<II", MAGIC, length)


def _tail(length: int) -> bytes:
    """Records begin at multiples of four bytes."""
    return bytes(-length % 4)


def _unzipped(file: int, of: str) -> Iterator[bytes]:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), "rb") as raw, gzip.GzipFile(fileobj=raw) as opened:
        while True:
            try:
                piece = opened.read(PIECE)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise Refused(f"ClientError: {of} cannot be read as CompressionType Gzip says: {error}") from None
            if not piece:
                return
            yield piece


def _pour(file: int, pipe: int, size: int) -> None:
    """The file's bytes are in the pipe, and were in no memory of ours where the file system can do that."""
    left = size
    try:
        while left and (sent := os.splice(file, pipe, min(left, PIPE_BYTES))):
            left -= sent
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        while left and (piece := os.read(file, min(left, PIECE))):
            _write(pipe, piece)
            left -= len(piece)
    if left:
        raise Refused(f"InternalServerError: a file of the input is {left:,} bytes shorter than it was")


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def main(channels: list[str]) -> NoReturn:
    keeper = int(os.environ["CLARY_KEEPER"])
    ml = Path(os.environ["CLARY_RUN_ML"])
    ended = os.pidfd_open(keeper)
    if os.getppid() != keeper:  # looked at after the descriptor is there: it ended before we began
        os._exit(0)
    failed, fail = os.pipe()

    def feed(path: str) -> None:
        try:
            Feed(json.loads(Path(path).read_text()), ml).run()
        except Refused as error:
            _last_words(str(error), fail)
        except Exception as error:
            word = error.strerror if isinstance(error, OSError) and error.strerror else repr(error)
            _last_words(f"InternalServerError: {Path(path).stem} could not be fed: {word}", fail)

    for path in channels:
        threading.Thread(target=feed, args=(path,), daemon=True).start()
    ready = select.poll()
    ready.register(ended, select.POLLIN)
    ready.register(failed, select.POLLIN)
    happened = {fd for fd, _ in ready.poll()}
    # At once: threads may wait for readers that never come.
    os._exit(0 if ended in happened else 1)


def _last_words(words: str, fail: int) -> None:
    os.write(2, (" ".join(words.split()) + "\n").encode())
    os.write(fail, b"x")


if __name__ == "__main__":
    main(sys.argv[1:])
