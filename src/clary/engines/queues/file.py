"""The file behind the queues: whose it is, its schema, how it is written."""

import sqlite3
from pathlib import Path
from typing import Final

from clary.kernel.sqlite_owned import Owned, Sync

FILE: Final = Owned("a file of Clary's queues", 0x436C7151, 1)  # "ClqQ"


def open_queues(path: Path | str, sync: Sync) -> sqlite3.Connection:
    """A connection in autocommit mode to a file of this schema, made when it is not there, readable by its owner only.
    Raises ForeignState."""
    script = Path(__file__).with_name("schema.sql")
    return FILE.open(path, sync, lambda db: FILE.make(db, script), pragmas=("wal_autocheckpoint = 10000",))
