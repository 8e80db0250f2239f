"""Apache Iceberg tables: the catalog keeps where a table's metadata is, clients keep the metadata.

A commit is UpdateTable with the VersionId that the client read: of two commits from one version, one is refused with
ConcurrentModificationException, and its client reads again. Here only the first metadata file of a table is written,
for CreateTable with OpenTableFormatInput.
"""

from itertools import count
from typing import Any, Final
from uuid import uuid4

import orjson

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue.catalog.hive_types import to_hive, to_iceberg
from clary.services.glue.catalog.names import refuse
from clary.services.glue.errors import InvalidInputException

_VERSIONS: Final = ("1", "2")
_FIRST_PARTITION: Final = 1000
"""Where Iceberg begins to number partition fields."""


async def created(ctx: Context, said: Doc, asked: Doc) -> Doc:
    """The table as it is kept: its first metadata file is written below its location, by the caller's own rights, and
    named by `metadata_location`. Raises InvalidInputException, and what S3 refuses with."""
    if "IcebergInput" not in asked:
        raise InvalidInputException("OpenTableFormatInput without IcebergInput: Iceberg is the one open table format")
    wanted = asked["IcebergInput"]
    version = wanted.get("Version", "2")
    if version not in _VERSIONS:
        raise InvalidInputException(f"Iceberg format version {version!r} is not served: use one of {_VERSIONS}")
    input_ = wanted.get("CreateIcebergTableInput")
    metadata = _from_input(input_) if input_ else _from_columns(said)
    metadata = {"format-version": int(version), "last-updated-ms": int(ctx.clock.now() * 1000), **metadata}
    bucket, prefix = _place(metadata["location"])
    key = f"{prefix}metadata/00000-{uuid4()}.metadata.json"
    await ctx.call("s3", "PutObject", {"Bucket": bucket, "Key": key, "Body": orjson.dumps(metadata)})
    storage = {**said.get("StorageDescriptor", {}), "Location": metadata["location"], "Columns": _columns(metadata)}
    parameters = {
        **said.get("Parameters", {}),
        "table_type": "ICEBERG",
        "metadata_location": f"s3://{bucket}/{key}",
    }
    return {"TableType": "EXTERNAL_TABLE", **said, "StorageDescriptor": storage, "Parameters": parameters}


def _from_columns(said: Doc) -> Doc:
    """Metadata of a table whose schema is its columns."""
    if said.get("PartitionKeys"):
        raise InvalidInputException(
            "An Iceberg table has no partition keys: say its partition spec in CreateIcebergTableInput"
        )
    storage = said.get("StorageDescriptor", {})
    if not storage.get("Columns") or not storage.get("Location"):
        raise InvalidInputException(
            "An Iceberg table needs StorageDescriptor.Columns and StorageDescriptor.Location, or a"
            " CreateIcebergTableInput"
        )
    ids = count(1)
    fields = [
        {
            "id": next(ids),
            "name": column["Name"],
            "required": False,
            "type": column.get("Type", "string"),
            **({"doc": column["Comment"]} if "Comment" in column else {}),
        }
        for column in storage["Columns"]
    ]
    # The columns are numbered first, what is in them after, as Iceberg's own clients do.
    for one in fields:
        one["type"] = to_iceberg(one["type"], lambda: next(ids))
    properties = {name: value for name, value in said.get("Parameters", {}).items() if name != "table_type"}
    return _metadata(storage["Location"], {"fields": fields}, None, None, properties, next(ids) - 1)


