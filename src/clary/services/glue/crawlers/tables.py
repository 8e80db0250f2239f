"""Tables and partitions as Glue's crawlers write them into the catalog."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clary.engines.schemas import types
from clary.kernel.resource import Doc
from clary.services.glue.crawlers.grouping import Leaf, Table, partition_keys, partition_values, renamed

UPDATED_BY: Final = "UPDATED_BY_CRAWLER"
DEPRECATED_BY: Final = "DEPRECATED_BY_CRAWLER"
_LONGEST_NAME: Final = 255
_HIVE: Final = "org.apache.hadoop.hive"
_TEXT: Final = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat")
_FORMATS: Final = {
    "parquet": (f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat", f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat"),
    "orc": (f"{_HIVE}.ql.io.orc.OrcInputFormat", f"{_HIVE}.ql.io.orc.OrcOutputFormat"),
    "avro": (f"{_HIVE}.ql.io.avro.AvroContainerInputFormat", f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat"),
}
_SERDES: Final = {
    "parquet": f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    "orc": f"{_HIVE}.ql.io.orc.OrcSerde",
    "avro": f"{_HIVE}.serde2.avro.AvroSerDe",
}
_OPEN_CSV: Final = f"{_HIVE}.serde2.OpenCSVSerde"
_LAZY: Final = f"{_HIVE}.serde2.lazy.LazySimpleSerDe"
_JSON: Final = "org.openx.data.jsonserde.JsonSerDe"
_GROK: Final = "com.amazonaws.glue.serde.GrokSerDe"


@dataclass(frozen=True, slots=True)
class Planned:
    """A table as it shall be, before the catalog is asked what there is."""

    bucket: str
    prefix: str
    """Of the target: "" or with "/" at its end."""
    table: Table
    schema: Doc
    keys: Sequence[str]
    known: tuple[str, str] | None = None
    """(database, table) that the catalog named; None: it is to be found by its place."""

    @property
    def location(self) -> str:
        """Folders end with "/"."""
        return self.place(self.table.folder, self.table.file)

    def place(self, folder: Sequence[str], file: str = "") -> str:
        path = self.prefix + "".join(f"{part}/" for part in folder)
        return f"s3://{self.bucket}/{path}{file}"

    @property
    def base_name(self) -> str:
        """Without the crawler's prefix: of the file, the folder, or the bucket."""
        parts = [self.bucket, *(part for part in self.prefix.split("/") if part), *self.table.folder, self.table.file]
        return safe([part for part in parts if part][-1])


def planned(bucket: str, prefix: str, table: Table, known: tuple[str, str] | None = None) -> Planned:
    schema, keys = renamed(table.schema, partition_keys(table))
    return Planned(bucket, prefix, table, schema, keys, known)


def safe(name: str) -> str:
    """Small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9_]", "_", name.lower()) or "_"


def named(prefix: str, base: str, place: str, *, hashed: bool) -> str:
    """The name of a table; `hashed`: another one has the plain name."""
    name = (prefix.lower() + base)[:_LONGEST_NAME]
    if not hashed:
        return name
    mark = hashlib.md5(place.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: _LONGEST_NAME - len(mark) - 1]}_{mark}"


def columns(schema: Doc) -> list[Doc]:
    return [{"Name": name, "Type": types.hive(type_)} for name, type_ in schema["columns"]]


def table_input(plan: Planned, name: str, crawler: str) -> Doc:
    leaves = plan.table.leaves
    parameters = _parameters(plan.schema, leaves, crawler)
    return {
        "Name": name,
        "Owner": "owner",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in plan.keys],
        "Parameters": parameters,
        "StorageDescriptor": _descriptor(plan.schema, plan.location, leaves, parameters),
    }


def partition_input(plan: Planned, leaf: Leaf, crawler: str, inherited: Doc | None) -> Doc:
    """`inherited`: the descriptor of the table, which its partitions shall share."""
    schema, _ = renamed(leaf.schema, plan.keys)
    depth = len(plan.table.folder) + plan.table.depth
    location = plan.place(leaf.folder[:depth])
    parameters = _parameters(schema, [leaf], crawler)
    descriptor = _descriptor(schema, location, [leaf], parameters)
    if inherited is not None:
        descriptor = {**inherited, "Location": location, "Parameters": parameters}
    return {"Values": partition_values(plan.table, leaf), "StorageDescriptor": descriptor, "Parameters": parameters}


def leaves_by_values(plan: Planned) -> list[Leaf]:
    """One leaf a partition: those below one partition's folder are put together."""
    found: dict[tuple[str, ...], Leaf] = {}
    depth = len(plan.table.folder) + plan.table.depth
    for leaf in plan.table.leaves:
        known = found.get(leaf.folder[:depth])
        if known is None:
            found[leaf.folder[:depth]] = leaf
        else:
            sums = (known.objects + leaf.objects, known.size + leaf.size, known.records + leaf.records)
            found[leaf.folder[:depth]] = Leaf(known.folder, known.schema, *sums)
    return list(found.values())


