"""What `create_dynamic_frame` reads: S3 paths, and tables of the catalog."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import columns, formats, objects, reading
from .errors import Faults
from .formats import truth
from .job import Job
from .jsontext import PATH
from .objects import Found
from .utils import told

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CONNECTION = {
    "paths",
    "path",
    "recurse",
    "exclusions",
    "compressionType",
    "groupFiles",
    "groupSize",
    "boundedFiles",
    "boundedSize",
    "jobBookmarkKeys",
    "maxBand",
    "maxFilesInBand",
    "isFailFast",
    "excludeStorageClasses",
    "useS3ListImplementation",
    "enablePartitioningForS3",
    "acceptJDBCTypes",
}


class RefusedError(NotImplementedError):
    """A connection or option that is not offered here."""


def refuse_connection(kind: str) -> None:
    """Raises RefusedError for a connection that is not S3's."""
    if kind.lower() not in {"s3", "file"}:
        raise RefusedError(
            f"connection type {kind!r} is not offered here, s3 is: read other sources with Spark's own readers, or "
            "export them to S3 first"
        )


def from_s3(
    session: "SparkSession", connection: Mapping[str, Any], format: str | None, options: Mapping[str, Any], context: str
) -> "tuple[DataFrame, Faults]":
    """The objects at the connection's `paths` that this source has not read before."""
    strange = sorted(set(connection) - _CONNECTION)
    if strange:
        raise RefusedError(
            f"connection option {strange[0]!r} is not known to s3; it has {', '.join(sorted(_CONNECTION))}"
        )
    if not format:
        raise formats.FormatError("say the format: csv, json, parquet, orc or xml")
    kind = formats.known(format, options)
    paths = _paths(connection)
    found = unread(paths, connection, context)
    faults = Faults()
    return reading.finished(reading.frame(session, found, kind, options, faults), options), faults


def unread(
    paths: Sequence[str], connection: Mapping[str, Any], context: str, *, recurse: bool | None = None
) -> list[Found]:
    """What lies at the paths, less what the job's bookmark has, no more than the bounds allow."""
    listed = time.time()
    deep = truth(connection.get("recurse")) if recurse is None else recurse
    found = objects.listing(paths, recurse=deep, exclusions=_list(connection.get("exclusions")))
    if not found:
        told(f"there are no objects at {', '.join(paths[:3])}{' ...' if len(paths) > 3 else ''}")
    fresh = Job.bookmarks.unread(context, found, listed)
    chosen = _bounded(fresh, connection)
    if len(chosen) < len(fresh):
        Job.bookmarks.postponed(context, found, fresh[len(chosen) :], listed)
    return chosen


def _bounded(found: list[Found], connection: Mapping[str, Any]) -> list[Found]:
    files, size = int(connection.get("boundedFiles") or 0), int(connection.get("boundedSize") or 0)
    if files:
        found = found[:files]
    if size:
        total = 0
        chosen: list[Found] = []
        for one in found:
            total += one.size
            if chosen and total > size:
                break
            chosen.append(one)
        found = chosen
    return found


def _paths(connection: Mapping[str, Any]) -> list[str]:
    paths = _list(connection.get("paths") or connection.get("path"))
    if not paths:
        raise objects.PathError("the connection options need paths: {'paths': ['s3://bucket/prefix/']}")
    return paths


def _list(value: Any) -> list[str]:
    """A list, which scripts may give as JSON too."""
    if value is None:
        return []
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            import json

            return [str(one) for one in json.loads(value)]
        return [value]
    return [str(one) for one in value]


def without_path(rows: "DataFrame") -> "DataFrame":
    return rows.select([columns.plain(one) for one in rows.schema.fields if one.name != PATH])
