"""Partitions of tables: a row each, named by its values, so that they stand in the order of their values.

The partition is in the row's status, not its spec: so new values and what else changes are one write.
"""

from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.catalog import removals
from clary.services.glue.catalog.expressions.keys import keys_of
from clary.services.glue.catalog.expressions.syntax import parsed
from clary.services.glue.catalog.names import PARTITION, partition_name, refuse, table_of
from clary.services.glue.catalog.pruning import matching
from clary.services.glue.catalog.tables import detail
from clary.services.glue.errors import AlreadyExistsException, EntityNotFoundException, InvalidInputException

_PAGE: Final = 1000
_MOST_LOOKED: Final = 100
"""Bites without a find that one request waits for; then it answers an empty page that goes on."""
_QUERY: Final = "a partition has no versions. Leave it out."


@service.operation("CreatePartition")
async def create_partition(ctx: Context, req: Doc) -> Doc:
    """The table has the partition. Errors: AlreadyExists, EntityNotFound, InvalidInput (other values than keys)."""
    _create(ctx, table_of(ctx, req), req["PartitionInput"], "CreatePartition")
    return {}


@service.operation("BatchCreatePartition")
async def batch_create_partition(ctx: Context, req: Doc) -> Doc:
    """Those that can be are there; Errors says of the others why not. Errors: EntityNotFoundException."""
    table = table_of(ctx, req)
    errors = []
    for said in req["PartitionInputList"]:
        try:
            _create(ctx, table, said, "BatchCreatePartition")
        except ServiceError as error:
            errors.append({"PartitionValues": said.get("Values", []), "ErrorDetail": detail(error)})
    return {"Errors": errors} if errors else {}


@service.operation("GetPartition", ignores=("AuditContext",))
async def get_partition(ctx: Context, req: Doc) -> Doc:
    """Errors: EntityNotFoundException."""
    return {"Partition": described(find_partition(ctx, table_of(ctx, req), req["PartitionValues"]))}


@service.operation("BatchGetPartition", ignores=("AuditContext", "QuerySessionContext"))
async def batch_get_partition(ctx: Context, req: Doc) -> Doc:
    """Those that are there, in the order asked. Errors: EntityNotFoundException (no table)."""
    table = table_of(ctx, req)
    found = []
    for wanted in req["PartitionsToGet"]:
        try:
            found.append(described(find_partition(ctx, table, wanted["Values"])))
        except EntityNotFoundException:
            continue  # as on AWS, who asks compares
    return {"Partitions": found, "UnprocessedKeys": []}


@service.operation("GetPartitions", ignores=("AuditContext",))
async def get_partitions(ctx: Context, req: Doc) -> Doc:
    """A page of those that Expression holds for, of the Segment, by their values. A page may be empty and go on.
    Errors: EntityNotFound, InvalidInput (the expression, a foreign token)."""
    table = table_of(ctx, req)
    refuse(req, "TransactionId", "QueryAsOfTime", why=_QUERY)
    text = req.get("Expression", "").strip()
    keys = keys_of(table.spec.get("PartitionKeys", ()))
    expression = parsed(text, keys) if text else None
    segment = _segment(req.get("Segment"))
    filters = page.digest("partitions", table.uid, text, req.get("Segment"))
    most = min(req.get("MaxResults", _PAGE), _PAGE)
    found: list[Resource] = []
    place, bites, more = "", 0, False
    async for place, one in matching(ctx.store, table, len(keys), expression, _after(req, filters)):
        if one is not None and segment(place):
            if len(found) == most:
                place, more = found[-1].name, True  # one more than asked: so there is a next page, behind the last
                break
            found.append(one)
        bites += one is None
        if bites == _MOST_LOOKED:
            more = True
            break
    answer: Doc = {"Partitions": [described(one, bool(req.get("ExcludeColumnSchema"))) for one in found]}
    return answer | ({"NextToken": page.encode([place, place], filters)} if more else {})


@service.operation("UpdatePartition")
async def update_partition(ctx: Context, req: Doc) -> Doc:
    """The partition is as PartitionInput says, its values too. Errors: EntityNotFound, AlreadyExists (the new values
    are another's), InvalidInput."""
    _update(ctx, req, req, "UpdatePartition")
    return {}


@service.operation("BatchUpdatePartition")
async def batch_update_partition(ctx: Context, req: Doc) -> Doc:
    """As UpdatePartition, of each; Errors says which were not. Errors: EntityNotFoundException."""
    table_of(ctx, req)
    errors = []
    for one in req["Entries"]:
        try:
            _update(ctx, req, one, "BatchUpdatePartition")
        except ServiceError as error:
            errors.append({"PartitionValueList": one["PartitionValueList"], "ErrorDetail": detail(error)})
    return {"Errors": errors} if errors else {}


