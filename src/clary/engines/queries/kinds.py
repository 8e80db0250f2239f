"""Types: Hive's as the catalog keeps them, DuckDB's, and what Athena calls them in results."""

from typing import Any, Final

from clary.engines.queries.base import QueryError

_HIVE: Final = {
    **{"tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "integer": "INTEGER", "bigint": "BIGINT"},
    **{"float": "FLOAT", "real": "FLOAT", "double": "DOUBLE", "boolean": "BOOLEAN", "string": "VARCHAR"},
    **{"binary": "BLOB", "date": "DATE", "timestamp": "TIMESTAMP", "varchar": "VARCHAR", "char": "VARCHAR"},
    **{"decimal": "DECIMAL(10,0)", "void": "VARCHAR", "timestamp with time zone": "TIMESTAMPTZ"},
}
_ATHENA: Final = {
    "tinyint": ("tinyint", 3, 0),
    "smallint": ("smallint", 5, 0),
    "integer": ("integer", 10, 0),
    "bigint": ("bigint", 19, 0),
    "utinyint": ("smallint", 5, 0),
    "usmallint": ("integer", 10, 0),
    "uinteger": ("bigint", 19, 0),
    "ubigint": ("bigint", 19, 0),
    "hugeint": ("bigint", 19, 0),
    "uhugeint": ("bigint", 19, 0),
    "float": ("float", 17, 0),
    "double": ("double", 17, 0),
    "boolean": ("boolean", 0, 0),
    "varchar": ("varchar", 2147483647, 0),
    "date": ("date", 0, 0),
    "time": ("time", 3, 0),
    "blob": ("varbinary", 1073741824, 0),
    "json": ("json", 0, 0),
    "uuid": ("uuid", 0, 0),
    "list": ("array", 0, 0),
    "array": ("array", 0, 0),
    "map": ("map", 0, 0),
    "struct": ("row", 0, 0),
    "interval": ("interval day to second", 0, 0),
    "timestamp with time zone": ("timestamp with time zone", 3, 0),
    '"null"': ("unknown", 0, 0),
    "null": ("unknown", 0, 0),
}
_TO_HIVE: Final = {
    **{"tinyint": "tinyint", "smallint": "smallint", "integer": "int", "bigint": "bigint", "float": "float"},
    **{"double": "double", "boolean": "boolean", "varchar": "string", "date": "date", "blob": "binary"},
    **{"utinyint": "smallint", "usmallint": "int", "uinteger": "bigint", "ubigint": "bigint", "hugeint": "bigint"},
    **{"uhugeint": "bigint", "timestamp with time zone": "timestamp", "json": "string", "uuid": "string"},
}
WIDE: Final = ("ubigint", "hugeint", "uhugeint")
"""Integers that Athena does not have: they are its bigint, or out of its range."""


def duck(hive: str) -> str:
    """DuckDB's name of a type of the catalog. Raises QueryError."""
    said = hive.strip().lower()
    if said in _HIVE:
        return _HIVE[said]
    head, _, rest = said.partition("(")
    if head in ("varchar", "char"):
        return "VARCHAR"
    if head == "decimal":
        return f"DECIMAL({rest}"
    if said.startswith("timestamp"):
        return "TIMESTAMPTZ" if "zone" in said else "TIMESTAMP"
    inner = said[said.find("<") + 1 : -1]
    if said.startswith("array<") and said.endswith(">"):
        return f"{duck(inner)}[]"
    if said.startswith("map<") and said.endswith(">"):
        key, value = parts(inner)
        return f"MAP({duck(key)}, {duck(value)})"
    if said.startswith("struct<") and said.endswith(">"):
        fields = [one.partition(":") for one in parts(inner)]
        return f"STRUCT({', '.join(f'{quoted(name.strip())} {duck(type_)}' for name, _, type_ in fields)})"
    raise QueryError(f"the type {hive!r} of the catalog is not supported", code="NOT_SUPPORTED")


def parts(inner: str) -> list[str]:
    """What commas of the outermost level part."""
    found, depth = [""], 0
    for char in inner:
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            found.append("")
        else:
            found[-1] += char
    return found


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def string(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def strings(values: list[str]) -> str:
    return "[" + ", ".join(map(string, values)) + "]"


def column_info(name: str, type_: Any) -> dict[str, Any]:
    """A column of a result as GetQueryResults tells it; `type_` is DuckDB's."""
    if type_.id == "decimal":
        of = dict(type_.children)
        kind, precision, scale = "decimal", of["precision"], of["scale"]
    elif type_.id.startswith("timestamp") and "zone" not in type_.id:
        kind, precision, scale = "timestamp", 3, 0
    else:
        kind, precision, scale = _ATHENA.get(type_.id, ("varchar", 2147483647, 0))
    return {
        **{"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": kind},
        **{"Precision": precision, "Scale": scale, "Nullable": "UNKNOWN", "CaseSensitive": kind == "varchar"},
    }


def hive(type_: Any) -> str:
    """What the catalog calls a type of DuckDB."""
    kind = type_.id
    if kind == "decimal":
        of = dict(type_.children)
        return f"decimal({of['precision']},{of['scale']})"
    if kind in ("list", "array"):
        return f"array<{hive(dict(type_.children)['child'])}>"
    if kind == "map":
        of = dict(type_.children)
        return f"map<{hive(of['key'])},{hive(of['value'])}>"
    if kind == "struct":
        return f"struct<{','.join(f'{name}:{hive(one)}' for name, one in type_.children)}>"
    if kind.startswith("timestamp"):
        return "timestamp"
    return _TO_HIVE.get(kind, "string")
