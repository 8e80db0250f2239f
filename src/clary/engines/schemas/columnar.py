"""Formats that carry their schema: Parquet and ORC (by pyarrow, from the footer) and Avro (from the header)."""

import json
from typing import Any, Final

from clary.engines.schemas.heads import Head, Unreadable
from clary.engines.schemas.types import Columns, Type

Found = tuple[dict[str, Any], int]
"""A schema, as clary.engines.schemas.base writes it, and how many records there are."""
_AVRO_MAGIC: Final = b"Obj\x01"
_AVRO: Final = {"int": "int", "long": "bigint", "float": "float", "double": "double", "boolean": "boolean"}
_AVRO_TEXT: Final = {"string": "string", "bytes": "binary", "fixed": "binary", "enum": "string", "null": "string"}
_AVRO_LOGICAL: Final = {
    "date": "date",
    "timestamp-millis": "timestamp",
    "timestamp-micros": "timestamp",
    "local-timestamp-millis": "timestamp",
    "local-timestamp-micros": "timestamp",
}


def found(path: str, head: Head) -> Found | None:
    """None: it is of none of these formats. Raises Unreadable."""
    if head.data.startswith(b"PAR1"):
        return _parquet(path)
    if head.data.startswith(b"ORC"):
        return _orc(path)
    return _avro(head) if head.data.startswith(_AVRO_MAGIC) else None


def _parquet(path: str) -> Found:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.OSFile(path) as file:
            about = pyarrow.parquet.read_metadata(file)
            columns = _columns(about.schema.to_arrow_schema())
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"it begins as Parquet, but its footer cannot be read: {_first(error)}") from None
    compression = "none"
    if about.num_row_groups and about.num_columns:
        compression = about.row_group(0).column(0).compression.lower()
    compression = "none" if compression == "uncompressed" else compression
    return _schema("parquet", compression, columns), about.num_rows


def _orc(path: str) -> Found:
    import pyarrow
    import pyarrow.orc

    try:
        with pyarrow.OSFile(path) as file:
            about = pyarrow.orc.ORCFile(file)
            columns, rows = _columns(about.schema), about.nrows
            compression = str(about.compression).lower()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"it begins as ORC, but its footer cannot be read: {_first(error)}") from None
    return _schema("orc", "none" if compression == "uncompressed" else compression, columns), rows


def _schema(classification: str, compression: str, columns: Columns, **details: Any) -> dict[str, Any]:
    if not columns:
        raise Unreadable("it has no columns")
    return {
        "classification": classification,
        "compression": compression,
        "columns": columns,
        "details": details,
    }


def _columns(schema: Any) -> Columns:
    return [[field.name.lower(), _arrow(field.type)] for field in schema]


def _arrow(type_: Any) -> Type:
    from pyarrow import types

    if types.is_struct(type_):
        return ["struct", [[field.name, _arrow(field.type)] for field in type_]]
    if types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_):
        return ["array", _arrow(type_.value_type)]
    if types.is_map(type_):
        return ["map", _arrow(type_.key_type), _arrow(type_.item_type)]
    if types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if types.is_dictionary(type_):
        return _arrow(type_.value_type)
    if types.is_integer(type_):
        # The catalog knows no unsigned numbers: the next wider one holds them.
        bits = type_.bit_width * (1 if types.is_signed_integer(type_) else 2)
        return {8: "tinyint", 16: "smallint", 32: "int"}.get(bits, "bigint")
    if types.is_floating(type_):
        return "double" if type_.bit_width == 64 else "float"
    if types.is_timestamp(type_):
        return "timestamp"
    if types.is_date(type_):
        return "date"
    if types.is_boolean(type_):
        return "boolean"
    binary = types.is_binary(type_) or types.is_large_binary(type_) or types.is_fixed_size_binary(type_)
    return "binary" if binary else "string"


def _avro(head: Head) -> Found:
    """The header says the schema, and each block how many records it has."""
    data, at = head.data, len(_AVRO_MAGIC)
    try:
        about: dict[str, bytes] = {}
        count, at = _long(data, at)
        while count:
            if count < 0:  # a block of the map with its size in bytes behind the count
                count, (_, at) = -count, _long(data, at)
            for _ in range(count):
                key, at = _bytes(data, at)
                about[key.decode()], at = _bytes(data, at)
            count, at = _long(data, at)
        schema = json.loads(about["avro.schema"])
        named: dict[str, Any] = {}
        type_ = _avro_type(schema, named)
    except (IndexError, KeyError, ValueError, TypeError, RecursionError):
        raise Unreadable("it begins as Avro, but its header cannot be read") from None
    if isinstance(type_, str) or type_[0] != "struct":
        raise Unreadable("it is Avro, but not of records")
    at += 16  # the marker between blocks
    records, start = 0, at
    try:
        while at < len(data):
            count, at = _long(data, at)
            size, at = _long(data, at)
            records, at = records + count, at + size + 16
    except IndexError:
        at = len(data)
    # The last block may reach beyond what was read: so much of the file as was walked over has so many records.
    total = len(data) * head.scale
    if at > start and total > at:
        records = round(records * (total - start) / (at - start))
    compression = about.get("avro.codec", b"null").decode()
    columns = [[name.lower(), inner] for name, inner in type_[1]]
    text = about["avro.schema"].decode()
    return _schema("avro", "none" if compression == "null" else compression, columns, schema=text), records


def _avro_type(schema: Any, named: dict[str, Any]) -> Type:
    if isinstance(schema, list):
        others = [one for one in schema if one != "null"]
        return _avro_type(others[0], named) if len(others) == 1 else "string"
    if isinstance(schema, str):
        if schema in named:
            return named[schema]
        return _AVRO.get(schema) or _AVRO_TEXT[schema]
    kind, logical = schema["type"], schema.get("logicalType")
    if not isinstance(kind, str):
        return _avro_type(kind, named)
    if kind in ("record", "enum", "fixed"):
        named[schema["name"]] = "string"  # what contains itself is text where it does
    if logical == "decimal":
        return f"decimal({schema.get('precision', 38)},{schema.get('scale', 0)})"
    if logical in _AVRO_LOGICAL:
        return _AVRO_LOGICAL[logical]
    if kind == "array":
        return ["array", _avro_type(schema["items"], named)]
    if kind == "map":
        return ["map", "string", _avro_type(schema["values"], named)]
    if kind != "record":
        found = _avro_type(kind, named) if kind not in _AVRO_TEXT else _AVRO_TEXT[kind]
    else:
        found = ["struct", [[field["name"], _avro_type(field["type"], named)] for field in schema["fields"]]]
    if "name" in schema:
        named[schema["name"]] = found
    return found


def _long(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number, and where the next thing begins. Raises IndexError."""
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(data, at)
    if size < 0 or at + size > len(data):
        raise IndexError
    return data[at : at + size], at + size


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
