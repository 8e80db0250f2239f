"""Partition indexes: which keys a table's partitions are looked for by.

The store has the partitions in the order of their values, so the look-up by the first keys is quick without any index,
and by the others it skips what cannot match (see pruning.py). An index is checked and remembered, and active at once.
"""

from collections.abc import Sequence
from typing import Final

from clary.aws.service import Context
from clary.kernel.errors import Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.glue.api import service
from clary.services.glue.catalog.names import PARTITION, folded, table_of
from clary.services.glue.errors import (
    AlreadyExistsException,
    EntityNotFoundException,
    InvalidInputException,
    ResourceNumberLimitExceededException,
)

_MOST: Final = 3
"""Of a table, as AWS has it."""


@service.operation("CreatePartitionIndex", stored=True)
async def create_partition_index(ctx: Context, req: Doc) -> Doc:
    """The table has the index. Errors: AlreadyExists, EntityNotFound, InvalidInput, ResourceNumberLimitExceeded."""
    while True:
        table = table_of(ctx, req)
        [new] = checked(table.spec, [req["PartitionIndex"]])
        kept: list[Doc] = table.status["_indexes"]
        if any(one["IndexName"] == new["IndexName"] for one in kept):
            raise AlreadyExistsException(f"Index with the given indexName : {new['IndexName']} already exists")
        if any(one["Keys"] == new["Keys"] for one in kept):
            raise AlreadyExistsException(f"An index on ({', '.join(new['Keys'])}) already exists")
        if len(kept) >= _MOST:
            raise ResourceNumberLimitExceededException(f"A table can have no more than {_MOST} partition indexes")
        try:
            ctx.store.update(table, _indexes=[*kept, new])
        except Stale:
            continue
        return {}


@service.operation("GetPartitionIndexes")
async def get_partition_indexes(ctx: Context, req: Doc) -> Doc:
    """All of the table's, at once. Errors: EntityNotFoundException."""
    table = table_of(ctx, req)
    types = {folded(key["Name"]): key.get("Type", "string") for key in table.spec.get("PartitionKeys", ())}
    shown = [
        {
            "IndexName": one["IndexName"],
            "Keys": [{"Name": key, "Type": types.get(key, "string")} for key in one["Keys"]],
            "IndexStatus": "ACTIVE",
        }
        for one in table.status["_indexes"]
    ]
    return {"PartitionIndexDescriptorList": shown}


@service.operation("DeletePartitionIndex")
async def delete_partition_index(ctx: Context, req: Doc) -> Doc:
    """The table has no index of that name. Errors: EntityNotFoundException."""
    while True:
        table = table_of(ctx, req)
        kept: list[Doc] = table.status["_indexes"]
        left = [one for one in kept if one["IndexName"] != req["IndexName"]]
        if len(left) == len(kept):
            raise EntityNotFoundException(f"Index with the given indexName : {req['IndexName']} does not exist")
        try:
            ctx.store.update(table, _indexes=left)
        except Stale:
            continue
        return {}


def checked(table: Doc, asked: Sequence[Doc]) -> list[Doc]:
    """The indexes as they are kept. Raises InvalidInputException, ResourceNumberLimitExceededException."""
    if len(asked) > _MOST:
        raise ResourceNumberLimitExceededException(f"A table can have no more than {_MOST} partition indexes")
    keys = [folded(key["Name"]) for key in table.get("PartitionKeys", ())]
    found: list[Doc] = []
    for one in asked:
        wanted = [folded(key) for key in one["Keys"]]
        unknown = [key for key in wanted if key not in keys]
        if unknown or len(set(wanted)) != len(wanted):
            raise InvalidInputException(
                f"The keys of the index {one['IndexName']} must be partition keys of the table, each once: "
                f"{', '.join(unknown or wanted)}; the table has ({', '.join(keys)})"
            )
        if any(one["IndexName"] == other["IndexName"] for other in found):
            raise InvalidInputException(f"The index {one['IndexName']} is there twice")
        found.append({"IndexName": one["IndexName"], "Keys": wanted})
    return found


def partitioned(ctx: Context, table: Resource) -> bool:
    """The table has at least one partition."""
    where = Where(account=ctx.account, region=ctx.region, parent=table.uid)
    return bool(ctx.store.page(PARTITION, where, limit=1))
