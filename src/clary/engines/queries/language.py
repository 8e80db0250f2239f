"""What a statement of Athena says: its kind, what it reads, and what it wants done."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from clary.engines.queries import ddl
from clary.engines.queries.base import Doc, QueryError
from clary.engines.queries.words import Token, Words, place, tokens

# What it says of statements that it does not know is told to whoever wrote them.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

CATALOG: Final = "awsdatacatalog"
_MINE: Final = (
    *("CREATE EXTERNAL", "CREATE TABLE", "CREATE DATABASE", "CREATE SCHEMA", "DROP", "SHOW", "DESCRIBE", "DESC"),
    *("MSCK", "ALTER", "UNLOAD", "EXPLAIN", "EXECUTE", "PREPARE", "DEALLOCATE", "CREATE VIEW", "CREATE OR REPLACE"),
)
_REFUSED: Final[dict[type[exp.Expr], str]] = {
    exp.Delete: "DELETE",
    exp.Update: "UPDATE",
    exp.Merge: "MERGE INTO",
}


def read(sql: str, database: str, parameters: Sequence[str] | None) -> Doc:
    """The fields of base.Statement. Raises QueryError."""
    found = tokens(sql)
    while found and found[-1].upper == ";":
        found.pop()
    if any(one.upper == ";" for one in found):
        raise QueryError("Only one sql statement is allowed.", code="SYNTAX_ERROR")
    if not found:
        raise QueryError("line 1:1: mismatched input '<EOF>'. Expecting: <statement>", code="SYNTAX_ERROR")
    sql = sql[: found[-1].end]
    if parameters is not None:
        sql = filled(sql, found, parameters)
        found = tokens(sql)
    words = Words(sql, found)
    if any(words.looks(start) for start in _MINE):
        return _mine(words, sql, database)
    return _tree(sql, database)


def filled(sql: str, found: Sequence[Token], parameters: Sequence[str]) -> str:
    """The text with its question marks replaced in their order. Raises QueryError."""
    marks = [one for one in found if one.upper == "?"]
    if len(marks) != len(parameters):
        raise QueryError(
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
            code="INVALID_PARAMETER_USAGE",
        )
    for mark, value in reversed(list(zip(marks, parameters, strict=True))):
        sql = f"{sql[: mark.start]}{_literal(value)}{sql[mark.end :]}"
    return sql


def _literal(value: str) -> str:
    try:
        parsed = sqlglot.parse_one(value, read="trino")
    except SqlglotError:
        parsed = None
    if parsed is None or parsed.find(exp.Column, exp.Query, exp.Command):
        raise QueryError(
            f"the execution parameter {value!r} is not a literal; strings stand in single quotes, as in 'it''s'",
            code="INVALID_PARAMETER_USAGE",
        )
    return value


def parsed(sql: str) -> exp.Expr:
    """Raises QueryError."""
    try:
        found: exp.Expr = sqlglot.parse_one(sql, read="athena")
    except ParseError as error:
        first: dict[str, Any] = error.errors[0] if error.errors else {}
        told = f"line {first.get('line', 1)}:{first.get('col', 1)}: mismatched input '{first.get('highlight', '')}'"
        raise QueryError(f"{told}. {first.get('description', '')}", code="SYNTAX_ERROR") from None
    except SqlglotError as error:
        raise QueryError(f"line 1:1: {str(error).splitlines()[0]}", code="SYNTAX_ERROR") from None
    return found


def reads(tree: exp.Expr, sql: str, database: str) -> list[Doc]:
    """The tables of a query, each once, views and tables alike."""
    seen: dict[tuple[str, ...], Doc] = {}
    for table in tables_of(tree):
        schema, name = named(table, database)
        first = table.args.get("catalog") or table.args.get("db") or table.this
        at = first.meta.get("start")
        where = place(sql, at if isinstance(at, int) else 0)
        line, column = (int(part) for part in where.removeprefix("line ").split(":"))
        one: Doc = {"database": schema, "table": name, "line": line, "column": column, **_travel(table)}
        key = (schema, name, str(one.get("version")), str(one.get("timestamp")))
        seen.setdefault(key, one)
    return list(seen.values())


def tables_of(tree: exp.Expr) -> Iterator[exp.Table]:
    """Tables and views, not names of WITH."""
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                yield source


def named(table: exp.Table, database: str) -> tuple[str, str]:
    """(database, table) in lower case. Raises QueryError."""
    if table.catalog and table.catalog.lower() != CATALOG:
        raise QueryError(f"line 1:1: Catalog '{table.catalog}' does not exist", code="CATALOG_NOT_FOUND")
    return (table.db or database).lower(), table.name.lower()


def _travel(table: exp.Table) -> Doc:
    version = table.args.get("version")
    if version is None:
        return {}
    said = version.args["expression"]
    if version.name.upper() == "VERSION":
        return {"version": said.name}
    return {"timestamp": said.sql("duckdb")}


def _tree(sql: str, database: str) -> Doc:
    tree = parsed(sql)
    if isinstance(tree, exp.Insert):
        schema, name = named(tree.find(exp.Table), database)  # type: ignore[arg-type]
        target = tree.this
        columns = [one.name.lower() for one in target.expressions] if isinstance(target, exp.Schema) else []
        inner = tree.expression
        doc = {"database": schema, "table": name, "columns": columns, "sql": inner.sql("athena")}
        return _said("insert", "DML", "INSERT", reads(inner, sql, database), doc)
    if isinstance(tree, exp.Query | exp.Values):
        return _said("query", "DML", "SELECT", reads(tree, sql, database), {"sql": sql})
    word = _REFUSED.get(type(tree)) or sql.split(None, 1)[0].upper()
    raise QueryError(f"line 1:1: {word} is not supported here", code="NOT_SUPPORTED", kind=1006)


def _said(kind: str, type_: str, sub: str, tables: list[Doc] | None = None, doc: Doc | None = None) -> Doc:
    return {"kind": kind, "type": type_, "substatement": sub, "tables": tables or [], "doc": doc}


def _mine(words: Words, sql: str, database: str) -> Doc:
    if words.accept("UNLOAD"):
        inner = words.enclosed()
        words.expect("TO")
        doc: Doc = {"to": words.text(), "properties": {}, "sql": inner}
        if words.accept("WITH"):
            doc["properties"] = words.properties()
        words.end()
        return _said("unload", "DML", "UNLOAD", reads(parsed(inner), inner, database), doc)
    if words.accept("EXPLAIN"):
        analyze = words.accept("ANALYZE")
        if words.looks("("):
            words.enclosed()
        inner = words.rest()
        said = _tree(inner, database)
        doc = {"sql": inner, "analyze": analyze}
        return _said("explain", "UTILITY" if not analyze else "DML", "EXPLAIN", said["tables"], doc)
    if words.accept("EXECUTE"):
        name, given = words.name(), []
        if words.accept("USING"):
            given = [words.raw(())]
            while words.accept(","):
                given.append(words.raw(()))
        words.end()
        return _said("execute", "DML", "EXECUTE", None, {"name": name, "parameters": given})
    if words.accept("PREPARE"):
        name = words.name()
        words.expect("FROM")
        return _said("prepare", "DDL", "PREPARE", None, {"name": name, "sql": words.rest()})
    if words.accept("DEALLOCATE", "PREPARE"):
        return _said("deallocate", "DDL", "DEALLOCATE", None, {"name": words.name()})
    replace = words.looks("CREATE", "OR", "REPLACE")
    if words.accept("CREATE", "OR", "REPLACE", "VIEW") or words.accept("CREATE", "VIEW"):
        schema, name = words.dotted(database)
        words.expect("AS")
        inner = words.rest()
        tree = parsed(inner)
        doc = {"database": schema, "table": name, "replace": replace, "sql": inner}
        return _said("view", "DDL", "CREATE_VIEW", reads(tree, inner, database), doc)
    made = ddl.ctas(words, database)
    if made is not None:
        tables = reads(parsed(made["sql"]), made["sql"], database)
        return _said("ctas", "DDL", "CREATE_TABLE_AS_SELECT", tables, made)
    kind, type_, sub, doc = ddl.read(Words(sql, tokens(sql)), database)
    return _said(kind, type_, sub, None, doc)
