"""Athena's DDL: Hive's words for tables, partitions and databases, as what Glue shall be asked for."""

from typing import Any, Final

from clary.engines.queries.base import Doc, QueryError
from clary.engines.queries.words import Words

Read = tuple[str, str, str, Doc]
"""kind, statement type, substatement type, and what is wanted."""

_LAZY: Final = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_TEXT_IN: Final = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUT: Final = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
PARQUET: Final = (
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
)
JSON: Final = ("org.openx.data.jsonserde.JsonSerDe", _TEXT_IN, _TEXT_OUT)
TEXT: Final = (_LAZY, _TEXT_IN, _TEXT_OUT)
_ORC: Final = (
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
)
_STORED: Final = {"TEXTFILE": TEXT, "PARQUET": PARQUET, "JSONFILE": JSON, "ORC": _ORC}
_STOPS: Final = ("COMMENT", "NOT")


def ctas(words: Words, database: str) -> Doc | None:
    """CREATE TABLE name [WITH (...)] AS SELECT; None: it is another statement."""
    if not words.accept("CREATE", "TABLE"):
        return None
    exists_ok = words.accept("IF", "NOT", "EXISTS")
    schema, name = words.dotted(database)
    properties = words.properties() if words.accept("WITH") else {}
    if not words.accept("AS"):
        if properties:
            words.fail("'AS'")
        return None
    inner = words.rest()
    data = True
    for tail, says in (("WITH NO DATA", False), ("WITH DATA", True)):
        if inner.upper().endswith(tail):
            inner, data = inner[: -len(tail)].rstrip(), says
    return {
        **{"database": schema, "table": name, "exists_ok": exists_ok},
        **{"properties": properties, "sql": inner, "data": data},
    }


def read(words: Words, database: str) -> Read:
    """Raises QueryError."""
    if words.accept("CREATE", "DATABASE") or words.accept("CREATE", "SCHEMA"):
        return _create_database(words)
    if words.looks("CREATE"):
        return _create_table(words, database)
    if words.accept("DROP"):
        return _drop(words, database)
    if words.accept("SHOW"):
        return _show(words, database)
    if words.accept("DESCRIBE") or words.accept("DESC"):
        formatted = words.accept("FORMATTED") or words.accept("EXTENDED")
        schema, name = words.dotted(database)
        words.end()
        return "describe", "UTILITY", "DESCRIBE", {"database": schema, "table": name, "formatted": formatted}
    if words.accept("MSCK"):
        words.expect("REPAIR", "TABLE")
        return "repair", "DDL", "MSCK_REPAIR_TABLE", _table(words, database)
    words.expect("ALTER")
    return _alter(words, database)


def _table(words: Words, database: str) -> Doc:
    schema, name = words.dotted(database)
    words.end()
    return {"database": schema, "table": name}


def _create_database(words: Words) -> Read:
    doc: Doc = {"exists_ok": words.accept("IF", "NOT", "EXISTS")}
    made: Doc = {"Name": words.name()}
    while not words.done:
        if words.accept("COMMENT"):
            made["Description"] = words.text()
        elif words.accept("LOCATION"):
            made["LocationUri"] = words.text()
        elif words.accept("WITH", "DBPROPERTIES"):
            made["Parameters"] = words.properties()
        else:
            words.end()
    return "create-database", "DDL", "CREATE_DATABASE", {**doc, "DatabaseInput": made}


def _drop(words: Words, database: str) -> Read:
    if words.accept("DATABASE") or words.accept("SCHEMA"):
        lenient = words.accept("IF", "EXISTS")
        doc: Doc = {"database": words.name(), "missing_ok": lenient, "cascade": words.accept("CASCADE")}
        words.accept("RESTRICT")
        words.end()
        return "drop-database", "DDL", "DROP_DATABASE", doc
    view = words.accept("VIEW")
    if not view:
        words.expect("TABLE")
    lenient = words.accept("IF", "EXISTS")
    kind, sub = ("drop-view", "DROP_VIEW") if view else ("drop-table", "DROP_TABLE")
    return kind, "DDL", sub, {**_table(words, database), "missing_ok": lenient}


