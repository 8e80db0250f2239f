"""The query that reads a table of the catalog from its files."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from clary.engines.queries.base import Doc, QueryError
from clary.engines.queries.kinds import duck, parts, quoted, string, strings

_COMPRESSED: Final = {".gz": "gzip", ".zst": "zstd"}
_REFUSED: Final = (".bz2", ".lzo", ".snappy", ".deflate", ".lz4")
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
_SAMPLE: Final = 100
"""Lines of JSON whose keys are looked at."""
_JSON_BYTES: Final = 64 * 2**20


def scan(table: Doc, asked: set[str]) -> str:
    """`asked`: hidden columns, which are there only then. Raises QueryError."""
    if "rows" in table:
        return _rows(table)
    files = table["files"]
    keys = table.get("keys", [])
    if not files:
        empty = [f"CAST(NULL AS {duck(one['Type'])}) AS {quoted(one['Name'])}" for one in (*table["columns"], *keys)]
        empty += [f"CAST(NULL AS VARCHAR) AS {quoted(name)}" for name in sorted(asked)]
        return f"SELECT {', '.join(empty) or 'NULL'} WHERE false"
    read = _READERS[table["format"]]
    if table["format"] in ("parquet", "iceberg"):
        return read(table, files, "", asked)
    groups = groupby(sorted(files, key=_compression), key=_compression)
    return " UNION ALL ".join(read(table, list(some), how, asked) for how, some in groups)


def _compression(file: Doc) -> str:
    name: str = file["uri"].lower()
    for suffix in _REFUSED:
        if name.endswith(suffix):
            told = f"{file['uri']}: files compressed as {suffix} are not read here; gzip, zstd or none are"
            raise QueryError(told, code="NOT_SUPPORTED")
    return next((how for suffix, how in _COMPRESSED.items() if name.endswith(suffix)), "none")


def _rows(table: Doc) -> str:
    columns = [(one["Name"], duck(one["Type"])) for one in table["columns"]]
    if not table["rows"]:
        return f"SELECT {', '.join(f'CAST(NULL AS {type_}) AS {quoted(name)}' for name, type_ in columns)} WHERE false"
    rows = ", ".join(
        "(" + ", ".join("NULL" if value is None else string(str(value)) for value in row) + ")" for row in table["rows"]
    )
    named = ", ".join(f"CAST(c{at} AS {type_}) AS {quoted(name)}" for at, (name, type_) in enumerate(columns))
    return f"SELECT {named} FROM (VALUES {rows}) AS t({', '.join(f'c{at}' for at in range(len(columns)))})"


def _paths(files: Sequence[Doc]) -> str:
    return strings([_globbed(file["path"]) for file in files])


def _globbed(path: str) -> str:
    """A path as DuckDB takes it for itself, not for a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _beside(table: Doc, files: Sequence[Doc], asked: set[str]) -> list[str]:
    """Columns that the catalog knows and the files do not: the same for all rows of a file, so DuckDB folds them."""
    found = []
    for at, key in enumerate(table.get("keys", [])):
        values = [table["partitions"][file["partition"]][at] for file in files]
        found.append(f"{_of_file(values, duck(key['Type']))} AS {quoted(key['Name'])}")
    for name in sorted(asked):
        said = {"$path": "uri", "$file_size": "size", "$file_modified_time": "modified"}[name]
        kind = "BIGINT" if name == "$file_size" else "VARCHAR"
        found.append(f"{_of_file([str(file.get(said)) for file in files], kind)} AS {quoted(name)}")
    return found


def _of_file(values: Sequence[str], type_: str) -> str:
    said = [f"CAST({'NULL' if one == _NULL else string(one)} AS {type_})" for one in dict.fromkeys(values)]
    if len(said) == 1:
        return said[0]
    every = ", ".join("NULL" if one == _NULL else string(one) for one in values)
    return f"CAST([{every}][CAST(file_index AS BIGINT) + 1] AS {type_})"


def _parquet(table: Doc, files: Sequence[Doc], how: str, asked: set[str]) -> str:
    columns = table["columns"]
    named = [(string(one["Name"]), string(duck(one["Type"]))) for one in columns]
    types = [f"{name}: {{name: {name}, type: {type_}, default_value: NULL}}" for name, type_ in named]
    select = [quoted(one["Name"]) for one in columns] + _beside(table, files, asked)
    schema = f", schema = MAP {{{', '.join(types)}}}" if types else ""
    return f"SELECT {', '.join(select)} FROM read_parquet({_paths(files)}, hive_partitioning = false{schema})"


def _iceberg(table: Doc, files: Sequence[Doc], how: str, asked: set[str]) -> str:
    """By field id, as Iceberg has it: a column may have had other names. Rows that were deleted are left out."""
    columns = table["columns"]
    types = [
        f"{one['Id']}: {{name: {string(one['Name'])}, type: {string(one['Duck'])}, default_value: NULL}}"
        for one in columns
    ]
    select = [quoted(one["Name"]) for one in columns] + _beside(table, files, asked)
    told = f"{_paths(files)}, hive_partitioning = false, schema = MAP {{{', '.join(types)}}}"
    read = f"SELECT {', '.join(select)} FROM read_parquet({told})"
    if not table.get("deletes"):
        return read
    uris = strings([file["uri"] for file in files])
    gone = f"read_parquet({_paths(table['deletes'])}, hive_partitioning = false)"
    return (
        f"{read} AS d WHERE NOT EXISTS (SELECT 1 FROM {gone} AS x WHERE x.pos = d.file_row_number"
        f" AND x.file_path = ({uris})[CAST(d.file_index AS BIGINT) + 1])"
    )