def differs(wanted: Doc, there: Doc) -> bool:
    """Something of what would be written is not there already, or it is marked as gone."""
    if DEPRECATED_BY in (there.get("Parameters") or {}):
        return True
    return _differs(wanted, there)


def _differs(wanted: Doc, there: Doc) -> bool:
    for name, value in wanted.items():
        known = there.get(name)
        if isinstance(value, dict):
            if not isinstance(known, dict) or _differs(value, known):
                return True
        elif value != known and not (value in ([], False, 0) and known is None):
            return True
    return False


def kept_parameters(wanted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """Those that others have written stay; a table that is there is not deprecated."""
    return {**{name: value for name, value in there.items() if name != DEPRECATED_BY}, **wanted}


def with_new_columns(wanted: Sequence[Doc], there: Sequence[Doc]) -> list[Doc]:
    """MergeNewColumns: what is there stays as it is, what is new follows."""
    names = {one["Name"].lower() for one in there}
    return [*there, *(one for one in wanted if one["Name"].lower() not in names)]


def schema_of(table: Doc) -> Doc:
    """What surveys would have said of the files of a table of the catalog."""
    parameters, descriptor = table.get("Parameters") or {}, table.get("StorageDescriptor") or {}
    details: Doc = {}
    if parameters.get("classification") == "csv":
        details = {
            "delimiter": parameters.get("delimiter", ","),
            "header": parameters.get("skip.header.line.count") == "1",
            "quoted": parameters.get("areColumnsQuoted") == "true",
        }
        if details["quoted"]:
            details["quote"] = '"'
    return {
        "classification": parameters.get("classification", "Unknown"),
        "compression": parameters.get("compressionType", "none"),
        "columns": [[one["Name"], types.read(one.get("Type", "string"))] for one in descriptor.get("Columns") or ()],
        "details": details,
    }


def _parameters(schema: Doc, leaves: Sequence[Leaf], crawler: str) -> dict[str, str]:
    objects, size = sum(leaf.objects for leaf in leaves), sum(leaf.size for leaf in leaves)
    records = sum(leaf.records for leaf in leaves)
    details = schema["details"]
    found = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        UPDATED_BY: crawler,
        "averageRecordSize": str(max(1, round(size / records)) if records else 0),
        "classification": schema["classification"],
        "compressionType": _compression(leaves),
        "objectCount": str(objects),
        "recordCount": str(records),
        "sizeKey": str(size),
        "typeOfData": "file",
    }
    if schema["classification"] == "csv":
        found |= {
            "areColumnsQuoted": "true" if details.get("quoted") else "false",
            "columnsOrdered": "true",
            "delimiter": details["delimiter"],
        }
        if details.get("header"):
            found["skip.header.line.count"] = "1"
    if "path" in details:
        found["jsonPath"] = details["path"]
    if "grok" in details:
        found["grokPattern"] = details["grok"]
        if details["patterns"]:
            found["grokCustomPatterns"] = details["patterns"]
    return found


def _compression(leaves: Sequence[Leaf]) -> str:
    """Of most objects."""
    counted: Counter[str] = Counter()
    for leaf in leaves:
        counted[leaf.schema["compression"]] += leaf.objects
    return counted.most_common(1)[0][0]


def _descriptor(schema: Doc, location: str, leaves: Sequence[Leaf], parameters: Mapping[str, str]) -> Doc:
    reads, writes = _FORMATS.get(schema["classification"], _TEXT)
    return {
        "Columns": columns(schema),
        "Location": location,
        "InputFormat": reads,
        "OutputFormat": writes,
        "Compressed": _compression(leaves) != "none" and schema["classification"] not in _FORMATS,
        "NumberOfBuckets": -1,
        "SerdeInfo": _serde(schema),
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": dict(parameters),
        "StoredAsSubDirectories": False,
    }


def _serde(schema: Doc) -> Doc:
    kind, details = schema["classification"], schema["details"]
    said: dict[str, Any]
    if kind in _SERDES:
        said = {"serialization.format": "1"}
        if kind == "avro" and "schema" in details:
            said["avro.schema.literal"] = details["schema"]
        return {"SerializationLibrary": _SERDES[kind], "Parameters": said}
    if kind == "json":
        names = ",".join(sorted(name for name, _ in schema["columns"]))
        return {"SerializationLibrary": _JSON, "Parameters": {"paths": names}}
    if "grok" in details:
        said = {"input.format": details["grok"]}
        if details["patterns"]:
            said["input.grokCustomPatterns"] = details["patterns"]
        return {"SerializationLibrary": _GROK, "Parameters": said}
    if kind != "csv":
        return {"SerializationLibrary": _LAZY, "Parameters": {}}
    asked = details.get("serde", "None")
    if asked == "OpenCSVSerDe" or (asked != "LazySimpleSerDe" and details.get("quoted")):
        quote = details.get("quote", '"')
        said = {"separatorChar": details["delimiter"], "quoteChar": quote, "escapeChar": "\\"}
        return {"SerializationLibrary": _OPEN_CSV, "Parameters": said}
    return {"SerializationLibrary": _LAZY, "Parameters": {"field.delim": details["delimiter"]}}