def _show(words: Words, database: str) -> Read:
    if words.accept("DATABASES") or words.accept("SCHEMAS"):
        return "show-databases", "UTILITY", "SHOW_DATABASES", {"like": _like(words)}
    for word in ("TABLES", "VIEWS"):
        if words.accept(word):
            schema = words.name() if words.accept("IN") or words.accept("FROM") else database
            return f"show-{word.lower()}", "UTILITY", f"SHOW_{word}", {"database": schema, "like": _like(words)}
    if words.accept("PARTITIONS"):
        return "show-partitions", "UTILITY", "SHOW_PARTITIONS", _table(words, database)
    if words.accept("COLUMNS"):
        if not words.accept("IN"):
            words.expect("FROM")
        schema, name = words.dotted(database)
        if words.accept("IN") or words.accept("FROM"):
            schema = words.name()
        words.end()
        return "show-columns", "UTILITY", "SHOW_COLUMNS", {"database": schema, "table": name}
    if words.accept("CREATE"):
        view = words.accept("VIEW")
        if not view:
            words.expect("TABLE")
        return "show-create-table", "UTILITY", "SHOW_CREATE_TABLE", {**_table(words, database), "view": view}
    if words.accept("TBLPROPERTIES"):
        schema, name = words.dotted(database)
        key = None
        if words.accept("("):
            key = words.text()
            words.expect(")")
        words.end()
        doc: Doc = {"database": schema, "table": name, "key": key}
        return "show-tblproperties", "UTILITY", "SHOW_TBLPROPERTIES", doc
    words.fail("'TABLES', 'DATABASES', 'PARTITIONS', 'COLUMNS', 'VIEWS', 'CREATE', 'TBLPROPERTIES'")


def _like(words: Words) -> str | None:
    words.accept("LIKE")
    found = None if words.done else words.text()
    words.end()
    return found


def _partition(words: Words) -> dict[str, str]:
    words.expect("(")
    found: dict[str, str] = {}
    while True:
        key = words.name()
        words.expect("=")
        found[key] = words.literal()
        if not words.accept(","):
            words.expect(")")
            return found


def _alter(words: Words, database: str) -> Read:
    words.expect("TABLE")
    schema, name = words.dotted(database)
    doc: Doc = {"database": schema, "table": name}
    if words.accept("ADD", "COLUMNS") or words.looks("REPLACE", "COLUMNS"):
        replaces = words.accept("REPLACE", "COLUMNS")
        doc["columns"] = _columns(words)
        words.end()
        kind = "replace-columns" if replaces else "add-columns"
        return kind, "DDL", "ALTER_TABLE_ADD_COLUMNS", doc
    if words.accept("ADD"):
        doc["exists_ok"] = words.accept("IF", "NOT", "EXISTS")
        doc["partitions"] = []
        while words.accept("PARTITION"):
            one: Doc = {"values": _partition(words)}
            if words.accept("LOCATION"):
                one["location"] = words.text()
            doc["partitions"].append(one)
        if not doc["partitions"]:
            words.fail("'COLUMNS', 'PARTITION'")
        words.end()
        return "add-partitions", "DDL", "ALTER_TABLE_ADD_PARTITION", doc
    if words.accept("DROP"):
        doc["missing_ok"] = words.accept("IF", "EXISTS")
        doc["partitions"] = []
        while words.accept("PARTITION"):
            doc["partitions"].append(_partition(words))
            words.accept(",")
        if not doc["partitions"]:
            words.fail("'PARTITION'")
        words.end()
        return "drop-partitions", "DDL", "ALTER_TABLE_DROP_PARTITION", doc
    if words.accept("PARTITION"):
        doc["partition"] = _partition(words)
    words.expect("SET")
    if words.accept("LOCATION"):
        doc["location"] = words.text()
        words.end()
        return "set-location", "DDL", "ALTER_TABLE_SET_LOCATION", doc
    words.expect("TBLPROPERTIES")
    doc["properties"] = words.properties()
    words.end()
    return "set-properties", "DDL", "ALTER_TABLE_SET_TBLPROPERTIES", doc


