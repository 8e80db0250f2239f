"""The run's session knows the catalog: `spark.sql("select ... from db.table")` and `spark.table("db.table")` find its
tables, which come into the session when they are first named."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from . import columns
from .catalog import Catalog, Table
from .formats import csv_read
from .iceberg.source import IcebergSource, source_of
from .typenames import spark_type

_HANDED = re.compile(r"AWS_\w+")
"""Variables that Python workers need: a session that was started ahead has not got them from its own start."""

_TOKENS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)

_LIMIT = 100
"""Tables that one statement may name."""

_PREPARED = "_clary_prepared"
"""An attribute of what has been prepared."""


def watch() -> None:
    """Every session that the script takes from now on is prepared, also where it makes no GlueContext."""
    kind: Any = SparkSession.Builder
    if getattr(kind, _PREPARED, False):
        return
    setattr(kind, _PREPARED, True)
    plain = kind.getOrCreate

    def taken(builder: Any) -> SparkSession:
        session: SparkSession = plain(builder)
        prepare(session)
        return session

    taken.__doc__ = plain.__doc__
    kind.getOrCreate = taken


def prepare(session: SparkSession) -> None:
    """The session reads and writes Iceberg tables and finds the catalog's. Again it does nothing."""
    environment: Any = session.sparkContext.environment
    handed = {name: value for name, value in os.environ.items() if _HANDED.fullmatch(name)}
    changed = any(environment.get(name) != value for name, value in handed.items())
    environment.update(handed)
    first = not getattr(session, _PREPARED, False)
    setattr(session, _PREPARED, True)
    # Functions of scripts, and the Iceberg source, name this package: Spark's Python workers find it here.
    home = str(Path(__file__).parents[1])
    paths = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one]
    if home not in paths:
        environment["PYTHONPATH"] = os.pathsep.join([*paths, home])
    if first or changed:
        session.dataSource.register(IcebergSource)  # with the environment as it is now: it is not looked at later
    if not first:
        return
    session.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    kind: Any = type(session)
    if not getattr(kind.sql, _PREPARED, False):
        kind.sql = _with_catalog(kind.sql, text=True)
        kind.table = _with_catalog(kind.table, text=False)


def _with_catalog(call: Callable[..., DataFrame], *, text: bool) -> Callable[..., DataFrame]:
    def found(session: SparkSession, name: str, *args: Any, **kwargs: Any) -> DataFrame:
        given = (
            plain(name, catalogs(session)) if text else ".".join(name.split(".")[-2:]) if name.count(".") == 2 else name
        )
        if text:
            _refuse(name, given)
        for _ in range(_LIMIT):
            try:
                return call(session, given, *args, **kwargs)
            except AnalysisException as error:
                if not _brought(session, error):
                    raise
        return call(session, given, *args, **kwargs)

    found.__doc__ = call.__doc__
    setattr(found, _PREPARED, True)
    return found


_CHANGES = re.compile(r"\s*(create|replace|alter|drop|merge|update|delete|truncate)\b", re.IGNORECASE)
_MAKES_ICEBERG = re.compile(r"\s*create\b.*\busing\s+iceberg\b", re.IGNORECASE | re.DOTALL)


def _refuse(said: str, given: str) -> None:
    """Raises NotImplementedError for a statement that would change the session and not, as it says, the catalog."""
    changes = _CHANGES.match(given)
    if (changes and said != given) or _MAKES_ICEBERG.match(given):
        word = changes[1].upper() if changes else "CREATE"
        raise NotImplementedError(
            f"{word} does not go through to the catalog's Iceberg tables: make and change them with PyIceberg "
            "(pyiceberg.catalog.glue.GlueCatalog) or in Athena; rows are written with "
            'df.write.format("iceberg").mode("append").save("database.table") or INSERT INTO'
        )


def catalogs(session: SparkSession) -> set[str]:
    """The names under which statements may mean the catalog: those that the job's configuration gives to Iceberg."""
    names = {"glue_catalog", "AwsDataCatalog", "awsdatacatalog"}
    prefix = "spark.sql.catalog."
    for key, _ in session.sparkContext.getConf().getAll():
        name = key.removeprefix(prefix)
        if key.startswith(prefix) and "." not in name and name != "spark_catalog":
            names.add(name)
    return names


