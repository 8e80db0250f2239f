"""The SQLite file behind the metric store: whose it is, its schema, its errors."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from clary.kernel.errors import ForeignState

SCHEMA: Final = 1
APPLICATION: Final = 0x436C794D
"""SQLite's mark of whose file it is: "ClyM"."""
INSERT_CHUNK: Final = "INSERT INTO chunks (series, step, block, data, spreads) VALUES (?, ?, ?, ?, ?)"
_CACHE_KB: Final = 2048


def open_file(path: Path, sync: Literal["normal", "full"]) -> sqlite3.Connection:
    """A connection for any thread, one at a time, in autocommit mode; the file is made when it is not there, readable
    by its owner only. Raises ForeignState, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    db = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        with refusals():
            _prepare(db, path, sync)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, sync: str) -> None:
    try:
        schema = int(db.execute("PRAGMA user_version").fetchone()[0])
        mark = int(db.execute("PRAGMA application_id").fetchone()[0])
        tables = int(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise ForeignState(f"{path} is not a metric store of Clary: {error}") from None
    if mark != APPLICATION and tables:
        raise ForeignState(f"{path} is a database, but not a metric store of Clary")
    if schema > SCHEMA:
        raise ForeignState(f"{path} has schema {schema}; this Clary knows up to {SCHEMA}: start a newer Clary on it")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    # A torn tail of the log is found by its checksums and left out. NORMAL: a commit outlives the process that made it.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    db.execute("PRAGMA journal_size_limit = 16777216")
    if schema == 0:
        script = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};"
        db.executescript(f"BEGIN IMMEDIATE; {script} {marks} COMMIT;")


@contextmanager
def refusals() -> Iterator[None]:
    """What the file or its disk refuses is an OSError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError) and type(error) is not sqlite3.DatabaseError:
            raise  # our own mistake, not the file's
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if full else errno.EIO, f"the metric store: {error}") from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All that the block writes is there, or nothing of it. Raises OSError."""
    with refusals():
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
