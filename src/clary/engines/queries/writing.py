"""What a query leaves behind: the text of its result, or files of data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import duckdb

from clary.engines.queries import functions, kinds
from clary.engines.queries.base import Doc, QueryError
from clary.engines.queries.kinds import duck, quoted, string

RESULT: Final = "result.csv"
DATA: Final = "data"
_CODECS: Final = {
    "parquet": ("snappy", "zstd", "gzip", "lz4", "brotli", "uncompressed"),
    "json": ("gzip", "zstd", "none"),
    "csv": ("gzip", "zstd", "none"),
}
_SUFFIX: Final = {"gzip": ".gz", "zstd": ".zst"}


def result(question: Doc, con: duckdb.DuckDBPyConnection, sql: str, relation: Any, out: Path) -> Doc:
    """The rows as Athena writes them: every value in quotes, NULL as nothing at all."""
    columns = list(zip(relation.columns, relation.types, strict=True))
    names = ", ".join(f"c{at}" for at in range(len(columns)))
    select = f"SELECT {functions.projection(columns)} FROM ({sql}) AS r({names})"
    file = out / RESULT
    # One worker writes it: the order of a sorted result is kept.
    con.execute(f"COPY ({select}) TO {string(str(file))} (FORMAT csv, HEADER false, FORCE_QUOTE *, NULLSTR '')")
    rows = con.fetchone()
    header = ",".join('"' + name.replace('"', '""') + '"' for name, _ in columns) + "\n"
    told = [kinds.column_info(name, type_) for name, type_ in columns]
    hive = [{"Name": name, "Type": kinds.hive(type_)} for name, type_ in columns]
    return {"columns": told, "header": header, "file": RESULT, "rows": rows[0] if rows else 0, "hive": hive}


def explained(question: Doc, con: duckdb.DuckDBPyConnection, sql: str, relation: Any, out: Path) -> Doc:
    """DuckDB's own plan, line by line."""
    how = "EXPLAIN ANALYZE" if question.get("analyze") else "EXPLAIN"
    text = "\n".join(str(row[1]) for row in con.execute(f"{how} {sql}").fetchall())
    return {"text": text.rstrip().splitlines(), "rows": 0}


def described(question: Doc, con: duckdb.DuckDBPyConnection, sql: str, relation: Any, out: Path) -> Doc:
    """Only what columns it would have: for views."""
    columns = list(zip(relation.columns, relation.types, strict=True))
    hive = [{"Name": name.lower(), "Type": kinds.hive(type_)} for name, type_ in columns]
    trino = [kinds.column_info(name, type_)["Type"] for name, type_ in columns]
    return {"hive": hive, "trino": trino, "rows": 0}


def data(question: Doc, con: duckdb.DuckDBPyConnection, sql: str, relation: Any, out: Path) -> Doc:
    """Files of data below `out`/data, and what partition each belongs to. `write`: `format`, `compression`, `keys`
    (columns that become folders), `into` (the columns of the table, for INSERT), `given` (which of them are told)."""
    write: Doc = question["write"]
    columns = list(zip(relation.columns, relation.types, strict=True))
    keys = [one.lower() for one in write.get("keys", [])]
    select, told = _into(write, columns) if write.get("into") is not None else _as_made(columns, keys, question["kind"])
    missing = [key for key in keys if key not in [one["Name"] for one in told]]
    if missing:
        raise QueryError(f"Partition columns {missing} not present in schema", code="INVALID_TABLE_PROPERTY")
    names = ", ".join(f"c{at}" for at in range(len(columns)))
    how, suffix = _options(write)
    if write["format"] == "csv":
        # As LazySimpleSerDe reads it: values as they are, without quotes.
        select = [_plain(one, said, keys) for one, said in zip(told, select, strict=True)]
    source = f"SELECT {', '.join(select)} FROM ({sql}) AS r({names})"
    top = out / DATA
    name = question["name"]
    if keys and write.get("folders", True):
        parts = ", ".join(quoted(key) for key in keys)
        how += f", PARTITION_BY ({parts}), FILENAME_PATTERN {string(name + '_{i}')}"
        how += f", FILE_EXTENSION {string(suffix.removeprefix('.'))}"
        target = top
    else:
        top.mkdir(exist_ok=True)
        target = top / f"{name}_0{suffix}"
    con.execute(f"COPY ({source}) TO {string(str(target))} ({how})")
    count = con.fetchone()
    files = [
        {
            "path": str(path.relative_to(out)),
            "key": str(path.relative_to(top)),
            "values": [_unkeyed(part) for part in path.relative_to(top).parts[:-1]],
        }
        for path in sorted(top.rglob("*"))
        if path.is_file()
    ]
    hive = [one for one in told if one["Name"] not in keys] + [one for one in told if one["Name"] in keys]
    return {"files": files, "rows": count[0] if count else 0, "hive": hive}


