"""Iceberg tables as the catalog has them, and their states."""

import os
from collections.abc import Mapping
from typing import Any


class IcebergError(ValueError):
    """An Iceberg table that cannot be read or written as asked; the message says why."""


def identifier(name: str) -> tuple[str, str]:
    """Database and table of `db.table`, a catalog's name before it or not."""
    parts = [one.strip("`") for one in name.split(".")]
    if len(parts) < 2 or not all(parts):
        raise IcebergError(f"{name!r} names no table: write database.table")
    return parts[-2], parts[-1]


def properties() -> dict[str, str]:
    """What PyIceberg needs to reach the catalog and S3 as the run's role. Read where it is used: keys are nowhere
    kept."""
    import boto3

    session = boto3.Session()
    keys = session.get_credentials()
    found = {"client.region": session.region_name or "us-east-1"}
    for name, setting in (("glue.endpoint", "AWS_ENDPOINT_URL_GLUE"), ("s3.endpoint", "AWS_ENDPOINT_URL_S3")):
        endpoint = os.environ.get(setting) or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            found[name] = endpoint
    if keys is not None:
        frozen = keys.get_frozen_credentials()
        found |= {"client.access-key-id": frozen.access_key, "client.secret-access-key": frozen.secret_key}
        if frozen.token:
            found["client.session-token"] = frozen.token
    return found


def catalog(extra: Mapping[str, str] | None = None) -> Any:
    """PyIceberg's client of the catalog."""
    from pyiceberg.catalog.glue import GlueCatalog

    return GlueCatalog("glue_catalog", **{**properties(), **(extra or {})})


def table(name: str) -> Any:
    """The table. Raises IcebergError, in Glue's words, if it is not there or is none."""
    from pyiceberg.exceptions import NoSuchIcebergTableError, NoSuchTableError

    database, short = identifier(name)
    try:
        return catalog().load_table((database, short))
    except NoSuchIcebergTableError as error:
        raise IcebergError(f"{database}.{short} is no Iceberg table") from error
    except NoSuchTableError as error:
        raise IcebergError(
            f"EntityNotFoundException: there is no table {short!r} in the database {database!r} of the catalog"
        ) from error


def snapshot_of(found: Any, options: Mapping[str, str]) -> int | None:
    """The snapshot that the options ask for, None for the newest. Raises IcebergError if there is no such one."""
    if "snapshot-id" in options:
        number = int(options["snapshot-id"])
        if found.snapshot_by_id(number) is None:
            raise IcebergError(f"there is no snapshot {number}")
        return number
    if "as-of-timestamp" in options:
        before = found.snapshot_as_of_timestamp(int(options["as-of-timestamp"]))
        if before is None:
            raise IcebergError(f"there was no snapshot at {options['as-of-timestamp']} (milliseconds since 1970)")
        return int(before.snapshot_id)
    name = options.get("branch") or options.get("tag")
    if name:
        named = found.snapshot_by_name(name)
        if named is None:
            raise IcebergError(f"there is no branch or tag {name!r}")
        return int(named.snapshot_id)
    return None


def state(metadata: str) -> Any:
    """The table as this file of metadata tells it, whatever is committed after it."""
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(metadata, properties())
