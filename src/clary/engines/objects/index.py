"""The SQLite file beside the buckets: one writer thread that commits many callers' changes with one sync."""

import logging
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

LOG = logging.getLogger(__name__)

Statement = tuple[str, Sequence[Any]]

_LATER_SECONDS: Final = 0.2
"""How long changes that nobody waits for wait for a commit that they can share."""
_BATCH: Final = 256


@dataclass(slots=True)
class _Job:
    statements: tuple[Statement, ...]
    done: Future[list[int]] | None = field(default=None)
    """None: nobody waits."""


class Index:
    """Rows about files. Reads see every write that has returned; each is one transaction, synced to disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._readers = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        self._writer = self._connect()
        # What a record says must be on the disk before the rename that makes it true.
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.executescript(Path(__file__).with_name("index.sql").read_text())
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="objects-index", daemon=True)
        self._thread.start()

    def write(self, *statements: Statement) -> list[int]:
        """Done, all or nothing, and on the disk. Returns the number of rows that each statement changed."""
        return self.begin(*statements).result()

    def begin(self, *statements: Statement) -> Future[list[int]]:
        """As `write`, but nothing is true before the result is there: for work that goes on beside."""
        done: Future[list[int]] = Future()
        self._jobs.put(_Job(statements, done))
        return done

    def later(self, *statements: Statement) -> None:
        """Done soon, with somebody else's sync or before `close`. A crash may forget it."""
        self._jobs.put(_Job(statements))

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        connection = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = self._connect()
        found: list[Any] = connection.execute(sql, values).fetchall()
        return found

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()
        for connection in self._open:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        with self._opening:
            # Closing happens in another thread than use; use itself never crosses threads.
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA busy_timeout = 10000")
            self._open.append(connection)
            return connection

    def _write_all(self) -> None:
        waiting: list[_Job] = []
        open_ = True
        while open_:
            try:
                job = self._jobs.get(timeout=_LATER_SECONDS if waiting else None)
            except queue.Empty:
                self._commit(waiting)
                waiting = []
                continue
            while job is not None:
                waiting.append(job)
                if len(waiting) >= _BATCH or self._jobs.empty():
                    break
                job = self._jobs.get()
            open_ = job is not None
            if not open_ or len(waiting) >= _BATCH or any(one.done for one in waiting):
                self._commit(waiting)
                waiting = []

    def _commit(self, jobs: list[_Job]) -> None:
        """One transaction for all; when one of them is refused, one each, so that only its own caller hears of it."""
        if not jobs:
            return
        try:
            counts = self._transact(jobs)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._commit([job])
            elif jobs[0].done is not None:
                jobs[0].done.set_exception(error)
            else:
                # Nobody waits for it; what it would have tidied is tidied when the store next opens.
                LOG.exception("a record could not be tidied")
            return
        for job, count in zip(jobs, counts, strict=True):
            if job.done is not None:
                job.done.set_result(count)

    def _transact(self, jobs: list[_Job]) -> list[list[int]]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            counts = [[self._writer.execute(*one).rowcount for one in job.statements] for job in jobs]
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return counts