def _unkeyed(folder: str) -> str:
    return unquote(folder.partition("=")[2])


def _as_made(columns: list[tuple[str, Any]], keys: list[str], kind: str) -> tuple[list[str], list[Doc]]:
    select, told = [], []
    for at, (name, type_) in enumerate(columns):
        if name == f"_col{at}" and kind == "ctas":
            raise QueryError(f"line 1:1: Column name not specified at position {at + 1}", code="MISSING_COLUMN_NAME")
        wide = type_.id in kinds.WIDE
        value = (
            f"CAST(c{at} AS {'BIGINT' if wide else 'VARCHAR'})" if wide or type_.id in ("json", "uuid") else f"c{at}"
        )
        select.append(f"{value} AS {quoted(name.lower())}")
        told.append({"Name": name.lower(), "Type": kinds.hive(type_)})
    if keys and [one["Name"] for one in told][-len(keys) :] != keys:
        told_ = f"Partition keys must be the last columns in the table and in the same order: {keys}"
        raise QueryError(told_, code="HIVE_COLUMN_ORDER_MISMATCH")
    return select, told


def _into(write: Doc, columns: list[tuple[str, Any]]) -> tuple[list[str], list[Doc]]:
    into: list[Doc] = write["into"]
    given: list[str] = write.get("given") or [one["Name"] for one in into]
    unknown = [name for name in given if name not in [one["Name"] for one in into]]
    if unknown:
        raise QueryError(
            f"line 1:1: Insert column name does not exist in target table: {unknown[0]}", code="COLUMN_NOT_FOUND"
        )
    if len(given) != len(columns):
        told = f"Insert query has mismatched column types: the table has {len(given)} columns, the query {len(columns)}"
        raise QueryError(f"line 1:1: {told}", code="TYPE_MISMATCH")
    select = []
    for one in into:
        value = f"c{given.index(one['Name'])}" if one["Name"] in given else "NULL"
        select.append(f"CAST({value} AS {duck(one['Type'])}) AS {quoted(one['Name'])}")
    return select, [{"Name": one["Name"], "Type": one["Type"]} for one in into]


def _plain(column: Doc, said: str, keys: list[str]) -> str:
    if column["Name"] in keys:
        return said
    if "<" in column["Type"]:
        told = f"the column {column['Name']} is of the type {column['Type']}, which text files do not hold here"
        raise QueryError(told, code="NOT_SUPPORTED")
    value = said.rpartition(" AS ")[0]
    type_ = duck(column["Type"])
    if type_ == "TIMESTAMP":
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g') AS {quoted(column['Name'])}"
    if type_ in ("FLOAT", "DOUBLE"):
        return f"clary_double({value}) AS {quoted(column['Name'])}"
    return f"CAST({value} AS VARCHAR) AS {quoted(column['Name'])}"


def _options(write: Doc) -> tuple[str, str]:
    kind = write["format"]
    known = _CODECS[kind]
    codec = str(write.get("compression") or known[0]).lower()
    codec = "uncompressed" if kind == "parquet" and codec == "none" else codec
    if codec not in known:
        raise QueryError(
            f"the compression {codec} of {kind} files is not supported; one of {', '.join(known)} is",
            code="INVALID_TABLE_PROPERTY",
        )
    if kind == "parquet":
        return f"FORMAT parquet, COMPRESSION {codec}", ".parquet"
    suffix = f".{'json' if kind == 'json' else 'csv'}{_SUFFIX.get(codec, '')}"
    if kind == "json":
        return f"FORMAT json, COMPRESSION {codec}", suffix
    delim = write.get("delimiter") or "\x01"
    header = "true" if write.get("header") else "false"
    told = f"FORMAT csv, DELIMITER {string(delim)}, QUOTE '', ESCAPE '', NULLSTR '\\N', HEADER {header}"
    return f"{told}, COMPRESSION {codec}", suffix


Do = Callable[[Doc, duckdb.DuckDBPyConnection, str, Any, Path], Doc]
DO: Final[dict[str, Do]] = {
    "query": result,
    "explain": explained,
    "view": described,
    "ctas": data,
    "insert": data,
    "unload": data,
}
