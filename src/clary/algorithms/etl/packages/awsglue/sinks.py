"""Where frames are written: S3 paths and tables of the catalog."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as spark

from . import columns, formats, mapping
from .catalog import SERDES, Catalog, Table, TableError
from .formats import FormatError, truth
from .sources import RefusedError, refuse_connection
from .typenames import catalog_name
from .utils import told

if TYPE_CHECKING:
    from .dynamicframe import DynamicFrame

_CONNECTION = {
    "path",
    "partitionKeys",
    "compression",
    "compressionType",
    "enableUpdateCatalog",
    "updateBehavior",
    "groupFiles",
    "groupSize",
}


def written(frame: DataFrame, connection: Mapping[str, Any], format: str | None, options: Mapping[str, Any]) -> None:
    """The rows stand in new objects at the connection's path, in folders by its partitionKeys; what was there stays."""
    strange = sorted(set(connection) - _CONNECTION)
    if strange:
        raise RefusedError(
            f"connection option {strange[0]!r} is not known to s3; it has {', '.join(sorted(_CONNECTION))}"
        )
    if not connection.get("path"):
        raise FormatError("say where to: the connection options need path")
    if not format:
        raise FormatError("say the format: csv, json, parquet or orc")
    kind = formats.known(format, options)
    keys = keys_of(connection.get("partitionKeys"), frame)
    frame = mapping.without_nulls(frame)
    if not frame.columns:
        told(f"nothing is written to {connection['path']}: the frame has no columns")
        return
    settings = formats.csv_write(options) if kind == "csv" else {}
    # Glue leaves no _SUCCESS.
    settings["mapreduce.fileoutputcommitter.marksuccessfuljobs"] = "false"
    codec = formats.compression(kind, connection, options)
    if codec:
        settings["compression"] = codec
    if kind == "xml":
        settings.update({key: str(value) for key, value in options.items()})
    if kind == "csv":
        _flat(frame)
    writer = frame.write.mode("append").format(kind).options(**settings)
    (writer.partitionBy(*keys) if keys else writer).save(str(connection["path"]))


def _flat(frame: DataFrame) -> None:
    nested = [
        one.name
        for one in frame.schema.fields
        if isinstance(one.dataType, (spark.StructType, spark.ArrayType, spark.MapType))
    ]
    if nested:
        raise FormatError(
            f"csv holds no nested column, and {nested[0]!r} is one: use unnest, relationalize or resolveChoice first"
        )


def keys_of(given: Any, frame: DataFrame) -> list[str]:
    keys = [given] if isinstance(given, str) else [str(one) for one in given or []]
    for one in keys:
        if frame.columns and one not in frame.columns:
            raise FormatError(f"partitionKeys: there is no column {one!r}; the frame has {', '.join(frame.columns)}")
    return keys


class S3Sink:
    """`glueContext.getSink(...)`: set its format and table, then `writeFrame`."""

    def __init__(self, catalog: Catalog, kind: str, options: Mapping[str, Any]) -> None:
        refuse_connection(kind)
        self._catalog, self._options = catalog, dict(options)
        self._format: str | None = None
        self._format_options: dict[str, Any] = {}
        self._table: tuple[str, str] | None = None

    def setFormat(self, format: str, **options: Any) -> None:
        formats.known(format, options)
        self._format, self._format_options = format, options

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str | None = None) -> None:
        self._table = (catalogDatabase, catalogTableName)

    def writeFrame(self, dynamic_frame: "DynamicFrame", info: str = "") -> "DynamicFrame":
        frame = dynamic_frame.toDF()
        update = truth(self._options.get("enableUpdateCatalog"))
        if update and self._table is None:
            raise FormatError("enableUpdateCatalog needs setCatalogInfo(catalogDatabase=..., catalogTableName=...)")
        if not update or self._table is None:
            written(frame, self._options, self._format, self._format_options)
            return dynamic_frame
        database, name = self._table
        frame = mapping.without_nulls(frame)
        keys = keys_of(self._options.get("partitionKeys"), frame)
        table = self._catalog.found(database, name)
        if table is None and frame.columns:
            table = self._catalog.create(
                database, _input(name, frame, keys, self._options, str(self._format), self._format_options)
            )
        if table is not None:
            known = [key for key, _ in table.keys]
            if keys != known:
                raise TableError(f"{database}.{name} is partitioned by {known}, the sink by {keys}")
            wrote(self._catalog, frame, table, self._options, self._format, self._format_options, update=True)
        return dynamic_frame

    write = writeFrame