def plain(text: str, names: set[str]) -> str:
    """The statement without the names of catalogs before those of databases; literals and comments stay as they are."""
    rule = re.compile(
        r"(?<![\w.`])(`?)(?:" + "|".join(re.escape(one) for one in sorted(names)) + r")\1\s*\.\s*(?=[\w`])"
    )
    out, place = [], 0
    for kept in _TOKENS.finditer(text):
        out += [rule.sub("", text[place : kept.start()]), kept.group()]
        place = kept.end()
    return "".join([*out, rule.sub("", text[place:])])


def _brought(session: SparkSession, error: AnalysisException) -> bool:
    """Whether what the statement lacked has come from the catalog."""
    parameters = error.getMessageParameters() or {}
    condition = error.getCondition()
    if condition == "TABLE_OR_VIEW_NOT_FOUND":
        parts = [
            one[1] or one[0] for one in re.findall(r"([^`.]+)|`((?:[^`]|``)+)`", parameters.get("relationName", ""))
        ]
        parts = [one for one in parts if one]
        if len(parts) == 1:
            parts = [session.catalog.currentDatabase(), *parts]
        if len(parts) == 3 and parts[0] == "spark_catalog":
            parts = parts[1:]
        return len(parts) == 2 and bring(session, parts[0], parts[1])
    if condition == "SCHEMA_NOT_FOUND":
        name = re.findall(r"`([^`]+)`", parameters.get("schemaName", ""))
        return bool(name) and _database(session, name[-1])
    return False


def _database(session: SparkSession, name: str) -> bool:
    client = Catalog().client
    try:
        client.get_database(Name=name)
    except client.exceptions.EntityNotFoundException:
        return False
    session.sql(f"CREATE DATABASE IF NOT EXISTS {columns.quoted(name)}")
    return True


def bring(session: SparkSession, database: str, name: str) -> bool:
    """Whether the catalog has the table, which the session then has too."""
    catalog = Catalog()
    table = catalog.found(database, name)
    if table is None:
        return False
    session.sql(f"CREATE DATABASE IF NOT EXISTS {columns.quoted(database)}")
    full = f"{columns.quoted(database)}.{columns.quoted(name)}"
    if table.iceberg:
        source = source_of(f"{database}.{name}")
        session.dataSource.register(source)
        session.sql(f"CREATE TABLE {full} USING {source.name()}")
        return True
    _of_files(session, catalog, table, full)
    return True


def _of_files(session: SparkSession, catalog: Catalog, table: Table, full: str) -> None:
    format, options = table.format()
    settings = csv_read(options) if format == "csv" else {}
    fields = ", ".join(f"{columns.quoted(name)} {_sql(kind)}" for name, kind in [*table.columns, *table.keys])
    parts = [f"CREATE TABLE {full} ({fields}) USING {format}"]
    if settings:
        parts.append(
            "OPTIONS (" + ", ".join(f"{_literal(key)} {_literal(value)}" for key, value in settings.items()) + ")"
        )
    if table.keys:
        parts.append("PARTITIONED BY (" + ", ".join(columns.quoted(name) for name, _ in table.keys) + ")")
    parts.append(f"LOCATION {_literal(table.location)}")
    session.sql(" ".join(parts))
    if not table.keys:
        return
    rows = list(catalog.partitions(table))
    for start in range(0, len(rows), 500):
        adds = []
        for one in rows[start : start + 500]:
            pairs = zip((name for name, _ in table.keys), one["Values"], strict=True)
            values = ", ".join(f"{columns.quoted(name)} = {_literal(value)}" for name, value in pairs)
            adds.append(f"PARTITION ({values}) LOCATION {_literal(one['StorageDescriptor']['Location'])}")
        session.sql(f"ALTER TABLE {full} ADD IF NOT EXISTS {' '.join(adds)}")


def forget(session: SparkSession, database: str, name: str) -> None:
    """The session takes the table from the catalog anew when it is named next. Its files stay."""
    session.sql(f"DROP TABLE IF EXISTS {columns.quoted(database)}.{columns.quoted(name)}")


def _sql(kind: str) -> str:
    found = spark_type(kind)
    return found.simpleString() if found is not None else "string"


def _literal(value: str) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