def _skip(table: Doc) -> int:
    said = table.get("parameters", {}).get("skip.header.line.count") or table.get("serde", {}).get(
        "skip.header.line.count", "0"
    )
    return int(said) if str(said).isdigit() else 0


def _csv(table: Doc, files: Sequence[Doc], how: str, asked: set[str]) -> str:
    """LazySimpleSerDe: no quotes, what does not fit its type is NULL, as are missing fields."""
    serde: dict[str, Any] = table.get("serde", {})
    delim = serde.get("field.delim") or serde.get("serialization.format") or "\x01"
    if delim == "1":
        delim = "\x01"
    null = serde.get("serialization.null.format", "\\N")
    escape = serde.get("escape.delim", "")
    told = f"delim = {string(delim)}, quote = '', escape = {string(escape)}, nullstr = {string(null)}"
    select = [f"{_lazy(one, serde)} AS {quoted(one['Name'])}" for one in table["columns"]]
    return _text(table, files, how, asked, told, select)


def _opencsv(table: Doc, files: Sequence[Doc], how: str, asked: set[str]) -> str:
    """OpenCSVSerDe: quoted, and what does not fit its type is an error. Dates are days, timestamps milliseconds."""
    serde = table.get("serde", {})
    delim, quote = serde.get("separatorChar", ","), serde.get("quoteChar", '"')
    escape = serde.get("escapeChar", "\\")
    told = f"delim = {string(delim)}, quote = {string(quote)}, escape = {string(escape)}, nullstr = '\x02'"
    select = []
    for one in table["columns"]:
        name, type_ = quoted(one["Name"]), duck(one["Type"])
        if type_ == "DATE":
            said = f"DATE '1970-01-01' + CAST(nullif({name}, '') AS INTEGER)"
        elif type_ == "TIMESTAMP":
            said = f"make_timestamp(CAST(nullif({name}, '') AS BIGINT) * 1000)"
        elif type_ == "VARCHAR":
            said = name
        else:
            said = f"CAST(nullif({name}, '') AS {type_})"
        select.append(f"{said} AS {name}")
    return _text(table, files, how, asked, told, select)


def _text(table: Doc, files: Sequence[Doc], how: str, asked: set[str], told: str, select: list[str]) -> str:
    columns = ", ".join(f"{string(one['Name'])}: 'VARCHAR'" for one in table["columns"])
    return (
        f"SELECT {', '.join(select + _beside(table, files, asked))} FROM read_csv({_paths(files)}, {told},"
        f" header = false, skip = {_skip(table)}, auto_detect = false, null_padding = true, strict_mode = false,"
        f" hive_partitioning = false, compression = {string(how)}, columns = {{{columns}}})"
    )


def _lazy(column: Doc, serde: dict[str, Any]) -> str:
    name, type_ = quoted(column["Name"]), column["Type"].strip().lower()
    items = serde.get("collection.delim") or serde.get("colelction.delim") or "\x02"
    if type_.startswith("array<"):
        of = duck(type_[6:-1])
        return f"list_transform(str_split({name}, {string(items)}), lambda e: {_tried('e', of)})"
    if type_.startswith("map<"):
        key, value = (duck(one) for one in parts(type_[4:-1]))
        pair = string(serde.get("mapkey.delim") or "\x03")
        each = f"(TRY_CAST(split_part(e, {pair}, 1) AS {key}), {_tried(f'split_part(e, {pair}, 2)', value)})"
        return f"map_from_entries(list_transform(str_split({name}, {string(items)}), lambda e: {each}))"
    if type_.startswith("struct<"):
        raise QueryError(f"the column {column['Name']}: structs in text files are not read here", code="NOT_SUPPORTED")
    return _tried(name, duck(type_))


def _tried(value: str, type_: str) -> str:
    # A plain TRY_CAST of a column DuckDB takes into its reader, where it becomes a CAST that fails.
    return value if type_ == "VARCHAR" else f"TRY_CAST(nullif({value}, '') AS {type_})"


def keys_of(table: Doc) -> str | None:
    """The query of the keys of a JSON table as its first lines spell them: the catalog has all names in lower case."""
    if table["format"] != "json" or not table["files"]:
        return None
    file = table["files"][0]
    return (
        f"SELECT k FROM (SELECT unnest(json_keys(json)) AS k FROM (SELECT json FROM read_json_objects("
        f"{_paths([file])}, format = 'newline_delimited', ignore_errors = true, maximum_object_size = {_JSON_BYTES},"
        f" compression = {string(_compression(file))}) WHERE json_type(json) = 'OBJECT' LIMIT {_SAMPLE}))"
        " GROUP BY k ORDER BY count(*), k DESC"
    )


def _json(table: Doc, files: Sequence[Doc], how: str, asked: set[str]) -> str:
    serde = table.get("serde", {})
    lenient = str(serde.get("ignore.malformed.json", "false")).lower() == "true"
    columns, select = [], []
    for one in table["columns"]:
        source = serde.get(f"mapping.{one['Name']}") or table.get("spelled", {}).get(one["Name"], one["Name"])
        columns.append(f"{string(source)}: {string(duck(one['Type']))}")
        select.append(f"{quoted(source)} AS {quoted(one['Name'])}")
    return (
        f"SELECT {', '.join(select + _beside(table, files, asked))} FROM read_json({_paths(files)},"
        f" format = 'newline_delimited', columns = {{{', '.join(columns)}}}, ignore_errors = {str(lenient).lower()},"
        f" hive_partitioning = false, maximum_object_size = {_JSON_BYTES}, compression = {string(how)})"
    )


_READERS: Final = {"parquet": _parquet, "iceberg": _iceberg, "csv": _csv, "opencsv": _opencsv, "json": _json}