def to_table(catalog: Catalog, frame: DataFrame, table: Table, options: Mapping[str, Any]) -> None:
    """The rows stand in the table's location, in its format. With enableUpdateCatalog new partitions and columns are in
    the catalog too."""
    kind, known = table.format()
    options = {"partitionKeys": [name for name, _ in table.keys], **options, "path": table.location}
    settings: dict[str, Any] = {}
    if kind == "csv":
        settings = {key: known[key] for key in ("separator", "quoteChar", "escaper") if key in known}
        settings["writeHeader"] = bool(known.get("skipFirst"))
    wrote(catalog, frame, table, options, kind, settings, update=truth(options.get("enableUpdateCatalog")))


def wrote(
    catalog: Catalog,
    frame: DataFrame,
    table: Table,
    options: Mapping[str, Any],
    format: str | None,
    settings: Mapping[str, Any],
    *,
    update: bool,
) -> None:
    keys = keys_of(options.get("partitionKeys"), frame)
    frame = _ordered(frame, table)
    if update and frame.columns:
        table = _columns(catalog, frame, table, keys, str(options.get("updateBehavior") or "UPDATE_IN_DATABASE"))
    if not (update and keys):
        written(frame, options, format, settings)
        return
    kept = frame.persist()
    try:
        written(kept, options, format, settings)
        found = kept.select(*[F.col(columns.quoted(one)).cast("string") for one in keys]).distinct().collect()
    finally:
        kept.unpersist()
    place = str(options["path"]).rstrip("/")
    parts = []
    for row in found:
        values = ["__HIVE_DEFAULT_PARTITION__" if one is None or one == "" else str(one) for one in row]
        folders = "/".join(f"{key}={_escaped(value)}" for key, value in zip(keys, values, strict=True))
        parts.append((values, f"{place}/{folders}/"))
    catalog.add(table, parts)


_ESCAPED = set("\"#%'*/:=?\\\x7f{[]^") | {chr(n) for n in range(1, 32)}
"""What Hive and Spark write as %XX in the names of partition folders."""


def _escaped(value: str) -> str:
    return "".join(f"%{ord(one):02X}" if one in _ESCAPED else one for one in value)


def _ordered(frame: DataFrame, table: Table) -> DataFrame:
    """The table's own columns first, in its order: CSV files have no names."""
    names = [name for name, _ in [*table.columns, *table.keys] if name in frame.columns]
    rest = [one for one in frame.columns if one not in names]
    missing = [] if frame.columns == [] else [name for name, _ in table.columns if name not in frame.columns]
    if missing and table.format()[0] == "csv":
        raise TableError(
            f"the frame lacks the column {missing[0]!r} of {table.database}.{table.name}, whose CSV files need all"
        )
    return frame.select([columns.plain(frame.schema[one]) for one in [*names, *rest]]) if rest or names else frame


def _columns(catalog: Catalog, frame: DataFrame, table: Table, keys: Sequence[str], behavior: str) -> Table:
    if behavior not in {"UPDATE_IN_DATABASE", "LOG"}:
        raise FormatError(f"updateBehavior {behavior!r} is not known: use UPDATE_IN_DATABASE or LOG")
    known = {name.lower(): kind for name, kind in table.columns}
    found = {one.name: catalog_name(one.dataType) for one in frame.schema.fields if one.name not in keys}
    new = [(name, kind) for name, kind in found.items() if name.lower() not in known]
    changed = [name for name, kind in found.items() if known.get(name.lower(), kind) != kind]
    if changed:
        told(
            f"{table.database}.{table.name}: {', '.join(changed)} differ in type from the catalog, which keeps its own"
        )
    if not new:
        return table
    if behavior == "LOG":
        told(f"{table.database}.{table.name} lacks {', '.join(name for name, _ in new)}, and updateBehavior is LOG")
        return table
    return catalog.update(table, [*table.columns, *new])


def _input(
    name: str,
    frame: DataFrame,
    keys: Sequence[str],
    options: Mapping[str, Any],
    format: str,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    kind = formats.known(format, settings)
    if kind not in SERDES:
        raise TableError(f"no table is made of {format}: use parquet, json, csv or orc")
    reads, writes, library, parameters = SERDES[kind]
    values = {**parameters, **({"separatorChar": str(settings["separator"])} if "separator" in settings else {})}
    table = {"classification": kind}
    if kind == "csv" and truth(settings.get("writeHeader", True)):
        table["skip.header.line.count"] = "1"
    types = {one.name: catalog_name(one.dataType) for one in frame.schema.fields}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": table,
        "PartitionKeys": [{"Name": key, "Type": types[key]} for key in keys],
        "StorageDescriptor": {
            "Columns": [{"Name": one, "Type": kind} for one, kind in types.items() if one not in keys],
            "Location": str(options["path"]),
            "InputFormat": reads,
            "OutputFormat": writes,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": values},
        },
    }
