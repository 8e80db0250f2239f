"""SQLite files that are Clary's own: each says whose it is and of which schema, and a foreign one is left alone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clary.kernel.errors import ForeignState


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All that the block writes is there, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


Sync = Literal["normal", "full"]


@dataclass(frozen=True, slots=True)
class Owned:
    """One kind of file."""

    name: str
    """As errors call it: "a state file of Clary"."""
    application: int
    """SQLite's mark of whose file it is."""
    schema: int
    """The newest that this Clary knows."""

    def open(
        self,
        path: Path | str,
        sync: Sync,
        bring_up: Callable[[sqlite3.Connection], None],
        *,
        any_thread: bool = False,
        before: Sequence[str] = (),
        pragmas: Sequence[str] = (),
    ) -> sqlite3.Connection:
        """A connection in autocommit mode to a file of this schema. It is made when it is not there, readable by its
        owner only; `bring_up` is called on one that is new, or older. `before` are pragmas that must come before the
        log is chosen. Raises ForeignState."""
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            Path(path).touch(mode=0o600)
        db = sqlite3.connect(
            path, timeout=10.0, isolation_level=None, cached_statements=256, check_same_thread=not any_thread
        )
        try:
            schema = self._checked(db, path)
            for one in before:
                db.execute(f"PRAGMA {one}")
            # Writers append to the log and readers go on; a torn tail is found by its checksums and left out. NORMAL
            # leaves a commit in the page cache, which outlives the process.
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
            db.execute("PRAGMA journal_size_limit = 16777216")
            for one in pragmas:
                db.execute(f"PRAGMA {one}")
            if schema < self.schema:
                bring_up(db)
        except BaseException:
            db.close()
            raise
        return db

    def make(self, db: sqlite3.Connection, script: Path) -> None:
        """The schema of that SQL file and its mark, in one transaction: a crash leaves all of it or nothing."""
        marks = f"PRAGMA application_id = {self.application}; PRAGMA user_version = {self.schema};"
        db.executescript(f"BEGIN IMMEDIATE;\n{script.read_text(encoding='utf-8')}\n{marks}\nCOMMIT;")

    def _checked(self, db: sqlite3.Connection, path: Path | str) -> int:
        try:
            schema = int(db.execute("PRAGMA user_version").fetchone()[0])
            mark = int(db.execute("PRAGMA application_id").fetchone()[0])
            tables = int(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
        except sqlite3.OperationalError:
            raise  # the disk's fault, or a lock's: the file may well be ours
        except sqlite3.DatabaseError as error:
            raise ForeignState(f"{path} is not {self.name}: {error}") from None
        if mark != self.application and tables:
            raise ForeignState(f"{path} is a database, but not {self.name}")
        if schema > self.schema:
            known = f"this Clary knows up to {self.schema}: start a newer Clary on it"
            raise ForeignState(f"{path} has schema {schema}; {known}")
        return schema
