"""The file behind the SQLite store: whose it is, its schema, how it is written."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clary.kernel.sqlite_owned import Owned, Sync

FILE: Final = Owned("a state file of Clary", 0x436C7279, 2)  # "Clry"

CHECKPOINT_COMMITS = 200
LARGEST_LOG_PAGES = 10_000
"""Where the checkpointer cannot keep up, the writer itself empties a log of this size (40 MB)."""

log = logging.getLogger(__name__)


def open_state(path: Path | str, sync: Sync) -> sqlite3.Connection:
    """A connection in autocommit mode to a file of this schema, made when it is not there, readable by its owner only.
    Raises ForeignState."""
    pragmas = ("cache_size = -65536", f"wal_autocheckpoint = {LARGEST_LOG_PAGES}")
    return FILE.open(path, sync, _bring_up, pragmas=pragmas)


def _bring_up(db: sqlite3.Connection) -> None:
    """The schema is this one's, made anew or brought up from an older one. In one transaction with its number: after a
    crash the file is as it was, or as it should be."""
    text = Path(__file__).with_name("sqlite.sql").read_text(encoding="utf-8")
    db.execute("BEGIN IMMEDIATE")
    try:
        # Asked again inside the lock: another process may have done it meanwhile.
        schema = db.execute("PRAGMA user_version").fetchone()[0]
        for statement in _statements(text):
            if schema == 0 or (schema < 2 and _makes_references(statement)):
                db.execute(statement)
        if schema < FILE.schema:
            db.execute(f"PRAGMA application_id = {FILE.application}")
            db.execute(f"PRAGMA user_version = {FILE.schema}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _makes_references(statement: str) -> bool:
    """It is what schema 2 has more than schema 1: who has resources that refer to each other writes them once more."""
    return "CREATE TABLE reference " in statement or "CREATE INDEX reference_source " in statement


def _statements(text: str) -> Iterator[str]:
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class Checkpointer:
    """Moves what is in the log into the file, in a thread with a connection of its own, so that no write waits for the
    disk. It never stops a writer (PASSIVE); what it leaves undone is done next time, or by the next opening."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._commits = 0
        self._closing = False
        self._work = threading.Event()
        self._thread: threading.Thread | None = None

    def committed(self) -> None:
        """One more commit was made."""
        self._commits += 1
        if self._commits % CHECKPOINT_COMMITS == 0:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clary-checkpoint", daemon=True)
                self._thread.start()
            self._work.set()

    def close(self) -> None:
        self._closing = True
        self._work.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None)
        try:
            while True:
                self._work.wait()
                self._work.clear()
                if self._closing:
                    return
                try:
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
                except sqlite3.Error:
                    # The log holds what the file does not; the disk may have room again later.
                    log.exception("the state file could not be brought up to date")
        finally:
            db.close()