def _columns(words: Words) -> list[Doc]:
    words.expect("(")
    found: list[Doc] = []
    while True:
        one: Doc = {"Name": words.name(), "Type": _squeezed(words.raw(_STOPS))}
        if words.accept("COMMENT"):
            one["Comment"] = words.text()
        found.append(one)
        if not words.accept(","):
            words.expect(")")
            return found


def _squeezed(type_: str) -> str:
    """As Glue keeps types: lower case, no blanks."""
    return "".join(type_.lower().split())


def _create_table(words: Words, database: str) -> Read:
    words.expect("CREATE")
    external = words.accept("EXTERNAL")
    words.expect("TABLE")
    exists_ok = words.accept("IF", "NOT", "EXISTS")
    schema, name = words.dotted(database)
    serde, parameters, formats = TEXT[0], {"serialization.format": "1"}, TEXT
    storage: Doc = {"Columns": _columns(words)}
    made: Doc = {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"EXTERNAL": "TRUE"}}
    while not words.done:
        if words.accept("COMMENT"):
            made["Parameters"]["comment"] = words.text()
        elif words.accept("PARTITIONED BY"):
            made["PartitionKeys"] = _columns(words)
        elif words.accept("ROW", "FORMAT", "SERDE"):
            serde = words.text()
            formats = PARQUET if serde == PARQUET[0] else _ORC if serde == _ORC[0] else TEXT
            parameters = {"serialization.format": "1"}
            if words.accept("WITH", "SERDEPROPERTIES"):
                parameters |= words.properties()
        elif words.accept("ROW", "FORMAT", "DELIMITED"):
            parameters |= _delimited(words)
        elif words.accept("STORED", "AS", "INPUTFORMAT"):
            in_ = words.text()
            words.expect("OUTPUTFORMAT")
            formats = (serde, in_, words.text())
        elif words.accept("STORED", "AS"):
            word = words.name().upper()
            if word not in _STORED:
                raise QueryError(f"line 1:1: tables stored as {word} are not supported", code="NOT_SUPPORTED")
            formats = _STORED[word]
            serde = serde if serde != TEXT[0] else formats[0]
        elif words.accept("LOCATION"):
            storage["Location"] = words.text()
        elif words.accept("TBLPROPERTIES"):
            made["Parameters"] |= {key: str(value) for key, value in words.properties().items()}
        else:
            words.fail("'PARTITIONED BY', 'ROW FORMAT', 'STORED AS', 'LOCATION', 'TBLPROPERTIES'")
    iceberg = made["Parameters"].get("table_type", "").upper() == "ICEBERG"
    if iceberg or not external:
        told = "CREATE TABLE of Iceberg tables is not done here: make them by PyIceberg or Spark, and query them"
        raise QueryError(
            told if iceberg else "line 1:1: missing 'EXTERNAL': CREATE EXTERNAL TABLE, or CREATE TABLE ... AS SELECT",
            code="NOT_SUPPORTED" if iceberg else "SYNTAX_ERROR",
        )
    if not storage.get("Location", "").startswith("s3://"):
        told = "Must specify a LOCATION 's3://bucket/prefix/' for external tables"
        raise QueryError(f"line 1:1: {told}", code="SYNTAX_ERROR")
    storage |= {
        **{"InputFormat": formats[1], "OutputFormat": formats[2], "Compressed": False, "NumberOfBuckets": -1},
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": {k: str(v) for k, v in parameters.items()}},
    }
    made["StorageDescriptor"] = storage
    return "create-table", "DDL", "CREATE_TABLE", {"database": schema, "exists_ok": exists_ok, "TableInput": made}


def _delimited(words: Words) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while True:
        if words.accept("FIELDS", "TERMINATED", "BY"):
            found["field.delim"] = found["serialization.format"] = words.text()
        elif words.accept("ESCAPED", "BY"):
            found["escape.delim"] = words.text()
        elif words.accept("COLLECTION", "ITEMS", "TERMINATED", "BY"):
            found["collection.delim"] = words.text()
        elif words.accept("MAP", "KEYS", "TERMINATED", "BY"):
            found["mapkey.delim"] = words.text()
        elif words.accept("LINES", "TERMINATED", "BY"):
            found["line.delim"] = words.text()
        elif words.accept("NULL", "DEFINED", "AS"):
            found["serialization.null.format"] = words.text()
        else:
            return found
