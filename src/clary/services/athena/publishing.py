"""What a query made is put where it belongs: results, data files, and what the catalog shall know of them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import QueryError
from clary.kernel.objects import read_file
from clary.kernel.resource import Doc, Resource
from clary.services.athena.files import objects, place_of

_SERDES: Final = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    ),
    "json": (
        "org.openx.data.jsonserde.JsonSerDe",
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat",
    ),
    "csv": (
        "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    ),
}
_ACLS: Final = {"BUCKET_OWNER_FULL_CONTROL": "bucket-owner-full-control"}
_AT_ONCE: Final = 100
"""Partitions that BatchCreatePartition takes."""


async def put(ctx: Context, uri: str, parts: list[bytes | Path], settings: Doc | None = None) -> int:
    """The object is there; its size in bytes. Raises ServiceError."""
    bucket, key = place_of(uri)
    size = sum(part.stat().st_size if isinstance(part, Path) else len(part) for part in parts)

    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, Path):
                async for data in read_file(part):
                    yield data
            else:
                yield part

    asked: Doc = {"Bucket": bucket, "Key": key, "Body": body(), "ContentLength": size, **(settings or {})}
    await ctx.call("s3", "PutObject", asked)
    return size


def settings_of(row: Resource) -> Doc:
    """How the results of an execution are stored."""
    asked = row.spec["ResultConfiguration"]
    found: Doc = {"ContentType": "application/octet-stream"}
    encryption = asked.get("EncryptionConfiguration")
    if encryption is not None:
        if encryption["EncryptionOption"] == "CSE_KMS":
            raise QueryError("client-side encryption (CSE_KMS) of results is not done here", code="NOT_SUPPORTED")
        kms = encryption["EncryptionOption"] == "SSE_KMS"
        found["ServerSideEncryption"] = "aws:kms" if kms else "AES256"
        if kms and "KmsKey" in encryption:
            found["SSEKMSKeyId"] = encryption["KmsKey"]
    if "ExpectedBucketOwner" in asked:
        found["ExpectedBucketOwner"] = asked["ExpectedBucketOwner"]
    if "AclConfiguration" in asked:
        found["ACL"] = _ACLS[asked["AclConfiguration"]["S3AclOption"]]
    return found


async def result(ctx: Context, row: Resource, answer: Doc, scratch: Path) -> Doc:
    """The rows are at `<id>.csv`, and what the columns are beside them; members of the row's status."""
    uri = f"{row.spec['ResultConfiguration']['OutputLocation']}{row.name}.csv"
    how = settings_of(row)
    size = await put(ctx, uri, [answer["header"].encode(), scratch / answer["file"]], how)
    await put(ctx, f"{uri}.metadata", [json.dumps({"columns": answer["columns"]}).encode()], how)
    return {"_output": uri, "_columns": answer["columns"], "_header": True, "_output_bytes": size}


async def text(ctx: Context, row: Resource, lines: list[str], columns: list[Doc]) -> Doc:
    """The lines are at `<id>.txt`; members of the row's status."""
    uri = f"{row.spec['ResultConfiguration']['OutputLocation']}{row.name}.txt"
    how = settings_of(row)
    size = await put(ctx, uri, ["".join(f"{line}\n" for line in lines).encode()], how)
    await put(ctx, f"{uri}.metadata", [json.dumps({"columns": columns}).encode()], how)
    return {"_output": uri, "_columns": columns, "_header": False, "_output_bytes": size}


async def data(ctx: Context, row: Resource, outcome: Doc, scratch: Path, again: bool) -> Doc:
    """The files are at their location, listed in `<id>-manifest.csv`; members of the row's status. `again`: a server
    that was killed may have put some that this time have other names; they are gone."""
    location, size = outcome["location"], 0
    uris = []
    if again:
        await _remove(ctx, row, location, {f"{location}{one['key']}" for one in outcome["files"]})
    for one in outcome["files"]:
        uri = f"{location}{one['key']}"
        size += await put(ctx, uri, [scratch / one["path"]])
        uris.append(uri)
    top = row.spec["ResultConfiguration"]["OutputLocation"]
    manifest = f"{top}{row.name}-manifest.csv"
    listed = await put(ctx, manifest, ["".join(f"{uri}\n" for uri in uris).encode()], settings_of(row))
    output = outcome["output"] if outcome["output"] is not None else f"{top}{row.name}"
    told: Doc = {"_output": output, "_output_bytes": size, "_columns": [], "_header": False}
    told |= {"_manifest": manifest, "_manifest_bytes": listed}
    return told if outcome["kind"] == "unload" else {**told, "_updated": outcome["rows"]}


async def _remove(ctx: Context, row: Resource, location: str, kept: set[str]) -> None:
    async for one in objects(ctx, location):
        if row.name in one["uri"].rpartition("/")[2] and one["uri"] not in kept:
            bucket, key = place_of(one["uri"])
            await ctx.call("s3", "DeleteObject", {"Bucket": bucket, "Key": key})


def table_input(name: str, columns: list[Doc], keys: list[str], write: Doc, location: str) -> Doc:
    """What CREATE TABLE AS makes of a query's columns."""
    library, in_, out = _SERDES[write["format"]]
    parameters = {"serialization.format": "1"}
    if write["format"] == "csv":
        parameters["field.delim"] = write.get("delimiter") or "\x01"
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false", "classification": write["format"]},
        "PartitionKeys": [one for one in columns if one["Name"] in keys],
        "StorageDescriptor": {
            "Columns": [one for one in columns if one["Name"] not in keys],
            "Location": location,
            "InputFormat": in_,
            "OutputFormat": out,
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters},
        },
    }


async def add_partitions(ctx: Context, database: str, table: Doc, places: list[tuple[list[str], str]]) -> None:
    """The catalog knows these partitions (values, location); those that it knew already are as they were."""
    storage = table["StorageDescriptor"]
    for start in range(0, len(places), _AT_ONCE):
        inputs = [
            {"Values": values, "StorageDescriptor": {**storage, "Location": location}}
            for values, location in places[start : start + _AT_ONCE]
        ]
        asked = {"DatabaseName": database, "TableName": table["Name"], "PartitionInputList": inputs}
        answer = await ctx.call("glue", "BatchCreatePartition", asked)
        for error in answer.get("Errors", []):
            told = error.get("ErrorDetail", {})
            if told.get("ErrorCode") != "AlreadyExistsException":
                raise QueryError(f"{told.get('ErrorMessage')}", code="HIVE_METASTORE_ERROR")


async def made(ctx: Context, database: str, table: Doc, exists_ok: bool) -> bool:
    """The table is in the catalog; False: it was already. Raises QueryError."""
    try:
        await ctx.call("glue", "CreateTable", {"DatabaseName": database, "TableInput": table})
    except ServiceError as error:
        if error.error_code == "EntityNotFoundException":
            raise QueryError(f"line 1:1: Schema '{database}' does not exist", code="SCHEMA_NOT_FOUND") from None
        if error.error_code != "AlreadyExistsException":
            raise
        if not exists_ok:
            told = f"line 1:1: Table 'awsdatacatalog.{database}.{table['Name']}' already exists"
            raise QueryError(told, code="TABLE_ALREADY_EXISTS") from None
        return False
    return True
