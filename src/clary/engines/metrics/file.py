"""The SQLite file behind the metric store: whose it is, its schema, its errors."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from clary.kernel.sqlite_owned import Owned, Sync

FILE: Final = Owned("a metric store of Clary", 0x436C794D, 1)  # "ClyM"
INSERT_CHUNK: Final = "INSERT INTO chunks (series, step, block, data, spreads) VALUES (?, ?, ?, ?, ?)"
_CACHE_KB: Final = 2048


def open_file(path: Path, sync: Sync) -> sqlite3.Connection:
    """A connection for any thread, one at a time, in autocommit mode; the file is made when it is not there, readable
    by its owner only. Raises ForeignState, OSError."""
    script = Path(__file__).with_name("schema.sql")
    before, pragmas = ("auto_vacuum = INCREMENTAL",), (f"cache_size = -{_CACHE_KB}",)
    with refusals():
        return FILE.open(path, sync, lambda db: FILE.make(db, script), any_thread=True, before=before, pragmas=pragmas)


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