@service.operation("DeletePartition")
async def delete_partition(ctx: Context, req: Doc) -> Doc:
    """The table has no such partition; its files stay. Errors: EntityNotFoundException."""
    _delete(ctx, table_of(ctx, req), req["PartitionValues"], "DeletePartition")
    return {}


@service.operation("BatchDeletePartition")
async def batch_delete_partition(ctx: Context, req: Doc) -> Doc:
    """As DeletePartition, of each; Errors says which were not. Errors: EntityNotFoundException."""
    table = table_of(ctx, req)
    errors = []
    for one in req["PartitionsToDelete"]:
        try:
            _delete(ctx, table, one["Values"], "BatchDeletePartition")
        except ServiceError as error:
            errors.append({"PartitionValues": one["Values"], "ErrorDetail": detail(error)})
    return {"Errors": errors} if errors else {}


def find_partition(ctx: Context, table: Resource, values: list[str]) -> Resource:
    """Raises EntityNotFoundException in AWS's words, InvalidInputException."""
    _check_values(table, values)
    try:
        return ctx.store.get(ctx.account, ctx.region, PARTITION, partition_name(table, values))
    except Missing:
        raise EntityNotFoundException(
            f"Cannot find partition. [{', '.join(values)}] of table {table.spec['Name']}"
        ) from None


def described(partition: Resource, without_columns: bool = False) -> Doc:
    status = partition.status
    said = status["_partition"]
    if without_columns and "StorageDescriptor" in said:
        storage = {name: value for name, value in said["StorageDescriptor"].items() if name != "Columns"}
        said = {**said, "StorageDescriptor": storage}
    return {
        **said,
        "DatabaseName": status["_database"],
        "TableName": status["_table"],
        "CreationTime": partition.created,
        "CatalogId": partition.account,
    }


def _create(ctx: Context, table: Resource, said: Doc, operation: str) -> None:
    values = said.get("Values", [])
    _check_values(table, values)
    made = Resource(
        kind=PARTITION,
        name=partition_name(table, values),
        account=table.account,
        region=table.region,
        uid=ids.new(),
        parent=table.uid,
        status={
            "_partition": {**said, "Values": values},
            "_database": table.status["_database"],
            "_table": table.spec["Name"],
            "_of": table.arn,
            "_by": operation,
        },
    )
    try:
        ctx.store.create(made)
    except Exists:
        raise AlreadyExistsException("Partition already exists.") from None


def _update(ctx: Context, req: Doc, entry: Doc, operation: str) -> None:
    while True:
        table = table_of(ctx, req)
        old = find_partition(ctx, table, entry["PartitionValueList"])
        said = entry["PartitionInput"]
        values = said.get("Values", entry["PartitionValueList"])
        _check_values(table, values)
        status: dict[str, Any] = {"_partition": {**said, "Values": values}, "_by": operation}
        try:
            if values == entry["PartitionValueList"]:
                ctx.store.update(old, emit=True, **status)
            else:
                ctx.store.rename(old, partition_name(table, values), "", **status)
        except Exists:
            raise AlreadyExistsException(f"Partition already exists: [{', '.join(values)}]") from None
        except Stale:  # written since it was read: look again
            continue
        return


def _delete(ctx: Context, table: Resource, values: list[str], operation: str) -> None:
    while True:
        one = find_partition(ctx, table, values)
        try:
            # How it goes is written first: the event that tells of it reads it there.
            going = ctx.store.update(one, _by=operation)
            if one.status.get("_statistics"):
                removals.remove(ctx.store, going, "")
            else:
                ctx.store.delete(going)
        except Stale:
            continue
        return


def _check_values(table: Resource, values: list[str]) -> None:
    keys = table.spec.get("PartitionKeys", ())
    if len(values) != len(keys):
        raise InvalidInputException(
            "The number of partition keys do not match the number of partition values: the table is partitioned by"
            f" ({', '.join(key['Name'] for key in keys)}), the values are [{', '.join(values)}]"
        )
    if not keys:
        raise InvalidInputException(f"The table {table.spec['Name']} has no partition keys, so it has no partitions")


def _segment(asked: Doc | None) -> Callable[[str], bool]:
    """Whether a partition is of the segment, by its name: every one is of just one segment."""
    if asked is None:
        return lambda name: True
    number, total = asked["SegmentNumber"], asked["TotalSegments"]
    if number >= total:
        raise InvalidInputException(f"SegmentNumber {number} must be less than TotalSegments {total}")
    return lambda name: crc32(name.encode()) % int(total) == number


def _after(req: Doc, filters: str) -> str:
    if "NextToken" not in req:
        return ""
    try:
        return str(page.decode(req["NextToken"], filters, str, str)[0])
    except BadToken as error:
        raise InvalidInputException(str(error)) from None