def _from_input(asked: Doc) -> Doc:
    """Metadata of a table whose schema is told in Iceberg's own way."""
    schema = asked["Schema"]
    fields = []
    for one in schema["Fields"]:
        refuse(one, "InitialDefault", "WriteDefault", why="defaults of columns belong to format version 3.")
        field = {"id": one["Id"], "name": one["Name"], "required": one["Required"], "type": one["Type"]}
        _check(field["type"])
        fields.append(field | ({"doc": one["Doc"]} if "Doc" in one else {}))
    ids = {one["id"] for one in fields}
    if not fields or len(ids) != len(fields) or min(ids) < 1:
        raise InvalidInputException("A schema needs fields, each with an Id of its own from 1 on")
    spec = asked.get("PartitionSpec")
    order = asked.get("WriteOrder")
    for source in [*(spec or {}).get("Fields", ()), *(order or {}).get("Fields", ())]:
        if source["SourceId"] not in ids:
            raise InvalidInputException(f"No field of the schema has the Id {source['SourceId']}")
    whole = {"schema-id": schema.get("SchemaId", 0), "identifier-field-ids": schema.get("IdentifierFieldIds", [])}
    last = max(_ids({"type": "struct", "fields": fields}))
    return _metadata(asked["Location"], {**whole, "fields": fields}, spec, order, asked.get("Properties", {}), last)


def _check(type_: Any) -> None:
    """Raises InvalidInputException for what is no type."""
    try:
        to_hive(type_)
        _ids(type_)
    except (AttributeError, KeyError, TypeError, RecursionError):
        raise InvalidInputException("A field's Type is not one of Iceberg: write it as table metadata has it") from None


def _metadata(location: str, schema: Doc, spec: Doc | None, order: Doc | None, properties: Doc, last: int) -> Doc:
    partitions = [
        {
            "source-id": one["SourceId"],
            "field-id": one.get("FieldId", _FIRST_PARTITION + at),
            "name": one["Name"],
            "transform": one["Transform"],
        }
        for at, one in enumerate((spec or {}).get("Fields", ()))
    ]
    sorts = [
        {
            "source-id": one["SourceId"],
            "transform": one["Transform"],
            "direction": one["Direction"],
            "null-order": one["NullOrder"],
        }
        for one in (order or {}).get("Fields", ())
    ]
    schema = {"type": "struct", "schema-id": 0, "identifier-field-ids": [], **schema}
    spec_id = (spec or {}).get("SpecId", 0)
    order_id = (order or {}).get("OrderId", 1) if sorts else 0
    return {
        "table-uuid": str(uuid4()),
        "location": location.rstrip("/"),
        "last-sequence-number": 0,
        "last-column-id": last,
        "schema": schema,
        "schemas": [schema],
        "current-schema-id": schema["schema-id"],
        "partition-spec": partitions,
        "partition-specs": [{"spec-id": spec_id, "fields": partitions}],
        "default-spec-id": spec_id,
        "last-partition-id": max([_FIRST_PARTITION - 1, *(one["field-id"] for one in partitions)]),
        "sort-orders": [{"order-id": order_id, "fields": sorts}],
        "default-sort-order-id": order_id,
        "properties": properties,
        "current-snapshot-id": -1,
        "refs": {},
        "snapshots": [],
        "snapshot-log": [],
        "metadata-log": [],
    }


def _columns(metadata: Doc) -> list[Doc]:
    """As Iceberg's Glue clients write a schema into the catalog."""
    return [
        {
            "Name": one["name"],
            "Type": to_hive(one["type"]),
            "Parameters": {
                "iceberg.field.id": str(one["id"]),
                "iceberg.field.optional": str(not one["required"]).lower(),
                "iceberg.field.current": "true",
            },
            **({"Comment": one["doc"][:255]} if "doc" in one else {}),
        }
        for one in metadata["schema"]["fields"]
    ]


def _ids(type_: Any) -> list[int]:
    """Every field id in a type."""
    if not isinstance(type_, dict):
        return [0]
    found = [type_[name] for name in ("element-id", "key-id", "value-id") if isinstance(type_.get(name), int)]
    for field in type_.get("fields", ()):
        found += [field.get("id", 0), *_ids(field["type"])]
    for name in ("element", "key", "value"):
        found += _ids(type_.get(name))
    return found


def _place(location: str) -> tuple[str, str]:
    """(bucket, prefix that ends with a slash) of an s3:// location."""
    scheme, _, rest = location.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise InvalidInputException(f"The location {location!r} is not one: write s3://bucket/prefix")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""
