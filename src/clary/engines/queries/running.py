"""One query over its files, in a DuckDB that sees nothing else and is gone afterwards."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

from clary.engines.queries import faults, functions, writing
from clary.engines.queries.base import Doc, QueryError
from clary.engines.queries.kinds import quoted
from clary.engines.queries.scan import keys_of, scan
from clary.engines.queries.translate import hidden, schema_of, source_name, translated

LOOK_SECONDS: Final = 0.01
"""So often it is asked how much a query has read, where that is limited."""
_STYLES: Final = ((), ("maps-count", "maps-unnest"), ("maps-count",), ("maps-unnest",))
_MACRO: Final = re.compile(r"CREATE MACRO (\w+)\(")
MACROS: Final = {
    found[1]: f"CREATE {one}"
    for one in functions.MACROS.split("CREATE ")[1:]
    if (found := _MACRO.match(f"CREATE {one}"))
}


def run(question: Doc, need: Callable[[Doc], Doc], threads: int, memory: int) -> Doc:
    """What came of it. `need` answers what the server knows. Raises QueryError."""
    began = time.monotonic()
    out = Path(question["out"])
    config: dict[str, Any] = {
        "memory_limit": f"{memory}B",
        "temp_directory": str(out / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    if threads:
        config["threads"] = threads
    con = duckdb.connect(":memory:", config=config)
    files: dict[str, str] = {}
    try:
        for table in question["tables"]:
            if table.get("format") == "iceberg":
                from clary.engines.queries import iceberg

                iceberg.plan(table, con, need)
            files.update((one["path"], one["uri"]) for one in (*table.get("files", ()), *table.get("deletes", ())))
        query = _Query(question, con, out)
        query.open(list(files))
        relation = query.bound()
        planned = time.monotonic()
        with _counted(con, question.get("cutoff")) as counter:
            answer = writing.DO[question["kind"]](question, con, query.sql, relation, out)
        cutoff = question.get("cutoff")
        if cutoff and counter() > cutoff:
            raise _exceeded()
        ended = time.monotonic()
        spent = {"plan_ms": int((planned - began) * 1000), "run_ms": int((ended - planned) * 1000)}
        return {**answer, **spent, "bytes": counter(), "input_bytes": sum(_sizes(question))}
    except duckdb.InterruptException:
        raise _exceeded() from None
    except duckdb.Error as error:
        raise faults.told(error, files, question["sql"]) from None
    finally:
        con.close()


def _exceeded() -> QueryError:
    return QueryError("Query cancelled! : Bytes scanned limit was exceeded", code="BYTES_SCANNED_LIMIT")


def _sizes(question: Doc) -> Iterator[int]:
    for table in question["tables"]:
        for one in table.get("files", ()):
            yield int(one.get("size", 0))


class _Query:
    def __init__(self, question: Doc, con: duckdb.DuckDBPyConnection, out: Path) -> None:
        self._question = question
        self._con = con
        self._out = out
        self.sql = ""

    def open(self, files: list[str]) -> None:
        """DuckDB sees the query's files and directory from now on, and nothing else."""
        con, question = self._con, self._question
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET enable_progress_bar = false")
        con.execute("SET integer_division = true")
        words = set(re.findall(r"\w+", " ".join((question["sql"], *(one["sql"] for one in question["views"]))).lower()))
        for name, made in MACROS.items():
            if name in words or name.startswith("clary_"):
                con.execute(made)
        con.execute("SET allowed_paths = $1", [files])
        con.execute("SET allowed_directories = $1", [[f"{self._out}/"]])
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")

    def bound(self) -> Any:
        """The relation of the query, and `sql` what DuckDB shall do. Some words of Trino mean one thing of a map and
        another of a list: the first meaning that fits is taken."""
        first: Exception | None = None
        for style in _STYLES:
            try:
                return self._bind(style)
            except duckdb.BinderException as error:
                first = first or error
                if not any(word in self._question["sql"].lower() for word in ("cardinality", "unnest")):
                    break
        assert first is not None
        raise first

    def _bind(self, style: tuple[str, ...]) -> Any:
        from clary.engines.queries.language import parsed

        question, con = self._question, self._con
        asked = set()
        for sql in (question["sql"], *(one["sql"] for one in question["views"])):
            asked |= hidden(parsed(sql)) if "$" in sql else set()
        for table in question["tables"]:
            if "rows" not in table and (keys := keys_of(table)) is not None and "spelled" not in table:
                # The most frequent spelling counts.
                table["spelled"] = {str(row[0]).lower(): str(row[0]) for row in con.execute(keys).fetchall()}
            name = source_name(table["table"], table.get("version"), table.get("timestamp"))
            self._view(table["database"], name, scan(table, asked))
        for view in question["views"]:
            self._view(view["database"], view["table"], translated(view["sql"], view["of"], style))
        self.sql = translated(question["sql"], question["database"], style)
        return con.sql(self.sql)

    def _view(self, database: str, name: str, sql: str) -> None:
        schema = quoted(schema_of(database))
        self._con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self._con.execute(f"CREATE OR REPLACE VIEW {schema}.{quoted(name)} AS {sql}")


@contextmanager
def _counted(con: duckdb.DuckDBPyConnection, cutoff: int | None) -> Iterator[Callable[[], int]]:
    """Counts what this process reads; the query is interrupted beyond `cutoff` bytes."""
    looked, over = _read_bytes(), threading.Event()
    before = 2 * _read_bytes() - looked  # to look is to read, too
    last: list[int] = []

    def counter() -> int:
        return last[0] if last else _read_bytes() - before

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            if cutoff is not None and counter() > cutoff:
                con.interrupt()

    watcher = threading.Thread(target=watch, daemon=True) if cutoff else None
    if watcher is not None:
        watcher.start()
    try:
        yield counter
    finally:
        over.set()
        if watcher is not None:
            watcher.join()
        last.append(_read_bytes() - before)


def _read_bytes() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    return 0
