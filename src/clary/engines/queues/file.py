"""The file behind the queues: whose it is, its schema, how it is written."""

import sqlite3
from pathlib import Path
from typing import Final, Literal

from clary.kernel.errors import ForeignState

SCHEMA: Final = 1
APPLICATION: Final = 0x436C7151  # "ClqQ": SQLite's mark of whose file it is


def open_queues(path: Path | str, sync: Literal["normal", "full"]) -> sqlite3.Connection:
    """A connection in autocommit mode to a file of this schema, made when it is not there, readable by its owner only.
    Raises ForeignState."""
    if str(path) != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(path).touch(mode=0o600)
    db = sqlite3.connect(path, timeout=10.0, isolation_level=None, cached_statements=256)
    try:
        _prepare(db, path, sync)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path | str, sync: str) -> None:
    try:
        schema = int(db.execute("PRAGMA user_version").fetchone()[0])
        mark = int(db.execute("PRAGMA application_id").fetchone()[0])
        tables = int(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise ForeignState(f"{path} is not a file of Clary's queues: {error}") from None
    if mark != APPLICATION and tables:
        raise ForeignState(f"{path} is a database, but not a file of Clary's queues")
    if schema > SCHEMA:
        raise ForeignState(f"{path} has schema {schema}; this Clary knows up to {SCHEMA}: start a newer Clary on it")
    # NORMAL leaves a commit in the page cache, which outlives the process.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
    db.execute("PRAGMA wal_autocheckpoint = 10000")
    db.execute("PRAGMA journal_size_limit = 16777216")
    if schema == 0:
        _create(db)


def _create(db: sqlite3.Connection) -> None:
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    # One transaction with its mark: a crash leaves the whole schema or none.
    db.executescript(
        f"BEGIN IMMEDIATE;\n{text}\nPRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {SCHEMA};\nCOMMIT;"
    )
