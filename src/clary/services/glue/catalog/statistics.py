"""Statistics of columns, as whoever analyses a table or a partition writes them: kept, and answered again."""

import base64
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.catalog.names import STATISTICS, folded, row_name, table_of
from clary.services.glue.catalog.partitions import find_partition
from clary.services.glue.catalog.tables import detail
from clary.services.glue.errors import EntityNotFoundException, InvalidInputException

_UNSCALED: Final = "UnscaledValue"
_DATA: Final = {
    kind: f"{kind.capitalize()}ColumnStatisticsData"
    for kind in ("BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "LONG", "STRING", "BINARY")
}


@service.operation("UpdateColumnStatisticsForTable", stored=True)
async def update_for_table(ctx: Context, req: Doc) -> Doc:
    """The table's columns have these statistics; Errors says which columns it has not. Errors: EntityNotFound,
    InvalidInput."""
    table = table_of(ctx, req)
    return _update(ctx, table, table, req["ColumnStatisticsList"])


@service.operation("UpdateColumnStatisticsForPartition", stored=True)
async def update_for_partition(ctx: Context, req: Doc) -> Doc:
    """As UpdateColumnStatisticsForTable, of one partition. Errors: EntityNotFound, InvalidInput."""
    table = table_of(ctx, req)
    while True:
        partition = find_partition(ctx, table, req["PartitionValues"])
        # First what says that there are some: they go when the partition goes.
        with suppress(Stale):
            if not partition.status.get("_statistics"):
                ctx.store.update(partition, _statistics=True)
            return _update(ctx, table, partition, req["ColumnStatisticsList"])


@service.operation("GetColumnStatisticsForTable")
async def get_for_table(ctx: Context, req: Doc) -> Doc:
    """Of those columns that have some; Errors names the others. Errors: EntityNotFoundException."""
    return _get(ctx, table_of(ctx, req), req["ColumnNames"])


@service.operation("GetColumnStatisticsForPartition")
async def get_for_partition(ctx: Context, req: Doc) -> Doc:
    """As GetColumnStatisticsForTable, of one partition. Errors: EntityNotFoundException."""
    return _get(ctx, find_partition(ctx, table_of(ctx, req), req["PartitionValues"]), req["ColumnNames"])


@service.operation("DeleteColumnStatisticsForTable")
async def delete_for_table(ctx: Context, req: Doc) -> Doc:
    """The column has no statistics. Errors: EntityNotFoundException."""
    return _delete(ctx, table_of(ctx, req), req["ColumnName"])


@service.operation("DeleteColumnStatisticsForPartition")
async def delete_for_partition(ctx: Context, req: Doc) -> Doc:
    """The column of the partition has no statistics. Errors: EntityNotFoundException."""
    return _delete(ctx, find_partition(ctx, table_of(ctx, req), req["PartitionValues"]), req["ColumnName"])


def _update(ctx: Context, table: Resource, owner: Resource, given: Sequence[Doc]) -> Doc:
    columns = {folded(one["Name"]) for one in table.spec.get("StorageDescriptor", {}).get("Columns", ())}
    columns |= {folded(one["Name"]) for one in table.spec.get("PartitionKeys", ())}
    errors = []
    for one in given:
        try:
            _keep(ctx, owner, columns, one)
        except (EntityNotFoundException, InvalidInputException) as error:
            errors.append({"ColumnStatistics": one, "Error": detail(error)})
    return {"Errors": errors} if errors else {}


def _keep(ctx: Context, owner: Resource, columns: set[str], given: Doc) -> None:
    name, data = given["ColumnName"], given["StatisticsData"]
    if folded(name) not in columns:
        raise EntityNotFoundException(f"Column {name} is not a column of the table")
    if _DATA[data["Type"]] not in data:
        raise InvalidInputException(f"Statistics of the type {data['Type']} have {_DATA[data['Type']]}")
    made = Resource(
        kind=STATISTICS,
        name=row_name(owner, name),
        account=owner.account,
        region=owner.region,
        uid=ids.new(),
        parent=owner.uid,
        spec=_with(given, _packed),
    )
    with suppress(Exists):
        ctx.store.create(made, replace=True)


def _get(ctx: Context, owner: Resource, names: Sequence[str]) -> Doc:
    found, errors = [], []
    for name in names:
        try:
            found.append(_with(_find(ctx, owner, name).spec, _unpacked))
        except EntityNotFoundException as error:
            errors.append({"ColumnName": name, "Error": detail(error)})
    return {"ColumnStatisticsList": found, "Errors": errors}


def _delete(ctx: Context, owner: Resource, name: str) -> Doc:
    with suppress(Stale):
        ctx.store.delete(_find(ctx, owner, name))
    return {}


def _find(ctx: Context, owner: Resource, name: str) -> Resource:
    try:
        return ctx.store.get(owner.account, owner.region, STATISTICS, row_name(owner, name))
    except Missing:
        raise EntityNotFoundException(f"Column statistics not found: there are none of the column {name}") from None


def _with(value: Any, leaf: Callable[[str, Any], Any], name: str = "") -> Any:
    if isinstance(value, dict):
        return {member: _with(inner, leaf, member) for member, inner in value.items()}
    return leaf(name, value)


def _packed(name: str, value: Any) -> Any:
    """Rows are JSON: bytes are kept as base64."""
    if isinstance(value, float) and not isfinite(value):
        raise InvalidInputException(f"{name} must be a finite number")
    return base64.b64encode(value).decode() if name == _UNSCALED else value


def _unpacked(name: str, value: Any) -> Any:
    return base64.b64decode(value) if name == _UNSCALED else value
